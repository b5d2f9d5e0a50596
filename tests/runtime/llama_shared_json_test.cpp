// llama.cpp's own figures for header-only files, where that data is present.

#include <cmath>
#include <map>

#include <nlohmann/json.hpp>

#include "macfit/core/quantity.hpp"
#include "macfit/model/gguf_shape.hpp"
#include "macfit/runtime/llama_fit.hpp"
#include "macfit/runtime/llama_graph.hpp"
#include "macfit/runtime/runtime.hpp"
#include "test.hpp"

using namespace macfit;
using Json = nlohmann::json;

namespace {

struct Tally {
  std::vector<double> errors;  ///< predicted / published - 1
  std::int64_t equal = 0;
  std::int64_t under = 0;  ///< below the published figure even with the margin

  void add(std::int64_t predicted, std::int64_t published, std::int64_t margin) {
    errors.push_back(static_cast<double>(predicted) / static_cast<double>(published) - 1.0);
    equal += predicted == published ? 1 : 0;
    under += predicted + margin < published ? 1 : 0;
  }
  [[nodiscard]] double quantile(double share) const {
    std::vector<double> sorted;
    for (const double error : errors) {
      sorted.push_back(std::abs(error));
    }
    std::sort(sorted.begin(), sorted.end());
    return sorted.at(static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1)));
  }
};

runtime::LlamaContext context_of(const Json& entry) {
  runtime::LlamaContext context;
  context.context = entry.at("n_ctx").get<std::int64_t>();
  context.parallel = entry.at("n_parallel").get<std::int64_t>();
  context.unified = entry.at("kv_unified").get<int>() != 0;
  context.ubatch = entry.at("n_ubatch").get<std::int64_t>();
  context.outputs = entry.at("n_outputs_max").get<std::int64_t>();
  context.flash_attention = entry.at("fa").get<int>() != 0;
  context.quantized_cache = entry.at("type_k").get<std::string>()[0] == 'q';
  return context;
}

}  // namespace

TEST_CASE("compute buffers follow llama.cpp's allocator", "[runtime]") {
  const auto path = test::shared_data("llama_cpp_memory.json");
  if (!path) {
    MACFIT_SKIP("no llama_cpp_memory.json beside the checkout");
  }
  const Json data = Json::parse(test::read_text(*path));
  Tally devices;
  Tally hosts;
  for (const auto& [name, model] : data.at("models").items()) {
    const runtime::LlamaGraph graph =
        runtime::llama_graph(model::architecture_from_gguf_shape(model.at("shape").dump()));
    for (const Json& entry : model.at("cases")) {
      const std::string profile = entry.at("profile").get<std::string>();
      if (profile.find("tensor") != std::string::npos || entry.at("swa_full").get<int>() != 0 ||
          entry.at("type_k") != entry.at("type_v") || !entry.contains("buffers")) {
        continue;
      }
      const runtime::LlamaContext context = context_of(entry);
      const bool metal = profile.rfind("metal", 0) == 0;
      std::vector<std::int64_t> published;
      std::int64_t host = 0;
      for (const Json& buffer : entry.at("buffers")) {
        const auto bytes = buffer.at("compute").get<std::int64_t>();
        if (buffer.at("host").get<int>() != 0) {
          host += bytes;
        } else {
          published.push_back(bytes);
        }
      }
      for (std::size_t i = 0; i < published.size(); ++i) {
        const runtime::Place place = published.size() == 1       ? runtime::Place::only
                                     : i == 0                    ? runtime::Place::first
                                     : i + 1 == published.size() ? runtime::Place::last
                                                                 : runtime::Place::middle;
        const std::int64_t predicted = runtime::llama_compute(
            graph, context, metal ? runtime::DeviceKind::metal : runtime::DeviceKind::generic,
            place);
        if (metal) {
          devices.add(predicted, published[i], runtime::llama_compute_margin(context.ubatch));
        }
        CAPTURE(name, profile, i, predicted, published[i]);
        CHECK(predicted + runtime::llama_compute_margin(context.ubatch) >= published[i]);
      }
      hosts.add(runtime::llama_host_compute(graph, context, published.size() > 1), host, 0);
    }
  }
  REQUIRE(devices.errors.size() > 100);
  const auto share = [](const Tally& tally) {
    return static_cast<double>(tally.equal) / static_cast<double>(tally.errors.size());
  };
  WARN("Metal devices: " << devices.errors.size() << ", equal " << share(devices) << ", p95 "
                         << devices.quantile(0.95) << "; hosts: " << hosts.errors.size()
                         << ", equal " << share(hosts) << ", worst " << hosts.quantile(1.0));
  CHECK(share(devices) >= 0.9);
  CHECK(devices.quantile(0.95) <= 0.02);
  CHECK(devices.under == 0);
  CHECK(share(hosts) >= 0.9);
}

namespace {

/// Layers per device, from llama.cpp's list of one device a layer.
std::vector<std::int64_t> counts_of(const Json& layer_dev, std::vector<std::string>& devices) {
  std::vector<std::int64_t> counts;
  for (const Json& device : layer_dev) {
    const std::string name = device.get<std::string>();
    if (devices.empty() || devices.back() != name) {
      devices.push_back(name);
      counts.push_back(0);
    }
    ++counts.back();
  }
  return counts;
}

model::Model model_of(const Json& shape) {
  model::Model model;
  model.architecture = model::architecture_from_gguf_shape(shape.dump());
  return model;
}

model::Recipe recipe_of(const std::string& ftype) {
  model::Recipe recipe;
  recipe.name = ftype;
  recipe.kind = model::Recipe::Kind::gguf;
  return recipe;
}

runtime::Profile profile_of(const Json& shape, const std::string& ftype) {
  return runtime::get(runtime::Id::llama_cpp)
      .profile(model_of(shape), recipe_of(ftype), runtime::KvFormat::bf16, 1);
}

}  // namespace

TEST_CASE("layers and weights land where llama.cpp puts them", "[runtime]") {
  const auto path = test::shared_data("llama_cpp_memory.json");
  if (!path) {
    MACFIT_SKIP("no llama_cpp_memory.json beside the checkout");
  }
  const Json data = Json::parse(test::read_text(*path));
  const std::map<std::string, std::vector<Bytes>> free_memory = {
      {"metal1", {Bytes(mib)}},
      {"metal2_equal", std::vector<Bytes>(2, Bytes(mib))},
      {"metal4_equal", std::vector<Bytes>(4, Bytes(mib))},
      {"metal2_96_48", {Bytes(98304 * mib), Bytes(49152 * mib)}}};
  std::int64_t compared = 0;
  for (const auto& [name, entry] : data.at("models").items()) {
    for (const auto& [ftype, weights] : entry.at("weights").items()) {
      const runtime::Profile profile = profile_of(entry.at("shape"), ftype);
      for (const auto& [kind, free] : free_memory) {
        if (!weights.at("devices").contains(kind)) {
          continue;
        }
        const Json& published = weights.at("devices").at(kind);
        const std::vector<std::int64_t> split =
            runtime::get(runtime::Id::llama_cpp)
                .default_split(static_cast<std::int64_t>(profile.layers), free,
                               profile.unloaded_layers);
        std::vector<std::string> devices;
        std::vector<std::int64_t> counts = counts_of(published.at("layer_dev"), devices);
        CAPTURE(name, ftype, kind);
        REQUIRE(counts.size() == split.size());
        // The list counts layers that are not loaded.
        counts.back() = split.back();
        CHECK(split == counts);
        std::size_t first = 0;
        for (std::size_t i = 0; i < split.size(); ++i) {
          const std::size_t end = first + static_cast<std::size_t>(split[i]);
          const std::int64_t bytes = profile.weights[end] - profile.weights[first] +
                                     profile.everywhere +
                                     (end == profile.layers ? profile.last_weights : 0);
          CHECK(bytes == published.at("model_bytes").at(devices[i]).get<std::int64_t>());
          ++compared;
          first = end;
        }
      }
    }
  }
  CHECK(compared > 200);
  for (const Json& row : data.at("rpc")) {
    const std::string name = row.at("model").get<std::string>();
    const Json& shape = data.at("models").contains(name)   ? data.at("models").at(name).at("shape")
                        : data.at("shapes").contains(name) ? data.at("shapes").at(name)
                                                           : Json();
    if (shape.is_null() || row.at("split_mode") != "layer" || !row.contains("layer_dev")) {
      continue;
    }
    const runtime::Profile profile = profile_of(shape, row.at("ftype").get<std::string>());
    std::vector<Bytes> free;
    const Json& shares =
        row.at("tensor_split").is_null() ? row.at("rpc_mem_MiB") : row.at("tensor_split");
    for (const Json& share : shares) {
      free.emplace_back(static_cast<std::int64_t>(share.get<double>() * 1024));
    }
    std::vector<std::string> devices;
    std::vector<std::int64_t> counts = counts_of(row.at("layer_dev"), devices);
    const std::vector<std::int64_t> split =
        runtime::get(runtime::Id::llama_cpp)
            .default_split(static_cast<std::int64_t>(profile.layers), free,
                           profile.unloaded_layers);
    CAPTURE(name, row.at("rpc_mem_MiB").dump());
    REQUIRE(counts.size() == split.size());
    counts.back() = split.back();
    CHECK(split == counts);
  }
}

TEST_CASE("--fit arrives at llama.cpp's own context", "[runtime]") {
  const auto path = test::shared_data("llama_cpp_memory.json");
  if (!path) {
    MACFIT_SKIP("no llama_cpp_memory.json beside the checkout");
  }
  const Json data = Json::parse(test::read_text(*path));
  std::int64_t compared = 0;
  for (const Json& row : data.at("fit")) {
    const std::string name = row.at("model").get<std::string>();
    if (!data.at("models").contains(name) || !row.at("args").empty() ||
        !row.at("fitted").is_string()) {
      continue;
    }
    const std::string fitted = row.at("fitted").get<std::string>();
    REQUIRE(fitted.rfind("-c ", 0) == 0);
    const std::int64_t published = std::stoll(fitted.substr(3));
    std::vector<Bytes> free;
    for (const Json& share : row.at("rpc_mem_MiB")) {
      free.emplace_back(share.get<std::int64_t>() * mib);
    }
    const runtime::Profile profile =
        profile_of(data.at("models").at(name).at("shape"), row.at("ftype").get<std::string>());
    CAPTURE(name, row.at("rpc_mem_MiB").dump(), fitted);
    CHECK(runtime::llama_fit_context(profile, free) == published);
    ++compared;
  }
  CHECK(compared > 2);
}
