#include "macfit/runtime/mlx_rules.hpp"

#include "macfit/core/error.hpp"
#include "macfit/runtime/profile.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::runtime;

TEST_CASE("mlx rules: the pipeline split that drops layers", "[runtime]") {
  // mlx-lm up to 0.32.0: 61 layers on 2 ranks leave out layer 30 (mlx-lm#1688).
  const std::vector<LayerRange> ranges = legacy_pipeline(61, 2);
  CHECK(ranges == std::vector<LayerRange>{{31, 61}, {0, 30}});
  CHECK(dropped_layers(ranges, 61) == std::vector<std::int64_t>{30});
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
