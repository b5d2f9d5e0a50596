// Models, machines and clusters of the catalogs in a terminal.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/catalog/catalog_report.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

std::string bandwidth_words(const std::optional<hardware::Figure<Bandwidth>>& figure) {
  if (!figure) {
    return "not known";
  }
  const double value = figure->value.value() / 1e9;
  return fmt::format("{:.{}f} GB/s", value, value < 10 ? 2 : 0);
}

std::string formats_words(const model::Model& model) {
  std::vector<std::string> names;
  for (const model::PublishedFormat& format : model.formats) {
    names.push_back(format.recipe.name);
  }
  std::string words;
  for (const std::string& name : names) {
    words += (words.empty() ? "" : " ") + name;
  }
  return words;
}

/// "94 full", "10 full + 52 sliding".
std::string layer_words(const model::Architecture& architecture) {
  std::vector<std::string> parts;
  for (std::size_t b = 0; b < architecture.blocks.size(); ++b) {
    const auto count = std::count(architecture.layers.begin(), architecture.layers.end(), b);
    parts.push_back(fmt::format("{} {}", count, architecture.blocks[b].name));
  }
  return join_words(parts);
}

std::string slower_words(double times) {
  if (times < 1) {
    return fmt::format("{:.1f} times faster", 1 / times);
  }
  return times < 10 ? fmt::format("{:.1f} times slower", times)
                    : fmt::format("{} times slower", format_whole(std::llround(times)));
}

}  // namespace

std::string version_text(const VersionFacts& facts) {
  return fmt::format(
      "macfit {}\ncatalog {}: {} models, {} machines, {} chips\ncompiled by {}, {}\n",
      facts.version, printable(facts.catalog), facts.models, facts.machines, facts.chips,
      facts.compiler, facts.build);
}

std::string models_text(const std::vector<model::Model>& models, const Style& style) {
  Table table({{"model", false, false},
               {"parameters", true, false},
               {"active", true, true},
               {"4-bit weights", true, false},
               {"context", true, true},
               {"cache a token", true, true},
               {"type", false, true},
               {"formats", false, true}});
  const model::Recipe four_bit = model::parse_recipe("q4");
  for (const model::Model& model : models) {
    const model::ParameterCount count = model::parameters_of(model);
    table.add(
        {model.id, format_parameters(count.total),
         count.active == count.total ? "all" : format_parameters(count.active),
         format_gb(model::weights_of(model, four_bit).total()),
         model.architecture.context > 0 ? format_tokens(Tokens(model.architecture.context)) : "–",
         model.architecture.cache_known ? format_gb(model::kv_bytes_per_token(model.architecture))
                                        : "not known",
         model.architecture.type, formats_words(model)});
  }
  return table.text(style, 0);
}

namespace {

/// "name            value" lines, values wrapped.
class Facts {
 public:
  explicit Facts(const Style& style) : style_(&style) {}
  void add(const std::string& name, const std::string& value) {
    constexpr std::size_t name_width = 16;
    text_ += "  " + name +
             std::string(name_width > name.size() ? name_width - name.size() : 1, ' ') +
             wrap(value, style_->width, name_width + 2) + '\n';
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  const Style* style_;
  std::string text_;
};

/// What a checkpoint holds and runtimes don't load; empty where there is no such part.
std::string not_loaded_words(const model::Extras& extras) {
  const bool vision = extras.vision_parameters.value_or(1) > 0;
  std::string words;
  if (extras.mtp_layers > 0) {
    words = fmt::format(
        "{} multi-token-prediction layer(s), {}; ", extras.mtp_layers,
        extras.mtp_parameters ? format_parameters(*extras.mtp_parameters) : "count not known");
  }
  if (vision) {
    words += extras.vision_parameters
                 ? "vision and audio " + format_parameters(*extras.vision_parameters)
                 : "vision and audio, count not known";
  }
  return words;
}

std::string cache_words(const model::Architecture& architecture) {
  if (!architecture.cache_known) {
    return "not known: no plan is possible, only weights";
  }
  const Bytes constant = model::kv_constant_bytes(architecture);
  return fmt::format(
      "{} bytes a token (bf16){}", format_whole(model::kv_bytes_per_token(architecture).count()),
      constant > Bytes(0)
          ? fmt::format(" + {} bytes whatever the context", format_whole(constant.count()))
          : "");
}

void add_shapes(Facts& facts, const model::Model& model) {
  const model::Architecture& architecture = model.architecture;
  facts.add("architecture",
            fmt::format("{}: hidden {}, vocabulary {}, {} head", printable(architecture.type),
                        format_whole(architecture.hidden), format_whole(architecture.vocabulary),
                        architecture.tied ? "tied" : "own"));
  facts.add("layers", fmt::format("{}: {}", architecture.layers.size(), layer_words(architecture)));
  const model::ParameterCount count = model::parameters_of(model);
  facts.add("parameters",
            fmt::format("{} ({}); {} active; embedding {}, head {}", format_whole(count.total),
                        format_parameters(count.total),
                        count.active == count.total ? "all" : format_parameters(count.active),
                        format_parameters(count.embedding),
                        architecture.tied ? "tied" : format_parameters(count.head)));
  if (const std::string words = not_loaded_words(architecture.extras); !words.empty()) {
    facts.add("not loaded", words);
  }
  facts.add("context", architecture.context > 0 ? format_whole(architecture.context) + " tokens"
                                                : std::string("not stated"));
  facts.add("cache", cache_words(architecture));
}

std::string class_table(const model::WeightLayout& layout, const Style& style) {
  Table classes({{"class", false, false}, {"bytes", true, false}, {"share", true, false}});
  for (int c = 0; c < model::tensor_class_count; ++c) {
    const Bytes bytes = layout.by_class.at(static_cast<std::size_t>(c));
    if (bytes > Bytes(0)) {
      classes.add({std::string(model::tensor_class_name(static_cast<model::TensorClass>(c))),
                   format_whole(bytes.count()),
                   format_percent(bytes.as_double() / layout.total().as_double())});
    }
  }
  return classes.empty() ? std::string() : classes.text(style);
}

std::string format_table(const model::Model& model, const Style& style) {
  if (model.formats.empty()) {
    return {};
  }
  Table formats({{"published format", false, false},
                 {"bytes", true, false},
                 {"evidence", false, false},
                 {"source", false, true}});
  for (const model::PublishedFormat& format : model.formats) {
    formats.add({format.recipe.name, format.bytes ? format_whole(format.bytes->count()) : "–",
                 format.bytes ? std::string(evidence_name(format.evidence)) : "–",
                 printable(format.source, 60)});
  }
  return '\n' + formats.text(style);
}

}  // namespace

std::string model_text(const model::Model& model, const model::Recipe& recipe, const Style& style) {
  const model::WeightLayout layout = model::weights_of(model, recipe);
  Facts facts(style);
  if (!model.repository.empty()) {
    facts.add("repository", printable(model.repository));
  }
  facts.add("source", fmt::format("{} ({}){}", model::source_name(model.source),
                                  evidence_name(model.evidence),
                                  model.architecture_source.empty()
                                      ? ""
                                      : ", " + printable(model.architecture_source, 400)));
  if (!model.architecture.layers.empty()) {
    add_shapes(facts, model);
  }
  facts.add("weights",
            fmt::format("{} bytes ({}, {}) in {}, {}", format_whole(layout.total().count()),
                        format_gb(layout.total()), format_gib(layout.total()),
                        printable(layout.format), evidence_name(layout.evidence)));
  std::string text = paint(style, Paint::bold, printable(model.id)) + '\n' + facts.text() + '\n' +
                     class_table(layout, style) + format_table(model, style);
  for (const std::string& note : model.notes) {
    text += "  • " + wrap(note, style.width, 4) + '\n';
  }
  return encode(style, text);
}

std::string hardware_text(const hardware::Catalog& catalog, const Style& style) {
  std::string text = paint(style, Paint::bold, "Chips") + '\n';
  Table chips({{"chip", false, false},
               {"bandwidth", true, false},
               {"GPU cores", true, false},
               {"RAM, GB", false, false},
               {"Thunderbolt", false, true}});
  for (const hardware::Chip& chip : catalog.chips()) {
    std::string cores;
    std::string ram;
    for (const hardware::ChipBin& bin : chip.bins) {
      const std::string count = bin.gpu_cores > 0 ? std::to_string(bin.gpu_cores) : "–";
      if (cores.find(count) == std::string::npos) {
        cores += (cores.empty() ? "" : "/") + count;
      }
    }
    for (const Bytes size : chip.ram_sizes()) {
      ram += (ram.empty() ? "" : " ") + std::to_string(size.count() / gib);
    }
    chips.add({chip.id,
               bandwidth_words(chip.bins.empty() ? std::nullopt : chip.bins.back().bandwidth),
               cores, ram, std::string(hardware::thunderbolt_name(chip.thunderbolt))});
  }
  text += chips.text(style);
  text += '\n' + paint(style, Paint::bold, "Machines") + '\n';
  Table machines({{"machine", false, false},
                  {"RAM", true, false},
                  {"price", true, false},
                  {"status", false, true},
                  {"RDMA", false, true}});
  for (const hardware::Machine& machine : catalog.machines()) {
    const char* rdma = machine.rdma == hardware::Ability::yes  ? "yes"
                       : machine.rdma == hardware::Ability::no ? "no"
                                                               : "not known";
    machines.add(
        {machine.id, format_gib(machine.ram),
         machine.price ? "$" + format_whole(static_cast<std::int64_t>(machine.price->usd)) : "–",
         std::string(hardware::status_name(machine.status)), rdma});
  }
  text += machines.text(style);
  text += '\n' + paint(style, Paint::bold, "Links") + '\n';
  Table links({{"link", false, false},
               {"", false, true},
               {"bandwidth", true, false},
               {"evidence", false, false}});
  for (const hardware::LinkType& link : catalog.links()) {
    links.add({link.id, link.name, bandwidth_words(link.bandwidth),
               link.bandwidth ? std::string(evidence_name(link.bandwidth->evidence)) : "–"});
  }
  text += links.text(style);
  return encode(style, text);
}

std::string chip_text(const hardware::Catalog& catalog, const hardware::Chip& chip,
                      const Style& style) {
  std::string text = paint(style, Paint::bold, chip.name) + '\n';
  Table bins({{"GPU cores", true, false},
              {"RAM, GB", false, false},
              {"bandwidth", true, false},
              {"evidence", false, false},
              {"source", false, true}});
  for (const hardware::ChipBin& bin : chip.bins) {
    std::string ram;
    for (const Bytes size : bin.ram) {
      ram += (ram.empty() ? "" : " ") + std::to_string(size.count() / gib);
    }
    bins.add({bin.gpu_cores > 0 ? std::to_string(bin.gpu_cores) : "–", ram,
              bandwidth_words(bin.bandwidth),
              bin.bandwidth ? std::string(evidence_name(bin.bandwidth->evidence)) : "–",
              bin.bandwidth ? printable(bin.bandwidth->source, 60) : ""});
  }
  text += bins.text(style);
  if (!chip.bins.empty() && chip.bins.back().bandwidth) {
    text += "\n  Against this memory a link is:\n";
    for (const hardware::LinkSlowdown& slow :
         hardware::link_slowdowns(*chip.bins.back().bandwidth, catalog.links())) {
      if (slow.times) {
        text += fmt::format("    {}: {} ({})\n", slow.link_name, slower_words(slow.times->value),
                            evidence_name(slow.times->evidence));
      }
    }
  }
  return encode(style, text);
}

std::string link_text(const hardware::LinkType& link, const Style& style) {
  std::string text = paint(style, Paint::bold, link.id) + "  " + link.name + '\n';
  const auto figure = [&](const char* name, const auto& value, double scale, const char* unit) {
    if (!value) {
      text += fmt::format("  {}: not known\n", name);
      return;
    }
    text += fmt::format("  {}: {:g} {} ({:g} to {:g}), {}\n", name, value->value.value() * scale,
                        unit, value->low.value() * scale, value->high.value() * scale,
                        evidence_name(value->evidence));
    text += "    " + wrap(printable(value->source, 400), style.width, 4) + '\n';
  };
  figure("cable", link.raw, 1e-9, "GB/s");
  figure("carries", link.bandwidth, 1e-9, "GB/s");
  figure(link.latency_is_round_trip ? "round trip" : "latency", link.latency, 1e6, "µs");
  if (!link.note.empty()) {
    text += "  " + wrap(link.note, style.width, 2) + '\n';
  }
  return encode(style, text);
}

std::string cluster_text(const hardware::Cluster& cluster, const hardware::Catalog& catalog,
                         const Style& style) {
  std::string text =
      paint(style, Paint::bold, printable(cluster.spec)) + ", macOS " + cluster.macos.text() + '\n';
  Table nodes({{"node", false, false},
               {"machine", false, true},
               {"RAM", true, false},
               {"GPU limit", true, false},
               {"evidence", false, true},
               {"whole model", true, false},
               {"part of a shard", true, false},
               {"limit, raised", true, true}});
  for (const hardware::Node& node : cluster.nodes) {
    nodes.add({printable(node.name, 64), printable(node.machine_label), format_gib(node.ram),
               format_gb(node.gpu_limit.bytes),
               node.gpu_limit.stated && node.gpu_limit.evidence == Evidence::exact
                   ? "stated"
                   : std::string(evidence_name(node.gpu_limit.evidence)),
               format_gb(node.effective_whole(false)),
               format_gb(node.effective_part(cluster.cluster_reserve, false)),
               format_gb(node.raised_limit)});
  }
  text += nodes.text(style);
  if (cluster.nodes.size() > 1) {
    text +=
        "\n  " +
        wrap(fmt::format("Sum of effective memory for a sharded model: {} ({}) of {} RAM. Not one "
                         "pool: a sharded model must fit node by node, and a whole one on a "
                         "single node.",
                         format_gb(cluster.effective_sum()), format_gib(cluster.effective_sum()),
                         format_gib(cluster.ram())),
             style.width, 2) +
        '\n';
  }
  const hardware::Node& first = cluster.nodes.front();
  if (first.bandwidth) {
    text +=
        fmt::format("\n  Memory on the chip of {} ({}): {}. Against it a link is:\n",
                    printable(first.name, 64), first.chip_name, bandwidth_words(first.bandwidth));
    const std::string used = cluster.links.empty() ? "" : cluster.links.front().type.id;
    Table links({{"", false, false},
                 {"link", false, false},
                 {"carries", true, false},
                 {"", true, false},
                 {"evidence", false, true}});
    for (const hardware::LinkSlowdown& slow :
         hardware::link_slowdowns(*first.bandwidth, catalog.links())) {
      const hardware::LinkType* link = catalog.find_link(slow.link);
      links.add({slow.link == used ? "→" : "", slow.link_name,
                 bandwidth_words(link == nullptr ? std::nullopt : link->bandwidth),
                 slow.times ? slower_words(slow.times->value) : "not known",
                 link != nullptr && link->bandwidth
                     ? std::string(evidence_name(link->bandwidth->evidence))
                     : "–"});
    }
    text += links.text(style, 4);
  }
  for (const hardware::Problem& problem : cluster.problems) {
    text += "  • " + wrap(problem.text, style.width, 4) + '\n';
  }
  return encode(style, text);
}

}  // namespace macfit::report
