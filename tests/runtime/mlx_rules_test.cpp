#include "macfit/runtime/mlx_rules.hpp"

#include "macfit/core/error.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/runtime/profile.hpp"
#include "macfit/runtime/runtime.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::runtime;

TEST_CASE("mlx rules: the pipeline split that drops layers", "[runtime]") {
  // mlx-lm up to 0.32.0: 61 layers on 2 ranks leave out layer 30 (mlx-lm#1688).
  const std::vector<LayerRange> ranges = legacy_pipeline(61, 2);
  CHECK(ranges == std::vector<LayerRange>{{31, 61}, {0, 30}});
  CHECK(dropped_layers(ranges, 61) == std::vector<std::int64_t>{30});
  CHECK(legacy_pipeline(61, 3) == std::vector<LayerRange>{{42, 61}, {20, 40}, {0, 20}});
  CHECK(dropped_layers(legacy_pipeline(61, 3), 61) == std::vector<std::int64_t>{40, 41});
  CHECK(legacy_pipeline(61, 4) == std::vector<LayerRange>{{48, 61}, {30, 45}, {15, 30}, {0, 15}});
  CHECK(dropped_layers(legacy_pipeline(61, 4), 61) == std::vector<std::int64_t>{45, 46, 47});
  CHECK(dropped_layers(legacy_pipeline(62, 4), 62) == std::vector<std::int64_t>{30, 31});
  CHECK(dropped_layers(legacy_pipeline(7, 2), 7) == std::vector<std::int64_t>{3});
  // With mlx-lm#1816: the same counts, none left out.
  const auto fixed = [](std::size_t ranks) {
    return pipeline_ranges(test::mlx_lm().default_split(61, std::vector<Bytes>(ranks, Bytes(1))));
  };
  CHECK(fixed(2) == std::vector<LayerRange>{{30, 61}, {0, 30}});
  CHECK(fixed(3) == std::vector<LayerRange>{{40, 61}, {20, 40}, {0, 20}});
  CHECK(fixed(4) == std::vector<LayerRange>{{45, 61}, {30, 45}, {15, 30}, {0, 15}});
  for (const std::size_t ranks : {2U, 3U, 4U}) {
    CHECK(dropped_layers(fixed(ranks), 61).empty());
    CHECK_FALSE(Catalog::embedded().get("mlx-lm@0.31.3").split_warning(61, ranks).empty());
  }
  CHECK(test::mlx_lm().split_warning(60, 2).empty());
  CHECK(dropped_layers(legacy_pipeline(60, 2), 60).empty());
  CHECK(dropped_layers(legacy_pipeline(10, 3), 10) == std::vector<std::int64_t>{6, 7});
  CHECK(pipeline_ranges({30, 31}) == std::vector<LayerRange>{{30, 61}, {0, 30}});
  CHECK(legacy_pipeline(2, 4).size() == 4);
  CHECK_THROWS_AS(legacy_pipeline(4, 0), Error);
  CHECK_THROWS_AS(legacy_pipeline(-1, 2), Error);
}

TEST_CASE("mlx rules: rotating caches end at the window", "[runtime]") {
  CHECK(rotating_slots(5000, 0, 128, 2048) == 128);
  CHECK(rotating_slots(100, 0, 1024, 2048) == 355);
  CHECK(rotating_slots(100, 300, 1024, 2048) == 611);
  CHECK(rotating_slots(0, 0, 1024, 2048) == 256);
  for (const std::int64_t prompt : {1, 99, 1023, 1024, 1025, 9000}) {
    CHECK(rotating_slots(prompt, 7, 1024, 2048) <= rotating_peak_slots(prompt, 7, 1024, 2048));
  }
  CHECK_THROWS_AS(rotating_slots(1, 1, 0, 2048), Error);
}

TEST_CASE("mlx rules: frames of a message", "[runtime]") {
  CHECK(jaccl_frame_bytes(6144, true) == 4096);
  CHECK(jaccl_frames(6144, true) == 2);
  CHECK(jaccl_frames(14336, true) == 2);
  CHECK(jaccl_frames(14336, false) == 4);
  CHECK(jaccl_frame_bytes(12'582'912, true) == 512 * 1024);
  CHECK(jaccl_frames(12'582'912, true) == 24);
  CHECK(jaccl_frames(0, true) == 0);
}

TEST_CASE("mlx rules: what attention holds in prefill", "[runtime]") {
  // DeepSeek V3 at a step of 2048 and 32k of context: 16 and 2 GiB.
  CHECK(score_bytes(128, 2048, 32768) == 17'179'869'184);
  CHECK(expanded_bytes(128, 32768, 128, 128) == 2'147'483'648);
  CHECK_THROWS_AS(score_bytes(1'000'000'000, 1'000'000'000, 1'000'000'000), Error);
}

TEST_CASE("mlx rules: a tensor split repeats latents and cuts heads", "[runtime]") {
  // mlx-and-exo 2.2: the latent has one head; GQA caches shrink by the ranks.
  const auto cached = [](const char* name, std::int64_t ranks, const char* release = "mlx-lm") {
    const model::Model& model = model::Catalog::embedded().get(name);
    const Profile profile = Catalog::embedded().get(release).profile(
        model, model::parse_recipe("4bit"), KvFormat::bf16, 4);
    std::int64_t sum = 0;
    for (std::size_t k = 0; k < profile.kinds.size(); ++k) {
      const std::uint32_t layers = profile.kind_counts[profile.layers * profile.kinds.size() + k];
      sum += layers * cache_bytes(profile, profile.kinds[k], {}, 4096, ranks);
    }
    return sum;
  };
  CHECK(cached("deepseek-v3.1", 1) == 4096 * 70'272);
  CHECK(cached("deepseek-v3.1", 4) == 4096 * 70'272);
  // Since 0.32.0 the indexer's cache holds values beside its keys (deepseek_v32.py).
  CHECK(cached("deepseek-v3.2", 2, "mlx-lm@0.31.3") == 4096 * 85'888);
  CHECK(cached("deepseek-v3.2", 2) == 4096 * 101'504);
  CHECK(cached("minimax-m2.5", 1) == 4096 * 253'952);
  CHECK(cached("minimax-m2.5", 2) == 4096 * 126'976);
  CHECK(cached("minimax-m2.5", 4) == 4096 * 63'488);
}

TEST_CASE("mlx rules: a format of another runtime has no tensor split", "[runtime]") {
  // 576 inputs of a row leave 288 on each of two ranks, which no block of 256 divides: the words of
  // llama.cpp's refusal ask the other runtimes with its own format.
  const model::Model& model = model::Catalog::embedded().get("smollm2-1.7b");
  CHECK(test::mlx_lm().tensor(model, model::parse_recipe("4bit"), 2).ok);
  for (const char* name : {"Q4_K_M", "Q8_0", "4.5bpw"}) {
    INFO(name);
    CHECK_FALSE(test::mlx_lm().tensor(model, model::parse_recipe(name), 2).ok);
    CHECK_FALSE(test::exo().tensor(model, model::parse_recipe(name), 2).ok);
  }
}

TEST_CASE("mlx rules: what mlx-lm's llama4_text does not build", "[runtime]") {
  model::Model model;
  model.architecture.type = "llama4_text";
  model.architecture.blocks.resize(1);
  model.architecture.blocks[0].dense.emplace();
  CHECK(test::mlx_lm().runs(model).ok);
  model.architecture.blocks[0].experts.emplace();
  CHECK_FALSE(test::mlx_lm().runs(model).ok);
  CHECK_FALSE(test::exo().runs(model).ok);
}
