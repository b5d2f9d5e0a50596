// What a Mac says of itself, from the output of the commands that it has: pure functions of text.
// Names are translated by macOS, values are not, so reports are told by their values.
#include "macfit/hardware/detect.hpp"

#include <array>
#include <charconv>
#include <cstdint>

#include "macfit/core/characters.hpp"
#include "macfit/core/text.hpp"

namespace macfit::hardware {
namespace {

constexpr std::string_view section_mark = "== macfit ";

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

/// The whole number that a text begins with.
std::optional<std::int64_t> leading_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() || value < 0) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> only_number(std::string_view text) {
  for (const char c : text) {
    if (!is_digit(c)) {
      return std::nullopt;
    }
  }
  return leading_number(text);
}

struct Line {
  std::string_view key;
  std::string_view value;
};

/// Without blanks and what Markdown, lists and quoting put around words.
std::string_view bare(std::string_view text, std::string_view marks = " \t\r*`\",") {
  const auto first = text.find_first_not_of(marks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(marks) - first + 1);
}

/// "key: value" as people paste it. Full-width colons count.
Line split_line(std::string_view text) {
  const std::string_view line = bare(text, " \t\r*->`\",");
  constexpr std::string_view wide = "\xEF\xBC\x9A";
  const auto narrow_at = line.find(':');
  const auto wide_at = line.find(wide);
  if (narrow_at == std::string_view::npos && wide_at == std::string_view::npos) {
    return {line, {}};
  }
  if (wide_at < narrow_at) {
    return {bare(line.substr(0, wide_at)), bare(line.substr(wide_at + wide.size()))};
  }
  return {bare(line.substr(0, narrow_at)), bare(line.substr(narrow_at + 1))};
}

template <class Do>
void each_line(std::string_view text, const Do& work) {
  for (std::string_view line : split(text, '\n')) {
    if (!line.empty() && line.back() == '\r') {
      line.remove_suffix(1);
    }
    work(line);
  }
}

/// "Apple M4 Max" or "Apple A18 Pro", and nothing after it but a remark in parentheses.
bool is_chip(std::string_view value) {
  constexpr std::string_view maker = "Apple ";
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ()";
  if (!starts_with(value, maker) || value.size() < maker.size() + 2 || value.size() >= 40) {
    return false;
  }
  const char line = value[maker.size()];
  return (line == 'M' || line == 'A') && is_digit(value[maker.size() + 1]) &&
         value.find_first_not_of(letters) == std::string_view::npos;
}

/// "Mac16,9", "MacBookPro18,3".
bool is_model(std::string_view value) {
  constexpr std::array<std::string_view, 7> families = {
      "VirtualMac", "MacBookPro", "MacBookAir", "Macmini", "MacPro", "iMac", "Mac"};
  for (const std::string_view family : families) {
    if (!starts_with(value, family)) {
      continue;
    }
    const std::string_view numbers = value.substr(family.size());
    const auto comma = numbers.find(',');
    return comma != std::string_view::npos && comma > 0 && comma + 1 < numbers.size() &&
           only_number(numbers.substr(0, comma)) && only_number(numbers.substr(comma + 1));
  }
  return false;
}

bool is_model_name(std::string_view value) {
  constexpr std::array<std::string_view, 7> names = {
      "Mac Studio", "Mac mini", "Mac Pro", "MacBook Pro", "MacBook Air", "MacBook Neo", "iMac"};
  for (const std::string_view name : names) {
    if (value == name) {
      return true;
    }
  }
  return false;
}

/// "16 GB", "16GB", "16 Go": memory, where nothing else of the line is said.
std::optional<Bytes> memory_size(std::string_view value) {
  const auto number = leading_number(value);
  std::size_t digits = 0;
  while (digits < value.size() && is_digit(value[digits])) {
    ++digits;
  }
  // A no-break space stands between them in some languages.
  std::string_view unit = trim(value.substr(digits));
  constexpr std::string_view no_break = "\xC2\xA0";
  if (starts_with(unit, no_break)) {
    unit.remove_prefix(no_break.size());
  }
  constexpr std::int64_t smallest = 8;
  constexpr std::int64_t largest = 65536;
  if (!number || *number < 1 || *number > largest) {
    return std::nullopt;
  }
  if (unit == "TB" || unit == "To") {
    return Bytes(*number * 1024 * gib);
  }
  if ((unit != "GB" && unit != "Go") || *number < smallest) {
    return std::nullopt;
  }
  return Bytes(*number * gib);
}

/// "26.2" and "25C56" out of "macOS 26.2 (25C56)" or "macOS Ventura 13.2".
void read_macos_text(std::string_view value, MacFacts& facts) {
  const auto at = value.find("macOS");
  if (at == std::string_view::npos || !facts.macos.empty()) {
    return;
  }
  std::string_view rest = value.substr(at + 5);
  const auto first = rest.find_first_of("0123456789");
  if (first == std::string_view::npos) {
    return;
  }
  rest = rest.substr(first);
  const auto end = std::min(rest.find_first_not_of("0123456789."), rest.size());
  std::string_view version = rest.substr(0, end);
  while (!version.empty() && version.back() == '.') {
    version.remove_suffix(1);
  }
  facts.macos = version;
  const auto open = value.rfind('(');
  const auto close = value.rfind(')');
  if (open != std::string_view::npos && close != std::string_view::npos && close > open + 3 &&
      facts.build.empty()) {
    const std::string_view inside = value.substr(open + 1, close - open - 1);
    facts.build = printable(inside.substr(inside.rfind(' ') + 1), 20);
  }
}

template <class T, class U>
void set_once(std::optional<T>& place, const U& value) {
  if (!place) {
    place = value;
  }
}

void set_once(std::string& place, std::string_view value) {
  if (place.empty()) {
    place = value;
  }
}

/// The first word that looks like a version: "0.32.1", "6730", "v1.0.68".
std::string version_in(std::string_view text) {
  for (std::string_view word : split(text, ' ')) {
    word = trim(word);
    while (!word.empty() && (word.front() == '(' || word.front() == 'v' || word.front() == 'b')) {
      word.remove_prefix(1);
    }
    const auto end = word.find_first_not_of("0123456789.abcdefghijklmnopqrstuvwxyz+-");
    word = word.substr(0, end);
    while (!word.empty() && !is_digit(word.back()) && !(word.back() >= 'a' && word.back() <= 'z')) {
      word.remove_suffix(1);
    }
    if (!word.empty() && is_digit(word.front()) && word.size() <= 32) {
      return std::string(word);
    }
  }
  return {};
}

void read_section(std::string_view name, std::string_view text, MacFacts& facts) {
  if (name == "uname") {
    set_once(facts.system, printable(trim(text), 60));
  } else if (name == "sw_vers") {
    read_sw_vers(text, facts);
  } else if (name == "sysctl") {
    read_sysctl(text, facts);
  } else if (name == "system_profiler") {
    read_profiler_json(text, facts);
  } else if (name == "vm_stat") {
    read_vm_stat(text, facts);
  } else if (name == "df") {
    read_df(text, facts);
  } else if (name == "rdma_ctl") {
    read_rdma_ctl(text, facts);
  } else if (name == "ibv_devices") {
    read_ibv_devices(text, facts);
  } else if (name == "ibv_devinfo") {
    read_ibv_devinfo(text, facts);
  } else if (name == "runtimes") {
    read_runtimes(text, facts);
  }
}

/// A report without sections, as a person pastes it.
void read_pasted(std::string_view text, MacFacts& facts) {
  read_sysctl(text, facts);
  read_sw_vers(text, facts);
  const auto open = text.find('{');
  const auto close = text.rfind('}');
  if (open != std::string_view::npos && close != std::string_view::npos && close > open) {
    read_profiler_json(text.substr(open, close - open + 1), facts);
  }
  read_profiler_text(text, facts);
}

}  // namespace

std::vector<std::string> MacFacts::not_read() const {
  std::vector<std::string> missing;
  const auto want = [&](bool there, const char* what) {
    if (!there) {
      missing.emplace_back(what);
    }
  };
  want(!model.empty() || !model_name.empty(), "the model");
  want(gpu_cores.has_value(), "GPU cores");
  want(!macos.empty(), "the macOS version");
  want(wired_limit.has_value(), "the wired limit");
  want(free_memory.has_value(), "free memory");
  want(free_disk.has_value(), "free disk space");
  want(ports.has_value(), "Thunderbolt ports");
  want(rdma_enabled.has_value(), "RDMA");
  return missing;
}

void read_sysctl(std::string_view text, MacFacts& facts) {
  each_line(text, [&](std::string_view line) {
    const auto [key, value] = split_line(line);
    if (key == "hw.model" && is_model(value)) {
      set_once(facts.model, value);
    } else if (key == "machdep.cpu.brand_string" && value.size() < 80) {
      set_once(facts.chip, value);
    } else if (key == "hw.memsize") {
      if (const auto bytes = only_number(value); bytes && *bytes > 0) {
        set_once(facts.ram, Bytes(*bytes));
      }
    } else if (key == "iogpu.wired_limit_mb") {
      constexpr std::int64_t most = 1 << 26;  // 64 TiB, in MiB
      if (const auto megabytes = leading_number(value); megabytes && *megabytes <= most) {
        set_once(facts.wired_limit, Bytes(*megabytes * mib));
      }
    }
  });
}

void read_sw_vers(std::string_view text, MacFacts& facts) {
  each_line(text, [&](std::string_view line) {
    const auto [key, words] = split_line(line);
    const std::string_view value = words.substr(0, words.find(' '));  // some paste both on one line
    if (key == "ProductVersion" && value.size() < 20 && !value.empty() && is_digit(value.front())) {
      set_once(facts.macos, value);
    } else if (key == "BuildVersion" && value.size() < 20) {
      set_once(facts.build, value);
    }
  });
}

void read_vm_stat(std::string_view text, MacFacts& facts) {
  std::int64_t page = 0;
  std::int64_t pages = 0;
  bool seen = false;
  each_line(text, [&](std::string_view line) {
    constexpr std::string_view size_words = "page size of ";
    if (const auto at = line.find(size_words); at != std::string_view::npos) {
      page = leading_number(line.substr(at + size_words.size())).value_or(0);
    }
    const auto [key, value] = split_line(line);
    if (key == "Pages free" || key == "Pages inactive" || key == "Pages speculative") {
      constexpr std::int64_t most = std::int64_t{1} << 40;
      const auto count = leading_number(value);
      seen = seen || count.has_value();
      pages += count && *count < most ? *count : 0;
    }
  });
  if (seen && page > 0 && page <= mib) {
    set_once(facts.free_memory, Bytes(checked_mul(pages, page)));
  }
}

void read_df(std::string_view text, MacFacts& facts) {
  each_line(text, [&](std::string_view line) {
    std::vector<std::string_view> words;
    for (const std::string_view word : split(line, ' ')) {
      if (!word.empty()) {
        words.push_back(word);
      }
    }
    // Filesystem, blocks of 1 KiB, used, available, …
    constexpr std::int64_t most = std::int64_t{1} << 50;
    if (words.size() >= 5 && only_number(words[1]) && only_number(words[2])) {
      if (const auto free = only_number(words[3]); free && *free < most) {
        facts.free_disk = Bytes(*free * kib);
      }
    }
  });
}

void read_rdma_ctl(std::string_view text, MacFacts& facts) {
  const std::string words = lower(text);
  if (words.find("disabled") != std::string::npos) {
    facts.rdma_enabled = false;
  } else if (words.find("enabled") != std::string::npos) {
    facts.rdma_enabled = true;
  }
}

void read_ibv_devices(std::string_view text, MacFacts& facts) {
  each_line(text, [&](std::string_view line) {
    const std::string_view device = trim(line.substr(0, line.find('\t')));
    const std::string_view name = device.substr(0, device.find(' '));
    if (starts_with(name, "rdma_") && name.size() < 32 && facts.rdma_devices.size() < 64) {
      facts.rdma_devices.emplace_back(name);
    }
  });
  if (!facts.rdma_devices.empty() && !facts.rdma_enabled) {
    facts.rdma_enabled = true;  // there are none where it is off
  }
}

void read_ibv_devinfo(std::string_view text, MacFacts& facts) {
  std::string device;
  each_line(text, [&](std::string_view line) {
    const auto [key, value] = split_line(line);
    if (key == "hca_id") {
      device = value;
    } else if (key == "state" && starts_with(value, "PORT_ACTIVE") && !device.empty() &&
               device.size() < 32 && facts.rdma_active.size() < 64) {
      facts.rdma_active.push_back(device);
    }
  });
}

void read_runtimes(std::string_view text, MacFacts& facts) {
  each_line(text, [&](std::string_view line) {
    const auto [key, value] = split_line(line);
    const bool known = key == "mlx-lm" || key == "exo" || key == "llama.cpp" || key == "ollama" ||
                       key == "lm-studio" || key == "mlx";
    for (const InstalledRuntime& have : facts.runtimes) {
      if (have.name == key) {
        return;
      }
    }
    if (std::string version = version_in(value); known && !version.empty()) {
      facts.runtimes.push_back({std::string(key), std::move(version)});
    }
  });
}

void read_profiler_text(std::string_view text, MacFacts& facts) {
  int chips_seen = 0;
  each_line(text, [&](std::string_view line) {
    const auto [key, value] = split_line(line);
    read_macos_text(line, facts);
    if (value.empty()) {
      return;
    }
    if (is_chip(value)) {
      ++chips_seen;
      set_once(facts.chip, value);
    } else if (is_model(value)) {
      set_once(facts.model, value);
    } else if (is_model_name(value)) {
      set_once(facts.model_name, value);
    } else if (const auto ram = memory_size(value)) {
      set_once(facts.ram, *ram);
    } else if (const auto cores = only_number(value)) {
      // The overview says "10 (8 performance and 2 efficiency)"; a bare number after the chip is
      // named once more is the GPU's.
      const bool of_gpu = chips_seen > 1 || key.find("GPU") != std::string_view::npos;
      if (of_gpu && *cores > 0 && *cores < 1000) {
        set_once(facts.gpu_cores, static_cast<int>(*cores));
      }
    } else if (starts_with(lower(value), "intel") ||
               value.find(" Intel ") != std::string_view::npos) {
      set_once(facts.chip, printable(value, 80));
    }
  });
}

MacFacts read_report(std::string_view report) {
  MacFacts facts;
  std::string_view rest = report;
  const auto next_mark = [](std::string_view text) {
    if (starts_with(text, section_mark)) {
      return std::size_t{0};
    }
    const auto at = text.find("\n" + std::string(section_mark));
    return at == std::string_view::npos ? text.size() : at + 1;
  };
  // What a login shell greets with stands before the first section and is passed over.
  const auto first = next_mark(rest);
  if (first == rest.size()) {
    read_pasted(rest, facts);
    return facts;
  }
  rest.remove_prefix(first);
  while (!rest.empty()) {
    const auto line_end = std::min(rest.find('\n'), rest.size());
    const std::string_view name =
        trim(rest.substr(section_mark.size(), line_end - section_mark.size()));
    rest.remove_prefix(std::min(line_end + 1, rest.size()));
    const auto end = next_mark(rest);
    read_section(name, rest.substr(0, end), facts);
    rest.remove_prefix(end);
  }
  return facts;
}

}  // namespace macfit::hardware
