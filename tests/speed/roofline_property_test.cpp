// Nothing decodes faster than its bytes over the seller's bandwidth, summed over pipeline stages.

#include <rapidcheck.h>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/speed/speed.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

constexpr double slack = 1.0 + 1e-12;

const std::vector<model::Model>& models() {
  static const std::vector<model::Model> all = model::Catalog::embedded().all();
  return all;
}

const std::vector<speed::Chip>& chips() {
  static const std::vector<speed::Chip> all = [] {
    std::vector<speed::Chip> kept;
    for (const hardware::Chip& chip : hardware::Catalog::embedded().chips()) {
      for (const hardware::ChipBin& bin : chip.bins) {
        kept.push_back(speed::chip_of(chip, bin.gpu_cores, Bytes(0)));
      }
    }
    return kept;
  }();
  return all;
}

template <class T>
const T& any_of(const std::vector<T>& values) {
  return values[*rc::gen::inRange<std::size_t>(0, values.size())];
}

/// Layers dealt out at random, at least one a stage.
std::vector<std::int64_t> random_split(std::size_t layers, std::size_t stages) {
  std::vector<std::int64_t> split(stages, 1);
  for (std::size_t i = stages; i < layers; ++i) {
    ++split[*rc::gen::inRange<std::size_t>(0, stages)];
  }
  return split;
}

speed::Calibration any_calibration() {
  speed::Calibration calibration = speed::Calibration::embedded();
  if (*rc::gen::inRange(0, 2) == 0) {
    // Own results that are nonsense must not break it either.
    for (const bool prefill : {false, true}) {
      calibration.anchors.push_back(
          {any_of(chips()).id, 0, "mlx", any_of(models()).id, "mlx-4bit-g64", 2, prefill, 2.0, 9});
    }
  }
  return calibration;
}

}  // namespace

TEST_CASE("single-stream decode never beats memory", "[speed]") {
  const bool ok = rc::check([] {
    const model::Model& model = any_of(models());
    RC_PRE(!model.architecture.layers.empty());
    const char* format = *rc::gen::element("q4", "q8", "bf16", "3bit");
    const auto engine =
        static_cast<speed::Engine>(*rc::gen::inRange(0, static_cast<int>(speed::engine_count)));
    const auto kv =
        *rc::gen::element(runtime::KvFormat::bf16, runtime::KvFormat::q8, runtime::KvFormat::q4);
    const speed::Work work = speed::prepare(model, model::parse_recipe(format), engine, kv);
    const std::size_t nodes =
        *rc::gen::inRange<std::size_t>(1, std::min<std::size_t>(9, work.layers + 1));
    std::vector<speed::Chip> used;
    for (std::size_t i = 0; i < nodes; ++i) {
      used.push_back(any_of(chips()));
    }
    speed::Question q;
    q.split = nodes == 1 ? speed::Split::whole
                         : *rc::gen::element(speed::Split::pipeline, speed::Split::tensor);
    const std::vector<std::int64_t> split = q.split == speed::Split::pipeline
                                                ? random_split(work.layers, nodes)
                                                : std::vector<std::int64_t>{};
    q.chips = used;
    q.layers = split;
    q.link = speed::link_of(any_of(hardware::Catalog::embedded().links()));
    q.prompt = *rc::gen::inRange(0, 300'000);
    q.generated = *rc::gen::inRange(1, 50'000);
    q.sequences = *rc::gen::inRange(1, 33);
    const speed::Answer answer = speed::estimate(work, q, any_calibration());
    const auto roof = speed::decode_roofline(work, q);
    RC_PRE(roof.has_value());
    RC_ASSERT(answer.decode.has_value());
    RC_ASSERT(answer.decode->high <= *roof * slack);
    RC_ASSERT(answer.decode->low <= answer.decode->value);
    RC_ASSERT(answer.decode->value <= answer.decode->high);
    RC_ASSERT(answer.decode->low > 0.0);

    // Side by side, all sequences together read the weights once and each its own cache.
    RC_ASSERT(answer.aggregate_decode->high <= *roof * q.sequences * slack);

    // By hand, from the weights alone: no stage reads less than its own layers.
    if (q.split == speed::Split::pipeline) {
      double seconds = work.head / used.back().bandwidth;
      std::size_t first = 0;
      for (std::size_t i = 0; i < nodes; ++i) {
        const auto last = first + static_cast<std::size_t>(split[i]);
        seconds += (work.body[last] - work.body[first] + work.experts[last] - work.experts[first]) /
                   used[i].bandwidth;
        first = last;
      }
      RC_ASSERT(answer.decode->high * seconds <= slack);
    }
  });
  CHECK(ok);
}

TEST_CASE("more context, more bits or more sequences never speed a stream up", "[speed]") {
  const bool ok = rc::check([] {
    const model::Model& model = any_of(models());
    RC_PRE(!model.architecture.layers.empty());
    const std::vector<speed::Chip> one{any_of(chips())};
    speed::Question q;
    q.chips = one;
    q.prompt = *rc::gen::inRange(1, 100'000);
    q.generated = *rc::gen::inRange(1, 1000);
    const speed::Calibration& c = speed::Calibration::embedded();
    const auto decode = [&](const char* format, const speed::Question& asked) {
      const speed::Work work =
          speed::prepare(model, model::parse_recipe(format), speed::Engine::mlx);
      return speed::estimate(work, asked, c).decode->value;
    };
    const double base = decode("q4", q);
    RC_ASSERT(decode("q8", q) <= base * slack);
    speed::Question longer = q;
    longer.prompt += *rc::gen::inRange(1, 100'000);
    RC_ASSERT(decode("q4", longer) <= base * slack);
    speed::Question more = q;
    more.sequences = *rc::gen::inRange(2, 33);
    RC_ASSERT(decode("q4", more) <= base * slack);
  });
  CHECK(ok);
}

TEST_CASE("more sequences never lower what all of them get, nor more bandwidth any figure",
          "[speed]") {
  const bool ok = rc::check([] {
    const model::Model& model = any_of(models());
    RC_PRE(!model.architecture.layers.empty());
    std::vector<speed::Chip> one{any_of(chips())};
    const char* format = *rc::gen::element("q4", "q8", "bf16");
    const auto engine =
        static_cast<speed::Engine>(*rc::gen::inRange(0, static_cast<int>(speed::engine_count)));
    const speed::Work work = speed::prepare(model, model::parse_recipe(format), engine);
    const speed::Calibration& c = speed::Calibration::embedded();
    speed::Question q;
    q.chips = one;
    q.prompt = *rc::gen::inRange(1, 20'000);
    q.generated = *rc::gen::inRange(1, 1000);
    q.sequences = *rc::gen::inRange(1, 64);
    const speed::Answer few = speed::estimate(work, q, c);
    speed::Question more = q;
    more.sequences += 1;
    const speed::Answer many = speed::estimate(work, more, c);
    RC_ASSERT(many.decode->value <= few.decode->value * slack);
    if (q.prompt >= 7.0 * q.generated) {  // as plans ask: an eighth is generated at most
      RC_ASSERT(few.short_decode->value >= few.decode->value / slack);
    }
    one[0].bandwidth *= 1.5;
    const speed::Answer faster = speed::estimate(work, q, c);
    RC_ASSERT(faster.decode->value >= few.decode->value / slack);
    RC_ASSERT(faster.aggregate_decode->value >= few.aggregate_decode->value / slack);
    if (few.prefill) {
      RC_ASSERT(faster.prefill->value >= few.prefill->value / slack);
    }
  });
  CHECK(ok);
}
