#include "macfit/model/tensors.hpp"

#include <functional>
#include <map>

#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"
#include "read/families.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;

namespace {

const Tensor* find(const std::vector<Tensor>& tensors, std::string_view name) {
  for (const Tensor& t : tensors) {
    if (t.name == name) {
      return &t;
    }
  }
  return nullptr;
}

/// "rows x columns", or "stack x rows x columns".
std::string shape(const Tensor* t) {
  if (t == nullptr) {
    return "absent";
  }
  std::string text = std::to_string(t->rows) + " x " + std::to_string(t->columns);
  return t->stack == 1 ? text : std::to_string(t->stack) + " x " + text;
}

std::int64_t elements(const Architecture& a, const Block& block) {
  std::int64_t sum = 0;
  for (const Tensor& t : block_tensors(a, block)) {
    sum += t.elements();
  }
  return sum;
}

}  // namespace

TEST_CASE("tensors: parameters of one model of each family", "[model]") {
  for (const test::FamilyFact& fact : test::family_facts()) {
    INFO(fact.name);
    const ParameterCount count = count_parameters(read::read_hf_config(fact.config));
    CHECK(count.total == fact.parameters);
    CHECK(count.active <= count.total);
    CHECK(count.embedding + count.head < count.total);
  }
}

TEST_CASE("tensors: active parameters", "[model]") {
  // As the publishers round them: 3.3B, 37B (37.6 with the embedding), 5.1B, 32B, 17B, 10B.
  struct Row {
    const char* name;
    std::int64_t active;
  };
  const Row rows[] = {
      {"Qwen3-30B-A3B", 3353032704},
      {"DeepSeek-V3.1-NVFP4", 37552297472},
      {"gpt-oss-120b", 5711982912},
      {"Kimi-K2.5", 32861500928},
      {"Llama-4-Maverick-17B-128E-Instruct", 17184691200},
      {"MiniMax-M2.5", 11030553088},
      {"NVIDIA-Nemotron-3-Super-120B-A12B-FP8", 12770237440},
      {"Meta-Llama-3.1-8B", 8030261248},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(count_parameters(test::family(row.name)).active == row.active);
  }
}

TEST_CASE("tensors: shapes as mlx-lm holds them", "[model]") {
  struct Row {
    const char* model;
    const char* block;
    const char* tensor;
    const char* shape;
  };
  const Row rows[] = {
      {"Meta-Llama-3.1-8B", "full", "self_attn.k_proj", "1024 x 4096"},
      {"Meta-Llama-3.1-8B", "full", "mlp.down_proj", "4096 x 14336"},
      {"Meta-Llama-3.1-8B", "full", "self_attn.k_proj.bias", "absent"},
      {"Qwen2.5-7B-Instruct", "full", "self_attn.k_proj.bias", "512 x 1"},
      {"Qwen2.5-7B-Instruct", "full", "self_attn.o_proj.bias", "absent"},
      {"Qwen-72B", "full", "mlp.up_proj", "24576 x 8192"},
      {"Qwen3-30B-A3B", "full-moe", "mlp.switch_mlp.gate_proj", "128 x 768 x 2048"},
      {"Qwen3-30B-A3B", "full-moe", "mlp.gate", "128 x 2048"},
      {"Qwen3-30B-A3B", "full-moe", "self_attn.q_norm", "128 x 1"},
      {"Qwen3-Next-80B-A3B-Instruct", "full-moe", "self_attn.q_proj", "8192 x 2048"},
      {"Qwen3-Next-80B-A3B-Instruct", "full-moe", "mlp.shared_expert_gate", "1 x 2048"},
      {"Qwen3-Next-80B-A3B-Instruct", "delta-moe", "linear_attn.in_proj_qkvz", "12288 x 2048"},
      {"Qwen3.5-35B-A3B", "delta-moe", "linear_attn.in_proj_qkv", "8192 x 2048"},
      {"MiniMax-M2.5", "full-moe", "self_attn.k_norm", "1024 x 1"},
      {"gpt-oss-120b", "sliding-moe", "self_attn.sinks", "64 x 1"},
      {"gpt-oss-120b", "full-moe", "mlp.switch_mlp.down_proj.bias", "128 x 2880 x 1"},
      {"DeepSeek-V3.1-NVFP4", "latent", "self_attn.embed_q", "128 x 512 x 128"},
      {"DeepSeek-V3.1-NVFP4", "latent-moe", "self_attn.unembed_out", "128 x 128 x 512"},
      {"DeepSeek-V3.2", "latent-indexed", "self_attn.indexer.wq_b", "8192 x 1536"},
      {"Kimi-Linear-48B-A3B-Instruct", "kimi-delta", "self_attn.f_a_proj", "128 x 2304"},
      {"NVIDIA-Nemotron-3-Super-120B-A12B-FP8", "moe", "mlp.switch_mlp.fc1", "512 x 2688 x 1024"},
      {"NVIDIA-Nemotron-3-Super-120B-A12B-FP8", "mamba", "mixer.in_proj", "18560 x 4096"},
      {"Jamba-v0.1", "mamba", "mamba.x_proj", "288 x 8192"},
      {"gemma-4-26B-A4B", "full-moe", "self_attn.v_proj", "absent"},
      {"gemma-4-26B-A4B", "sliding-moe", "self_attn.v_proj", "2048 x 2816"},
      {"gemma-4-E2B-it", "full-shared", "self_attn.k_proj", "absent"},
      {"gemma-4-E2B-it", "full-shared", "mlp.gate_proj", "12288 x 1536"},
      {"MiMo-V2-Flash", "sliding-moe", "self_attn.v_proj", "1024 x 4096"},
      {"Step-3.7-Flash", "sliding-moe", "self_attn.g_proj", "96 x 4096"},
      {"grok-2", "full-moe", "mlp.down_proj", "8192 x 32768"},
      {"bloom", "full", "mlp.up_proj.bias", "57344 x 1"},
      {"DeepSeek-V4-Flash", "compressed-indexed-moe", "self_attn.wo_a", "8192 x 4096"},
  };
  for (const Row& row : rows) {
    INFO(row.model << " " << row.block << " " << row.tensor);
    const Architecture a = test::family(row.model);
    const auto block = std::find_if(a.blocks.begin(), a.blocks.end(),
                                    [&](const Block& b) { return b.name == row.block; });
    REQUIRE(block != a.blocks.end());
    CHECK(shape(find(block_tensors(a, *block), row.tensor)) == row.shape);
  }
}

TEST_CASE("tensors: layers and globals sum to the model", "[model]") {
  for (const test::FamilyFact& fact : test::family_facts()) {
    INFO(fact.name);
    const Architecture a = read::read_hf_config(fact.config);
    std::int64_t sum = 0;
    for (const Tensor& t : global_tensors(a)) {
      sum += t.elements();
    }
    for (std::size_t i = 0; i < a.layers.size(); ++i) {
      sum += elements(a, a.block_of(i));
    }
    CHECK(sum == count_parameters(a).total);
  }
}

TEST_CASE("tensors: names are unique within a layer", "[model]") {
  for (const test::FamilyFact& fact : test::family_facts()) {
    INFO(fact.name);
    const Architecture a = read::read_hf_config(fact.config);
    for (const Block& block : a.blocks) {
      std::map<std::string, int> seen;
      for (const Tensor& t : block_tensors(a, block)) {
        INFO(t.name);
        CHECK(++seen[t.name] == 1);
        CHECK(t.elements() > 0);
      }
    }
  }
}

TEST_CASE("tensors: tied heads are stored once", "[model]") {
  const Architecture tied = test::family("Qwen3-4B");
  CHECK(count_parameters(tied).head == 0);
  CHECK(find(global_tensors(tied), "lm_head") == nullptr);
  Architecture untied = tied;
  untied.tied = false;
  CHECK(count_parameters(untied).total - count_parameters(tied).total == 151936 * 2560);
}

TEST_CASE("tensors: class names", "[model]") {
  CHECK(tensor_class_name(TensorClass::shared_experts) == "shared-experts");
  CHECK(tensor_class_name(TensorClass::other) == "other");
}

TEST_CASE("tensors: sizes that overflow are refused", "[model]") {
  Tensor t;
  t.rows = std::int64_t{1} << 40;
  t.columns = std::int64_t{1} << 40;
  CHECK_THROWS_AS(t.elements(), Error);
}

TEST_CASE("architecture: contradictions", "[model]") {
  const Architecture good = test::family("Qwen3-30B-A3B");
  CHECK_NOTHROW(validate(good));
  const auto error_of = [&](const std::function<void(Architecture&)>& change) {
    Architecture a = good;
    change(a);
    try {
      validate(a, "/architecture");
    } catch (const Error& error) {
      return error.place().pointer.value_or("") + ": " + error.message();
    }
    return std::string("none");
  };
  CHECK(error_of([](Architecture& a) { a.hidden = 0; }) ==
        "/architecture/hidden: expected a positive size, found 0");
  CHECK(error_of([](Architecture& a) { a.layers.clear(); }) ==
        "/architecture/layers: a model has at least one layer");
  CHECK(error_of([](Architecture& a) { a.layers[3] = 7; }) ==
        "/architecture/layers/3: block 7 of 1");
  CHECK(error_of([](Architecture& a) { a.blocks[0].attention->kv_heads = 5; }) ==
        "/architecture/blocks/0/attention/heads: 32 is not divisible by kv_heads 5");
  CHECK(error_of([](Architecture& a) { a.blocks[0].attention->span = Span::sliding; }) ==
        "/architecture/blocks/0/attention/window: expected a positive size, found 0");
  CHECK(error_of([](Architecture& a) { a.blocks[0].linear = LinearMixer{}; }) ==
        "/architecture/blocks/0: a block has one mixer, found 2");
  CHECK(error_of([](Architecture& a) { a.blocks[0].experts->per_token = 129; }) ==
        "/architecture/blocks/0/experts/per_token: 129 experts a token of 128 experts in all");
  CHECK(error_of([](Architecture& a) { a.blocks.push_back(a.blocks[0]); }) ==
        "/architecture/blocks/1/name: two blocks are named \"full-moe\"");
}
