// llama.cpp's rules by worked figures of v0.5.0 (docs/runtimes.md); `macfit_verify` compares whole
// files of them.

#include "macfit/model/catalog.hpp"
#include "macfit/runtime/llama_fit.hpp"
#include "macfit/runtime/llama_graph.hpp"
#include "macfit/runtime/runtime.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::runtime;

namespace {

Profile profile_of(const char* name, const char* mixture) {
  const model::Model& model = model::Catalog::embedded().get(name);
  return test::llama_cpp().profile(model, model::parse_recipe(mixture), KvFormat::bf16, 1);
}

std::vector<Bytes> memory(const std::vector<std::int64_t>& mebibytes) {
  std::vector<Bytes> bytes;
  for (const std::int64_t count : mebibytes) {
    bytes.emplace_back(count * mib);
  }
  return bytes;
}

}  // namespace

TEST_CASE("llama.cpp: layers by free memory, weights with them", "[runtime]") {
  // Qwen3-235B-A22B Q4_K_M on servers with 98304 and 49152 MiB.
  const Profile profile = profile_of("qwen3-235b-a22b", "Q4_K_M");
  const auto split = test::llama_cpp().default_split(94, memory({98304, 49152}));
  CHECK(split == std::vector<std::int64_t>{64, 30});
  CHECK(profile.weights[64] + profile.everywhere == 95'504'826'368);
  CHECK(profile.weights[94] - profile.weights[64] + profile.everywhere + profile.last_weights ==
        46'293'182'464);
  CHECK(profile.host_weights == 350'060'544);
}

TEST_CASE("llama.cpp: compute buffers", "[runtime]") {
  const auto graph = [](const char* name) {
    return llama_graph(model::Catalog::embedded().get(name).architecture);
  };
  LlamaContext context;
  context.context = 32768;
  const LlamaGraph big = graph("llama-3.1-70b");
  CHECK(llama_compute(big, context, DeviceKind::metal, runtime::Place::only) == 287'944'704);
  context.context = 131072;
  CHECK(llama_compute(big, context, DeviceKind::metal, runtime::Place::only) == 791'359'488);
  CHECK(llama_compute(big, context, DeviceKind::generic, runtime::Place::only) == 360'722'432);
  // Four devices: four copies of the inputs on each, the logits on the last.
  context.context = 4096;
  const LlamaGraph small = graph("llama-3.1-8b");
  CHECK(llama_compute(small, context, DeviceKind::metal, runtime::Place::first) == 155'230'208);
  CHECK(llama_compute(small, context, DeviceKind::metal, runtime::Place::middle) == 188'784'640);
  CHECK(llama_compute(small, context, DeviceKind::metal, runtime::Place::last) == 354'992'128);
}

TEST_CASE("llama.cpp: contexts that --fit arrives at", "[runtime]") {
  struct Row {
    const char* name;
    const char* mixture;
    std::vector<std::int64_t> memory;
    std::int64_t context;
  };
  const Row rows[] = {
      {"llama-3.1-70b", "Q4_K_M", {49152}, 25088},
      {"llama-3.1-70b", "Q4_K_M", {65536}, 77312},
      {"llama-3.1-70b", "Q4_K_M", {24576, 24576}, 17664},
      {"gpt-oss-120b", "MXFP4_MOE", {65536}, 120064},
      {"qwen3-235b-a22b", "Q4_K_M", {98304, 49152}, 40960},
      {"deepseek-v3", "Q4_K_M", {131072, 131072, 131072, 131072}, 163840},
      {"deepseek-v3", "Q4_K_M", {393216}, 96256},
  };
  for (const Row& row : rows) {
    INFO(row.name << " on " << row.memory.front());
    CHECK(llama_fit_context(profile_of(row.name, row.mixture), memory(row.memory)) == row.context);
  }
}

TEST_CASE("llama.cpp: formats of sixteen bits have names of its own", "[runtime]") {
  const model::Model& model = model::Catalog::embedded().get("qwen3-4b");
  const auto name = [&](const char* asked) {
    return test::llama_cpp().recipe(model, model::parse_recipe(asked)).name;
  };
  CHECK(name("f16") == "F16");
  CHECK(name("bf16") == "BF16");
  CHECK(name("fp8") == "Q8_0");
  CHECK(name("q4") == "Q4_K_M");
  // 4,022,468,096 weights of two bytes, norms of four.
  const Profile profile = profile_of("qwen3-4b", "f16");
  CHECK(profile.weights.back() > 0);
}
