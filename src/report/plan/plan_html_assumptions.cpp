// What a plan rests on, for its page: sources, limits, calibration.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/hardware/link.hpp"
#include "plan_html.hpp"

namespace macfit::report {
namespace {

using html::element;
using html::Markup;
using html::text;

/// Collects what a plan takes for granted, each once.
class Assumptions {
 public:
  Assumptions(const plan::Request& request, const plan::Placement* shown)
      : request_(request), shown_(shown) {}

  Markup table() {
    workload();
    if (!request_.model.id.empty()) {
      model();
    }
    if (shown_ != nullptr) {
      weights(*shown_);
    }
    for (const hardware::Node& node : request_.cluster.nodes) {
      machine(node);
    }
    cluster();
    for (const hardware::Link& link : request_.cluster.links) {
      joined(link);
    }
    speeds();
    return html::table(
        "What this plan takes for granted",
        {{"What", false}, {"Taken as", false}, {"Evidence", false}, {"Source", false}}, rows_);
  }

 private:
  void add(std::string_view what, std::string_view value, std::string_view evidence,
           std::string_view source) {
    const std::string key = fmt::format("{}\n{}\n{}", what, value, source);
    if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) {
      return;  // as on a node before
    }
    keys_.push_back(key);
    rows_.push_back({text(what), text(value), text(evidence),
                     source.empty() ? text("–") : html::source(source)});
  }

  /// "stated" for what a flag says, the words else; "as asked" where the flags are not known.
  [[nodiscard]] std::string_view asked(std::string_view flag, std::string_view otherwise) const {
    if (request_.flags.empty()) {
      return "as asked";
    }
    const bool given = std::any_of(request_.flags.begin(), request_.flags.end(),
                                   [&](const auto& pair) { return pair.first == flag; });
    return given ? "stated" : otherwise;
  }
  [[nodiscard]] std::string flag_source(std::string_view flag, std::string_view otherwise) const {
    return request_.flags.empty()    ? std::string()
           : asked(flag, {}).empty() ? std::string(otherwise)
                                     : std::string(flag);
  }

  void workload() {
    const runtime::Workload& workload = request_.workload;
    add("Context",
        fmt::format("{} tokens a sequence, all of it as prompt at the peak",
                    format_whole(workload.context.count())),
        asked("--context", "default"), flag_source("--context", "macfit's default"));
    add("Sequences at a time, a replica", std::to_string(workload.sequences),
        asked("--sequences", "default"), flag_source("--sequences", "macfit's default"));
    add("Cache format",
        workload.kv_values ? fmt::format("{} keys, {} values", runtime::kv_format_name(workload.kv),
                                         runtime::kv_format_name(*workload.kv_values))
                           : std::string(runtime::kv_format_name(workload.kv)),
        asked("--kv", "default"), flag_source("--kv", "macfit's default"));
    add("Prompt tokens a pass", format_whole(workload.prefill_step),
        asked("--prefill-step", "default"), flag_source("--prefill-step", "macfit's default"));
  }

  void model() {
    const model::Model& model = request_.model;
    add("Shapes of " + printable(model.id),
        model.architecture.layers.empty()
            ? std::string("not known: weights alone")
            : fmt::format("{} layers, read from: {}", model.architecture.layers.size(),
                          model::source_name(model.source)),
        evidence_name(model.evidence), model.architecture_source);
  }

  void weights(const plan::Placement& shown) {
    std::string where = "tensor by tensor from the shapes and the format's rule";
    if (request_.model.stored) {
      where = "headers of the files";
    } else if (request_.model.nominal) {
      where = "the size in the model's name";
    }
    add("Weights",
        fmt::format("{} as {}", format_gb(shown.weight_bytes), printable(shown.format, 64)),
        evidence_name(shown.weight_evidence), where);
    add("KV cache", "as the runtime allocates it, slot by slot",
        request_.model.architecture.cache_known ? evidence_name(request_.model.evidence)
                                                : "not known",
        fmt::format("allocation rules in {}'s source; docs/fit.md", shown.runtime->name()));
    add("Activations, communication and the runtime itself",
        "peaks of a prefill step, buffers, process and Metal base",
        evidence_name(Evidence::estimated), "formulas in docs/fit.md");
    if (shown.standing.raised()) {
      add("Raised GPU limit", "max(default, RAM − max(5 GiB, 5 % of RAM))",
          evidence_name(Evidence::estimated), "a rule of macfit; docs/hardware.md");
    }
  }

  void machine(const hardware::Node& node) {
    const std::string label = printable(node.machine_label);
    add("GPU limit of " + label, format_gb(node.gpu_limit.bytes),
        node.gpu_limit.stated ? "stated" : evidence_name(node.gpu_limit.evidence),
        node.gpu_limit.stated ? std::string("--wired-limit or the cluster file")
                              : node.gpu_limit.source);
    if (node.reserve > Bytes(0)) {
      add("Kept free on " + printable(node.name, 64), format_gb(node.reserve), "stated",
          "--reserve or the cluster file");
    }
    const auto rate = [](const hardware::Figure<Bandwidth>& figure) {
      return fmt::format("{:.0f} GB/s", figure.value.value() / 1e9);
    };
    if (node.bandwidth) {
      add("Memory bandwidth of " + label, rate(*node.bandwidth),
          evidence_name(node.bandwidth->evidence), node.bandwidth->source);
    }
    if (node.stream) {
      add("The same, GPU STREAM", rate(*node.stream), evidence_name(node.stream->evidence),
          node.stream->source);
    }
    if (node.tflops) {
      add("Arithmetic of " + label, fmt::format("{:.1f} TFLOPS", node.tflops->value),
          evidence_name(node.tflops->evidence), node.tflops->source);
    }
  }

  void cluster() {
    const hardware::Cluster& cluster = request_.cluster;
    add("macOS", cluster.macos.text(), asked("--macos", "default"),
        flag_source("--macos", "the newest known, or the cluster file"));
    if (cluster.nodes.size() > 1) {
      add("Kept free on each node of a sharded model", format_percent(cluster.cluster_reserve),
          asked("--cluster-reserve", "default"),
          flag_source("--cluster-reserve",
                      "allocator slack and transport that no formula models; "
                      "docs/fit.md"));
    }
  }

  void joined(const hardware::Link& link) {
    const hardware::LinkType& type = link.type;
    const auto span = [](double value, double low, double high, const char* unit) {
      return fmt::format("{:.3g} {} ({:.3g}–{:.3g})", value, unit, low, high);
    };
    if (type.bandwidth) {
      const auto& figure = *type.bandwidth;
      add(type.name + ", one stream",
          span(figure.value.value() / 1e9, figure.low.value() / 1e9, figure.high.value() / 1e9,
               "GB/s"),
          evidence_name(figure.evidence), figure.source);
    }
    if (type.latency) {
      const auto& figure = *type.latency;
      add(type.name + (type.latency_is_round_trip ? ", round trip" : ", one message"),
          span(figure.value.value() * 1e6, figure.low.value() * 1e6, figure.high.value() * 1e6,
               "µs"),
          evidence_name(figure.evidence), figure.source);
    }
  }

  void speeds() {
    const speed::Calibration& calibration =
        request_.calibration ? *request_.calibration : speed::Calibration::embedded();
    for (std::size_t i = 0; i < speed::figure_count; ++i) {
      const speed::Residuals& residuals = calibration.residuals.at(i);
      if (residuals.rows == 0) {
        continue;
      }
      add(fmt::format("Interval of {} speeds", speed::figure_name(static_cast<speed::Figure>(i))),
          fmt::format("{} to {} of the estimate, at the least",
                      format_percent(std::exp(residuals.low)),
                      format_percent(std::exp(residuals.high))),
          evidence_name(Evidence::community),
          fmt::format("{} published results on {} configurations, {} sources; docs/speed.md",
                      residuals.rows, residuals.configurations, residuals.sources));
    }
    add("Catalog", printable(request_.catalog_version), "–", "macfit models, macfit hardware");
  }

  const plan::Request& request_;
  const plan::Placement* shown_;
  std::vector<std::string> keys_;
  std::vector<std::vector<Markup>> rows_;
};

Markup evidence_words() {
  Markup items;
  const std::pair<Evidence, const char*> meanings[] = {
      {Evidence::exact, "read from tensor headers or a runtime's source"},
      {Evidence::measured, "measured on this machine, model, format and runtime"},
      {Evidence::measured_near, "measured on a near neighbor"},
      {Evidence::community, "submitted by users; the method is partly known"},
      {Evidence::vendor, "the vendor's figure"},
      {Evidence::extrapolated, "a measured rule carried beyond what it was measured at"},
      {Evidence::estimated, "a formula without a measurement behind it"}};
  for (const auto& [evidence, meaning] : meanings) {
    items += element(
        "li", element("strong", evidence_name(evidence)) + text(fmt::format(": {}", meaning)));
  }
  return element("h3", "What the evidence words mean, best first") + element("ul", items);
}

}  // namespace

Markup assumptions_section(const plan::Request& request, const plan::Placement* shown,
                           const Markup& more) {
  return html::section(
      "assumptions", "Assumptions and where they come from",
      more + element("div", {{"class", "words"}}, Assumptions(request, shown).table()) +
          evidence_words());
}

}  // namespace macfit::report
