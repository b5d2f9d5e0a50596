// What runtimes/*.json state, release by release, and how a file that is wrong is refused.

#include "macfit/runtime/facts.hpp"

#include "macfit/core/error.hpp"
#include "macfit/runtime/catalog.hpp"
#include "test.hpp"

using namespace macfit;
using runtime::Catalog;
using runtime::ClassFacts;

namespace {

const ClassFacts* class_at(const char* runtime, const char* type) {
  return Catalog::embedded().get(runtime).facts().find_class(type);
}

/// A whole file of one class; `more` goes into its top level.
std::string file(const std::string& classes, const std::string& more = "") {
  return R"({"schema": "macfit.runtime/1", "name": "fourth", "title": "Fourth", "rules": "mlx-lm",
    "engine": "mlx", "preference": 9, "sources": ["https://example.org"],
    "releases": [{"version": "1.0"}, {"version": "2.0"}],
    "launch": {"launcher": "mlx-lm", "http_port": 8080}, "backends": ["ring"],
    "failure_modes": [], "classes": )" +
         classes + more + "}";
}

std::string refusal(const std::string& text) {
  try {
    (void)Catalog::from_texts({{"fourth.json", text}}, "runtimes/");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("facts hold from their release on", "[runtime]") {
  // mlx_lm/models of each release: runtimes/mlx-lm.json has the sources.
  struct Row {
    const char* runtime;
    const char* type;
    bool known;
    bool pipeline;
    bool tensor;
  };
  const Row rows[] = {
      {"mlx-lm", "qwen2", true, true, true},
      {"mlx-lm@0.31.3", "qwen2", true, false, true},
      {"mlx-lm", "qwen3_moe", true, true, true},
      {"mlx-lm@0.31.3", "qwen3_moe", true, false, false},
      {"mlx-lm", "qwen3_next", true, true, false},
      {"mlx-lm", "minimax_m2", true, false, true},
      {"mlx-lm", "kimi_k3", true, true, true},
      {"mlx-lm@0.31.3", "kimi_k3", false, false, false},
      {"mlx-lm", "muse_spark", true, true, true},
      {"mlx-lm@0.32.0", "muse_spark", false, false, false},
      {"mlx-lm", "deepseek_v4", false, false, false},
      {"exo", "deepseek_v4", true, true, true},
      {"exo", "gemma4", true, false, true},
      {"exo", "llama", true, true, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.runtime, row.type);
    const ClassFacts* known = class_at(row.runtime, row.type);
    CHECK((known != nullptr) == row.known);
    if (known != nullptr) {
      CHECK(known->pipeline == row.pipeline);
      CHECK(known->tensor == row.tensor);
    }
  }
  CHECK(class_at("mlx-lm", "deepseek_v32")->indexer_values);
  CHECK_FALSE(class_at("mlx-lm@0.31.3", "deepseek_v32")->indexer_values);
  CHECK(class_at("mlx-lm", "minimax_m2")->collectives == 4);
}

TEST_CASE("a release can be stated, and the newest is the default", "[runtime]") {
  const Catalog& catalog = Catalog::embedded();
  CHECK(catalog.get("mlx-lm").release() == "0.32.2");
  CHECK(catalog.get("mlx-lm").spelled() == "mlx-lm");
  CHECK(catalog.get("MLX-LM@0.31.3").spelled() == "mlx-lm@0.31.3");
  CHECK(catalog.get("llama.cpp").facts().launch.rpc_server == "ggml-rpc-server");
  CHECK(catalog.get("llama.cpp@v0.5.0").facts().launch.rpc_server == "rpc-server");
  CHECK_THROWS_WITH(catalog.get("mlx-lm@0.31"), test::contains("0.31.3"));
  CHECK_THROWS_WITH(catalog.get("mlx"), test::contains("mlx-lm"));
  std::vector<std::string> names;
  for (const runtime::Runtime* one : catalog.all()) {
    names.push_back(one->name());
  }
  CHECK(names == std::vector<std::string>{"mlx-lm", "exo", "llama.cpp"});
}

TEST_CASE("uneven pipelines lose layers up to the release that mended them", "[runtime]") {
  const Catalog& catalog = Catalog::embedded();
  CHECK_FALSE(catalog.get("mlx-lm@0.31.3").split_warning(61, 2).empty());
  CHECK(catalog.get("mlx-lm@0.31.3").split_warning(62, 2).empty());
  CHECK(catalog.get("mlx-lm").split_warning(61, 2).empty());
  CHECK(catalog.get("mlx-lm@0.31.3").manual_split({31, 30}, 0).empty());
  CHECK_FALSE(catalog.get("mlx-lm").manual_split({31, 30}, 0).empty());
}

TEST_CASE("a fourth runtime is a file", "[runtime]") {
  const Catalog catalog = Catalog::from_texts(
      {{"fourth.json", file(R"({"llama": {"tensor": "2.0"}, "new": {"since": "2.0"}})")}});
  CHECK(catalog.get("fourth").title() == "Fourth");
  CHECK(catalog.get("fourth").facts().find_class("llama")->tensor);
  CHECK_FALSE(catalog.get("fourth@1.0").facts().find_class("llama")->tensor);
  CHECK(catalog.get("fourth@1.0").facts().find_class("new") == nullptr);
}

TEST_CASE("a wrong file is refused where it is wrong", "[runtime]") {
  CHECK_THAT(refusal(file(R"({"llama": {"tensr": true}})")), test::contains("tensr"));
  CHECK_THAT(refusal(file(R"({"llama": {"tensor": "3.0"}})")), test::contains("3.0"));
  CHECK_THAT(refusal(file("{}", R"(, "aliases": {"mistral": "llama"})")), test::contains("llama"));
  CHECK_THAT(refusal("{}"), test::contains("runtimes/fourth.json"));
  CHECK_THAT(refusal(R"({"schema": "macfit.runtime/2"})"), test::contains("macfit.runtime/1"));
}

TEST_CASE("llama.cpp's programs and refusals are those of the release", "[runtime]") {
  const Catalog catalog = Catalog::embedded();
  CHECK(catalog.get("llama.cpp@v0.5.0").facts().launch.rpc_server == "rpc-server");
  CHECK(catalog.get("llama.cpp").facts().launch.rpc_server == "ggml-rpc-server");
  // src/llama-arch.cpp at 0c1e57098 cuts lfm2 by tensor and refuses minimax-01.
  CHECK(class_at("llama.cpp", "lfm2")->tensor);
  CHECK_FALSE(class_at("llama.cpp@v0.5.0", "lfm2")->tensor);
  CHECK_FALSE(class_at("llama.cpp", "minimax-01")->tensor);
  CHECK(class_at("llama.cpp@v0.5.0", "minimax-01") == nullptr);
}

TEST_CASE("mlx_lm.server takes --kv-bits from 0.32.0 on", "[runtime]") {
  model::Model model;
  model.nominal.emplace();
  const Catalog catalog = Catalog::embedded();
  CHECK(catalog.get("mlx-lm@0.32.0").kv(model, runtime::KvFormat::q8).ok);
  CHECK(catalog.get("mlx-lm@0.31.3").kv(model, runtime::KvFormat::bf16).ok);
  const runtime::Support refused = catalog.get("mlx-lm@0.31.3").kv(model, runtime::KvFormat::q8);
  CHECK_FALSE(refused.ok);
  CHECK(refused.code == "kv-flag-missing");
}
