#include "macfit/read/mlx_checkpoint.hpp"

#include "header_bytes.hpp"
#include "macfit/core/error.hpp"
#include "macfit/read/hf_config.hpp"
#include "macfit/read/read_model.hpp"
#include "scratch_folder.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;
using macfit::test::contains;

namespace {

/// A small mixture of experts with whatever stands in `more`.
std::string qwen(const std::string& more) {
  return R"({"model_type":"qwen3_moe","hidden_size":256,"num_hidden_layers":2,
    "num_attention_heads":4,"num_key_value_heads":2,"head_dim":64,"intermediate_size":512,
    "moe_intermediate_size":128,"num_experts":8,"num_experts_per_tok":2,"vocab_size":1000,
    "tie_word_embeddings":false,"max_position_embeddings":4096)" +
         (more.empty() ? "" : "," + more) + "}";
}

std::int64_t stored(const std::string& config) {
  return config_model(config, "m").stored.value().total().count();
}

std::int64_t affine(std::int64_t rows, std::int64_t columns, int bits, int group = 64) {
  return rows * columns * bits / 8 + rows * columns / group * 4;
}

}  // namespace

TEST_CASE("MLX config: a plain block means what mlx-lm's converter does", "[read]") {
  struct Fact {
    const char* block;
    const char* recipe;
  };
  const Fact facts[] = {
      {R"("quantization":{"group_size":64,"bits":4})", "mlx-4bit-g64"},
      {R"("quantization":{"group_size":32,"bits":8,"mode":"affine"})", "mlx-8bit-g32"},
      {R"("quantization":{"group_size":32,"bits":4,"mode":"mxfp4"})", "mxfp4"},
      {R"("quantization":{"bits":4,"mode":"nvfp4","group_size":16})", "nvfp4"},
      {R"("quantization":{"bits":8,"mode":"mxfp8","group_size":32})", "mxfp8"},
      {R"("quantization_config":{"group_size":64,"bits":6})", "mlx-6bit-g64"},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.block);
    const Model m = config_model(qwen(fact.block), "m");
    REQUIRE(m.stored);
    REQUIRE(m.default_recipe);
    CHECK(m.default_recipe->name == fact.recipe);
    CHECK(m.stored->total() == weight_layout(m.architecture, parse_recipe(fact.recipe)).total());
    CHECK(weights_of(m, *m.default_recipe) == *m.stored);
  }
}

TEST_CASE("MLX config: an entry for a module wins", "[read]") {
  const std::string base = R"("quantization":{"group_size":64,"bits":4)";
  const std::int64_t plain = stored(qwen(base + "}"));
  const auto with = [&](const std::string& entries) {
    return stored(qwen(base + "," + entries + "}")) - plain;
  };
  // One projection at 8 bits, one left out, one in another mode.
  CHECK(with(R"("model.layers.0.self_attn.q_proj":{"group_size":64,"bits":8})") ==
        affine(256, 256, 8) - affine(256, 256, 4));
  CHECK(with(R"("model.layers.1.self_attn.o_proj":false)") == 256 * 256 * 2 - affine(256, 256, 4));
  CHECK(with(R"("model.layers.1.self_attn.o_proj":true)") == 0);
  CHECK(
      with(
          R"("model.layers.1.mlp.switch_mlp.up_proj":{"mode":"mxfp4","bits":4,"group_size":32})") ==
      8 * 128 * 256 / 2 + 8 * 128 * 256 / 32 - affine(8 * 128, 256, 4));
  CHECK(with(R"("lm_head":{"bits":6})") == affine(1000, 256, 6) - affine(1000, 256, 4));
  CHECK(with(R"("model.embed_tokens":{"group_size":32,"bits":8})") ==
        affine(1000, 256, 8, 32) - affine(1000, 256, 4));
  // Other prefixes and spellings of the same modules; experts stacked in another class.
  CHECK(with(R"("language_model.model.layers.0.self_attn.q_proj":{"bits":8})") ==
        affine(256, 256, 8) - affine(256, 256, 4));
  CHECK(with(R"("model.layers.0.mlp.experts.down_proj":{"bits":8})") ==
        affine(8 * 256, 128, 8) - affine(8 * 256, 128, 4));
  // What names towers or nothing here changes nothing.
  CHECK(with(R"("vision_tower.blocks.0.attn.qkv":{"bits":8})") == 0);

  // Routers: 8 bit where no entry names any; named ones as named, the others at the base then.
  const std::int64_t router = affine(8, 256, 8) - affine(8, 256, 4);
  CHECK(with(R"("model.layers.0.mlp.gate":{"group_size":64,"bits":8},
                "model.layers.1.mlp.gate":{"group_size":64,"bits":8})") == 0);
  CHECK(with(R"("model.layers.0.mlp.gate":{"group_size":64,"bits":8})") == -router);
  CHECK(with(R"("model.layers.0.mlp.gate":false,"model.layers.1.mlp.gate":{"bits":8})") ==
        8 * 256 * 2 - affine(8, 256, 8));
}

TEST_CASE("MLX config: what MLX does not have is refused with its place", "[read]") {
  struct Fact {
    const char* block;
    const char* pointer;
    const char* text;
  };
  const Fact facts[] = {
      {R"({"group_size":64,"bits":7})", "/quantization", "7 bits"},
      {R"({"group_size":48,"bits":4})", "/quantization", "groups of 48"},
      {R"({"group_size":64,"bits":4,"mode":"mxfp4"})", "/quantization", "groups of 64"},
      {R"({"group_size":64,"bits":4,"mode":"mxfp5"})", "/quantization/mode", "mxfp5"},
      {R"({"group_size":64,"bits":"4"})", "/quantization/bits", "expected"},
      {R"({"group_size":64,"bits":4,"model.layers.0.mlp.gate":{"bits":7}})",
       "/quantization/model.layers.0.mlp.gate", "7 bits"},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.block);
    try {
      (void)parse_checkpoint_config(qwen("\"quantization\":" + std::string(fact.block)));
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.place().pointer == fact.pointer);
      CHECK_THAT(error.message(), contains(fact.text));
    }
  }
}

TEST_CASE("native quantization of Hugging Face configs", "[read]") {
  using Kind = CheckpointConfig::Kind;
  const auto kind = [](const std::string& block) {
    return parse_checkpoint_config(qwen("\"quantization_config\":" + block));
  };
  const CheckpointConfig fp8 = kind(
      R"({"quant_method":"fp8","weight_block_size":[128,128],"modules_to_not_convert":["gate"]})");
  CHECK(fp8.kind == Kind::fp8);
  CHECK(fp8.recipe.value().name == "fp8");
  CHECK_FALSE(fp8.loaded);
  // DeepSeek V4 says beside the block that its experts have four bits.
  CHECK(parse_checkpoint_config(
            qwen(R"("expert_dtype":"fp4","quantization_config":{"quant_method":"fp8"})"))
            .recipe.value()
            .name == "mxfp4-fp8");
  const CheckpointConfig mxfp4 = kind(R"({"quant_method":"mxfp4","modules_to_not_convert":[]})");
  CHECK(mxfp4.loaded.value().name == "mxfp4-experts");
  const CheckpointConfig int4 = kind(
      R"({"quant_method":"compressed-tensors","format":"pack-quantized","ignore":["re:.*self_attn.*"],
          "config_groups":{"group_0":{"weights":{"num_bits":4,"group_size":32}}}})");
  CHECK(int4.recipe.value().name == "int4-experts");
  CHECK(int4.loaded.value().name == "int4-experts-mlx");
  const CheckpointConfig nvfp4 = kind(
      R"({"quant_method":"modelopt","quant_algo":"NVFP4","ignore":["model.layers.0.self_attn*"]})");
  CHECK(nvfp4.recipe.value().name == "nvfp4-experts");
  CHECK(kind(R"({"quant_method":"modelopt","quant_algo":"NVFP4"})").recipe.value().name == "nvfp4");
  CHECK(kind(R"({"quant_method":"bitsandbytes"})").kind == Kind::other);
  CHECK(kind("{}").kind == Kind::other);
  CHECK(parse_checkpoint_config(qwen("")).kind == Kind::plain);
  // Notes say what a person should know.
  const Model m = config_model(qwen(R"("quantization_config":{"quant_method":"fp8"})"), "m");
  REQUIRE(m.notes.size() == 2);
  CHECK_THAT(m.notes.front(), contains("16-bit"));
  CHECK_THAT(m.notes.back(), contains("weight_scale_inv"));
}

TEST_CASE("MLX config: towers beside the text take mlx-vlm's rules", "[read]") {
  for (const auto& [block, recipe] : std::vector<std::pair<const char*, const char*>>{
           {R"({"group_size":64,"bits":4})", "mlx-vlm-4bit-g64"},
           {R"({"group_size":32,"bits":4,"mode":"mxfp4"})", "mlx-vlm-mxfp4"},
           {R"({"group_size":16,"bits":4,"mode":"nvfp4"})", "mlx-vlm-nvfp4"},
           {R"({"group_size":32,"bits":8,"mode":"mxfp8"})", "mlx-vlm-mxfp8"}}) {
    CAPTURE(recipe);
    for (const char* tower : {"vision_config", "audio_config"}) {
      const CheckpointConfig c = parse_checkpoint_config(
          qwen("\"" + std::string(tower) + "\":{},\"quantization\":" + block));
      CHECK(c.recipe.value().name == recipe);
    }
  }
  // A wrapper may hold its block with the text model's fields; one that states no bits says
  // nothing.
  CHECK(parse_checkpoint_config(R"({"text_config":{"quantization":{"bits":8,"group_size":64}}})")
            .recipe.value()
            .name == "mlx-8bit-g64");
  CHECK(parse_checkpoint_config(R"({"text_config":[],"quantization":{"bits":8}})")
            .recipe.value()
            .name == "mlx-8bit-g64");
  for (const char* none : {R"({"text_config":[]})", R"({"quantization":[4]})",
                           R"({"quantization":{"group_size":64}})"}) {
    CAPTURE(none);
    CHECK(parse_checkpoint_config(none).kind == CheckpointConfig::Kind::plain);
  }
}

TEST_CASE("MLX config: one entry for what stands here as several modules", "[read]") {
  const auto overrides = [](const std::string& key) {
    std::vector<std::string> keys;
    for (const auto& [path, format] :
         parse_checkpoint_config(R"({"quantization":{"bits":4,"group_size":64,")" + key +
                                 R"(":{"bits":8}}})")
             .overrides) {
      keys.push_back(path);
    }
    return keys;
  };
  using Names = std::vector<std::string>;
  CHECK(overrides("model.layers.3.self_attn.kv_b_proj") == Names{"layers.3.self_attn.embed_q",
                                                                 "layers.3.self_attn.kv_b_proj",
                                                                 "layers.3.self_attn.unembed_out"});
  CHECK(overrides("model.layers.3.mlp.experts.gate_up_proj") ==
        Names{"layers.3.mlp.switch_mlp.gate_proj", "layers.3.mlp.switch_mlp.up_proj"});
  CHECK(overrides("model.layers.3.self_attn.q_proj") == Names{"layers.3.self_attn.q_proj"});
}

TEST_CASE("native quantization: blocks that are not what they look like", "[read]") {
  using Kind = CheckpointConfig::Kind;
  const auto read = [](const std::string& block) {
    return parse_checkpoint_config(qwen("\"quantization_config\":" + block));
  };
  const std::string packed = R"({"quant_method":"compressed-tensors","format":"pack-quantized")";
  const std::string ignore = R"(,"ignore":["re:.*self_attn.*"])";
  const auto group = [](const std::string& weights) {
    return R"(,"config_groups":{"group_0":{"weights":)" + weights + "}}";
  };
  const std::string int4 = R"({"num_bits":4,"group_size":32})";
  CHECK(read(packed + ignore + group(int4) + "}").kind == Kind::int4);
  // Another width, another group, attention quantized too, no groups, or none that can be read.
  for (const std::string& other :
       {ignore + group(R"({"num_bits":8,"group_size":32})"),
        ignore + group(R"({"num_bits":4,"group_size":128})"), group(int4), ignore,
        R"(,"ignore":"self_attn")" + group(int4), R"(,"ignore":[3,"lm_head"])" + group(int4),
        ignore + R"(,"config_groups":[])", ignore + R"(,"config_groups":{})",
        ignore + R"(,"config_groups":{"group_0":[]})",
        ignore + R"(,"config_groups":{"group_0":{}})", ignore + group("[]")}) {
    CAPTURE(other);
    const CheckpointConfig c = read(packed + other + "}");
    CHECK(c.kind == Kind::other);
    CHECK_FALSE(c.recipe);
    CHECK(c.method == "compressed-tensors");
  }
  const std::string nvfp4 =
      R"({"quant_method":"compressed-tensors","format":"nvfp4-pack-quantized")";
  CHECK(read(nvfp4 + "}").recipe.value().name == "nvfp4");
  CHECK(read(nvfp4 + ignore + "}").recipe.value().name == "nvfp4-experts");
  CHECK(read(nvfp4 + ignore + "}").loaded.value().name == "nvfp4-experts");
  CHECK(read(R"({"quant_method":"compressed-tensors","format":"dense"})").kind == Kind::other);
  // What it is called where it does not say so itself.
  CHECK(read(R"({"quant_algo":"FP8"})").method == "fp8");
  CHECK(read(R"({"quant_algo":"FP8"})").kind == Kind::other);
  CHECK(read(R"({"quant_method":4})").method == "unknown");
  CHECK(parse_checkpoint_config(
            qwen(R"("expert_dtype":"fp8","quantization_config":{"quant_method":"fp8"})"))
            .recipe.value()
            .name == "fp8");
}

TEST_CASE("MLX config: entries for what a group does not divide, and for shared gates", "[read]") {
  // Experts of 96: neither 64 nor 128 divides their inputs, so that they stay at 16 bits.
  const auto narrow = [](const std::string& more) {
    std::string config = qwen(more);
    config.replace(config.find("\"moe_intermediate_size\":128"), 27,
                   "\"moe_intermediate_size\":96");
    return config;
  };
  const std::string base = R"("quantization":{"group_size":64,"bits":4)";
  const std::string down = R"("model.layers.0.mlp.switch_mlp.down_proj")";
  const std::int64_t plain = stored(narrow(base + "}"));
  CHECK(stored(narrow(base + "," + down + R"(:{"group_size":128,"bits":8}})")) == plain);
  CHECK(stored(narrow(base + "," + down + R"(:{"group_size":32,"bits":8}})")) ==
        plain - 8 * 256 * 96 * 2 + affine(8 * 256, 96, 8, 32));
  // A shared expert's gate is a router too: where one is named, what is not has the base format.
  const std::string shared = R"({"model_type":"qwen3_next","hidden_size":256,"num_hidden_layers":2,
      "num_attention_heads":4,"num_key_value_heads":2,"head_dim":64,"vocab_size":1000,
      "moe_intermediate_size":128,"num_experts":8,"num_experts_per_tok":2,
      "shared_expert_intermediate_size":128,"linear_num_key_heads":2,"linear_num_value_heads":4,
      "linear_key_head_dim":64,"linear_value_head_dim":64,)";
  const std::int64_t eight = stored(shared + base + "}}");
  const std::int64_t routers = 2 * (affine(8, 256, 8) - affine(8, 256, 4));
  const std::int64_t gate = affine(1, 256, 8) - affine(1, 256, 4);
  CHECK(stored(shared + base + R"(,"model.layers.0.mlp.shared_expert_gate":{"bits":8}}})") ==
        eight - routers - gate);
  CHECK_THROWS_WITH(mlx_layout(read_hf_config(qwen("")), parse_checkpoint_config(qwen(""))),
                    contains("the config holds no \"quantization\" of MLX"));
}

TEST_CASE("checkpoints: what is noted and what is refused", "[read]") {
  const auto read = [](const test::SafetensorsBytes& s, const std::string& config) {
    const auto header = read_safetensors_header(MemorySource(s.bytes()));
    return checkpoint_model(header.tensors, config, "m");
  };
  test::SafetensorsBytes head;
  head.bf16("lm_head.weight", {8, 8});
  for (const std::string& config : {qwen(""), std::string(R"({"model_type":"novel"})")}) {
    CHECK_THROWS_WITH(read(head, config), contains("the safetensors files hold no layers"));
  }
  test::SafetensorsBytes fp8;
  fp8.tensor("model.layers.0.mlp.up_proj.weight", "F8_E4M3", {64, 64}, 64 * 64);
  fp8.bf16("model.layers.0.input_layernorm.weight", {64});
  const Model plain = read(fp8, qwen(""));
  CHECK(plain.stored->format == "fp8");
  CHECK(plain.notes.empty());
  CHECK(plain.default_recipe.value().name == "fp8");
  // Neither compressed-tensors' nvfp4 nor modelopt's is loaded by a class that renames no tensors.
  const std::string packed =
      R"("quantization_config":{"quant_method":"compressed-tensors","format":"nvfp4-pack-quantized"})";
  CHECK_THAT(read(fp8, qwen(packed)).refusal, contains("weight_packed"));
  const Model modelopt =
      read(fp8, qwen(R"("quantization_config":{"quant_method":"modelopt","quant_algo":"NVFP4"})"));
  REQUIRE(modelopt.notes.size() == 1);
  CHECK_THAT(modelopt.notes.front(), contains("mlx-lm 0.32.2 refuses this checkpoint"));
  CHECK_THAT(modelopt.refusal, contains("input_scale"));
  CHECK(modelopt.default_recipe.value().name == "nvfp4");
  const Model other = read(fp8, qwen(R"("quantization_config":{"quant_method":"awq"})"));
  REQUIRE(other.notes.size() == 1);
  CHECK_THAT(other.notes.front(), contains("which modules stayed in 16 bits"));
}

TEST_CASE("MLX folder: headers win over the config's formula", "[read]") {
  const test::ScratchFolder folder;
  folder.write("config.json", qwen(R"("quantization":{"group_size":64,"bits":4})"));
  const Model alone = read_model(folder.path());
  CHECK(alone.source == Source::hf_config);
  CHECK(alone.id == folder.path().filename().string());

  // Only a part of the model's tensors, so that the two can't be mistaken.
  test::SafetensorsBytes s;
  s.tensor("model.layers.0.self_attn.q_proj.weight", "U32", {256, 32}, 256 * 32 * 4);
  s.bf16("model.layers.0.self_attn.q_proj.scales", {256, 4});
  s.bf16("model.layers.0.self_attn.q_proj.biases", {256, 4});
  s.tensor("model.layers.1.mlp.switch_mlp.up_proj.weight", "U32", {8, 128, 32}, 8 * 128 * 32 * 4);
  s.bf16("vision_tower.patch_embed.weight", {10, 10});
  folder.write("model.safetensors", s.bytes());
  const Model m = read_model(folder.path());
  CHECK(m.source == Source::safetensors);
  REQUIRE(m.stored);
  CHECK(m.stored->total().count() == affine(256, 256, 4) + 8 * 128 * 128);
  CHECK(m.stored->layers[1].experts_active.count() * 4 == m.stored->layers[1].experts.count());
  CHECK(m.stored->format == "mlx-4bit-g64");
  CHECK(m.default_recipe.value().name == "mlx-4bit-g64");
  CHECK(m.architecture == alone.architecture);
  CHECK_THAT(m.notes.front(), contains("image"));

  // A family that is not known leaves the sizes.
  folder.write("config.json", R"({"model_type":"nonesuch"})");
  const Model unknown = read_model(folder.path());
  CHECK(unknown.architecture.layers.empty());
  CHECK(unknown.stored.value().total().count() == m.stored->total().count());
  CHECK_THAT(unknown.notes.front(), contains("nonesuch"));
  folder.write("config.json", "{");
  CHECK_THROWS_WITH(read_model(folder.path()), contains("not valid JSON"));
}

TEST_CASE("MLX: packed integers gain a bias for every scale when loaded", "[read]") {
  const std::string config = qwen(
      R"("quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized",
         "ignore":["re:.*self_attn.*"],
         "config_groups":{"group_0":{"weights":{"num_bits":4,"group_size":32}}}})");
  test::SafetensorsBytes s;
  const std::string e = "model.layers.0.mlp.experts.0.up_proj.";
  s.tensor(e + "weight_packed", "I32", {128, 32}, 128 * 32 * 4);
  s.bf16(e + "weight_scale", {128, 8});
  s.tensor(e + "weight_shape", "I32", {2}, 8);
  const auto header = read_safetensors_header(MemorySource(s.bytes()));
  const Model m = checkpoint_model(header.tensors, config, "m");
  CHECK(m.stored.value().total().count() == affine(128, 256, 4, 32));
  REQUIRE(m.formats.size() == 1);
  CHECK(m.formats.front().bytes.value().count() == 128 * 32 * 4 + 128 * 8 * 2 + 8);
}

TEST_CASE("reading a model: a manifest that names a file", "[read]") {
  const test::ScratchFolder folder;
  folder.write("config.json", qwen(""));
  const auto path = folder.write(
      "m.json", R"({"schema":"macfit.manifest/1","id":"mine","from":{"config":"config.json"}})");
  try {
    const Model m = read_model(path);
    CHECK(m.id == "mine");
    CHECK(m.architecture.layers.size() == 2);
  } catch (const Error& error) {
    FAIL(error.what());
  }
}
