#include <filesystem>

#include <nlohmann/json.hpp>

#include "model/truth.hpp"
#include "test.hpp"

namespace macfit::test {
namespace {

using nlohmann::json;

/// A file of the shared data, or null where it is absent.
json load(std::string_view name) {
  const auto path = shared_data(name);
  return path ? json::parse(read_text(*path)) : json();
}

MlxRow::Split split_of(const std::string& key, const json& value) {
  const std::size_t at = key.find(" N=");
  MlxRow::Split split;
  split.recipe = key.substr(0, at);
  split.ranks = std::stoll(key.substr(at + 3));
  if (value.is_number()) {
    split.bytes = value.get<std::int64_t>();
  }
  return split;
}

std::int64_t whole(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) {
    return 0;
  }
  return static_cast<std::int64_t>(found->get<double>());
}

}  // namespace

std::vector<MlxRow> mlx_rows() {
  std::vector<MlxRow> rows;
  const json data = load("mlx_lm_bytes.json");
  if (data.is_null()) {
    return rows;
  }
  for (const json& r : data.at("rows")) {
    MlxRow row;
    row.config = r.at("config");
    row.usable = r.contains("parameters") && !r.contains("do_not_use");
    if (r.contains("parameters")) {
      row.parameters = r.at("parameters");
      row.bytes = r.at("bytes").get<std::map<std::string, std::int64_t>>();
      row.kv_bytes_per_token = r.at("kv_bytes_per_token");
      row.kv_constant_bytes = r.at("kv_constant_bytes");
      row.kv_window_bytes = r.at("kv_window_bytes_when_full");
      row.global_bytes_4bit = r.at("embed_head_norm_bytes_4bit");
      for (const auto& [bytes, count] : r.at("layer_bytes_4bit").items()) {
        row.layer_bytes_4bit[std::stoll(bytes)] = count;
      }
      if (r.at("tensor").is_object()) {
        for (const auto& [key, value] : r.at("tensor").items()) {
          row.splits.push_back(split_of(key, value));
        }
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<ModelRow> model_rows() {
  std::vector<ModelRow> rows;
  const json data = load("models.json");
  if (data.is_null()) {
    return rows;
  }
  for (const json& m : data.at("models")) {
    ModelRow row;
    row.name = m.at("name");
    row.text = whole(m, "params_text");
    row.mtp = whole(m, "mtp_params");
    row.vision = whole(m, "params_vision");
    if (m.at("computed_active_incl_embed_head").is_number()) {
      row.active = whole(m, "computed_active_incl_embed_head");
    }
    if (m.at("published_total").is_number()) {
      row.published = whole(m, "published_total");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<SizeRow> size_rows() {
  std::vector<SizeRow> rows;
  const json data = load("weight_sizes.json");
  if (data.is_null()) {
    return rows;
  }
  for (const json& r : data.at("rows")) {
    SizeRow row;
    row.repository = r.at("repo");
    row.quant = r.at("quant");
    row.bytes = whole(r, "bytes");
    row.exactness = r.at("exactness");
    if (r.contains("params_model") && r.at("params_model").is_string()) {
      row.model = r.at("params_model");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<MlxVectors> mlx_vectors() {
  const json data = load("mlx_vectors.json");
  if (data.is_null()) {
    return std::nullopt;
  }
  MlxVectors v;
  v.bits_per_weight = data.at("bpw").get<std::map<std::string, double>>();
  for (const json& m : data.at("mat_bytes")) {
    MlxVectors::Matrix matrix;
    matrix.out = m.at("out");
    matrix.in = m.at("inn");
    matrix.stack = m.value("n", 1);
    matrix.bytes = m.at("bytes");
    matrix.bits = m.at("bits");
    matrix.group = m.at("gs");
    matrix.scale_bytes = m.value("fdt", 2);
    matrix.mode = m.at("mode");
    v.matrices.push_back(matrix);
  }
  v.kv_bytes_per_token = data.at("kv_bytes_per_token").get<std::map<std::string, std::int64_t>>();
  v.kv_constant_bytes = data.at("kv_constant_bytes").get<std::map<std::string, std::int64_t>>();
  for (const auto& [key, value] : data.at("mixed_recipe_high_layers").items()) {
    const int layers = std::stoi(key.substr(2));
    if (value.is_array()) {
      v.high_layers[layers] = value.get<std::vector<std::int64_t>>();
    } else {
      v.high_layer_counts[layers] = value;
    }
  }
  for (const json& l : data.at("tp_legality")) {
    v.splits.push_back({l.at("model"), l.at("N"), l.at("errors")});
  }
  for (const json& r : data.at("minimax_m2_4bit_tp")) {
    v.minimax_per_rank[r.at("N")] = r.at("per_rank");
  }
  return v;
}

std::optional<std::string> stored_config(const std::string& name) {
  const auto path = shared_data("configs/" + name + ".json");
  return path ? std::optional(read_text(*path)) : std::nullopt;
}

std::vector<std::pair<std::string, std::string>> stored_configs() {
  std::vector<std::pair<std::string, std::string>> configs;
  const auto folder = shared_data("configs");
  if (!folder) {
    return configs;
  }
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    configs.emplace_back(entry.path().stem().string(), read_text(entry.path()));
  }
  std::sort(configs.begin(), configs.end());
  return configs;
}

}  // namespace macfit::test
