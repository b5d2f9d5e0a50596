#include "macfit/study/sweep.hpp"

#include <atomic>
#include <thread>

#include "cli/cli_test.hpp"
#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/report/sweep/sweep_report.hpp"
#include "macfit/report/table/csv.hpp"
#include "macfit/study/in_order.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;
using study::Axis;
using study::Grid;
using study::SweepRow;

namespace {

std::vector<std::string> values(Axis axis, const std::vector<std::string>& given) {
  Grid grid;
  std::vector<std::string> repeated;
  grid.set(axis, given, repeated);
  std::vector<std::string> result;
  for (std::size_t i = 0; i < grid.length(axis); ++i) {
    result.push_back(grid.value(axis, i));
  }
  return result;
}

study::Resolver resolver() {
  study::Resolver result;
  result.model = [](const std::string& name, const std::string& quant) {
    model::NamedModel found =
        model::find_model(name, model::Catalog::embedded(),
                          quant.empty() ? std::nullopt : std::optional(model::parse_recipe(quant)));
    return study::Resolver::Model{std::move(found.model), found.recipe};
  };
  result.cluster = [](const std::string& nodes, const std::string& macos,
                      const std::string& wired_limit, const std::string& link) {
    hardware::ClusterOptions options;
    if (!macos.empty()) {
      options.macos = hardware::parse_macos(macos);
    }
    if (!wired_limit.empty()) {
      options.wired_limit = parse_bytes(wired_limit);
    }
    if (!link.empty()) {
      options.link = link;
    }
    return study::Resolver::Cluster{
        hardware::parse_cluster(nodes, options, hardware::Catalog::embedded()), std::nullopt};
  };
  return result;
}

SweepRow row_with(std::int64_t context, std::int64_t demand, fit::Tier tier) {
  SweepRow row;
  row.known = row.placed = row.fits = true;
  row.runtime = &test::mlx_lm();
  row.context = context;
  row.demand = demand;
  row.effective = 100;
  row.tier = tier;
  row.utilization = static_cast<double>(demand) / 100.0;
  return row;
}

}  // namespace

TEST_CASE("an axis reads lists and ranges, ends included", "[study]") {
  using Texts = std::vector<std::string>;
  CHECK(values(Axis::context, {"4k", "32k"}) == Texts{"4096", "32768"});
  CHECK(values(Axis::context, {"8k..64k*2"}) == Texts{"8192", "16384", "32768", "65536"});
  CHECK(values(Axis::context, {"8k..60k*2"}) == Texts{"8192", "16384", "32768"});
  CHECK(values(Axis::sequences, {"1..5"}) == Texts{"1", "2", "3", "4", "5"});
  CHECK(values(Axis::sequences, {"1..20+8", "3"}) == Texts{"1", "9", "17", "3"});
  CHECK(values(Axis::context, {"1M..1M"}) == Texts{"1048576"});
  CHECK(values(Axis::quant, {"default", "q8"}) == Texts{"", "q8"});
  CHECK(values(Axis::kv, {"default", "q8"}) == Texts{"bf16", "q8"});
  for (const char* wrong : {"", "8k..4k", "0", "8k..16k*1", "8k..16k*", "8k..", "..8k", "a..b",
                            "1..16+0", "1..9999999", "-1", "8k..16k-1"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(values(Axis::context, {wrong}), Error);
  }
  CHECK_THROWS_AS(values(Axis::context, {}), Error);
  CHECK_THROWS_AS(values(Axis::kv, {"q9"}), Error);
  CHECK_THROWS_AS(values(Axis::split, {"diagonal"}), Error);
  CHECK_THROWS_AS(values(Axis::model, {"a\nb"}), Error);
}

TEST_CASE("a value named twice is kept once and told", "[study]") {
  Grid grid;
  std::vector<std::string> repeated;
  grid.set(Axis::context, {"8k", "8192", "4k"}, repeated);
  CHECK(grid.length(Axis::context) == 2);
  CHECK(repeated == std::vector<std::string>{"8192"});
  repeated.clear();
  grid.set(Axis::kv, {"q8", "Q8"}, repeated);
  CHECK(grid.length(Axis::kv) == 1);
  CHECK(repeated.size() == 1);
}

TEST_CASE("points count through the grid, context fastest, and parts cover it once", "[study]") {
  Grid grid;
  std::vector<std::string> ignored;
  grid.set(Axis::model, {"a", "b"}, ignored);
  grid.set(Axis::sequences, {"1..3"}, ignored);
  grid.set(Axis::context, {"1..5"}, ignored);
  REQUIRE(grid.size() == 30);
  study::Point walking = grid.point(0);
  for (std::int64_t row = 0; row < 30; ++row) {
    const study::Point point = grid.point(row);
    CHECK(point == walking);
    CHECK(static_cast<std::int64_t>(point[0]) == row / 15);
    CHECK(static_cast<std::int64_t>(point[11]) == row % 5);
    grid.advance(walking);
  }
  for (const std::int64_t rows : {0, 1, 7, 30, 1000}) {
    for (const std::int64_t parts : {1, 2, 7, 16, 31}) {
      std::int64_t at = 0;
      for (std::int64_t part = 1; part <= parts; ++part) {
        const study::Rows range = study::part_of(rows, part, parts);
        CHECK(range.first == at);
        CHECK(range.last >= range.first);
        at = range.last;
      }
      CHECK(at == rows);
    }
  }
  const study::Rows last = study::part_of(INT64_MAX, 1'000'000, 1'000'000);
  CHECK(last.last == INT64_MAX);
}

TEST_CASE("a grid too large to count says so", "[study]") {
  Grid grid;
  std::vector<std::string> ignored;
  for (const Axis axis : {Axis::context, Axis::sequences, Axis::prefill_step}) {
    grid.set(axis, {"1..1000000"}, ignored);
  }
  CHECK(grid.size() == 1'000'000'000'000'000'000);
  grid.set(Axis::quant, {"q2", "q3", "q4", "q5", "q6", "q8", "bf16", "mxfp4", "f16", "nvfp4"},
           ignored);
  CHECK(!grid.size());
}

TEST_CASE("a row says what the whole plan says", "[study]") {
  struct Fact {
    const char* model;
    const char* quant;
    const char* nodes;
    const char* runtime;
    const char* context;
    const char* sequences;
  };
  const std::vector<Fact> facts = {
      {"llama-3.1-70b", "q4", "2x128", "mlx-lm", "8k", "1"},
      {"llama-3.1-70b", "q4", "2x128", "all", "64k", "4"},
      {"glm-4.5", "q4", "2x128", "all", "8k", "1"},
      {"glm-4.5", "q4", "2x128", "all", "128k", "1"},
      {"glm-4.5", "q4", "2x128", "mlx-lm", "32k", "2"},
      {"glm-4.5", "q4", "4x64", "all", "8k", "1"},
      {"minimax-m2.5", "q4", "4x64", "all", "32k", "1"},
      {"minimax-m2.5", "q4", "2x128+1x64", "exo", "32k", "1"},
      {"deepseek-v3.1", "q4", "2x512", "all", "32k", "1"},
      {"deepseek-v3.1", "q4", "4x128+2x96", "all", "8k", "1"},
      {"kimi-k2", "q4", "2x64", "all", "8k", "1"},
      {"qwen3-32b", "q8", "8x64", "llama.cpp", "16k", "2"},
      {"gemma-3-27b", "q4", "1x24", "all", "128k", "1"},
      {"gpt-oss-120b", "", "2x64", "all", "128k", "1"},
      {"glm-4.5", "q4", "m3-ultra-512+m4-max-128", "mlx-lm", "8k", "1"},
      {"glm-4.5", "q4", "m4-max-128+m4-pro-64+m4-max-64", "exo", "16k", "2"},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.model, fact.nodes, fact.runtime, fact.context);
    std::vector<std::string> flags = {"--model",     fact.model,    "--nodes",   fact.nodes,
                                      "--runtime",   fact.runtime,  "--context", fact.context,
                                      "--sequences", fact.sequences};
    Grid grid;
    std::vector<std::string> ignored;
    grid.set(Axis::model, {fact.model}, ignored);
    grid.set(Axis::nodes, {fact.nodes}, ignored);
    grid.set(Axis::runtime, {fact.runtime}, ignored);
    grid.set(Axis::context, {fact.context}, ignored);
    grid.set(Axis::sequences, {fact.sequences}, ignored);
    if (*fact.quant != '\0') {
      grid.set(Axis::quant, {fact.quant}, ignored);
      flags.insert(flags.end(), {"--quant", fact.quant});
    }
    const study::Resolver source = resolver();
    const study::Needs needs{true, true};
    study::Evaluator evaluator(grid, source, needs);
    SweepRow row;
    evaluator.evaluate(grid.point(0), row);
    const plan::Plan plan = test::make(flags);
    CHECK(row.known);
    CHECK(row.kind == plan.verdict.kind);
    CHECK(row.tier == plan.verdict.tier);
    CHECK(row.workers == plan.verdict.workers);
    REQUIRE(row.placed == plan.verdict.placement.has_value());
    if (!row.placed) {
      continue;
    }
    const plan::Placement& placement = plan.placements[*plan.verdict.placement];
    CHECK(row.runtime == placement.runtime);
    CHECK(row.format == placement.format);
    CHECK(row.split == placement.split);
    CHECK(row.nodes_used == placement.nodes.size());
    CHECK(row.weight_bytes == placement.weight_bytes.count());
    CHECK(row.fits == placement.standing.fits());
    CHECK(row.utilization == placement.utilization);
    CHECK(row.raised == placement.standing.raised());
    CHECK(row.max_context == placement.max_context);
    CHECK(row.comfortable_context == placement.comfortable_context);
    CHECK(row.speed.decode == placement.speed.decode);
    CHECK(row.speed.aggregate == placement.speed.aggregate);
    CHECK(row.speed.prefill == placement.speed.prefill);
    CHECK(row.speed.time_to_first_token == placement.speed.time_to_first_token);
    study::Evaluator plain(grid, source, {});
    SweepRow cheap;
    plain.evaluate(grid.point(0), cheap);
    CHECK(cheap.utilization == row.utilization);
    CHECK(cheap.kind == row.kind);
    const auto fullest =
        std::find_if(placement.nodes.begin(), placement.nodes.end(),
                     [&](const plan::NodeBudget& budget) { return budget.node == row.fullest; });
    REQUIRE(fullest != placement.nodes.end());
    CHECK(row.demand == fullest->parts.demand().count());
    CHECK(row.effective == fullest->effective.count());
  }
}

TEST_CASE("combinations that can't be are rows with a reason", "[study]") {
  struct Fact {
    Axis axis;
    const char* value;
    const char* reason;
    bool known;
  };
  const std::vector<Fact> facts = {
      {Axis::wired_limit, "256GiB", "invalid-combination", false},
      {Axis::quant, "Q4_K_M", "format-unknown", true},
      {Axis::kv, "q9_9", "", false},
      {Axis::context, "1M", "context-above-longest", true},
      {Axis::link, "tb5-rdma", "rdma-needs-thunderbolt-5", true},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.value);
    Grid grid;
    std::vector<std::string> ignored;
    grid.set(Axis::model, {"llama-3.1-8b"}, ignored);
    grid.set(Axis::nodes, {fact.axis == Axis::link ? "2xmac-studio-m2-ultra-192" : "1x64"},
             ignored);
    grid.set(Axis::runtime, {"mlx-lm"}, ignored);
    if (*fact.reason == '\0') {
      CHECK_THROWS_AS(grid.set(fact.axis, {fact.value}, ignored), Error);
      continue;
    }
    grid.set(fact.axis, {fact.value}, ignored);
    const study::Resolver source = resolver();
    study::Evaluator evaluator(grid, source, {});
    SweepRow row;
    evaluator.evaluate(grid.point(0), row);
    CHECK(row.reason == fact.reason);
    CHECK(row.known == fact.known);
  }
}

TEST_CASE("a filter compares tiers, sizes, texts and nothing", "[study]") {
  const SweepRow row = row_with(32'768, 80, fit::Tier::borderline);
  const auto keeps = [&](const char* text) { return study::Where::parse(text).keeps(row); };
  CHECK(keeps(""));
  CHECK(keeps("tier>=borderline"));
  CHECK(keeps("tier < comfortable"));
  CHECK(!keeps("tier=comfortable"));
  CHECK(keeps("context>=32k and utilization<=80%"));
  CHECK(keeps("context=32768,demand_bytes<1GB"));
  CHECK(!keeps("context>=32k and context>32k"));
  CHECK(keeps("fits=yes AND tier!=comfortable"));
  CHECK(!keeps("fits==no"));
  CHECK(keeps("fits and context>=32k"));
  CHECK(!keeps("Not Fits"));
  CHECK(keeps("reason="));
  CHECK(!keeps("reason!="));
  CHECK(keeps("headroom_bytes>-1kB"));
  CHECK(keeps("split=Independent"));
  CHECK(!keeps("price_usd<1000"));
  for (const char* wrong :
       {"tier", "not tier", "not", "teir=comfortable", "tier>=comfy", "reason>a", "context>=x",
        "context!32k", "fits=maybe", "tier>=borderline and", "context>", "and", ",", "=",
        "price_usd<1e", "tier=>borderline"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(study::Where::parse(wrong), Error);
  }
}

TEST_CASE("columns are named, or added to the usual ones", "[study]") {
  const std::vector<std::size_t> usual = {study::find_column("model"), study::find_column("tier")};
  const std::size_t price = study::find_column("price_usd");
  CHECK(study::select_columns("", usual) == usual);
  CHECK(study::select_columns("price_usd", usual) == std::vector{price});
  const std::vector<std::size_t> more = {usual[0], usual[1], price, study::find_column("ttft")};
  CHECK(study::select_columns("+price_usd,ttft", usual) == more);
  CHECK(study::select_columns(" +price_usd,+ttft,tier", usual) == more);
  CHECK(study::select_columns("tier,tier", usual).size() == 2);
  for (const char* wrong : {"+", "+prize", "price_usd,+tier", ","}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(study::select_columns(wrong, usual), Error);
  }
}

TEST_CASE("a front keeps what nothing beats, and of equals the first", "[study]") {
  study::Front front("context,utilization");
  std::int64_t index = 0;
  const auto add = [&](std::int64_t context, std::int64_t demand, bool fits = true) {
    SweepRow row = row_with(context, demand, fit::Tier::borderline);
    row.index = index++;
    row.fits = fits;
    front.add(row);
  };
  add(10, 50);
  add(20, 60);
  add(20, 60);
  add(15, 70);
  add(5, 40);
  add(5, 41);
  add(99, 1, false);
  add(30, 55);
  std::vector<std::int64_t> kept;
  for (const SweepRow& row : front.take()) {
    kept.push_back(row.index);
  }
  CHECK(kept == std::vector<std::int64_t>{0, 4, 7});
  CHECK_THROWS_AS(study::Front("model"), Error);
  CHECK_THROWS_AS(study::Front("contxt"), Error);
}

TEST_CASE("a sweep's file is read, and errors carry the pointer", "[study]") {
  const study::SweepSpec spec = study::read_sweep_spec(
      R"({"schema": "macfit.sweep/1", "axes": {"context": ["4k", 8192], "model": "glm-4.5"},
          "select": ["tier", "context"], "where": "tier>=borderline"})",
      "grid.json");
  REQUIRE(spec.axes.size() == 2);
  CHECK(spec.select == "tier,context");
  CHECK(spec.where == "tier>=borderline");
  const std::vector<std::pair<const char*, const char*>> facts = {
      {R"({"axes": {}})", "schema"},
      {R"({"schema": "macfit.sweep/2", "axes": {}})", "/schema"},
      {R"({"schema": "macfit.sweep/1", "axes": {"contxt": ["4k"]}})", "did you mean context"},
      {R"({"schema": "macfit.sweep/1", "axes": {"context": ["4k", "0"]}})", "/axes/context/1"},
      {R"({"schema": "macfit.sweep/1", "axes": {"context": [{}]}})", "/axes/context/0"},
      {R"({"schema": "macfit.sweep/1", "axes": {"context": []}})", "empty"},
      {R"({"schema": "macfit.sweep/1", "axes": {}, "were": ""})", "did you mean where"},
      {R"({"schema": )", "grid.json"},
  };
  for (const auto& [text, said] : facts) {
    CAPTURE(text);
    try {
      (void)study::read_sweep_spec(text, "grid.json");
      FAIL("no error");
    } catch (const Error& error) {
      CHECK_THAT(error.what(), test::contains(said));
    }
  }
}

TEST_CASE("work done by many threads comes out in order", "[study]") {
  for (const std::size_t threads : {1U, 2U, 5U}) {
    CAPTURE(threads);
    int next = 0;
    std::vector<int> seen;
    std::atomic<int> under_way{0};
    study::in_order(
        threads,
        [&]() -> std::optional<int> { return next < 500 ? std::optional(next++) : std::nullopt; },
        [&] {
          return [&](int&& job) {
            ++under_way;
            if (job % 7 == 0) {
              std::this_thread::yield();
            }
            return job * 2;
          };
        },
        [&](int&& result) {
          --under_way;
          seen.push_back(result);
          return true;
        });
    REQUIRE(seen.size() == 500);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      CHECK(seen[i] == static_cast<int>(2 * i));
    }
    CHECK(under_way == 0);
  }
}

TEST_CASE("work stops when its reader goes or a job fails", "[study]") {
  for (const std::size_t threads : {1U, 3U}) {
    CAPTURE(threads);
    int next = 0;
    int written = 0;
    const auto endless = [&]() -> std::optional<int> { return next++; };
    const auto same = [] { return [](int&& job) { return job; }; };
    study::in_order(threads, endless, same, [&](int&&) { return ++written < 10; });
    CHECK(written == 10);
    CHECK_THROWS_AS(study::in_order(
                        threads, endless,
                        [] {
                          return [](int&& job) -> int {
                            if (job > 100) {
                              throw Error("enough");
                            }
                            return job;
                          };
                        },
                        [](int&&) { return true; }),
                    Error);
  }
}

TEST_CASE("CSV fields are quoted by RFC 4180 and no formulas", "[study]") {
  const std::vector<std::pair<std::string, std::string>> facts = {
      {"plain", "plain"},
      {"a,b", "\"a,b\""},
      {"a\"b", "\"a\"\"b\""},
      {"a\r\nb", "a\\u{D}\\u{A}b"},
      {"=1+1", "'=1+1"},
      {"+1", "'+1"},
      {"-1", "'-1"},
      {"@sum(a,b)", "\"'@sum(a,b)\""},
      {"\tx", "\\u{9}x"},
      {"\rx", "\\u{D}x"},
      {"", ""},
      {"it's", "it's"},
  };
  for (const auto& [text, wanted] : facts) {
    std::string out;
    report::csv_text(out, text);
    CHECK(out == wanted);
  }
}

TEST_CASE("every column has a cell, a meaning and a name of its own", "[study]") {
  const SweepRow row = row_with(1, 2, fit::Tier::comfortable);
  for (std::size_t i = 0; i < study::sweep_columns().size(); ++i) {
    const study::Column& column = study::sweep_columns()[i];
    CAPTURE(column.name);
    CHECK(study::find_column(column.name) == i);
    CHECK(!column.meaning.empty());
    (void)study::cell(row, i);
  }
}
