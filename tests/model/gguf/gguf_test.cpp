#include "macfit/model/gguf/gguf.hpp"

#include <cmath>
#include <map>

#include "macfit/core/error.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/gguf/shape.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using macfit::test::contains;

namespace {

// Shapes as published in each model's config.json, in llama.cpp's words.
const std::map<std::string, std::string>& shapes() {
  static const std::map<std::string, std::string> table = {
      {"llama-3.2-1b", R"({"arch":"llama","n_layer":16,"n_embd":2048,"n_head":32,"n_head_kv":8,
        "head_dim":64,"n_ff":8192,"n_vocab":128256,"tied":true,"rope_freqs":32})"},
      {"llama-3.1-8b", R"({"arch":"llama","n_layer":32,"n_embd":4096,"n_head":32,"n_head_kv":8,
        "head_dim":128,"n_ff":14336,"n_vocab":128256,"rope_freqs":64})"},
      {"llama-3.1-70b", R"({"arch":"llama","n_layer":80,"n_embd":8192,"n_head":64,"n_head_kv":8,
        "head_dim":128,"n_ff":28672,"n_vocab":128256,"rope_freqs":64})"},
      {"mistral-large", R"({"arch":"llama","n_layer":88,"n_embd":12288,"n_head":96,"n_head_kv":8,
        "head_dim":128,"n_ff":28672,"n_vocab":32768})"},
      {"mixtral-8x7b", R"({"arch":"llama","n_layer":32,"n_embd":4096,"n_head":32,"n_head_kv":8,
        "head_dim":128,"n_ff":14336,"n_vocab":32000,"n_expert":8,"n_expert_used":2})"},
      {"qwen2.5-32b", R"({"arch":"qwen2","n_layer":64,"n_embd":5120,"n_head":40,"n_head_kv":8,
        "head_dim":128,"n_ff":27648,"n_vocab":152064})"},
      {"qwen2.5-72b", R"({"arch":"qwen2","n_layer":80,"n_embd":8192,"n_head":64,"n_head_kv":8,
        "head_dim":128,"n_ff":29568,"n_vocab":152064})"},
      {"qwen3-32b", R"({"arch":"qwen3","n_layer":64,"n_embd":5120,"n_head":64,"n_head_kv":8,
        "head_dim":128,"n_ff":25600,"n_vocab":151936})"},
      {"qwen3-30b-a3b", R"({"arch":"qwen3moe","n_layer":48,"n_embd":2048,"n_head":32,"n_head_kv":4,
        "head_dim":128,"n_ff":6144,"n_vocab":151936,"n_expert":128,"n_expert_used":8,
        "n_ff_exp":768})"},
      {"qwen3-235b-a22b", R"({"arch":"qwen3moe","n_layer":94,"n_embd":4096,"n_head":64,
        "n_head_kv":4,"head_dim":128,"n_ff":12288,"n_vocab":151936,"n_expert":128,
        "n_expert_used":8,"n_ff_exp":1536})"},
      {"minimax-m2", R"({"arch":"minimax-m2","n_layer":62,"n_embd":3072,"n_head":48,"n_head_kv":8,
        "head_dim":128,"n_ff":1536,"n_vocab":200064,"n_expert":256,"n_expert_used":8,
        "n_ff_exp":1536})"},
      {"deepseek-v3", R"({"arch":"deepseek2","n_layer":61,"n_embd":7168,"n_head":128,"n_head_kv":1,
        "key_length":576,"value_length":512,"key_length_mla":192,"value_length_mla":128,
        "q_lora":1536,"kv_lora":512,"n_rot":64,"n_ff":18432,"n_vocab":129280,"n_expert":256,
        "n_expert_used":8,"n_expert_shared":1,"n_ff_exp":2048,"dense_lead":3,"gating":2})"},
      {"gemma-3-27b", R"({"arch":"gemma3","n_layer":62,"n_embd":5376,"n_head":32,"n_head_kv":16,
        "head_dim":128,"n_ff":21504,"n_vocab":262208,"n_swa":1024,"swa_pattern":6,"tied":true})"},
      {"glm-4.5-air", R"({"arch":"glm4moe","n_layer":47,"n_nextn":1,"n_embd":4096,"n_head":96,
        "n_head_kv":8,"head_dim":128,"n_ff":10944,"n_vocab":151552,"qk_norm":false,"n_expert":128,
        "n_expert_used":8,"n_expert_shared":1,"n_ff_exp":1408,"dense_lead":1})"},
      {"glm-4.5", R"({"arch":"glm4moe","n_layer":93,"n_nextn":1,"n_embd":5120,"n_head":96,
        "n_head_kv":8,"head_dim":128,"n_ff":12288,"n_vocab":151552,"qk_norm":true,"n_expert":160,
        "n_expert_used":8,"n_expert_shared":1,"n_ff_exp":1536,"dense_lead":3})"},
      {"qwen3-next", R"({"arch":"qwen3next","n_layer":48,"n_embd":2048,"n_head":16,"n_head_kv":2,
        "head_dim":256,"n_ff":5120,"n_vocab":151936,"n_expert":512,"n_expert_used":10,
        "n_ff_exp":512,"n_ff_shexp":512,"ssm_conv":4,"ssm_state":128,"ssm_groups":16,
        "ssm_dt_rank":32,"ssm_inner":4096,"full_interval":4})"},
      {"gpt-oss-20b", R"({"arch":"gpt-oss","n_layer":24,"n_embd":2880,"n_head":64,"n_head_kv":8,
        "head_dim":64,"n_ff":2880,"n_vocab":201088,"n_swa":128,"swa_pattern":2,"n_expert":32,
        "n_expert_used":4,"n_ff_exp":2880})"},
      {"llama-65b", R"({"arch":"llama","n_layer":80,"n_embd":8192,"n_head":64,"n_head_kv":64,
        "head_dim":128,"n_ff":22016,"n_vocab":32000})"},
      {"eight-times-70b", R"({"arch":"llama","n_layer":80,"n_embd":8192,"n_head":64,"n_head_kv":8,
        "head_dim":128,"n_ff":28672,"n_vocab":128256,"n_expert":8,"n_expert_used":2})"},
      {"qwen1.5-moe", R"({"arch":"qwen2moe","n_layer":24,"n_embd":2048,"n_head":16,"n_head_kv":16,
        "head_dim":128,"n_ff":5632,"n_vocab":151936,"n_expert":60,"n_expert_used":4,
        "n_ff_exp":1408,"n_ff_shexp":5632})"},
      {"gpt-oss-120b", R"({"arch":"gpt-oss","n_layer":36,"n_embd":2880,"n_head":64,"n_head_kv":8,
        "head_dim":64,"n_ff":2880,"n_vocab":201088,"n_swa":128,"swa_pattern":2,"n_expert":128,
        "n_expert_used":4,"n_ff_exp":2880})"},
  };
  return table;
}

Architecture shape(const std::string& name) {
  return architecture_from_gguf_shape(shapes().at(name));
}

Recipe recipe(const std::string& name) {
  Recipe r;
  r.name = name;
  r.kind = Recipe::Kind::gguf;
  return r;
}

std::string type_of(const Architecture& a, const std::string& mixture, const std::string& tensor,
                    bool imatrix = false) {
  const auto tensors = gguf_tensors(a);
  const auto types = gguf_types(a, tensors, mixture, {.imatrix = imatrix, .mtp = {}});
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name == tensor) {
      return std::string(ggml_type_info(types[i]).name);
    }
  }
  return "no such tensor";
}

std::int64_t cache(const std::string& model, std::int64_t context, std::int64_t parallel = 1,
                   bool unified = false, GgmlType type = GgmlType::f16) {
  LlamaCacheOptions o;
  o.context = Tokens(context);
  o.parallel = parallel;
  o.unified = unified;
  o.key_type = type;
  o.value_type = type;
  return llama_cache(shape(model), o).total().count();
}

}  // namespace

TEST_CASE("gguf: bytes of a tensor by type", "[model]") {
  CHECK(ggml_tensor_bytes(GgmlType::q4_k, {4096, 4096, 1, 1}).count() == 9'437'184);
  CHECK(ggml_tensor_bytes(GgmlType::f32, {4096, 1, 1, 1}).count() == 16'384);
  CHECK(ggml_tensor_bytes(GgmlType::mxfp4, {2880, 2880, 32, 1}).count() == 141'004'800);
  CHECK(ggml_row_bytes(GgmlType::q8_0, 1024).count() == 1088);
  CHECK_THROWS_WITH(ggml_tensor_bytes(GgmlType::q4_k, {2880, 1, 1, 1}),
                    contains("blocks hold 256"));
  CHECK_THROWS_AS(ggml_tensor_bytes(GgmlType::f32, {4, 0, 1, 1}), Error);
  CHECK_THROWS_AS(
      ggml_tensor_bytes(GgmlType::f32, {std::int64_t{1} << 40, std::int64_t{1} << 40, 1, 1}),
      Error);
  CHECK(find_ggml_type("Q4_K") == GgmlType::q4_k);
  CHECK(ggml_type_from_id(39) == GgmlType::mxfp4);
  CHECK_FALSE(ggml_type_from_id(4));  // withdrawn from ggml
}

TEST_CASE("gguf: total bytes of pure mixtures as llama-quantize makes them", "[model]") {
  const std::vector<std::tuple<std::string, std::string, std::int64_t>> facts = {
      {"llama-3.2-1b", "Q4_K_M", 799'862'912},       {"llama-3.1-8b", "Q4_K_M", 4'912'898'304},
      {"llama-3.1-8b", "Q8_0", 8'532'934'912},       {"llama-3.1-8b", "F16", 16'061'055'232},
      {"llama-3.1-70b", "Q4_K_M", 42'512'531'712},   {"mistral-large", "Q4_K_M", 73'218'834'432},
      {"qwen2.5-32b", "Q4_K_M", 19'845'357'568},     {"qwen3-32b", "Q4_K_M", 19'756'174'336},
      {"qwen3-30b-a3b", "Q4_K_M", 18'550'716'416},   {"qwen3-235b-a22b", "Q4_K_M", 142'148'069'376},
      {"minimax-m2", "Q4_K_M", 138'334'096'384},     {"deepseek-v3", "Q4_K_M", 404'488'847'360},
      {"gemma-3-27b", "Q4_K_M", 16'540'125'824},     {"glm-4.5-air", "Q4_K_M", 72'848'161'792},
      {"glm-4.5", "Q4_K_M", 216'173'913'344},        {"qwen3-next", "Q4_K_M", 48'483'058'688},
      {"gpt-oss-120b", "MXFP4_MOE", 63'374'323'968}, {"gpt-oss-20b", "MXFP4_MOE", 12'096'558'336},
  };
  for (const auto& [model, mixture, bytes] : facts) {
    CAPTURE(model, mixture);
    const GgufWeights w = gguf_weights(shape(model), recipe(mixture));
    CHECK(w.file_bytes.count() == bytes);
    CHECK((w.layout.total() + w.mtp_bytes) == w.file_bytes);
    Bytes by_class;
    for (const Bytes b : w.layout.by_class) {
      by_class += b;
    }
    CHECK(by_class == w.layout.total());
  }
}

TEST_CASE("gguf: an importance matrix changes Q4_0", "[model]") {
  // Llama 3.3 70B Q4_0 is published as 40.1 GB: only so with the matrix.
  const Architecture a = shape("llama-3.1-70b");
  CHECK(format_gb(gguf_weights(a, recipe("Q4_0")).file_bytes) == "39.96 GB");
  CHECK(format_gb(gguf_weights(a, recipe("Q4_0"), {.imatrix = true, .mtp = {}}).file_bytes) ==
        "40.11 GB");
}

TEST_CASE("gguf: what a planner needs besides layers", "[model]") {
  const GgufWeights air = gguf_weights(shape("glm-4.5-air"), recipe("Q4_K_M"));
  CHECK(air.layout.layers.size() == 46);
  CHECK(air.mtp_layers == 1);
  CHECK(format_gb(air.layout.total() - air.host_bytes) == "70.09 GB");
  CHECK(format_gb(air.host_bytes) == "349 MB");
  CHECK(air.parameters == 110'468'824'832);

  const GgufWeights gemma = gguf_weights(shape("gemma-3-27b"), recipe("Q4_K_M"));
  CHECK(gemma.host_bytes.count() == 1'156'337'280);
  CHECK(gemma.tied_duplicate == gemma.host_bytes);
  CHECK(gemma.layout.head == Bytes{});

  const GgufWeights llama = gguf_weights(shape("llama-3.1-8b"), recipe("Q4_K_M"));
  CHECK(llama.per_device == Bytes(256));
  CHECK(llama.tied_duplicate == Bytes{});

  const GgufWeights moe = gguf_weights(shape("qwen3-30b-a3b"), recipe("Q8_0"));
  const LayerBytes& layer = moe.layout.layers.front();
  CHECK(layer.experts_active.count() * 16 == layer.experts.count());
  CHECK(layer.experts < layer.total);
  CHECK(layer.largest_tensor.count() == 128LL * 768 * 2048 / 32 * 34);
}

TEST_CASE("gguf: names, kinds and order of tensors", "[model]") {
  const auto count = [](const std::string& model, GgufTensor::Keep keep) {
    const auto tensors = gguf_tensors(shape(model));
    return std::count_if(tensors.begin(), tensors.end(),
                         [&](const GgufTensor& t) { return t.keep == keep; });
  };
  // 32-bit tensors in a file: 2L+1 (+ rope), 5L+1, 4L+1, 5L+1, 6L+1, 6L+1, 12L+1 ...
  CHECK(count("llama-3.1-8b", GgufTensor::Keep::f32) == 66);
  CHECK(count("qwen2.5-32b", GgufTensor::Keep::f32) == 321);
  CHECK(count("qwen3-32b", GgufTensor::Keep::f32) == 257);
  CHECK(count("qwen3-30b-a3b", GgufTensor::Keep::f32) == 241);
  CHECK(count("minimax-m2", GgufTensor::Keep::f32) == 373);
  CHECK(count("gemma-3-27b", GgufTensor::Keep::f32) == 373);
  CHECK(count("gpt-oss-20b", GgufTensor::Keep::f32) == 289);
  CHECK(count("glm-4.5-air", GgufTensor::Keep::f32) == 5 * 47 + 2 * 46 + 3 + 1);
  CHECK(count("deepseek-v3", GgufTensor::Keep::f32) == 361);
  CHECK(count("qwen3-next", GgufTensor::Keep::f32) == 361);

  const auto tensors = gguf_tensors(shape("mixtral-8x7b"));
  CHECK(tensors.front().name == "output.weight");
  CHECK(tensors.back().name == "blk.31.ffn_up_exps.weight");
  CHECK(tensors.back().ne == GgmlShape{4096, 14336, 8, 1});
}

TEST_CASE("gguf: eight experts get types of their own", "[model]") {
  const Architecture a = shape("mixtral-8x7b");
  CHECK(a.type == "mixtral");
  struct Fact {
    const char* mixture;
    const char* tensor;
    const char* type;
  };
  const Fact facts[] = {
      {"Q4_K_M", "blk.0.attn_v.weight", "q8_0"},
      {"Q4_K_M", "blk.7.attn_k.weight", "q8_0"},
      {"Q4_K_M", "blk.7.attn_output.weight", "q5_K"},
      {"Q4_K_M", "blk.7.attn_q.weight", "q4_K"},
      {"Q4_K_M", "blk.0.ffn_down_exps.weight", "q6_K"},
      {"Q4_K_M", "output.weight", "q6_K"},
      {"Q4_K_M", "blk.4.ffn_down_exps.weight", "q4_K"},
      {"Q4_K_M", "token_embd.weight", "q4_K"},
      {"Q4_K_S", "blk.7.attn_output.weight", "q5_K"},
      {"Q3_K_L", "blk.7.attn_output.weight", "q3_K"},
      {"Q5_K_M", "blk.7.attn_output.weight", "q5_K"},
      {"Q8_0", "blk.7.attn_v.weight", "q8_0"},
      {"Q6_K", "blk.7.attn_k.weight", "q8_0"},
      {"Q6_K", "blk.7.attn_output.weight", "q6_K"},
      {"IQ2_XS", "blk.7.attn_v.weight", "q4_K"},
      {"IQ2_XS", "blk.7.attn_k.weight", "q4_K"},
      {"IQ2_XS", "blk.7.attn_output.weight", "q5_K"},
      {"IQ3_M", "blk.31.ffn_down_exps.weight", "q4_K"},
      {"IQ3_M", "blk.4.ffn_down_exps.weight", "iq3_s"},
      {"IQ3_XS", "blk.4.attn_k.weight", "q8_0"},
      {"MXFP4_MOE", "blk.4.attn_v.weight", "q8_0"},
      {"MXFP4_MOE", "blk.4.ffn_up_exps.weight", "mxfp4"},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.mixture, fact.tensor);
    CHECK(type_of(a, fact.mixture, fact.tensor) == fact.type);
  }
}

TEST_CASE("gguf: each mixture's exceptions", "[model]") {
  struct Fact {
    const char* model;
    const char* mixture;
    const char* tensor;
    const char* type;
    bool imatrix = false;
  };
  const Fact facts[] = {
      // The output, and a tied embedding in its place.
      {"llama-3.1-8b", "Q2_K", "output.weight", "q6_K"},
      {"llama-3.1-8b", "IQ3_XXS", "output.weight", "q5_K"},
      {"llama-3.1-8b", "TQ2_0", "output.weight", "q6_K"},
      {"llama-3.1-8b", "Q4_0", "output.weight", "q6_K"},
      {"gpt-oss-20b", "Q4_K_M", "output.weight", "q8_0"},
      {"gpt-oss-20b", "Q4_0", "output.weight", "q8_0"},
      {"gemma-3-27b", "IQ2_M", "token_embd.weight", "q5_K"},
      // An embedding of its own.
      {"llama-3.1-8b", "IQ1_S", "token_embd.weight", "q2_K"},
      {"llama-3.1-8b", "IQ2_M", "token_embd.weight", "iq3_s"},
      {"llama-3.1-8b", "TQ1_0", "token_embd.weight", "q4_K"},
      {"llama-3.1-8b", "IQ3_XS", "token_embd.weight", "iq3_s"},
      // Below three bits.
      {"llama-3.1-8b", "IQ1_M", "blk.9.attn_v.weight", "q4_K"},
      {"gemma-3-27b", "IQ2_XXS", "blk.9.attn_v.weight", "q2_K"},
      {"gemma-3-27b", "IQ2_S", "blk.9.attn_v.weight", "iq3_s"},
      {"llama-3.1-8b", "IQ1_M", "blk.9.attn_output.weight", "iq2_xxs"},
      {"llama-3.1-8b", "IQ2_S", "blk.9.attn_output.weight", "iq3_s"},
      {"llama-3.1-8b", "IQ2_XS", "blk.3.ffn_down.weight", "q2_K"},
      {"llama-3.1-8b", "IQ2_XS", "blk.4.ffn_down.weight", "iq2_xs"},
      {"llama-3.1-8b", "IQ2_M", "blk.3.ffn_down.weight", "iq3_s"},
      {"llama-3.1-8b", "IQ2_M", "blk.9.attn_q.weight", "iq2_s"},
      // Two shared counts a layer: the running count passes n/8 in half the layers.
      {"deepseek-v3", "IQ2_XS", "blk.4.ffn_down_exps.weight", "q2_K"},
      {"deepseek-v3", "IQ2_XS", "blk.5.ffn_down_exps.weight", "iq2_xs"},
      // Attention values.
      {"llama-3.1-8b", "Q2_K", "blk.9.attn_v.weight", "q4_K"},
      {"gemma-3-27b", "Q2_K", "blk.9.attn_v.weight", "q3_K"},
      {"llama-3.1-8b", "Q2_K_S", "blk.9.attn_v.weight", "q4_K"},
      {"gemma-3-27b", "Q2_K_S", "blk.9.attn_v.weight", "q2_K"},
      {"llama-3.1-8b", "Q3_K_M", "blk.1.attn_v.weight", "q5_K"},
      {"llama-3.1-8b", "Q3_K_M", "blk.2.attn_v.weight", "q4_K"},
      {"llama-3.1-8b", "Q4_K_S", "blk.3.attn_v.weight", "q5_K"},
      {"llama-3.1-8b", "Q4_K_S", "blk.4.attn_v.weight", "q4_K"},
      {"llama-3.1-8b", "IQ4_XS", "blk.9.attn_v.weight", "q5_K"},
      {"gemma-3-27b", "IQ4_XS", "blk.9.attn_v.weight", "iq4_xs"},
      {"gemma-3-27b", "IQ3_XXS", "blk.9.attn_v.weight", "iq3_s"},
      {"gemma-3-27b", "IQ3_XXS", "blk.9.attn_v.weight", "iq3_xxs", true},
      {"gemma-3-27b", "IQ3_M", "blk.9.attn_v.weight", "q4_K"},
      // The 70B rule: 80 layers of llama or qwen2.
      {"llama-3.1-70b", "Q3_K_M", "blk.9.attn_v.weight", "q5_K"},
      {"llama-3.1-70b", "Q4_K_M", "blk.11.attn_v.weight", "q5_K"},
      {"llama-3.1-70b", "Q4_K_M", "blk.0.attn_v.weight", "q6_K"},
      {"qwen2.5-72b", "Q4_K_S", "blk.9.attn_v.weight", "q5_K"},
      {"llama-3.1-70b", "Q2_K", "blk.9.attn_v.weight", "q5_K"},
      {"llama-3.1-70b", "Q3_K_S", "blk.9.attn_v.weight", "q5_K"},
      {"llama-3.1-70b", "Q6_K", "blk.9.attn_v.weight", "q6_K"},
      // No 70B: a key/value head for each query head, or eight experts, whose values go first.
      {"llama-65b", "Q3_K_S", "blk.9.attn_v.weight", "q3_K"},
      {"eight-times-70b", "Q3_K_S", "blk.9.attn_v.weight", "q8_0"},
      // Four experts or more count as four query heads to a key/value head do.
      {"qwen1.5-moe", "IQ2_XS", "blk.9.attn_v.weight", "q4_K"},
      {"llama-65b", "IQ2_XS", "blk.9.attn_v.weight", "q2_K"},
      // Queries and keys.
      {"llama-3.1-8b", "IQ3_XS", "blk.9.attn_q.weight", "iq3_xxs"},
      {"llama-3.1-8b", "IQ3_XXS", "blk.9.attn_k.weight", "iq2_s"},
      // Outputs of attention.
      {"llama-3.1-8b", "Q2_K", "blk.9.attn_output.weight", "q3_K"},
      {"llama-3.1-8b", "Q3_K_S", "blk.9.attn_output.weight", "q3_K"},
      {"llama-3.1-8b", "Q3_K_L", "blk.9.attn_output.weight", "q5_K"},
      {"llama-3.1-8b", "IQ3_XXS", "blk.9.attn_output.weight", "iq3_s"},
      {"llama-3.1-8b", "IQ3_M", "blk.9.attn_output.weight", "q4_K"},
      {"llama-3.1-8b", "Q4_K_M", "blk.9.attn_output.weight", "q4_K"},
      // Feed-forward.
      {"llama-3.1-8b", "Q2_K_S", "blk.3.ffn_down.weight", "q4_K"},
      {"llama-3.1-8b", "Q2_K_S", "blk.4.ffn_down.weight", "q2_K"},
      {"llama-3.1-8b", "Q3_K_M", "blk.1.ffn_down.weight", "q5_K"},
      {"llama-3.1-8b", "Q3_K_M", "blk.2.ffn_down.weight", "q4_K"},
      {"llama-3.1-8b", "Q4_K_S", "blk.3.ffn_down.weight", "q5_K"},
      {"llama-3.1-8b", "Q5_K_S", "blk.3.ffn_down.weight", "q5_K"},
      {"llama-3.1-8b", "Q4_0", "blk.3.ffn_down.weight", "q4_0"},
      {"llama-3.1-8b", "Q4_0", "blk.3.ffn_down.weight", "q4_1", true},
      {"llama-3.1-8b", "Q5_0", "blk.3.ffn_down.weight", "q5_1", true},
      {"llama-3.1-8b", "IQ3_XXS", "blk.3.ffn_down.weight", "q4_K"},
      {"llama-3.1-8b", "IQ3_XXS", "blk.4.ffn_down.weight", "q3_K"},
      {"llama-3.1-8b", "IQ3_XXS", "blk.4.ffn_down.weight", "iq3_xxs", true},
      {"llama-3.1-8b", "IQ4_NL", "blk.3.ffn_down.weight", "q5_K"},
      {"llama-3.1-8b", "IQ4_NL", "blk.3.ffn_down.weight", "iq4_nl", true},
      {"llama-3.1-8b", "IQ3_XS", "blk.4.ffn_up.weight", "iq3_xxs"},
      {"llama-3.1-8b", "IQ3_XS", "blk.3.ffn_gate.weight", "iq3_s"},
      {"llama-3.1-8b", "IQ3_XS", "blk.28.ffn_gate.weight", "iq3_s"},
      // Rows that 256 does not divide: 29568 = 115.5 * 256; 2880 = 90 * 32.
      {"qwen2.5-72b", "Q4_K_M", "blk.0.ffn_down.weight", "q8_0"},
      {"qwen2.5-72b", "Q4_K_M", "blk.11.ffn_down.weight", "q5_0"},
      {"qwen2.5-72b", "IQ4_XS", "blk.11.ffn_down.weight", "iq4_nl"},
      {"qwen2.5-72b", "Q5_K_S", "blk.11.ffn_down.weight", "q5_1"},
      {"gpt-oss-20b", "Q3_K_M", "blk.4.attn_q.weight", "q4_0"},
      {"gpt-oss-20b", "Q2_K", "blk.4.attn_q.weight", "q4_0"},
      {"gpt-oss-20b", "TQ1_0", "blk.4.attn_q.weight", "q4_0"},
      {"gpt-oss-20b", "TQ2_0", "blk.4.attn_q.weight", "q4_0"},
      {"gpt-oss-20b", "IQ1_S", "blk.4.attn_q.weight", "iq4_nl"},
      {"gpt-oss-20b", "IQ1_M", "blk.4.attn_q.weight", "iq4_nl"},
      {"gpt-oss-20b", "IQ2_XXS", "blk.4.attn_q.weight", "iq4_nl"},
      {"gpt-oss-20b", "IQ2_XS", "blk.4.attn_q.weight", "iq4_nl"},
      {"gpt-oss-20b", "IQ2_S", "blk.4.attn_q.weight", "iq4_nl"},
      {"gpt-oss-20b", "IQ3_XXS", "blk.4.attn_q.weight", "iq4_nl"},
      {"gpt-oss-20b", "IQ3_XXS", "blk.4.ffn_up_exps.weight", "iq4_nl"},
      {"gpt-oss-20b", "IQ3_S", "blk.4.attn_q.weight", "iq4_nl"},
      {"gpt-oss-20b", "Q6_K", "blk.4.attn_q.weight", "q8_0"},
      // MXFP4_MOE: everything of three dimensions, so MLA's matrices too.
      {"deepseek-v3", "MXFP4_MOE", "blk.9.attn_k_b.weight", "mxfp4"},
      {"deepseek-v3", "MXFP4_MOE", "blk.9.ffn_up_shexp.weight", "q8_0"},
      // Never quantized.
      {"deepseek-v3", "Q2_K", "blk.9.ffn_gate_inp.weight", "f32"},
      {"qwen3-next", "Q2_K", "blk.0.ssm_conv1d.weight", "f32"},
      {"qwen3-next", "Q2_K", "blk.0.ffn_gate_inp_shexp.weight", "f32"},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.model, fact.mixture, fact.tensor, fact.imatrix);
    CHECK(type_of(shape(fact.model), fact.mixture, fact.tensor, fact.imatrix) == fact.type);
  }
}

TEST_CASE("gguf: mixtures by name", "[model]") {
  CHECK(find_gguf_mixture("q4_k_m") == "Q4_K_M");
  CHECK_FALSE(find_gguf_mixture("Q4_K_XL"));
  CHECK_THROWS_WITH(gguf_mixture_bits("Q4_K"), contains("did you mean"));
  CHECK_THROWS_WITH(type_of(shape("llama-3.2-1b"), "Q4_K_N", "output.weight"),
                    contains("unknown llama.cpp mixture \"Q4_K_N\""));
  CHECK_THROWS_WITH(gguf_weights(shape("llama-3.2-1b"), recipe("4bit")),
                    contains("unknown llama.cpp mixture \"4bit\""));
  const Architecture a = shape("llama-3.1-8b");
  double last = 0.0;
  for (const std::string& name : gguf_mixture_names()) {
    CAPTURE(name);
    if (name == "MXFP4_MOE") {
      continue;  // of a model with experts
    }
    const double bits = gguf_weights(a, recipe(name)).file_bytes.as_double() * 8 / 8'030'261'312.0;
    CHECK(std::fabs(bits - gguf_mixture_bits(name)) < 0.02);
    CHECK(gguf_mixture_bits(name) >= last);
    last = gguf_mixture_bits(name);
  }
}

TEST_CASE("gguf: architectures that are only written hold what the model has", "[model]") {
  // Loaders of llama.cpp 0c1e57098, src/models: a tensor for each of the model's, but Apertus' four
  // constants a layer, which stand in the header, and Gemma 4's rope factors.
  struct Row {
    const char* id;
    const char* name;
    std::int64_t elements;  // the published count, or the text's
    std::int64_t state;     // bytes of one sequence
  };
  const Row rows[] = {
      {"gemma-7b", "gemma", 8'537'680'896, 0},
      {"gemma-4-12b", "gemma4", 11'907'350'320 + 256, 0},
      {"smollm3-3b", "smollm3", 3'075'098'624, 0},
      {"qwen2.5-vl-7b", "qwen2vl", 7'615'616'512, 0},
      {"seed-oss-36b", "seed_oss", 36'151'104'512, 0},
      {"hunyuan-7b", "hunyuan-dense", 7'504'568'320, 0},
      {"apertus-8b", "apertus", 8'053'338'240 - 4 * 32, 0},
      {"dots.llm1", "dots1", 142'774'381'696, 0},
      {"k-exaone-236b-a23b", "exaone-moe", 236'571'156'352, 0},
      {"hy3", "hy_v3", 295'033'543'488, 0},
      {"trinity-mini", "afmoe", 26'123'974'400, 0},
      {"laguna-xs-2.1", "laguna", 33'442'617'088, 0},
      {"mellum2-12b-a2.5b", "mellum", 12'149'923'072, 0},
      {"iquest-coder-v1-40b", "llama", 39'794'283'520, 0},
      {"glm-4.5v", "glm4moe", 106'852'251'264, 0},
      {"solar-open-100b", "glm4moe", 102'651'799'552, 0},
      {"mistral-small-4-119b", "mistral4", 118'972'826'624, 0},
      // Two columns of 2,048 in each of the 10 (18) layers that convolve.
      {"lfm2-1.2b", "lfm2", 1'170'340'608, 10 * 2 * 2048 * 4},
      {"lfm2-8b-a1b", "lfm2moe", 8'339'930'560, 18 * 2 * 2048 * 4},
      // Beside attention in every layer: three columns of 3,584, 24 heads of 128 x 256.
      {"falcon-h1-7b", "falcon-h1", 7'585'654'880, 44 * (3 * 3584 + 24 * 128 * 256) * 4},
  };
  for (const Row& row : rows) {
    INFO(row.id);
    const Architecture& a = Catalog::embedded().get(row.id).architecture;
    CHECK(gguf_architecture(a) == row.name);
    std::int64_t elements = 0;
    for (const GgufTensor& tensor : gguf_tensors(a)) {
      elements += tensor.elements();
    }
    CHECK(elements == row.elements);
    CHECK(llama_cache(a, {}).recurrent.count() == row.state);
  }
  CHECK_FALSE(gguf_shape_known("lfm2"));  // such files are read by their widths
}

TEST_CASE("gguf: sizes by a row that no file was held against are estimates", "[model]") {
  const auto evidence = [](const char* id) {
    const Architecture& a = Catalog::embedded().get(id).architecture;
    return gguf_weights(a, parse_recipe("Q4_K_M")).layout.evidence;
  };
  for (const char* id : {"smollm3-3b", "seed-oss-36b", "lfm2-1.2b", "falcon-h1-7b"}) {
    CAPTURE(id);
    CHECK(evidence(id) == Evidence::estimated);
  }
  CHECK(evidence("llama-3.1-8b") == Evidence::exact);
}

TEST_CASE("gguf: what llama.cpp does not know is refused with the reason", "[model]") {
  Architecture a = shape("llama-3.1-8b");
  a.type = "minimax_m1";
  std::string why;
  CHECK_FALSE(find_gguf_architecture(a, &why));
  CHECK_THAT(why, contains("minimax_m1"));
  CHECK_THROWS_AS(gguf_tensors(a), Error);
  a.type = "minimax_m3";
  CHECK_FALSE(find_gguf_architecture(a, &why));
  CHECK_THAT(why, contains("an indexer of unknown size"));
  a.type = "novel";
  CHECK_FALSE(find_gguf_architecture(a, &why));
  CHECK_THAT(why, contains("no llama.cpp architecture is known for model type \"novel\""));
  CHECK_FALSE(find_gguf_architecture(a, nullptr));
  a.type = "mistral";
  CHECK(gguf_architecture(a) == "llama");
  a.type = "mistral_text";  // a text model by itself
  CHECK(gguf_architecture(a) == "llama");
  a.blocks.front().attention.reset();
  a.blocks.front().lightning = Lightning{32, 128};
  CHECK_FALSE(find_gguf_architecture(a, &why));
  CHECK(why == "llama.cpp has no lightning attention");
  CHECK_FALSE(find_gguf_architecture(a, nullptr));
  a.layers.clear();
  a.blocks.clear();
  CHECK_THROWS_WITH(gguf_tensors(a), contains("layers are not known"));
  CHECK_THROWS_WITH(architecture_from_gguf_shape(R"({"arch":"llamma","n_layer":1})"),
                    contains("llama"));
  CHECK_THROWS_WITH(architecture_from_gguf_shape(R"({"arch":"llama","n_layer":1,"n_embd":64})"),
                    contains("vocabulary"));
}

TEST_CASE("gguf: a shape's flags are numbers, truths or words", "[model]") {
  const auto tied = [](const std::string& value) {
    return architecture_from_gguf_shape(
               R"({"arch":"llama","n_layer":1,"n_embd":64,"n_head":4,"n_head_kv":4,"n_ff":64,
                   "n_vocab":64,"tied":)" +
               value + "}")
        .tied;
  };
  CHECK(tied("true"));
  CHECK(tied("1"));
  CHECK(tied("\"yes\""));
  CHECK_FALSE(tied("0"));
  CHECK_FALSE(tied("false"));
  // Widths of keys and of values win over the one of both.
  const Architecture wide = architecture_from_gguf_shape(
      R"({"arch":"llama","n_layer":1,"n_embd":64,"n_head":4,"n_head_kv":4,"n_ff":64,"n_vocab":64,
          "head_dim":16,"key_length":32,"value_length":8})");
  CHECK(wide.blocks.front().attention->head_dim == 32);
  CHECK(wide.blocks.front().attention->value_dim == 8);
}

TEST_CASE("llama.cpp's caches, worked examples", "[model]") {
  CHECK(cache("llama-3.1-70b", 32768) == 10'737'418'240);
  CHECK(cache("qwen3-235b-a22b", 131072) == 25'232'932'864);
  CHECK(cache("deepseek-v3", 32768) == 2'302'672'896);
  CHECK(cache("deepseek-v3", 32768, 1, false, GgmlType::q8_0) == 61LL * 32768 * 612);
  CHECK(cache("gpt-oss-120b", 131072) == 4'860'149'760);
  CHECK(cache("gemma-3-27b", 32768, 4, true) == 4'647'288'832);
  CHECK(cache("gemma-3-27b", 32768, 4, false) == 5'301'600'256);
  CHECK(cache("qwen3-next", 256, 2) - cache("qwen3-next", 256, 1) == 79'036'416 + 12 * 256 * 2048);
  // A context is padded to 256, and so is each sequence's share.
  CHECK(cache("llama-3.1-8b", 1) == cache("llama-3.1-8b", 256));
  CHECK(cache("llama-3.1-8b", 1000, 3) == 3 * cache("llama-3.1-8b", 512));
  // MTP layers have none.
  CHECK(cache("glm-4.5-air", 4096) == 46LL * 4096 * 2048 * 2);
}

TEST_CASE("llama.cpp's caches, refusals", "[model]") {
  LlamaCacheOptions o;
  o.value_type = GgmlType::q8_0;
  CHECK_THROWS_WITH(llama_cache(shape("deepseek-v3"), o), contains("MLA"));
  CHECK_NOTHROW(llama_cache(shape("llama-3.1-8b"), o));
  o.flash_attention = false;
  CHECK_THROWS_WITH(llama_cache(shape("llama-3.1-8b"), o), contains("flash attention"));
  o = {};
  for (const auto& wrong : {&LlamaCacheOptions::parallel, &LlamaCacheOptions::ubatch}) {
    LlamaCacheOptions none;
    none.*wrong = 0;
    CHECK_THROWS_WITH(llama_cache(shape("llama-3.1-8b"), none), contains("must be positive"));
  }
  o.context = Tokens(0);
  CHECK_THROWS_WITH(llama_cache(shape("llama-3.1-8b"), o), contains("must be positive"));
  o = {};
  o.key_type = GgmlType::q4_k;
  CHECK_THROWS_WITH(llama_cache(shape("llama-3.1-8b"), o), contains("do not divide a head of 128"));
}
