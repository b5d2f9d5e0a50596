// Whether a comparison would notice: figures of the runtimes, each changed in its turn. What passes
// when it is wrong has not been compared.

#include <map>

#include <nlohmann/json.hpp>

#include "macfit/core/error.hpp"
#include "test.hpp"
#include "verify.hpp"

using namespace macfit;
using nlohmann::json;

namespace {

/// Three of each list of objects; lists of figures stay whole.
json excerpt(const json& whole) {
  json result = whole;
  if (whole.is_array() && whole.size() > 3 && whole[0].is_object()) {
    result = json::array({whole.front(), whole[whole.size() / 2], whole.back()});
  }
  if (result.is_structured()) {
    for (json& part : result) {
      part = excerpt(part);
    }
  }
  return result;
}

/// Places of a kind differ only in their numbers and in which model or case they belong to.
std::string kind_of(const std::string& place) {
  std::string kind;
  for (const char c : place) {
    kind += c >= '0' && c <= '9' ? '#' : c;
  }
  return kind;
}

verify::Sources sources() {
  verify::Sources result;
  result.catalog = model::Catalog::embedded();
  result.config = [](const std::string& name) -> std::optional<std::string> {
    const auto path = test::shared_data("configs/" + name + ".json");
    return path ? std::optional(test::read_text(*path)) : std::nullopt;
  };
  return result;
}

/// Every figure with its error, so that any difference shows.
std::string outcome(const json& document, const verify::Sources& from) {
  try {
    const calibrate::Validation v = verify::compare_published(document.dump(), from);
    std::string all = std::to_string(v.skipped.size());
    for (const calibrate::Row& row : v.results) {
      all += "\n" + row.id + " " + std::to_string(row.published) + " " + std::to_string(row.error);
    }
    return all;
  } catch (const Error& error) {
    return error.what();
  }
}

/// The figures that may be changed without anybody noticing, by the last of their keys.
std::vector<std::string> unnoticed(const json& document) {
  const verify::Sources from = sources();
  const std::string right = outcome(document, from);
  const json flat = document.flatten();
  std::map<std::string, int> tried;
  std::vector<std::string> missed;
  for (const auto& [place, value] : flat.items()) {
    if (!value.is_number() || ++tried[kind_of(place)] > 2) {
      continue;
    }
    json altered = document;
    altered[json::json_pointer(place)] = value.is_number_float()
                                             ? json(value.get<double>() * 1.01)
                                             : json(value.get<std::int64_t>() + 1);
    if (outcome(altered, from) == right) {
      missed.push_back(kind_of(place));
    }
  }
  CHECK(tried.size() >= 15);
  std::sort(missed.begin(), missed.end());
  missed.erase(std::unique(missed.begin(), missed.end()), missed.end());
  return missed;
}

std::optional<json> published(const char* name) {
  const auto path = test::shared_data(name);
  return path ? std::optional(excerpt(json::parse(test::read_text(*path)))) : std::nullopt;
}

}  // namespace

TEST_CASE("no figure of mlx-lm's classes can change unnoticed", "[verify]") {
  const auto document = published("mlx_lm_bytes.json");
  if (!document) {
    MACFIT_SKIP("skipped: mlx_lm_bytes.json is not beside the tree");
  }
  CHECK(unnoticed(*document) == std::vector<std::string>{});
}

TEST_CASE("no worked figure of MLX's rules can change unnoticed", "[verify]") {
  const auto document = published("mlx_vectors.json");
  if (!document) {
    MACFIT_SKIP("skipped: mlx_vectors.json is not beside the tree");
  }
  // Questions, whose answers come in steps; every answer counts.
  for (const std::string& place : unnoticed(*document)) {
    CAPTURE(place);
    const std::string key = place.substr(place.rfind('/') + 1);
    const bool question = key == "prompt" || key == "gen" || key == "prefill" || key == "W" ||
                          key == "L" || key == "msg" || place.find("/mem/") != std::string::npos;
    CHECK(question);
  }
}

TEST_CASE("no buffer of llama.cpp can change unnoticed", "[verify]") {
  auto document = published("llama_cpp_memory.json");
  if (!document) {
    MACFIT_SKIP("skipped: llama_cpp_memory.json is not beside the tree");
  }
  json& models = (*document)["models"];
  models = json{{"gemma3-27b", models.at("gemma3-27b")}, {"gpt-oss-20b", models.at("gpt-oss-20b")}};
  for (json& model : models) {
    model["weights"] = json{{"Q4_K_M", model["weights"].at("Q4_K_M")}};
  }
  document->erase("block_sizes");
  // What was asked, what the model is like beside its bytes, and sums and parts of what is
  // compared.
  const std::vector<std::string> others = {"fa",
                                           "kv_unified",
                                           "n_batch",
                                           "n_ctx_train",
                                           "n_expert_used",
                                           "n_ff",
                                           "n_swa",
                                           "base",
                                           "eps",
                                           "rc",
                                           "host",
                                           "model",
                                           "ctx_and_compute",
                                           "eff_n_ctx",
                                           "eff_n_ctx_seq",
                                           "MiB",
                                           "k_MiB",
                                           "v_MiB",
                                           "layers",
                                           "n_seq",
                                           "n_stream",
                                           "model_size",
                                           "n_params",
                                           "output_buffer_MiB",
                                           "file_bytes"};
  for (const std::string& place : unnoticed(*document)) {
    CAPTURE(place);
    const std::string key = place.substr(place.rfind('/') + 1);
    const bool other = std::find(others.begin(), others.end(), key) != others.end() ||
                       place.find("rpc_mem_MiB") != std::string::npos ||
                       place.rfind("/shapes/", 0) == 0;
    CHECK(other);
  }
}
