// What an engine reads and computes, term by term, and how it does with sequences side by side.
// Figures and sources: docs/speed.md.

#include <cmath>
#include <string>

#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/speed/speed.hpp"
#include "test.hpp"

using namespace macfit;
using speed::Engine;
using test::Approx;

namespace {

speed::Work work_of(const char* model, const char* format, Engine engine) {
  return speed::prepare(model::Catalog::embedded().get(model), model::parse_recipe(format), engine);
}

speed::Chip chip(const char* name) {
  return speed::chip_of(hardware::Catalog::embedded().chip(name), 0, Bytes(0));
}

speed::Link link(const char* name) {
  return speed::link_of(hardware::Catalog::embedded().link(name));
}

double seconds(const speed::Work& work, const char* name, double prompt) {
  const std::vector<speed::Chip> chips{chip(name)};
  speed::Question q;
  q.chips = chips;
  q.prompt = prompt;
  return speed::prefill_seconds(work, q, speed::Calibration::embedded().values);
}

/// Seconds at an empty prompt, from a straight line through two short ones of one chunk.
double start_of(const speed::Work& work) {
  const double first = seconds(work, "m5-max", 128);
  const double second = seconds(work, "m5-max", 512);
  return first - (second - first) / (512 - 128) * 128;
}

const speed::ContextCost& full_reach(const speed::Work& work) {
  for (const speed::ContextCost& cost : work.kinds) {
    if (cost.reach == speed::ContextCost::Reach::full && cost.index_flops > 0.0) {
      return cost;
    }
  }
  return work.kinds.at(0);
}

/// Tokens a second of all sequences over those of one.
double gain(const speed::Work& work, const char* name, double context, double sequences) {
  const std::vector<speed::Chip> chips{chip(name)};
  speed::Question q;
  q.chips = chips;
  q.prompt = context;
  q.generated = 128;
  const speed::Calibration& c = speed::Calibration::embedded();
  const double one = speed::estimate(work, q, c).aggregate_decode->value;
  q.sequences = sequences;
  return speed::estimate(work, q, c).aggregate_decode->value / one;
}

}  // namespace

TEST_CASE("a table that is only looked up is not read", "[speed]") {
  // Gemma 4 E2B: vocabulary 262,144, hidden 1,536, and 35 x 256 columns of per-layer inputs.
  const speed::Work e2b = work_of("gemma-4-e2b", "bf16", Engine::mlx);
  CHECK(e2b.head == 262144.0 * 1536.0 * 2.0);
  CHECK(e2b.weights > e2b.head + 262144.0 * 35.0 * 256.0 * 2.0);
  // Every other tied model reads its whole embedding.
  CHECK(work_of("llama-3.2-1b", "bf16", Engine::mlx).head == 128256.0 * 2048.0 * 2.0);
}

TEST_CASE("MLX leaves layers that share a cache out of prompts", "[speed]") {
  const speed::Work mlx = work_of("gemma-4-e2b", "q4", Engine::mlx);
  const speed::Work llama = work_of("gemma-4-e2b", "Q4_K_M", Engine::llama_cpp);
  CHECK(mlx.layers == 35);
  CHECK(mlx.prompt_layers == 15);
  CHECK(llama.prompt_layers == 35);
  CHECK(work_of("gemma-3-27b", "q4", Engine::mlx).prompt_layers == 62);
  // M5 Max, 2,048 tokens: 19,057 tok/s in mlx-lm 0.31.3, 7,573 in llama.cpp b10050 (ax-engine).
  CHECK(seconds(llama, "m5-max", 2048) / seconds(mlx, "m5-max", 2048) > 1.7);
}

TEST_CASE("what a scorer chooses saves reading, and in MLX no arithmetic", "[speed]") {
  const speed::ContextCost mlx = full_reach(work_of("deepseek-v3.2", "q4", Engine::mlx));
  CHECK(mlx.picked == 2048.0);
  CHECK(mlx.attended == 0.0);
  const speed::Work exo = work_of("deepseek-v3.2", "q4", Engine::exo);
  CHECK_FALSE(exo.has(speed::Trait::sparse));
  for (const speed::ContextCost& cost : exo.kinds) {
    CHECK(cost.picked == 0.0);
    CHECK(cost.index_bytes == 0.0);
    CHECK(cost.index_flops == 0.0);
  }
  // DeepSeek V4 Flash pools 4 tokens to a slot of 512: it reads 512 slots of those, and the
  // scorer's keys of all.
  const speed::ContextCost v4 = full_reach(work_of("deepseek-v4-flash", "q4", Engine::ds4));
  CHECK(v4.picked == 2048.0);
  CHECK(v4.attended == 2048.0);
  CHECK(v4.slot_bytes == 512.0 / 4.0 * 4.0);
  CHECK(v4.index_bytes == 128.0 / 4.0 * 4.0);
  CHECK(full_reach(work_of("deepseek-v4-flash", "q4", Engine::mlx)).attended == 0.0);
}

TEST_CASE("the start of a prompt takes several reads of all weights in MLX", "[speed]") {
  // M5 Max, 128 and 512 tokens: mlx-lm 166 to 224 ms for a 27B, llama.cpp next to nothing.
  for (const char* model : {"qwen3.6-27b", "qwen3.6-35b-a3b", "gemma-4-26b-a4b"}) {
    CAPTURE(model);
    const double mlx = start_of(work_of(model, "q4", Engine::mlx));
    CHECK(mlx > 0.05);
    CHECK(mlx > 1.5 * start_of(work_of(model, "Q4_K_M", Engine::llama_cpp)));
  }
}

TEST_CASE("an engine's release decides what it does", "[speed]") {
  struct Row {
    Engine engine;
    const char* date;
    bool unfused;
    bool matrix_units;
    bool quick_hops;
    bool slow_tensor;
  };
  const std::vector<Row> rows = {
      {Engine::llama_cpp, "2026-04-30", true, true, false, false},
      {Engine::llama_cpp, "2026-05-01", false, true, false, false},
      {Engine::ollama, "2025-12", true, true, false, false},
      {Engine::ds4, "2026-06-30", false, false, false, false},
      {Engine::ds4, "2026-07", false, true, false, false},
      {Engine::ds4, "2026", false, false, false, false},
      {Engine::exo, "2024-12", false, true, false, false},
      {Engine::exo, "2026-02", false, true, true, false},
      {Engine::exo, "2026-05-08", false, true, true, true},
      {Engine::exo, "undated", false, true, true, true},
      {Engine::mlx, "", false, true, false, false},
  };
  for (const Row& row : rows) {
    CAPTURE(speed::engine_name(row.engine), row.date);
    speed::Work work;
    work.engine = row.engine;
    speed::set_release(work, speed::release_from_date(row.date));
    CHECK(work.unfused == row.unfused);
    CHECK(work.matrix_units == row.matrix_units);
    CHECK(work.quick_hops == row.quick_hops);
    CHECK(work.slow_tensor == row.slow_tensor);
  }
  CHECK(speed::release_from_date("2026-13-01").month == 1);
  CHECK(speed::release_from_date("26-05").year == 0);
}

TEST_CASE("tensor over TCP holds both reports of the exchange", "[speed]") {
  // ds4 #651 fits 208 us; 28.6 tok/s over RDMA against 6.6 over a TCP ring (omlx #3037) are 0.6 to
  // 1.0 ms.
  const speed::Work work = work_of("qwen3-32b", "q4", Engine::mlx);
  const std::vector<speed::Chip> chips(2, chip("m4-max"));
  speed::Question q;
  q.split = speed::Split::tensor;
  q.chips = chips;
  q.link = link("tb5-tcp");
  q.prompt = 300;
  q.generated = 128;
  const speed::Calibration& c = speed::Calibration::embedded();
  const speed::Answer answer = speed::estimate(work, q, c);
  for (const double exchange : {208e-6, 600e-6, 1000e-6}) {
    speed::Constants at = c.values;
    at[static_cast<std::size_t>(speed::Constant::collective_tcp)] = exchange;
    const double rate = 1.0 / speed::decode_step(work, q, at).total();
    CAPTURE(exchange, rate);
    CHECK(answer.decode->low <= rate * (1.0 + 1e-9));
    CHECK(rate <= answer.decode->high * (1.0 + 1e-9));
  }
  CHECK(answer.decode->evidence == Evidence::estimated);
}

TEST_CASE("EXO since May 2026 is slower over RDMA than mlx-lm, in a pipeline near one node",
          "[speed]") {
  // exo #2070, gpt-oss-120b, M5 Max: 89 alone, 68 in a pipeline of two over TCP, 48 in tensor over
  // RDMA; MLX itself on an M4 Max and an M5 Max 98.
  const speed::Work exo = work_of("gpt-oss-120b", "mxfp4-q8", Engine::exo);
  const speed::Work mlx = work_of("gpt-oss-120b", "mxfp4-q8", Engine::mlx);
  const std::vector<speed::Chip> chips(2, chip("m5-max"));
  const std::vector<std::int64_t> layers{18, 18};
  speed::Question q;
  q.chips = std::span(chips).first(1);
  q.prompt = 300;
  q.generated = 256;
  const speed::Calibration& c = speed::Calibration::embedded();
  const double alone = speed::estimate(exo, q, c).decode->value;
  CHECK(alone == Approx(89).epsilon(0.2));
  q.chips = chips;
  q.split = speed::Split::pipeline;
  q.layers = layers;
  q.link = link("tb5-tcp");
  CHECK(speed::estimate(exo, q, c).decode->value == Approx(68).epsilon(0.25));
  q.split = speed::Split::tensor;
  q.link = link("tb5-rdma");
  const speed::Estimate slow = *speed::estimate(exo, q, c).decode;
  const speed::Estimate quick = *speed::estimate(mlx, q, c).decode;
  CHECK(slow.value == Approx(48).epsilon(0.2));
  CHECK(slow.value < 0.65 * quick.value);
  CHECK(slow.high >= quick.value * 0.99);  // what EXO was before, if the next release mends it
}

TEST_CASE("few rows of a dense model gain less than their number", "[speed]") {
  struct Row {
    const char* model;
    const char* format;
    Engine engine;
    const char* chip;
    double context;
    double sequences;
    double published;
    double within;  ///< factor
  };
  const std::vector<Row> rows = {
      // jundot/omlx #1783
      {"qwen3-coder-next", "6bit", Engine::mlx, "m4-max", 1024, 2, 1.24, 1.3},
      {"qwen3-coder-next", "6bit", Engine::mlx, "m4-max", 1024, 4, 1.78, 1.3},
      {"qwen3-coder-next", "6bit", Engine::mlx, "m4-max", 1024, 8, 2.30, 1.3},
      // jundot/omlx #3348
      {"qwen3.6-35b-a3b", "q8", Engine::mlx, "m5-max", 8192, 3, 1.68, 1.3},
      {"qwen3.6-35b-a3b", "q8", Engine::mlx, "m5-max", 8192, 5, 2.14, 1.3},
      // Machines as docs/speed.md, Batches, has them.
      {"qwen3-coder-30b-a3b", "q4", Engine::mlx, "m3-ultra", 128, 2, 1.57, 1.2},
      {"qwen3-coder-30b-a3b", "q4", Engine::mlx, "m3-ultra", 128, 4, 2.23, 1.2},
      {"qwen3-coder-30b-a3b", "q4", Engine::mlx, "m3-ultra", 128, 8, 3.04, 1.2},
      {"qwen3.6-35b-a3b", "q8", Engine::mlx, "m3-max", 128, 4, 2.20, 1.2},
      {"qwen3.6-35b-a3b", "q8", Engine::mlx, "m3-max", 128, 10, 3.04, 1.2},
      {"qwen3.6-27b", "q8", Engine::mlx, "m3-max", 128, 4, 2.83, 1.25},
      {"qwen3.6-27b", "q8", Engine::mlx, "m3-max", 128, 10, 3.35, 1.25},
      {"qwen3.5-4b", "q8", Engine::mlx, "m3-max", 128, 4, 3.07, 1.25},
      {"qwen3.5-4b", "q8", Engine::mlx, "m3-max", 128, 10, 4.34, 1.25},
      {"llama-3.1-8b", "q4", Engine::mlx, "m4-pro", 128, 8, 1.88, 1.4},
      {"llama-3.1-8b", "q4", Engine::mlx, "m4", 128, 8, 2.01, 1.4},
      {"gemma-3-4b", "Q8_0", Engine::llama_cpp, "m2-ultra", 128, 2, 1.84, 1.25},
      {"gemma-3-4b", "Q8_0", Engine::llama_cpp, "m2-ultra", 128, 4, 2.75, 1.25},
  };
  for (const Row& row : rows) {
    CAPTURE(row.model, row.sequences);
    const speed::Work work = work_of(row.model, row.format, row.engine);
    const double predicted = gain(work, row.chip, row.context, row.sequences);
    CAPTURE(predicted, row.published);
    CHECK(std::fabs(std::log(predicted / row.published)) < std::log(row.within));
  }
  const speed::Work dense = work_of("qwen3-32b", "q4", Engine::mlx);
  double last = 1.0;
  for (const double sequences : {2.0, 4.0, 8.0, 16.0, 32.0}) {
    const double now = gain(dense, "m4-max", 1024, sequences);
    CHECK(now > last);
    last = now;
  }
  CHECK(gain(dense, "m4-max", 1024, 8) < 5.0);
}

TEST_CASE("a batch's interval holds what is published of dense models", "[speed]") {
  struct Row {
    const char* model;
    const char* format;
    const char* chip;
    double sequences;
    double published;
  };
  const std::vector<Row> rows = {
      {"qwen3.6-27b", "q8", "m3-max", 10, 3.35},
      {"qwen3.5-4b", "q8", "m3-max", 10, 4.34},
      {"llama-3.1-8b", "q4", "m4-pro", 8, 1.88},
      {"llama-3.1-8b", "q4", "m4", 8, 2.01},
  };
  for (const Row& row : rows) {
    CAPTURE(row.model, row.chip, row.sequences);
    const speed::Work work = work_of(row.model, row.format, Engine::mlx);
    const std::vector<speed::Chip> chips{chip(row.chip)};
    speed::Question q;
    q.chips = chips;
    q.prompt = 128;
    q.generated = 128;
    const speed::Calibration& c = speed::Calibration::embedded();
    const double one = speed::estimate(work, q, c).aggregate_decode->value;
    q.sequences = row.sequences;
    const speed::Answer many = speed::estimate(work, q, c);
    CHECK(many.aggregate_decode->low <= row.published * one);
    CHECK(row.published * one <= many.aggregate_decode->high);
    CHECK(many.decode->evidence == Evidence::community);
    q.sequences = 17;
    CHECK(speed::estimate(work, q, c).decode->evidence == Evidence::extrapolated);
  }
  // Rates are slow where they are low, times where they are long.
  const speed::Constants slow = speed::at_stated_end(speed::Calibration::embedded().values, true);
  const speed::Constants fast = speed::at_stated_end(speed::Calibration::embedded().values, false);
  const auto row_share = static_cast<std::size_t>(speed::Constant::row_share);
  const auto collective = static_cast<std::size_t>(speed::Constant::collective_tcp);
  CHECK(slow[row_share] < fast[row_share]);
  CHECK(slow[collective] > fast[collective]);
}

TEST_CASE("a calibration saved before the newest constants is still read", "[speed]") {
  std::string text = speed::write_calibration(speed::Calibration::embedded());
  for (const char* name : {"row-share", "prompt-reads", "exo-tensor"}) {
    const std::size_t at = text.find("\"" + std::string(name) + "\": {");
    REQUIRE(at != std::string::npos);
    text.erase(at, text.find("},", at) + 2 - at);
  }
  const speed::Calibration old = speed::read_calibration(text);
  CHECK(old[speed::Constant::prompt_reads] == 4.5);
  CHECK(old[speed::Constant::layer_time] ==
        speed::Calibration::embedded()[speed::Constant::layer_time]);
  text.erase(text.find("\"layer-time\""),
             text.find("\"generation-ratio\"") - text.find("\"layer-time\""));
  CHECK_THROWS_AS(speed::read_calibration(text), Error);
}

TEST_CASE("the rate that a search asks for is the answer's", "[speed]") {
  const speed::Work work = work_of("qwen3-235b-a22b", "q4", Engine::exo);
  const std::vector<speed::Chip> chips(2, chip("m3-ultra"));
  const auto count = static_cast<std::int64_t>(work.layers);
  const std::vector<std::int64_t> layers{count / 2, count - count / 2};
  speed::Question q;
  q.chips = chips;
  q.link = link("tb5-tcp");
  q.cached = 7000;
  q.generated = 512;
  q.sequences = 3;
  speed::Calibration own = speed::Calibration::embedded();
  own.anchors.push_back({"m3-ultra", 0, "exo", work.model, work.format, 2, false, 0.1, 4});
  for (const speed::Split split : {speed::Split::pipeline, speed::Split::tensor}) {
    q.split = split;
    q.layers = split == speed::Split::pipeline ? std::span<const std::int64_t>(layers)
                                               : std::span<const std::int64_t>();
    for (const speed::Calibration& c : {speed::Calibration::embedded(), own}) {
      CHECK(speed::decode_rate(work, q, c).value() ==
            Approx(speed::estimate(work, q, c).aggregate_decode->value).epsilon(1e-12));
    }
  }
  q.layers = {};
  q.split = speed::Split::pipeline;
  CHECK_FALSE(speed::decode_rate(work, q, own));
}

TEST_CASE("a pipeline's aggregate grows with requests", "[speed]") {
  // exo #2295: four M3 Ultra, GLM-5.3-Flash in a pipeline over RDMA: 25.4 alone, 69.1 with 16. Its
  // shapes are not known; a mixture of that size stands in.
  const speed::Work work = work_of("glm-4.5-air", "q8", Engine::exo);
  const std::vector<speed::Chip> chips(4, chip("m3-ultra"));
  const auto count = static_cast<std::int64_t>(work.layers);
  const std::vector<std::int64_t> layers{count / 4, count / 4, count / 4, count - count / 4 * 3};
  speed::Question q;
  q.split = speed::Split::pipeline;
  q.chips = chips;
  q.layers = layers;
  q.link = link("tb5-rdma");
  q.prompt = 300;
  q.generated = 400;
  const speed::Calibration& c = speed::Calibration::embedded();
  const double one = speed::estimate(work, q, c).aggregate_decode->value;
  q.sequences = 16;
  const double many = speed::estimate(work, q, c).aggregate_decode->value;
  CHECK(many / one > 1.8);
  CHECK(many / one < 6.0);
}

TEST_CASE("a short exchange decodes no slower than a full context", "[speed]") {
  const speed::Work work = work_of("gpt-oss-120b", "mxfp4-q8", Engine::mlx);
  const std::vector<speed::Chip> chips{chip("m4-max")};
  speed::Question q;
  q.chips = chips;
  q.prompt = 131072 - 512;
  q.generated = 512;
  const speed::Answer full = speed::estimate(work, q, speed::Calibration::embedded());
  const speed::Question quick = speed::short_exchange(q);
  CHECK(quick.prompt + quick.generated == speed::short_context);
  CHECK(quick.generated == 128.0);
  CHECK(full.short_decode->value ==
        speed::estimate(work, quick, speed::Calibration::embedded()).decode->value);
  CHECK(full.short_decode->value > 1.5 * full.decode->value);
  CHECK(full.short_aggregate->value == full.short_decode->value);
  q.prompt = 40;
  q.generated = 10;
  CHECK(speed::short_exchange(q).prompt == 40.0);
}
