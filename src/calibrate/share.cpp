// A person's own results as rows that anyone may fit to. Every text of a shared row is written
// anew from what was understood of the result: words of the catalogs and numbers. What stood in the
// person's file, with its names of hosts and folders, is never copied.
#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/characters.hpp"
#include "macfit/core/text.hpp"
#include "rows.hpp"

namespace macfit::calibrate {
namespace {

/// "0.31.3" of "mlx-lm 0.31.3", "b6730" of "llama.cpp b6730 (metal)"; empty where there is none.
std::string version_in(std::string_view text) {
  constexpr std::size_t longest = 16;
  for (std::string_view word : split(text, ' ')) {
    const bool build = word.size() > 1 && word[0] == 'b' && is_digit(word[1]);
    const std::string_view numbers = build ? word.substr(1) : word;
    if (!numbers.empty() && is_digit(numbers[0]) && word.size() <= longest &&
        numbers.find_first_not_of("0123456789.") == std::string_view::npos) {
      return std::string(word);
    }
  }
  return {};
}

std::string runtime_words(const MeasuredRow& row) {
  std::string name;
  switch (*engine_of(row)) {
    case speed::Engine::mlx:
      name = "mlx-lm";
      break;
    case speed::Engine::exo:
      name = "EXO";
      break;
    case speed::Engine::ollama:
      name = "Ollama";
      break;
    case speed::Engine::ds4:
      name = "ds4";
      break;
    case speed::Engine::llama_cpp:
    case speed::Engine::llama_2024:
      name = "llama.cpp";
      break;
  }
  const std::string version = version_in(row.runtime);
  return version.empty() ? name : name + " " + version;
}

/// "2026-11" of "2026-11-28T09:12:00Z": the day is nobody's business.
std::string month_of(std::string_view date) {
  constexpr std::size_t length = 7;
  const std::string_view month = date.substr(0, length);
  const bool good = month.size() == length && month[4] == '-' &&
                    std::count_if(month.begin(), month.end(), is_digit) == 6;
  return good ? std::string(month) : std::string();
}

/// Machines by the catalog's ids where each is one of its, else nothing.
std::vector<const hardware::Machine*> machines_of(const MeasuredRow& row, std::size_t nodes,
                                                  const hardware::Catalog& catalog) {
  std::vector<const hardware::Machine*> machines;
  const std::vector<std::string_view> parts = split(row.hardware, '+');
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::string name(parts.size() == nodes ? trim(parts[i]) : trim(row.hardware));
    const hardware::Machine* machine = name.empty() ? nullptr : catalog.find_machine(name);
    if (machine == nullptr) {
      return {};
    }
    machines.push_back(machine);
  }
  return machines;
}

std::string joined(const std::vector<std::string>& words, std::string_view by) {
  const bool alike = std::all_of(words.begin(), words.end(),
                                 [&](const std::string& word) { return word == words.front(); });
  return alike ? words.front() : fmt::format("{}", fmt::join(words, by));
}

void say_machines(const MeasuredRow& row, const Sample& sample, const hardware::Catalog& catalog,
                  MeasuredRow& shared) {
  std::vector<std::string> chips;
  for (const speed::Chip& chip : sample.chips) {
    chips.push_back(catalog.chip(chip.id).name);
  }
  shared.nodes = static_cast<int>(sample.chips.size());
  shared.chip = joined(chips, " + ");
  shared.hardware = shared.chip;
  if (chips.size() == 1) {
    shared.gpu_cores = sample.chips.front().cores;
  }
  std::vector<std::string> ids;
  std::vector<std::string> sizes;
  for (const hardware::Machine* machine : machines_of(row, sample.chips.size(), catalog)) {
    ids.push_back(machine->id);
    sizes.push_back(std::to_string(machine->ram.count() / gib));
  }
  if (!ids.empty()) {
    shared.hardware = joined(ids, "+");
    shared.ram = joined(sizes, "+");
  }
}

void say_link(const Sample& sample, const hardware::Catalog& catalog, MeasuredRow& shared) {
  if (sample.split == speed::Split::whole) {
    return;
  }
  shared.parallelism = sample.split == speed::Split::tensor ? "tensor" : "pipeline";
  shared.backend = sample.link.transport == hardware::Transport::rdma ? "RDMA" : "TCP";
  for (const hardware::LinkType& type : catalog.links()) {
    if (type.kind == sample.link.kind && type.transport == sample.link.transport) {
      shared.link = type.id;
    }
  }
}

/// Tokens as find_tokens() reads them; nothing where a row has no words for them.
std::optional<std::string> context_words(const Sample& sample) {
  const auto whole = [](double tokens) { return std::llround(tokens); };
  if (sample.prefill) {
    return sample.cached > 0.0 ? std::nullopt
                               : std::optional(fmt::format("{}", whole(sample.prompt)));
  }
  const double before = sample.cached + sample.prompt;
  return before < 1.0 ? fmt::format("tg{}", whole(sample.generated))
                      : fmt::format("{}p/{}g", whole(before), whole(sample.generated));
}

/// The same for the same result, so that a file taken in twice counts once.
std::string id_of(const MeasuredRow& row) {
  std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a
  for (const char c :
       fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", row.hardware, row.chip, row.nodes, row.link,
                   row.runtime, row.model, row.quant, row.context, row.phase, row.value)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  return fmt::format("shared-{:016x}", hash);
}

/// Whether a row asks the speed model what the result asked it.
bool asks_the_same(const Resolution& before, const Sample& sample, const MeasuredRow& shared,
                   const model::Catalog& models, const hardware::Catalog& hardware) {
  const Resolution after = resolve_measurements({shared}, models, hardware);
  if (after.samples.size() != 1) {
    return false;
  }
  const Sample& again = after.samples.front();
  const speed::Work& a = before.works[sample.work];
  const speed::Work& b = after.works[again.work];
  const bool same_chips =
      std::equal(sample.chips.begin(), sample.chips.end(), again.chips.begin(), again.chips.end(),
                 [](const speed::Chip& x, const speed::Chip& y) {
                   return x.id == y.id && x.cores == y.cores;
                 });
  return a.model == b.model && a.format == b.format && same_chips && a.unfused == b.unfused &&
         sample.prefill == again.prefill && sample.split == again.split &&
         sample.cached + sample.prompt == again.cached + again.prompt &&
         (sample.prefill || sample.generated == again.generated) &&
         sample.link.kind == again.link.kind && sample.link.transport == again.link.transport &&
         sample.sequences == again.sequences;
}

}  // namespace

SharedRows share_measurements(std::vector<MeasuredRow> rows, const model::Catalog& models,
                              const hardware::Catalog& hardware) {
  const Resolution resolution = resolve_measurements(std::move(rows), models, hardware);
  SharedRows shared{{}, resolution.skipped};
  for (const Sample& sample : resolution.samples) {
    const MeasuredRow& row = resolution.rows[sample.row];
    const auto skip = [&](std::string reason) {
      shared.skipped.push_back({row.id, std::move(reason)});
    };
    const auto context = context_words(sample);
    if (!row.own) {
      skip("it is published already");
      continue;
    }
    if (!context) {
      skip("its prompt lies behind a cache");
      continue;
    }
    MeasuredRow out;
    say_machines(row, sample, hardware, out);
    say_link(sample, hardware, out);
    out.runtime = runtime_words(row);
    out.model = resolution.works[sample.work].model;
    out.quant = resolution.works[sample.work].format;
    out.context = *context;
    out.batch = static_cast<int>(sample.sequences);
    out.phase = sample.prefill ? "prefill" : "decode";
    out.value = row.value;
    out.date = month_of(row.date);
    out.source = "shared by who measured it";
    out.id = id_of(out);
    if (!asks_the_same(resolution, sample, out, models, hardware)) {
      skip("its format or machine has no words in a row");
      continue;
    }
    shared.rows.push_back(std::move(out));
  }
  return shared;
}

}  // namespace macfit::calibrate
