#include "macfit/model/weight_format.hpp"

#include <set>

#include "macfit/core/error.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;

namespace {

std::string error_of(std::string_view name) {
  try {
    (void)parse_recipe(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

Tensor matrix(std::string name, TensorClass c, std::int64_t rows, std::int64_t columns,
              Quantized quantized = Quantized::base) {
  Tensor t;
  t.name = std::move(name);
  t.tensor_class = c;
  t.rows = rows;
  t.columns = columns;
  t.quantized = quantized;
  t.under_vlm = quantized;
  return t;
}

std::string format_text(const std::optional<WeightFormat>& f) {
  return f ? std::to_string(f->bits) + " bit, group " + std::to_string(f->group) : "none";
}

}  // namespace

TEST_CASE("weight format: bits per weight", "[model]") {
  // mlx/ops.cpp: codes, then a scale and a bias of 16 bits a group, or one 8-bit scale.
  struct Row {
    const char* recipe;
    double bits;
  };
  const Row rows[] = {
      {"mlx-2bit-g64", 2.5},
      {"mlx-3bit-g64", 3.5},
      {"mlx-4bit-g64", 4.5},
      {"mlx-4bit-g32", 5.0},
      {"mlx-4bit-g128", 4.25},
      {"mlx-5bit-g64", 5.5},
      {"mlx-6bit-g64", 6.5},
      {"mlx-8bit-g64", 8.5},
      {"mlx-8bit-g32", 9.0},
      {"mxfp4", 4.25},
      {"nvfp4", 4.5},
      {"mxfp8", 8.25},
      {"bf16", 16.0},
      {"f32", 32.0},
      {"fp8", 8.001953125},
      {"int4-experts", 4.5},
      {"int4-experts-mlx", 5.0},
  };
  for (const Row& row : rows) {
    INFO(row.recipe);
    CHECK(bits_per_weight(parse_recipe(row.recipe).base) == row.bits);
  }
}

TEST_CASE("weight format: bytes of a matrix", "[model]") {
  CHECK(matrix_bytes({Mode::affine, 4, 64}, 1, 4096, 4096).count() == 9437184);
  CHECK(matrix_bytes({Mode::mxfp4, 4, 32}, 1, 2880, 2880).count() == 4406400);
  CHECK(matrix_bytes({Mode::affine, 4, 64}, 256, 1536, 3072).count() == 679477248);
  // A router of 32-bit weights has 32-bit scales and biases (MiniMax).
  CHECK(matrix_bytes({Mode::affine, 8, 64}, 1, 256, 3072, 4).count() == 884736);
  CHECK(matrix_bytes({Mode::nvfp4, 4, 16}, 1, 64, 64).count() == 64 * 32 + 64 * 4);
  CHECK(matrix_bytes({Mode::bf16, 16, 0}, 2, 10, 10).count() == 400);
  CHECK(matrix_bytes({Mode::f32, 32, 0}, 1, 10, 10).count() == 400);
  // DeepSeek's kv_a_proj: blocks of 128 x 128 are rounded up.
  CHECK(matrix_bytes({Mode::fp8, 8, 0}, 1, 576, 7168).count() == 576 * 7168 + 5 * 56 * 4);
  // Kimi's experts: 4-bit codes, a 16-bit scale for 32, two sizes of 32 bits.
  CHECK(matrix_bytes({Mode::symmetric, 4, 32}, 384, 2048, 7168).count() ==
        384 * (2048LL * 7168 * 9 / 16 + 8));
  CHECK_THROWS_AS(
      matrix_bytes({Mode::bf16, 16, 0}, 1, std::int64_t{1} << 40, std::int64_t{1} << 40), Error);
}

TEST_CASE("weight format: recipe names", "[model]") {
  struct Row {
    const char* name;
    const char* canonical;
  };
  const Row rows[] = {
      {"mlx-4bit-g64", "mlx-4bit-g64"},
      {"4bit", "mlx-4bit-g64"},
      {"4BIT", "mlx-4bit-g64"},
      {"q4", "mlx-4bit-g64"},
      {"Q8", "mlx-8bit-g64"},
      {"mlx-q6", "mlx-6bit-g64"},
      {"8-bit", "mlx-8bit-g64"},
      {"4bit-gs32", "mlx-4bit-g32"},
      {"4bit-g128", "mlx-4bit-g128"},
      {"8bit-gs32", "mlx-8bit-g32"},
      {"BF16", "bf16"},
      {"fp16", "f16"},
      {"MXFP4", "mxfp4"},
      {"MXFP4-Q8", "mxfp4-q8"},
      {"mixed_4_6", "mixed_4_6"},
      {"Mixed-2-6", "mixed_2_6"},
      {"q4_k_m", "Q4_K_M"},
      {"Q4_K", "Q4_K_M"},
      {"iq4_xs", "IQ4_XS"},
      {"4.5bpw", "4.5bpw"},
      {" q5 ", "mlx-5bit-g64"},
      {"int4", "mlx-4bit-g64"},
      {"4bit-mxfp4", "mxfp4"},
      {"mlx-vlm-4bit", "mlx-vlm-4bit-g64"},
      {"mlx-vlm-bf16", "mlx-vlm-bf16"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(parse_recipe(row.name).name == row.canonical);
  }
}

TEST_CASE("weight format: every listed name parses to itself", "[model]") {
  std::set<std::string> seen;
  for (const std::string& name : recipe_names()) {
    INFO(name);
    const Recipe r = parse_recipe(name);
    CHECK(r.name == name);
    CHECK(seen.insert(name).second);
    CHECK(nominal_bits(r) > 1.0);
    CHECK(parse_recipe(r.name) == r);
  }
}

TEST_CASE("weight format: names that are none", "[model]") {
  CHECK_FALSE(find_recipe("7bit"));
  CHECK_FALSE(find_recipe(""));
  CHECK_FALSE(find_recipe("4bit-g48"));
  CHECK_FALSE(find_recipe("4bit-g64x"));
  CHECK_FALSE(find_recipe("q"));
  CHECK_FALSE(find_recipe("bpw"));
  CHECK_FALSE(find_recipe("0.1bpw"));
  for (const char* name : {"4bit-gs", "4bit-g", "4bit-x64", "65bpw", ".bpw", "4.5.5bpw", "4x5bpw",
                           "4/5bpw", "123456789bpw", "mlx-vlm-mixed_3_6", "mlx-vlm-4.5bpw"}) {
    CAPTURE(name);
    CHECK_FALSE(find_recipe(name));
  }
  CHECK(find_recipe("mixed-3-6")->name == "mixed_3_6");
  CHECK(find_recipe("64bpw")->nominal_bits == 64.0);
  CHECK_FALSE(find_recipe("mlx-vlm-Q4_K_M"));
  CHECK_FALSE(find_recipe("mlx-vlm-mlx-vlm-4bit"));
  CHECK_THAT(error_of("q7"), test::contains("MLX has no 7 bit format"));
  CHECK_THAT(error_of("Q4_K_N"), test::contains("did you mean Q4_K_M"));
  CHECK_THAT(error_of("mxfp5"), test::contains("mxfp4"));
}

TEST_CASE("weight format: llama.cpp's usual formats", "[model]") {
  CHECK(gguf_default(2).name == "Q2_K");
  CHECK(gguf_default(3).name == "Q3_K_M");
  CHECK(gguf_default(4).name == "Q4_K_M");
  CHECK(gguf_default(5).name == "Q5_K_M");
  CHECK(gguf_default(8).name == "Q8_0");
  CHECK(gguf_default(6).name == "Q6_K");
  CHECK_THROWS_AS(gguf_default(7), Error);
}

TEST_CASE("weight format: sorting", "[model]") {
  const char* order[] = {"IQ1_S", "2bit", "Q2_K",  "3bit", "mxfp4", "4bit", "mixed_4_6",
                         "5bit",  "6bit", "mxfp8", "8bit", "bf16",  "f32"};
  double last = 0.0;
  for (const char* name : order) {
    INFO(name);
    const double bits = nominal_bits(parse_recipe(name));
    CHECK(bits > last);
    last = bits;
  }
}

TEST_CASE("weight format: exceptions of the converters", "[model]") {
  const Tensor expert = matrix("mlp.switch_mlp.gate_proj", TensorClass::experts, 768, 2048);
  const Tensor query = matrix("self_attn.q_proj", TensorClass::attention, 2048, 2048);
  const Tensor router = matrix("mlp.gate", TensorClass::router, 128, 2048, Quantized::eight_bit);
  const Tensor raw = matrix("mlp.gate", TensorClass::router, 128, 2048, Quantized::never);
  const Tensor norm = matrix("input_layernorm", TensorClass::norm, 2048, 1, Quantized::never);
  struct Row {
    const char* recipe;
    const Tensor* tensor;
    const char* format;
  };
  const Row rows[] = {
      {"4bit", &expert, "4 bit, group 64"},
      {"4bit", &router, "8 bit, group 64"},
      {"4bit", &raw, "none"},
      {"4bit", &norm, "none"},
      {"bf16", &router, "none"},
      {"mxfp4", &router, "8 bit, group 64"},
      {"mxfp4-experts", &expert, "4 bit, group 32"},
      {"mxfp4-experts", &query, "none"},
      {"mxfp4-experts", &router, "none"},
      {"mxfp4-q8", &expert, "4 bit, group 32"},
      {"mxfp4-q8", &query, "8 bit, group 64"},
      {"mxfp4-q8", &router, "8 bit, group 64"},
      {"mixed_3_6", &router, "3 bit, group 64"},
      {"fp8", &query, "8 bit, group 0"},
      {"fp8", &raw, "none"},
  };
  for (const Row& row : rows) {
    INFO(row.recipe << " " << row.tensor->name);
    CHECK(format_text(format_of(parse_recipe(row.recipe), *row.tensor, 0, 32)) == row.format);
  }
  CHECK_THROWS_AS(format_of(parse_recipe("Q4_K_M"), query, 0, 32), Error);
  CHECK_THROWS_AS(format_of(parse_recipe("4.5bpw"), query, 0, 32), Error);
}

TEST_CASE("weight format: where the group does not divide the inputs", "[model]") {
  // gpt-oss: 2880 inputs are 45 groups of 64 and no groups of 128; then the module stays bf16.
  const Tensor query = matrix("self_attn.q_proj", TensorClass::attention, 4096, 2880);
  CHECK(format_text(format_of(parse_recipe("4bit"), query, 0, 36)) == "4 bit, group 64");
  CHECK(format_text(format_of(parse_recipe("4bit-g128"), query, 0, 36)) == "none");
  CHECK(tensor_bytes(parse_recipe("4bit-g128"), query, 0, 36).count() == 4096 * 2880 * 2);
  // The recipe's own group decides for routers too, though theirs is 64.
  const Tensor router = matrix("mlp.router", TensorClass::router, 32, 2880, Quantized::eight_bit);
  CHECK(format_text(format_of(parse_recipe("4bit-g128"), router, 0, 36)) == "none");
  const Tensor odd = matrix("mlp.router", TensorClass::router, 32, 96, Quantized::eight_bit);
  CHECK_THROWS_AS(format_of(parse_recipe("mxfp4"), odd, 0, 36), Error);
}

TEST_CASE("weight format: mixed recipes", "[model]") {
  // mlx_lm/convert.py: high bits for v_proj and down_proj of the first and last eighth of the
  // layers and every third between, and for the head.
  const Recipe r = parse_recipe("mixed_4_6");
  const auto bits = [&](const char* name, std::size_t layer, std::size_t layers) {
    return format_of(r, matrix(name, TensorClass::dense, 64, 64), layer, layers)->bits;
  };
  std::vector<std::size_t> high;
  for (std::size_t i = 0; i < 32; ++i) {
    if (bits("mlp.down_proj", i, 32) == 6) {
      high.push_back(i);
    }
  }
  CHECK(high == std::vector<std::size_t>{0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31});
  CHECK(bits("mlp.switch_mlp.down_proj", 0, 32) == 6);
  CHECK(bits("self_attn.v_proj", 0, 32) == 6);
  CHECK(bits("self_attn.kv_a_proj_with_mqa", 0, 32) == 6);  // holds "v_a_proj"
  CHECK(bits("self_attn.k_proj", 0, 32) == 4);
  CHECK(bits("mlp.up_proj", 0, 32) == 4);
  CHECK(bits("mlp.shared_experts.output_linear", 0, 32) == 4);  // no down_proj by name (Granite)
  CHECK(bits("lm_head", 0, 32) == 6);
  CHECK(bits("model.embed_tokens", 0, 32) == 4);
}
