// A break-even as text, CSV, JSON and SVG, byte for byte.

#include "macfit/report/breakeven/breakeven_report.hpp"

#include <cstdlib>

#include "macfit/core/text.hpp"
#include "macfit/hardware/catalog.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

void check_breakeven(const std::string& name, const std::string& text) {
  const std::filesystem::path path = test::source_path("tests/report/golden/" + name);
  if (std::getenv("MACFIT_REGOLD") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
  }
  CHECK(text == test::read_text(path));
}

report::Style breakeven_style(std::size_t width, bool unicode = true) {
  report::Style style;
  style.width = width;
  style.unicode = unicode;
  return style;
}

study::Run run_of(const char* why, const char* model, const char* format, plan::SplitKind split,
                  std::size_t replicas, double per_hour) {
  study::Run run;
  run.why = why;
  run.model = model;
  run.parameters = 190'000'000'000;
  run.asked = format;
  run.format = std::string("mlx-") + format;
  run.context = Tokens(8192);
  run.decision.split = split;
  run.decision.replicas.resize(replicas);
  run.decision.fits = replicas > 0;
  if (replicas > 0) {
    run.decision.tier = fit::Tier::comfortable;
    run.runtime = &test::mlx_lm();
    run.decode = speed::Estimate{4.5, 4.0, 5.0, Evidence::estimated};
    run.per_hour = speed::Estimate{per_hour, per_hour * 0.8, per_hour * 1.2, Evidence::estimated};
    run.per_night = static_cast<std::int64_t>(per_hour * 9);
  }
  return run;
}

/// Figures of its own, so that no other room's show.
study::BreakevenResult sample() {
  study::BreakevenResult result;
  result.question.cluster =
      hardware::parse_cluster("1x128+1x64", {}, hardware::Catalog::embedded());
  result.question.contexts = {Tokens(8192)};
  constexpr std::int64_t b = 1'000'000'000;
  result.turns = {{"q4", Tokens(8192), 90 * b, 75 * b, 190 * b, 280 * b, 240 * b, 330 * b},
                  {"q8", Tokens(8192), 48 * b, std::nullopt, 104 * b, 150 * b, 130 * b, 180 * b}};
  result.runs = {run_of("most for every node", "90b", "q4", plan::SplitKind::independent, 2, 100),
                 run_of("the same, finer", "90b", "q8", plan::SplitKind::pipeline, 1, 30.5),
                 run_of("a little bigger", "90.1b", "q4", plan::SplitKind::independent, 1, 60),
                 run_of("most that fits", "280b", "q4", plan::SplitKind::independent, 0, 0)};
  result.no_crossings = "the nodes can't do RDMA";
  study::Crossing crossing;
  crossing.format = "q4";
  crossing.runtime = &test::mlx_lm();
  crossing.context = Tokens(8192);
  crossing.beats_pipeline = 2 * b;
  crossing.samples = {{b, 100, 90, 80, Evidence::estimated},
                      {200 * b, 4, 3, 3.5, Evidence::estimated}};
  result.crossings = {crossing};
  return result;
}

}  // namespace

TEST_CASE("break-evens are reported as they were", "[report]") {
  check_breakeven("breakeven.txt", report::breakeven_text(sample(), breakeven_style(100)));
  check_breakeven("breakeven_60.txt", report::breakeven_text(sample(), breakeven_style(60)));
  check_breakeven("breakeven_ascii.txt",
                  report::breakeven_text(sample(), breakeven_style(80, false)));
  check_breakeven("breakeven.csv", report::breakeven_csv(sample()));
  check_breakeven("breakeven.json", report::breakeven_json(sample()));
  check_breakeven("breakeven.svg", report::breakeven_svg(sample()));
}

TEST_CASE("a break-even keeps to 60 columns, its rows to one length", "[report]") {
  const std::string text = report::breakeven_text(sample(), breakeven_style(60));
  for (const std::string_view line : split(text, '\n')) {
    INFO(line);
    CHECK(columns(line) <= 60);
  }
  const std::string csv = report::breakeven_csv(sample());
  for (const std::string_view line : split(trim(csv), '\n')) {
    INFO(line);
    bool quoted = false;
    int commas = 0;
    for (const char c : line) {
      quoted = quoted != (c == '"');
      commas += c == ',' && !quoted ? 1 : 0;
    }
    CHECK(commas == 15);
  }
}
