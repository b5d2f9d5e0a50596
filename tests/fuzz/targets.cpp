// One function for each reader of foreign bytes, for the fuzzer and for the corpus's replay.

#include "targets.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "cli/batch.hpp"
#include "cli/options.hpp"
#include "macfit/calibrate/calibrate.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "macfit/model/gguf/shape.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/manifest.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/read/byte_source.hpp"
#include "macfit/read/gguf_file.hpp"
#include "macfit/read/hf_config.hpp"
#include "macfit/read/mlx_checkpoint.hpp"
#include "macfit/read/safetensors.hpp"
#include "macfit/report/check/check_report.hpp"
#include "macfit/report/compare/compare_report.hpp"
#include "macfit/study/check.hpp"
#include "macfit/study/night.hpp"
#include "macfit/study/sweep.hpp"

namespace macfit::fuzz {
namespace {

using namespace macfit::model;

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Runs one step; an Error is a fine end of it.
template <class Step>
void attempt(Step step) {
  try {
    step();
  } catch (const Error&) {
    return;
  }
}

/// Everything that planning asks of a model's shapes.
void use(const Architecture& architecture) {
  attempt([&] { (void)count_parameters(architecture); });
  attempt([&] { (void)cache_shapes(architecture); });
  attempt([&] {
    Recipe recipe;
    recipe.name = "Q4_K_M";
    recipe.kind = Recipe::Kind::gguf;
    (void)gguf_weights(architecture, recipe);
  });
  attempt([&] { (void)llama_cache(architecture, {}); });
  attempt([&] { (void)weight_layout(architecture, parse_recipe("4bit")).total(); });
}

/// What holds whatever the bytes are.
void demand(bool so) {
  if (!so) {
    std::abort();
  }
}

}  // namespace

void gguf(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const read::MemorySource source(text_of(data, size), "fuzz.gguf");
    const read::GgufHeader header = read::read_gguf_header(source);
    attempt([&] { use(read::gguf_model(header, "fuzz").architecture); });
  });
}

void safetensors(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const read::MemorySource source(text_of(data, size), "fuzz.safetensors");
    const read::SafetensorsHeader header = read::read_safetensors_header(source);
    attempt([&] { (void)read::checkpoint_model(header.tensors, std::nullopt, "fuzz"); });
  });
}

void safetensors_index(const std::uint8_t* data, std::size_t size) {
  attempt([&] { (void)read::parse_safetensors_index(text_of(data, size)); });
}

void hf_config(const std::uint8_t* data, std::size_t size) {
  attempt([&] { use(read::read_hf_config(text_of(data, size))); });
}

void mlx_config(const std::uint8_t* data, std::size_t size) {
  attempt([&] { (void)read::config_model(text_of(data, size), "fuzz"); });
  attempt([&] { (void)read::checkpoint_model({}, std::string(text_of(data, size)), "fuzz"); });
}

void gguf_shape(const std::uint8_t* data, std::size_t size) {
  attempt([&] { use(architecture_from_gguf_shape(text_of(data, size))); });
}

void manifest(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const Model model = read_manifest(text_of(data, size));
    use(model.architecture);
    (void)read_manifest(write_manifest(model));
  });
}

void nodes(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const hardware::Cluster cluster =
        hardware::parse_cluster(text_of(data, size), {}, hardware::Catalog::embedded());
    demand(!cluster.nodes.empty() && cluster.nodes.size() <= hardware::max_nodes);
  });
}

void cluster_file(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const hardware::Cluster cluster =
        hardware::read_cluster_file(text_of(data, size), {}, hardware::Catalog::embedded());
    demand(cluster.nodes.size() <= hardware::max_nodes);
  });
}

void hardware_catalog(const std::uint8_t* data, std::size_t size) {
  // Beside each file the other three at their smallest: the embedded ones would take most of the
  // time.
  static const std::vector<hardware::CatalogText> small = {
      {"chips.json", R"({"schema": "macfit.chips/1", "sources": {"s": "x"}, "chips": [
          {"id": "m4-max", "name": "M4 Max", "generation": 4, "bandwidth_gb_per_s":
           {"value": 546, "evidence": "vendor", "source": "s"}, "bins": [{"gpu_cores": 40,
           "ram_gib": [128]}], "memory_source": "s", "tflops": null, "neural_accelerators": null,
           "thunderbolt": null, "thunderbolt_source": "s", "rdma": null, "rdma_source": "s"}]})"},
      {"machines.json", R"({"schema": "macfit.machines/1", "sources": {}, "default_by_gib": {},
          "machines": []})"},
      {"links.json", R"({"schema": "macfit.links/1", "sources": {}, "links": []})"},
      {"gpu_limits.json", R"({"schema": "macfit.gpu-limits/1", "sources": {"s": "x"}, "up_to_15":
          [{"gib": 16, "fraction": [2, 3], "newest_macos": 15, "source": "s"}], "from_26":
          [{"gib": 16, "fraction": [3, 4], "newest_macos": 26, "source": "s"}]})"}};
  static const hardware::Catalog good = hardware::Catalog::from_texts(small);  // ends a run if not
  for (std::size_t i = 0; i < small.size(); ++i) {
    std::vector<hardware::CatalogText> texts = small;
    texts[i].text = text_of(data, size);
    attempt([&] { (void)hardware::Catalog::from_texts(texts); });
  }
}

void quantities(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  attempt([&] { demand(parse_bytes(text).count() >= 0); });
  attempt([&] { demand(parse_bytes_default_gib(text).count() >= 0); });
  attempt([&] { demand(parse_tokens(text).count() >= 1); });
  attempt([&] {
    const double share = parse_fraction(text);
    demand(share >= 0.0 && share <= 1.0);
  });
  attempt([&] {
    const std::int64_t whole = parse_whole(text, "it", -5, 1000);
    demand(whole >= -5 && whole <= 1000);
  });
  attempt([&] { demand(study::parse_hours(text).seconds > 0.0); });
  attempt([&] { demand(study::parse_duration(text, "it") >= 0.0); });
  attempt([&] { demand(study::parse_token_range(text, "it").low >= 0.0); });
  attempt([&] {
    study::FaultRules rules = study::default_faults();
    study::parse_fault(text, rules);
  });
  attempt([&] { (void)hardware::split_list(text); });
}

void names(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  attempt([&] { (void)parse_nominal(text); });
  attempt([&] { (void)parse_recipe(text); });
  attempt([&] { (void)runtime::parse_kv_format(text); });
  attempt([&] { (void)runtime::Catalog::embedded().parse(text); });
  attempt([&] { (void)fit::parse_tier(text); });
  attempt([&] { (void)hardware::parse_macos(text); });
  attempt([&] { (void)study::Where::parse(text); });
  attempt([&] { (void)study::select_columns(text, study::standard_columns()); });
  attempt([&] { (void)study::Front(text); });
}

void jobs(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const study::JobList list = study::read_jobs(text_of(data, size));
    demand(list.jobs() >= 1 && list.longest() >= 1);
  });
}

void sweep_spec(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const study::SweepSpec spec = study::read_sweep_spec(text_of(data, size), "fuzz.json");
    study::Grid grid;
    std::vector<std::string> repeated;
    for (const auto& [axis, values] : spec.axes) {
      grid.set(axis, values, repeated);
    }
    if (const auto rows = grid.size(); rows && *rows > 0) {
      const study::Point last = grid.point(*rows - 1);
      for (std::size_t i = 0; i < study::axis_count; ++i) {
        demand(!grid.value(static_cast<study::Axis>(i), last[i]).empty() || i < study::text_axes);
      }
    }
    attempt([&] { (void)study::Where::parse(spec.where); });
    attempt([&] { (void)study::select_columns(spec.select, study::standard_columns()); });
    attempt([&] { (void)study::Front(spec.pareto); });
  });
}

void batch(const std::uint8_t* data, std::size_t size) {
  static const cli::Catalogs catalogs = cli::load_catalogs({});
  const std::string answers = cli::answer_lines(text_of(data, size), catalogs);
  std::size_t asked = 0;
  for (const std::string_view line : split(text_of(data, size), '\n')) {
    asked += trim(line).empty() ? 0 : 1;
  }
  demand(static_cast<std::size_t>(std::count(answers.begin(), answers.end(), '\n')) == asked);
}

void measurements(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    auto rows = calibrate::read_measurements(text_of(data, size), "fuzz.json");
    (void)calibrate::resolve_measurements(std::move(rows), Catalog::embedded(),
                                          hardware::Catalog::embedded());
  });
}

void calibration(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const std::string text = speed::write_calibration(speed::read_calibration(text_of(data, size)));
    demand(speed::write_calibration(speed::read_calibration(text)) == text);
  });
}

void check(const std::uint8_t* data, std::size_t size) {
  static const study::CheckSources sources = {
      hardware::Catalog::embedded(), "embedded", nullptr, {}, {}};
  study::CheckInput input;
  input.path = "fuzz.json";
  input.text = text_of(data, size);
  const study::CheckReport report = study::check({input}, sources);
  demand(!report::check_json(report).empty() && !report::check_sarif(report).empty());
}

void check_baseline(const std::uint8_t* data, std::size_t size) {
  study::CheckReport report;
  attempt([&] { study::compare_with_baseline(report, text_of(data, size)); });
}

void compare(const std::uint8_t* data, std::size_t size) {
  attempt([&] {
    const std::string_view text = text_of(data, size);
    demand(report::compare_plans(text, text, "a", "b").empty());
  });
}

}  // namespace macfit::fuzz
