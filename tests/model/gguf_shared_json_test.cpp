// Holds the engine against what llama.cpp's own loader and allocator report; skipped where the data
// is absent. Every figure must be equal to the byte.

#include <map>

#include "macfit/core/json_reader_json.hpp"
#include "macfit/model/gguf.hpp"
#include "macfit/model/gguf_shape.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;

namespace {

const nlohmann::json& published() {
  static const nlohmann::json data = [] {
    const auto path = test::shared_data("llama_cpp_memory.json");
    return path ? nlohmann::json::parse(test::read_text(*path)) : nlohmann::json();
  }();
  return data;
}

Recipe recipe(const std::string& name) {
  Recipe r;
  r.name = name;
  r.kind = Recipe::Kind::gguf;
  return r;
}

Architecture shape_of(const nlohmann::json& shape) {
  return architecture_from_gguf_shape(shape.dump());
}

/// Weights per device when layers go to the devices that `layer_dev` names, the output last.
std::map<std::string, std::int64_t> place(const GgufWeights& w, const nlohmann::json& layer_dev) {
  std::map<std::string, std::int64_t> bytes;
  for (std::size_t i = 0; i < w.layout.layers.size(); ++i) {
    bytes[layer_dev[i]] += w.layout.layers[i].total.count();
  }
  for (auto& [device, sum] : bytes) {
    sum += w.per_device.count();
  }
  const bool host_only = layer_dev.back() == "CPU";
  bytes[layer_dev.back()] += (w.layout.head + w.layout.other_global - w.per_device).count() +
                             (host_only ? 0 : w.tied_duplicate.count());
  bytes["CPU"] += w.host_bytes.count();
  return bytes;
}

/// Devices of a profile that cuts every tensor.
int tensor_shares(const std::string& profile) {
  return profile == "metal2_tensor" ? 2 : profile == "metal4_tensor" ? 4 : 1;
}

}  // namespace

TEST_CASE("llama.cpp: block sizes as ggml prints them", "[model]") {
  if (published().is_null()) {
    MACFIT_SKIP("no shared data");
  }
  for (const auto& [name, type] : published()["block_sizes"].items()) {
    CAPTURE(name);
    const auto found = find_ggml_type(name);
    REQUIRE(found);
    CHECK(static_cast<int>(*found) == type["id"]);
    CHECK(ggml_type_info(*found).block == type["block_len"]);
    CHECK(ggml_type_info(*found).block_bytes == type["block_bytes"]);
  }
  CHECK(ggml_types().size() == published()["block_sizes"].size());
}

TEST_CASE("llama.cpp: weights by mixture", "[model]") {
  if (published().is_null()) {
    MACFIT_SKIP("no shared data");
  }
  int equal = 0;
  for (const auto& [model, entry] : published()["models"].items()) {
    const Architecture a = shape_of(entry["shape"]);
    for (const auto& [ftype, row] : entry["weights"].items()) {
      CAPTURE(model, ftype);
      const GgufWeights w = gguf_weights(a, recipe(ftype));
      CHECK(w.file_bytes.count() == row["tensor_bytes"]);
      CHECK(w.parameters == entry["n_params_total"]);
      CHECK(w.layout.total() + w.mtp_bytes == w.file_bytes);
      equal += w.file_bytes.count() == row["tensor_bytes"] ? 1 : 0;
      std::map<std::string, std::pair<std::int64_t, std::int64_t>> mine;
      std::map<std::string, std::pair<std::int64_t, std::int64_t>> theirs;
      for (const auto& [type, total] : w.by_type) {
        mine[std::string(ggml_type_info(type).name)] = {total.tensors, total.bytes.count()};
      }
      for (const auto& [type, total] : row["by_type"].items()) {
        theirs[type] = {total["tensors"], total["bytes"]};
      }
      CHECK(mine == theirs);
    }
  }
  CHECK(equal > 0);
}

TEST_CASE("llama.cpp: type of every kind of tensor", "[model]") {
  if (published().is_null()) {
    MACFIT_SKIP("no shared data");
  }
  for (const auto& [model, entry] : published()["models"].items()) {
    const Architecture a = shape_of(entry["shape"]);
    const auto tensors = gguf_tensors(a);
    for (const auto& [ftype, row] : entry["weights"].items()) {
      if (!row.contains("layer_types")) {
        continue;
      }
      const auto types = gguf_types(a, tensors, ftype);
      std::map<std::string, std::map<std::string, std::vector<int>>> mine;
      for (std::size_t i = 0; i < tensors.size(); ++i) {
        std::string name = tensors[i].name;
        if (tensors[i].layer >= 0) {
          name.erase(0, name.find('.', 4) + 1);
        }
        mine[name][std::string(ggml_type_info(types[i]).name)].push_back(tensors[i].layer);
      }
      for (const auto& [name, type] : row["layer_types"].items()) {
        CAPTURE(model, ftype, name);
        if (type.is_string()) {
          CHECK(mine[name].size() == 1);
          CHECK(mine[name].count(type.get<std::string>()) == 1);
          continue;
        }
        CHECK(mine[name].size() == type.size());
        for (const auto& [t, layers] : type.items()) {
          // The lists are cut after forty layers.
          auto own = mine[name][t];
          own.resize(std::min(own.size(), layers.size()));
          CHECK(own == layers.get<std::vector<int>>());
        }
      }
    }
  }
}

TEST_CASE("llama.cpp: weights on each device", "[model]") {
  if (published().is_null()) {
    MACFIT_SKIP("no shared data");
  }
  int rows = 0;
  for (const auto& [model, entry] : published()["models"].items()) {
    const Architecture a = shape_of(entry["shape"]);
    for (const auto& [ftype, row] : entry["weights"].items()) {
      const GgufWeights w = gguf_weights(a, recipe(ftype));
      for (const auto& [profile, device] : row["devices"].items()) {
        if (!device.contains("model_bytes")) {
          continue;
        }
        CAPTURE(model, ftype, profile);
        const auto mine = place(w, device["layer_dev"]);
        CHECK(mine == device["model_bytes"].get<std::map<std::string, std::int64_t>>());
        rows += static_cast<int>(device["model_bytes"].size());
      }
    }
  }
  CHECK(rows > 0);
}

TEST_CASE("llama.cpp: weights under a tensor split", "[model]") {
  if (published().is_null()) {
    MACFIT_SKIP("no shared data");
  }
  int rows = 0;
  for (const auto& [model, entry] : published()["models"].items()) {
    const Architecture a = shape_of(entry["shape"]);
    for (const auto& c : entry["cases"]) {
      const int shares = tensor_shares(c["profile"]);
      if (shares == 1) {
        continue;
      }
      CAPTURE(model, shares, c["ftype"]);
      const GgufWeights w = gguf_weights(a, recipe(c["ftype"]));
      std::int64_t mirrored = (w.layout.other_global + w.tied_duplicate).count();
      std::int64_t split = w.layout.head.count();
      for (const LayerBytes& layer : w.layout.layers) {
        mirrored += layer.replicated.count();
        split += (layer.total - layer.replicated).count();
      }
      std::int64_t sum = 0;
      for (const auto& [device, bytes] : c["dev_alloc"].items()) {
        sum += bytes["model"].get<std::int64_t>();
      }
      CHECK(sum == mirrored * shares + split);
      ++rows;
    }
  }
  CHECK(rows > 0);
}

TEST_CASE("llama.cpp: caches of every case", "[model]") {
  if (published().is_null()) {
    MACFIT_SKIP("no shared data");
  }
  int totals = 0;
  int devices = 0;
  int refused = 0;
  const auto compare = [&](const Architecture& a, const nlohmann::json& c,
                           const nlohmann::json* layer_dev, int shares) {
    CAPTURE(c.dump());
    LlamaCacheOptions o;
    o.context = Tokens(c["n_ctx"].get<std::int64_t>());
    o.parallel = c["n_parallel"];
    o.unified = c["kv_unified"].get<int>() != 0;
    o.key_type = *find_ggml_type(c["type_k"].get<std::string>());
    o.value_type = *find_ggml_type(c["type_v"].get<std::string>());
    o.ubatch = c["n_ubatch"];
    o.swa_full = c["swa_full"].get<int>() != 0;
    o.flash_attention = c["fa"].get<int>() != 0;
    if (c.contains("error") && c["error"] != false) {
      CHECK_THROWS_AS(llama_cache(a, o), Error);
      ++refused;
      return;
    }
    const LlamaCache cache = llama_cache(a, o);
    std::int64_t sum = 0;
    std::map<std::string, std::int64_t> theirs;
    for (const auto& buffer : c["buffers"]) {
      sum += buffer["context"].get<std::int64_t>();
      if (buffer["context"] != 0) {
        theirs[buffer["buft"]] += buffer["context"].get<std::int64_t>();
      }
    }
    CHECK(cache.total().count() == sum * shares);
    ++totals;
    for (const auto& part : c["kv"]) {
      const bool full = part["cells"] == cache.cells;
      CHECK((full || part["cells"] == cache.sliding_cells));
      CHECK(part["n_stream"] == cache.streams);
    }
    if (layer_dev != nullptr && shares == 1) {
      std::map<std::string, std::int64_t> mine;
      for (std::size_t i = 0; i < cache.layers.size(); ++i) {
        if (cache.layers[i].count() > 0) {
          mine[(*layer_dev)[i]] += cache.layers[i].count();
        }
      }
      CHECK(mine == theirs);
      devices += static_cast<int>(theirs.size());
    }
  };
  for (const auto& [model, entry] : published()["models"].items()) {
    CAPTURE(model);
    const Architecture a = shape_of(entry["shape"]);
    for (const auto& c : entry["cases"]) {
      const auto& all = entry["weights"][c["ftype"].get<std::string>()]["devices"];
      const auto found = all.find(c["profile"].get<std::string>());
      compare(a, c, found == all.end() ? nullptr : &(*found)["layer_dev"],
              tensor_shares(c["profile"]));
    }
  }
  for (const auto& row : published()["rpc"]) {
    const std::string model = row["model"];
    const auto& models = published()["models"];
    const auto& shapes = published()["shapes"];
    if (!models.contains(model) && !shapes.contains(model)) {
      continue;
    }
    const Architecture a =
        shape_of(models.contains(model) ? models[model]["shape"] : shapes[model]);
    for (const auto& c : row["cases"]) {
      CAPTURE(model);
      const bool tensor = row["split_mode"] == "tensor";
      compare(a, c, tensor ? nullptr : &row["layer_dev"],
              tensor ? static_cast<int>(row["rpc_mem_MiB"].size()) : 1);
    }
  }
  CHECK(totals > 0);
  CHECK(devices > 0);
  CHECK(refused > 0);
}
