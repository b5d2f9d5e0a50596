#include "macfit/core/characters.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "rows.hpp"

namespace macfit::calibrate {
namespace {

/// The number after "key=" in a line.
std::optional<double> number_after(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const auto number = leading_number(line.substr(at + key.size()));
  return number ? std::optional(number->value) : std::nullopt;
}

struct Header {
  std::string model;
  std::string quant;
  std::string machine;
  std::string runtime = "mlx-lm";
  std::string link = "none";
  std::string backend = "none";
  std::string split = "none";
  int nodes = 1;
};

void read_header(std::string_view line, Header& header) {
  for (const std::string_view word : split(line, ' ')) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      continue;
    }
    const std::string_view key = word.substr(0, equals);
    const std::string value(word.substr(equals + 1));
    if (key == "model") {
      header.model = value;
    } else if (key == "quant") {
      header.quant = value;
    } else if (key == "machine") {
      header.machine = value;
    } else if (key == "runtime") {
      header.runtime = value;
    } else if (key == "link") {
      header.link = value;
    } else if (key == "backend") {
      header.backend = value;
    } else if (key == "split") {
      header.split = value;
    } else if (key == "nodes") {
      header.nodes = static_cast<int>(parse_whole(value, "nodes", 1, 1000));
    }
  }
}

}  // namespace

std::optional<LeadingNumber> leading_number(std::string_view text) {
  constexpr std::size_t longest = 15;
  std::size_t end = 0;
  bool point = false;
  while (end < text.size() && end < longest &&
         (is_digit(text[end]) || (text[end] == '.' && !point && end > 0))) {
    point = point || text[end] == '.';
    ++end;
  }
  if (end > 0 && text[end - 1] == '.') {
    --end;
  }
  if (end == 0) {
    return std::nullopt;
  }
  return LeadingNumber{std::stod(std::string(text.substr(0, end))), text.substr(end)};
}

std::vector<MeasuredRow> read_benchmark_text(std::string_view text, const RowDefaults& defaults) {
  Header header{defaults.model, defaults.quant, defaults.machine};
  std::vector<MeasuredRow> rows;
  double prompt = 0.0;
  double generated = 0.0;
  double batch = 1.0;
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (line.starts_with("# macfit")) {
      read_header(line, header);
    }
    if (const auto tokens = number_after(line, "prompt_tokens=")) {
      prompt = *tokens;
      generated = number_after(line, "generation_tokens=").value_or(generated);
      batch = number_after(line, "batch_size=").value_or(1.0);
    }
    if (!line.starts_with("Averages:")) {
      continue;
    }
    if (header.model.empty() || header.machine.empty()) {
      throw Error("these results don't say which model ran on which machine", {},
                  "give --model and --machine, or a line \"# macfit model=... machine=...\"");
    }
    for (const bool prefill : {true, false}) {
      const auto value = number_after(line, prefill ? "prompt_tps=" : "generation_tps=");
      if (!value || *value <= 0.0) {
        continue;
      }
      MeasuredRow row;
      row.id = "mlx-benchmark-" + std::to_string(rows.size() + 1);
      row.own = true;
      row.source = "own results";
      row.runtime = header.runtime;
      row.model = header.model;
      row.quant = header.quant;
      row.hardware = header.machine;
      row.link = header.link;
      row.backend = header.backend;
      row.parallelism = header.split;
      row.nodes = header.nodes;
      row.batch = static_cast<int>(batch);
      row.phase = prefill ? "prefill" : "decode";
      row.cached = 0.0;
      row.prompt = prompt;
      row.generated = generated;
      row.value = *value;
      rows.push_back(row);
    }
  }
  if (rows.empty()) {
    throw Error(
        "expected rows of measurements, llama-bench's JSON or what mlx_lm.benchmark prints");
  }
  return rows;
}

}  // namespace macfit::calibrate
