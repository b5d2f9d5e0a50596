// A measured row as a question to the speed model: chips, link, model, format and lengths looked
// up, or why not.

#include <algorithm>
#include <cctype>
#include <map>
#include <numeric>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/runtime/catalog.hpp"
#include "macfit/runtime/facts.hpp"
#include "rows.hpp"

namespace macfit::calibrate {
namespace {

std::vector<std::string> parts_of(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(trim(text.substr(0, at)));
    if (at == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(at + separator.size());
  }
}

bool is_prefill(std::string_view phase) {
  return phase.starts_with("pre") || phase.starts_with("prompt") || phase == "pp";
}

bool is_decode(std::string_view phase) {
  return phase.starts_with("dec") || phase.starts_with("gen") || phase == "tg";
}

/// The catalog's name of a cable as people write it; the text itself where it is none of them.
std::string link_id(const std::string& cable, bool rdma) {
  struct Spelling {
    std::string_view part;
    std::string_view id;
  };
  static constexpr Spelling spellings[] = {
      {"tb5", "tb5"},           {"thunderbolt 5", "tb5"}, {"thunderbolt-5", "tb5"},
      {"tb4", "tb4"},           {"thunderbolt", "tb4"},   {"wi-fi", "wifi"},
      {"wifi", "wifi"},         {"10g", "10gbe"},         {"10 g", "10gbe"},
      {"1g", "1gbe"},           {"ethernet", "1gbe"},     {"qsfp", "qsfp-200g"},
      {"connectx", "qsfp-200g"}};
  for (const Spelling& spelling : spellings) {
    if (mentions(cable, spelling.part)) {
      const bool either = spelling.id == "tb5";
      return std::string(spelling.id) + (!either ? "" : rdma ? "-rdma" : "-tcp");
    }
  }
  return cable;
}

/// "M1 Pro 14c", "M2 Ultra 76-Core GPU 192GB".
int cores_in(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto number = i == 0 || text[i - 1] == ' ' || text[i - 1] == '('
                            ? leading_number(text.substr(i))
                            : std::nullopt;
    if (number && (number->rest == "c" || number->rest.starts_with("c ") ||
                   number->rest.starts_with("-Core") || number->rest.starts_with("-core"))) {
      return static_cast<int>(number->value);
    }
  }
  return 0;
}

/// A chip as sources write it.
const hardware::Chip* find_chip(std::string_view name, const hardware::Catalog& catalog) {
  std::string text = lower(trim(name));
  if (text.starts_with("apple ")) {
    text = text.substr(6);
  }
  if (const hardware::Chip* chip = catalog.find_chip(text)) {
    return chip;
  }
  if (mentions(text, "395") || mentions(text, "strix")) {
    return catalog.find_chip("strix-halo");
  }
  if (mentions(text, "spark") || mentions(text, "gb10")) {
    return catalog.find_chip("gb10");
  }
  // "m4 max" within a longer text, longest name first.
  const hardware::Chip* best = nullptr;
  for (const hardware::Chip& chip : catalog.chips()) {
    if (mentions(text, lower(chip.name)) &&
        (best == nullptr || chip.name.size() > best->name.size())) {
      best = &chip;
    }
  }
  return best;
}

/// Collectives a layer of a tensor split, as the runtime with these kernels states them.
double collectives_of(const model::Model& model, speed::Engine engine) {
  for (const runtime::Runtime* runtime : runtime::Catalog::embedded().all()) {
    if (runtime->engine() == speed::engine_name(engine)) {
      const runtime::Facts& facts = runtime->facts();
      const runtime::ClassFacts* known = facts.find_class(model.architecture.type);
      return static_cast<double>((known != nullptr ? *known : facts.every_class).collectives);
    }
  }
  return static_cast<double>(runtime::ClassFacts{}.collectives);
}

double ram_of(const std::string& text, std::size_t node) {
  std::vector<std::string> parts = parts_of(text, "+");
  if (parts.size() == 1) {
    parts = parts_of(text, "/");
  }
  const auto number = leading_number(parts[std::min(node, parts.size() - 1)]);
  return number ? number->value : 0.0;
}

class Resolver {
 public:
  Resolver(Resolution& resolution, const model::Catalog& models, const hardware::Catalog& hardware)
      : resolution_(resolution), models_(models), hardware_(hardware) {}

  void add(std::size_t index) {
    const MeasuredRow& row = resolution_.rows[index];
    Sample sample;
    sample.row = index;
    const std::string reason = fill(row, sample);
    if (!reason.empty()) {
      resolution_.skipped.push_back({row.id, reason});
      return;
    }
    resolution_.samples.push_back(std::move(sample));
  }

 private:
  std::string fill(const MeasuredRow& row, Sample& sample) {
    const std::string phase = lower(row.phase);
    sample.prefill = is_prefill(phase);
    if (!sample.prefill && !is_decode(phase)) {
      return "the phase is neither decode nor prefill";
    }
    if (row.value <= 0.0) {
      return "the speed is not positive";
    }
    sample.published = row.value;
    sample.sequences = std::max(1, row.batch);
    sample.source = row.own ? "own" : source_of(row);
    for (std::string reason : {fill_chips(row, sample), fill_link(row, sample)}) {
      if (!reason.empty()) {
        return reason;
      }
    }
    const auto engine = engine_of(row);
    if (!engine) {
      const bool stated = !row.runtime.empty() && lower(row.runtime) != "n/s";
      return stated ? "no constants for such a runtime: \"" + printable(row.runtime, 40) + "\""
                    : std::string("the runtime is not stated");
    }
    const auto tokens = find_tokens(row, sample.prefill);
    if (!tokens) {
      return "the length of the prompt is not stated";
    }
    sample.cached = tokens->cached;
    sample.prompt = tokens->prompt;
    sample.generated = tokens->generated;
    sample.prefill_step = tokens->step;
    sample.assumed = sample.assumed || tokens->assumed;
    std::string reason = fill_work(row, *engine, sample);
    if (reason.empty()) {
      fill_layers(sample);
      name(row, *engine, sample);
    }
    return reason;
  }

  std::string fill_chips(const MeasuredRow& row, Sample& sample) {
    const std::vector<std::string> names = parts_of(row.chip, " + ");
    const auto nodes = static_cast<std::size_t>(std::max(1, row.nodes));
    // "mac-studio-m4-max-128+mac-mini-m4-pro-64" has a machine for each node.
    const std::vector<std::string> machines = parts_of(row.hardware, "+");
    for (std::size_t i = 0; i < nodes; ++i) {
      const std::string& name = names[std::min(i, names.size() - 1)];
      if (row.chip.empty() || !row.hardware.empty()) {
        if (const hardware::Machine* machine = hardware_.find_machine(
                nodes > 1 && machines.size() == nodes ? machines[i] : row.hardware)) {
          const hardware::Chip& chip = hardware_.chip(machine->chip);
          sample.chips.push_back(speed::chip_of(chip, machine->gpu_cores, machine->ram));
          continue;
        }
      }
      const hardware::Chip* chip = find_chip(name, hardware_);
      if (chip == nullptr) {
        return "no such chip is known: \"" + printable(name, 60) + "\"";
      }
      const int cores = row.gpu_cores > 0 ? row.gpu_cores : cores_in(row.hardware);
      const Bytes ram(static_cast<std::int64_t>(ram_of(row.ram, i)) * gib);
      sample.chips.push_back(speed::chip_of(*chip, names.size() > 1 ? 0 : cores, ram));
    }
    for (const speed::Chip& chip : sample.chips) {
      if (chip.bandwidth <= 0.0) {
        return "the memory bandwidth of " + chip.id + " is not known";
      }
      if (sample.prefill && chip.flops <= 0.0) {
        return "the FLOP rate of " + chip.id + " is not known";
      }
    }
    return {};
  }

  std::string fill_link(const MeasuredRow& row, Sample& sample) {
    if (sample.chips.size() == 1) {
      return {};
    }
    const std::string way = lower(row.parallelism);
    if (mentions(way, "tensor")) {
      sample.split = speed::Split::tensor;
    } else if (mentions(way, "pipeline") || mentions(way, "layer")) {
      sample.split = speed::Split::pipeline;
    } else {
      return "how the nodes share the model is not stated";
    }
    const std::string cable = lower(row.link);
    const std::string backend = lower(row.backend);
    const bool rdma = mentions(backend, "rdma") || mentions(backend, "jaccl");
    sample.assumed = !rdma && !mentions(backend, "tcp") && !mentions(backend, "ring");
    const hardware::LinkType* type = hardware_.find_link(link_id(cable, rdma));
    if (type == nullptr) {
      return "no figures for such a link: \"" + printable(row.link, 40) + "\"";
    }
    sample.link = speed::link_of(*type);
    return {};
  }

  /// How big the caches, weights and layers are: shared by the rows of one model and format.
  std::string fill_work(const MeasuredRow& row, speed::Engine engine, Sample& sample) {
    const std::string model_key = lower(row.model);
    auto found = found_.find(model_key);
    if (found == found_.end()) {
      found = found_.emplace(model_key, find_model(row.model, models_)).first;
    }
    if (!found->second) {
      return "the model's shapes are not known: \"" + printable(row.model, 60) + "\"";
    }
    const model::Model& model = *found->second;
    const auto format = find_format(row, engine, model);
    if (!format) {
      return "the weight format is not stated or not known: \"" + printable(row.quant, 60) + "\"";
    }
    sample.assumed = sample.assumed || format->assumed;
    const speed::Release release =
        speed::release_from_date(row.built.empty() ? row.date : row.built);
    const std::string key = model.id + "|" + format->name + "|" +
                            std::string(speed::engine_name(engine)) + "|" +
                            std::to_string(release.year * 12 + release.month);
    const auto at = works_.find(key);
    if (at != works_.end()) {
      sample.work = at->second;
      return {};
    }
    speed::Work work;
    try {
      work = format->recipe ? speed::prepare(model, *format->recipe, engine)
                            : speed::prepare(model, format->bits, format->name, engine);
    } catch (const Error& error) {
      return error.what();
    }
    speed::set_release(work, release);
    work.collectives = collectives_of(model, engine);
    if (!work.known) {
      return std::string(work.why);
    }
    sample.work = resolution_.works.size();
    works_.emplace(key, sample.work);
    resolution_.works.push_back(std::move(work));
    return {};
  }

  /// Even stages, or by memory where the nodes are unlike.
  void fill_layers(Sample& sample) const {
    if (sample.split != speed::Split::pipeline) {
      return;
    }
    const auto layers = static_cast<std::int64_t>(resolution_.works[sample.work].layers);
    const auto nodes = static_cast<std::int64_t>(sample.chips.size());
    for (std::int64_t i = 0; i < nodes; ++i) {
      sample.layers.push_back(layers * (i + 1) / nodes - layers * i / nodes);
    }
  }

  void name(const MeasuredRow& row, speed::Engine engine, Sample& sample) const {
    const speed::Work& work = resolution_.works[sample.work];
    const speed::Chip& chip = sample.chips[0];
    const std::string family =
        chip.generation > 0 ? "M" + std::to_string(chip.generation) : chip.id;
    const std::size_t nodes = sample.chips.size();
    sample.name_class = family + ", " + std::string(speed::engine_name(engine)) + ", " +
                        (work.mixture() ? "experts" : "dense") + ", " +
                        (sample.prefill ? "prefill" : "decode") + ", " +
                        (nodes == 1 ? "1 node" : std::to_string(nodes) + " nodes");
    sample.configuration = sample.source + "|" + work.model + "|" + work.format + "|" + chip.id +
                           "|" + std::to_string(row.gpu_cores) + "|" + row.runtime + " " +
                           row.release + "|" + (sample.prefill ? "prefill|" : "decode|") +
                           std::to_string(nodes) + row.parallelism + row.backend;
  }

  Resolution& resolution_;
  const model::Catalog& models_;
  const hardware::Catalog& hardware_;
  std::map<std::string, std::optional<model::Model>> found_;
  std::map<std::string, std::size_t> works_;
};

}  // namespace

speed::Question Sample::question() const {
  speed::Question q;
  q.split = split;
  q.chips = chips;
  q.layers = layers;
  q.link = link;
  q.cached = cached;
  q.prompt = prompt;
  q.generated = generated;
  q.sequences = sequences;
  q.prefill_step = prefill_step;
  return q;
}

Resolution resolve_measurements(std::vector<MeasuredRow> rows, const model::Catalog& models,
                                const hardware::Catalog& hardware) {
  Resolution resolution;
  resolution.rows = std::move(rows);
  Resolver resolver(resolution, models, hardware);
  for (std::size_t i = 0; i < resolution.rows.size(); ++i) {
    if (resolution.rows[i].usable) {
      resolver.add(i);
    }
  }
  return resolution;
}

std::vector<MeasuredRow> join_measurements(std::vector<MeasuredRow> rows,
                                           const std::vector<MeasuredRow>& others) {
  const auto says = [](const MeasuredRow& row) {
    return source_of(row) + "|" + lower(row.model) + "|" + row.chip + "|" + row.quant + "|" +
           row.context + "|" + row.phase + "|" + std::to_string(row.nodes) + "|" +
           std::to_string(row.value);
  };
  std::map<std::string, bool> ids;
  std::map<std::string, bool> contents;
  for (const MeasuredRow& row : rows) {
    ids[row.id] = true;
    contents[says(row)] = true;
  }
  for (const MeasuredRow& row : others) {
    if (!ids.contains(row.id) && !contents.contains(says(row))) {
      rows.push_back(row);
    }
  }
  return rows;
}

double predict(const Resolution& resolution, const Sample& sample,
               const speed::Constants& constants) {
  const speed::Work& work = resolution.works[sample.work];
  speed::Question q = sample.question();
  if (sample.prefill) {
    q.sequences = 1.0;
    return q.prompt / speed::prefill_seconds(work, q, constants);
  }
  return q.sequences / speed::decode_step(work, q, constants).total();
}

}  // namespace macfit::calibrate
