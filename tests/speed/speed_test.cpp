// The speed model against the shapes of the truth. Figures: docs/speed.md.

#include "macfit/speed/speed.hpp"

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/speed/stored_calibration.hpp"
#include "test.hpp"

using namespace macfit;
using test::Approx;

namespace {

speed::Work work_of(const char* model, const char* format,
                    speed::Engine engine = speed::Engine::mlx) {
  return speed::prepare(model::Catalog::embedded().get(model), model::parse_recipe(format), engine);
}

speed::Chip chip(const char* name, int cores = 0) {
  return speed::chip_of(hardware::Catalog::embedded().chip(name), cores, Bytes(0));
}

speed::Link link(const char* name) {
  return speed::link_of(hardware::Catalog::embedded().link(name));
}

/// Nodes of one chip and a question about them.
struct Asked {
  std::vector<speed::Chip> chips;
  std::vector<std::int64_t> layers;
  speed::Question question;

  Asked(speed::Split split, const char* name, std::size_t nodes, const speed::Work& work,
        const char* cable = "tb5-rdma", int cores = 0) {
    chips.assign(nodes, chip(name, cores));
    const auto count = static_cast<std::int64_t>(work.layers);
    const auto parts = static_cast<std::int64_t>(nodes);
    for (std::int64_t i = 0; i < parts && split == speed::Split::pipeline; ++i) {
      layers.push_back(count * (i + 1) / parts - count * i / parts);
    }
    question.split = split;
    question.chips = chips;
    question.layers = layers;
    question.link = link(cable);
    question.prompt = 300;
    question.generated = 256;
  }
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  [[nodiscard]] double decode(const speed::Work& work) const {
    return speed::estimate(work, question, speed::Calibration::embedded()).decode->value;
  }
  [[nodiscard]] double prefill(const speed::Work& work) const {
    return speed::estimate(work, question, speed::Calibration::embedded()).prefill->value;
  }
};

}  // namespace

TEST_CASE("the first derivation's check values come out", "[speed]") {
  // Predictions of the derivation's own constants, published figures beside them.
  struct Row {
    const char* model;
    const char* format;
    speed::Engine engine;
    const char* chip;
    int cores;
    double prompt;
    double generated;
    double derived;
    double published;
  };
  const std::vector<Row> rows = {
      {"llama-7b", "Q4_0", speed::Engine::llama_2024, "m4-max", 40, 0, 128, 89.7, 83.1},
      {"llama-7b", "Q4_0", speed::Engine::llama_2024, "m2-ultra", 76, 0, 128, 90.8, 94.3},
      {"qwen3-4b-2507", "q4", speed::Engine::mlx, "m4-max", 40, 2048, 128, 123.0, 134.5},
      {"qwen3-30b-a3b", "q4", speed::Engine::mlx, "m4-max", 40, 100, 256, 105.2, 123.9},
      {"deepseek-r1-distill-llama-70b", "q4", speed::Engine::mlx, "m3-ultra", 60, 100, 256, 16.5,
       16.45},
      {"deepseek-r1", "Q4_K_M", speed::Engine::llama_cpp, "m3-ultra", 80, 0, 128, 18.9, 20.2},
      {"qwen3.6-35b-a3b", "q4", speed::Engine::mlx, "m2-max", 30, 512, 128, 74.9, 79.8},
      {"llama-4-scout", "q8", speed::Engine::exo, "m3-ultra", 80, 300, 256, 30.3, 30.3},
  };
  for (const Row& row : rows) {
    CAPTURE(row.model, row.chip);
    const speed::Work work = work_of(row.model, row.format, row.engine);
    Asked asked(speed::Split::whole, row.chip, 1, work, "tb5-rdma", row.cores);
    asked.question.prompt = row.prompt;
    asked.question.generated = row.generated;
    const double derived =
        1.0 / speed::decode_step(work, asked.question, speed::Calibration::start().values).total();
    CHECK(derived == Approx(row.derived).epsilon(0.012));
    CHECK(asked.decode(work) == Approx(row.published).epsilon(0.25));
  }
}

TEST_CASE("prefill's check values come out", "[speed]") {
  const speed::Work llama = work_of("llama-7b", "Q4_0", speed::Engine::llama_2024);
  Asked asked(speed::Split::whole, "m4-max", 1, llama);
  asked.question.prompt = 512;
  speed::Constants start = speed::Calibration::start().values;
  // The derivation had no term for the start of a prompt.
  start[static_cast<std::size_t>(speed::Constant::prompt_reads)] = 0.0;
  CHECK(512 / speed::prefill_seconds(llama, asked.question, start) == Approx(924).epsilon(0.01));
  const speed::Work qwen = work_of("qwen3-4b-2507", "q4");
  asked.question.prompt = 2048;
  CHECK(2048 / speed::prefill_seconds(qwen, asked.question, start) == Approx(1555).epsilon(0.01));
}

TEST_CASE("tensor over TCP collapses against RDMA on the same cable", "[speed]") {
  // omlx #3037: 28.6 over RDMA, 6.6 over a TCP ring.
  for (const char* model : {"llama-3.1-70b", "minimax-m2.5", "qwen3-235b-a22b"}) {
    CAPTURE(model);
    const speed::Work work = work_of(model, "q4");
    const Asked rdma(speed::Split::tensor, "m4-max", 2, work, "tb5-rdma");
    const Asked tcp(speed::Split::tensor, "m4-max", 2, work, "tb5-tcp");
    CHECK(tcp.decode(work) < 0.75 * rdma.decode(work));
  }
  // The faster the nodes and the more of them, the deeper.
  const speed::Work work = work_of("minimax-m2.5", "q4");
  const Asked rdma(speed::Split::tensor, "m3-ultra", 4, work, "tb5-rdma");
  const Asked tcp(speed::Split::tensor, "m3-ultra", 4, work, "tb5-tcp");
  CHECK(tcp.decode(work) < 0.25 * rdma.decode(work));
}

TEST_CASE("a pipeline decodes slower than one node that fits", "[speed]") {
  for (const char* model : {"llama-3.1-8b", "llama-3.3-70b", "qwen3-30b-a3b", "gpt-oss-120b"}) {
    for (const char* cable : {"tb5-rdma", "tb5-tcp", "10gbe", "wifi"}) {
      CAPTURE(model, cable);
      const speed::Work work = work_of(model, "q4");
      const Asked one(speed::Split::whole, "m4-max", 1, work);
      double last = one.decode(work);
      for (const std::size_t nodes : {2U, 3U, 4U}) {
        const Asked many(speed::Split::pipeline, "m4-max", nodes, work, cable);
        CHECK(many.decode(work) < last);
        last = many.decode(work);
      }
    }
  }
}

TEST_CASE("a pipeline reads long prompts faster, up to the number of its stages", "[speed]") {
  const speed::Work work = work_of("llama-3.3-70b", "q4");
  Asked one(speed::Split::whole, "m4-max", 1, work);
  Asked two(speed::Split::pipeline, "m4-max", 2, work, "tb5-tcp");
  double last = 0.0;
  for (const double prompt : {500.0, 4096.0, 9000.0, 29000.0, 64000.0}) {
    one.question.prompt = prompt;
    two.question.prompt = prompt;
    const double gain = two.prefill(work) / one.prefill(work);
    CHECK(gain > last);
    CHECK(gain < 2.0);
    last = gain;
  }
  CHECK(last > 1.8);  // ds4 measured 1.85 at 64k
}

TEST_CASE("llama.cpp's RPC reads prompts no faster over more nodes", "[speed]") {
  const speed::Work work = work_of("llama-3.3-70b", "Q4_K_M", speed::Engine::llama_cpp);
  Asked one(speed::Split::whole, "m4-max", 1, work);
  Asked two(speed::Split::pipeline, "m4-max", 2, work, "tb5-tcp");
  one.question.prompt = 32000;
  two.question.prompt = 32000;
  CHECK(two.prefill(work) < one.prefill(work));
}

TEST_CASE("a mixture over RDMA scales by about 1.3 on two nodes and 1.6 on four", "[speed]") {
  // Geerling: 19.5, 26.2 (1.34), 31.9 (1.64).
  speed::Work work = work_of("qwen3-235b-a22b", "q8", speed::Engine::exo);
  speed::set_release(work, speed::release_from_date("2025-12-18"));  // EXO 1.0
  const Asked one(speed::Split::whole, "m3-ultra", 1, work);
  const Asked two(speed::Split::tensor, "m3-ultra", 2, work);
  const Asked four(speed::Split::tensor, "m3-ultra", 4, work);
  CHECK(two.decode(work) / one.decode(work) == Approx(1.34).margin(0.1));
  CHECK(four.decode(work) / one.decode(work) == Approx(1.64).margin(0.15));
}

TEST_CASE("RPC gets slower with every node", "[speed]") {
  // Geerling: 20.4, 17.2, 15.2.
  const speed::Work work = work_of("qwen3-235b-a22b", "Q8_0", speed::Engine::llama_cpp);
  const Asked one(speed::Split::whole, "m3-ultra", 1, work);
  const Asked two(speed::Split::pipeline, "m3-ultra", 2, work, "tb5-tcp");
  const Asked four(speed::Split::pipeline, "m3-ultra", 4, work, "tb5-tcp");
  CHECK(one.decode(work) == Approx(20.4).epsilon(0.15));
  CHECK(two.decode(work) == Approx(17.2).epsilon(0.1));
  CHECK(four.decode(work) == Approx(15.2).epsilon(0.1));
}

TEST_CASE("a batch gains less than its size, a mixture less than a dense model", "[speed]") {
  const auto gain = [](const char* model) {
    const speed::Work work = work_of(model, "q4");
    Asked one(speed::Split::whole, "m4-max", 1, work);
    Asked four(speed::Split::whole, "m4-max", 1, work);
    four.question.sequences = 4;
    const speed::Answer many = speed::estimate(work, four.question, speed::Calibration::embedded());
    CHECK(many.aggregate_decode->value == Approx(4 * many.decode->value));
    CHECK(many.decode->value < one.decode(work));
    return many.aggregate_decode->value / one.decode(work);
  };
  const double dense = gain("llama-3.3-70b");
  const double mixture = gain("qwen3-30b-a3b");
  CHECK(dense > 2.0);
  CHECK(dense < 4.0);
  CHECK(mixture > 1.2);
  CHECK(mixture < dense);
}

TEST_CASE("the growth of the context over a generation is integrated", "[speed]") {
  const speed::Work work = work_of("gemma-3-27b", "q4");  // windows and whole layers
  Asked asked(speed::Split::whole, "m4-max", 1, work);
  asked.question.prompt = 500;
  asked.question.generated = 4000;
  const speed::Constants& c = speed::Calibration::embedded().values;
  const double mean = speed::decode_step(work, asked.question, c).total();
  double sum = 0.0;
  for (int t = 0; t < 4000; ++t) {
    speed::Question one = asked.question;
    one.prompt = 500 + t;
    one.generated = 1;
    sum += speed::decode_step(work, one, c).total();
  }
  CHECK(mean == Approx(sum / 4000).epsilon(1e-9));
}

TEST_CASE("what is not known is empty, never zero", "[speed]") {
  const speed::Work work = work_of("llama-3.1-8b", "q4");
  Asked asked(speed::Split::whole, "m4-max", 1, work);
  asked.chips[0].flops = 0.0;
  speed::Answer answer = speed::estimate(work, asked.question, speed::Calibration::embedded());
  CHECK(answer.decode);
  CHECK_FALSE(answer.prefill);
  CHECK_FALSE(answer.time_to_first_token);
  CHECK_FALSE(answer.why_unknown.empty());
  asked.chips[0].bandwidth = 0.0;
  answer = speed::estimate(work, asked.question, speed::Calibration::embedded());
  CHECK_FALSE(answer.decode);
  CHECK_FALSE(answer.aggregate_decode);
  model::Model unshaped;
  const speed::Work nothing =
      speed::prepare(unshaped, model::parse_recipe("q4"), speed::Engine::mlx);
  CHECK_FALSE(speed::estimate(nothing, asked.question, speed::Calibration::embedded()).decode);
}

TEST_CASE("own results correct their configuration and lend to its neighbors", "[speed]") {
  const speed::Work work = work_of("llama-3.1-8b", "q4");
  const speed::Work other = work_of("qwen3-8b", "q4");
  const Asked asked(speed::Split::whole, "m4-max", 1, work);
  speed::Calibration own = speed::Calibration::embedded();
  const speed::Answer before = speed::estimate(work, asked.question, own);
  own.anchors.push_back(
      {"m4-max", 40, "mlx", "llama-3.1-8b", "mlx-4bit-g64", 1, false, std::log(0.8), 4});
  const speed::Answer after = speed::estimate(work, asked.question, own);
  CHECK(after.decode->evidence == Evidence::measured);
  CHECK(after.decode->value / before.decode->value == Approx(std::pow(0.8, 0.8)));
  CHECK(after.decode->high / after.decode->low < before.decode->high / before.decode->low);
  CHECK(after.prefill->value == before.prefill->value);
  CHECK(speed::estimate(other, asked.question, own).decode->evidence == Evidence::measured_near);
  own.anchors[0].log_ratio = 3.0;  // nonsense can't lift a figure over the roofline
  CHECK(speed::estimate(work, asked.question, own).decode->high <=
        *speed::decode_roofline(work, asked.question));
}

TEST_CASE("evidence says how far a figure is from measurements", "[speed]") {
  const auto evidence = [](const char* chip_name, speed::Split split, const char* cable) {
    const speed::Work work = work_of("llama-3.3-70b", "q4");
    const Asked asked(split, chip_name, split == speed::Split::whole ? 1 : 2, work, cable);
    return speed::estimate(work, asked.question, speed::Calibration::embedded()).decode->evidence;
  };
  CHECK(evidence("m4-max", speed::Split::whole, "tb5-tcp") == Evidence::community);
  CHECK(evidence("m5-ultra", speed::Split::whole, "tb5-tcp") == Evidence::extrapolated);
  CHECK(evidence("m4-max", speed::Split::tensor, "tb5-rdma") == Evidence::community);
  CHECK(evidence("m4-max", speed::Split::tensor, "tb5-tcp") == Evidence::estimated);
}

TEST_CASE("a calibration is read back as it was written", "[speed]") {
  speed::Calibration own = speed::stored_calibration();
  own.anchors.push_back({"m4-max", 40, "mlx", "m", "f", 1, true, 0.1, 2});
  const std::string text = speed::write_calibration(own);
  CHECK(speed::write_calibration(speed::read_calibration(text)) == text);
  CHECK(own.fitted.size() > 400);
  const speed::Calibration& plain = speed::Calibration::embedded();
  CHECK(plain.fitted.empty());  // left unread, and nothing else
  own.fitted.clear();
  own.anchors.clear();
  CHECK(speed::write_calibration(plain) == speed::write_calibration(own));
  std::string wrong = text;
  wrong.replace(wrong.find("bandwidth-share"), 15, "bandwidth-shame");
  CHECK_THROWS_WITH(speed::read_calibration(wrong, "c.json"),
                    test::contains("c.json") && test::contains("bandwidth-share"));
  wrong = text;
  const std::size_t value = wrong.find("\"value\": 0.");
  wrong.replace(value, 11, "\"value\": 7.");
  CHECK_THROWS_WITH(speed::read_calibration(wrong), test::contains("/constants/bandwidth-share"));
}
