#include "macfit/runtime/profile.hpp"

#include "test.hpp"

using namespace macfit::runtime;

namespace {

// Sources: mlx_lm/models/cache.py of mlx-lm@d78bf58e; worked numbers in docs/fit.md.
struct Slots {
  std::int64_t prompt, generated, step, slots;
};
struct Rotating {
  std::int64_t prompt, generated, window, peak;
};

/// KVCache.update_and_fetch, token counts only.
std::int64_t replay_kv(std::int64_t prompt, std::int64_t generated, std::int64_t step) {
  std::int64_t offset = 0;
  std::int64_t slots = 0;
  const auto update = [&](std::int64_t n) {
    if (offset + n > slots) {
      if (slots > 0 && offset % 256 != 0) {
        slots = offset;
      }
      slots += (n + 255) / 256 * 256;
    }
    offset += n;
  };
  for (std::int64_t left = prompt; left > 1;) {
    const std::int64_t n = std::min(step, left - 1);
    update(n);
    left -= n;
  }
  for (std::int64_t i = 0; i <= generated; ++i) {
    update(1);
  }
  return slots;
}

}  // namespace

TEST_CASE("slots of a growing cache follow mlx-lm", "[runtime]") {
  for (const Slots& fact : std::vector<Slots>{{1, 0, 2048, 256},
                                              {2048, 128, 2048, 2304},
                                              {4096, 0, 2048, 4096},
                                              {5000, 0, 2048, 5120},
                                              {5000, 1000, 512, 6144},
                                              {3001, 0, 1000, 3024},
                                              {32768, 1, 2048, 33024},
                                              {131072, 512, 2048, 131584}}) {
    CAPTURE(fact.prompt, fact.generated, fact.step);
    CHECK(kv_slots(fact.prompt, fact.generated, fact.step) == fact.slots);
  }
  for (const std::int64_t step : {100, 255, 256, 257, 1000, 2048}) {
    for (std::int64_t prompt = 1; prompt < 4000; prompt += 13) {
      for (const std::int64_t generated : {0, 1, 300}) {
        CAPTURE(prompt, generated, step);
        REQUIRE(kv_slots(prompt, generated, step) == replay_kv(prompt, generated, step));
      }
    }
  }
}

TEST_CASE("a rotating cache peaks while a prompt is read", "[runtime]") {
  for (const Rotating& fact : std::vector<Rotating>{{100, 0, 1024, 355},
                                                    {100, 300, 1024, 611},
                                                    {2048, 0, 128, 2047},
                                                    {5000, 0, 128, 2175},
                                                    {5000, 10, 1024, 3071},
                                                    {10000, 1, 4096, 6143},
                                                    {1000, 2000, 1024, 1024}}) {
    CAPTURE(fact.prompt, fact.generated, fact.window);
    CHECK(rotating_peak_slots(fact.prompt, fact.generated, fact.window, 2048) == fact.peak);
  }
}

TEST_CASE("more context never asks for fewer slots", "[runtime]") {
  Profile profile;
  LayerKind full;
  full.growth = LayerKind::Growth::slots;
  full.slot_bytes = 1;
  LayerKind rotating = full;
  rotating.growth = LayerKind::Growth::rotating;
  rotating.window = 512;
  LayerKind chunked = full;
  chunked.growth = LayerKind::Growth::chunked;
  chunked.window = 1024;
  for (const std::int64_t step : {1, 100, 256, 1000, 2048}) {
    Workload workload;
    workload.prefill_step = step;
    for (const LayerKind& kind : {full, rotating, chunked}) {
      std::int64_t last = 0;
      for (std::int64_t context = 1; context < 6000; ++context) {
        const std::int64_t bytes = cache_bytes(profile, kind, workload, context, 1);
        CAPTURE(step, context);
        REQUIRE(bytes >= last);
        last = bytes;
      }
    }
  }
}
