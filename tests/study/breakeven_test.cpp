// Where workers turn into a shard: bisected sizes against the decision itself.

#include "macfit/study/breakeven.hpp"

#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

study::BreakevenQuestion turn_question(const char* nodes, std::vector<std::int64_t> contexts,
                                       std::vector<std::string> formats = {"q4"},
                                       const char* link = nullptr) {
  study::BreakevenQuestion question;
  hardware::ClusterOptions options;
  if (link != nullptr) {
    options.link = link;
  }
  question.cluster = hardware::parse_cluster(nodes, options, hardware::Catalog::embedded());
  for (const std::string& format : formats) {
    question.formats.push_back({format, model::parse_recipe(format)});
  }
  for (const std::int64_t context : contexts) {
    question.contexts.emplace_back(context);
  }
  question.runtimes = {&test::mlx_lm()};
  return question;
}

study::BreakevenResult turned(const study::BreakevenQuestion& question) {
  return study::breakeven(question, model::Catalog::embedded());
}

/// What plan decides of a dense size.
plan::Decision decided(const study::BreakevenQuestion& question, std::int64_t parameters,
                       const study::AskedFormat& format, Tokens context,
                       std::optional<plan::SplitKind> only = std::nullopt) {
  plan::Request request;
  model::NominalName name;
  name.text = "x";
  name.parameters = parameters;
  name.recipe = format.recipe;
  request.model = model::nominal_model(name, model::Catalog::embedded());
  request.recipe = format.recipe;
  request.cluster = question.cluster;
  request.workload.context = context;
  return plan::decide({plan::make_scenario(request, test::mlx_lm())}, request.workload,
                      {only, plan::Goal::jobs, 0});
}

}  // namespace

TEST_CASE("each turn is where the decision turns", "[study]") {
  for (const char* nodes : {"2x128", "1x128+1x64", "4x64"}) {
    INFO(nodes);
    const auto question = turn_question(nodes, {8192, 131'072}, {"q4", "q8"});
    const auto result = turned(question);
    REQUIRE(result.turns.size() == 4);
    for (const study::Turn& turn : result.turns) {
      INFO(turn.format << " at " << turn.context.count());
      const study::AskedFormat& format = question.formats[turn.format == "q4" ? 0 : 1];
      const auto at = [&](std::optional<std::int64_t> size, std::int64_t more) {
        return decided(question, size.value() + more * study::size_step, format, turn.context);
      };
      const auto workers = [&](std::optional<std::int64_t> size, std::int64_t more) {
        const auto d = decided(question, size.value() + more * study::size_step, format,
                               turn.context, plan::SplitKind::independent);
        return d.fits && !d.raised ? d.replicas.size() : 0;
      };
      CHECK(workers(turn.workers, 0) == question.cluster.nodes.size());
      CHECK(workers(turn.workers, 1) < question.cluster.nodes.size());
      CHECK(workers(turn.one_worker, 0) >= 1);
      CHECK(workers(turn.one_worker, 1) == 0);
      CHECK((at(turn.fits, 0).fits && !at(turn.fits, 0).raised));
      CHECK((!at(turn.fits, 1).fits || at(turn.fits, 1).raised));
      CHECK(at(turn.loads, 0).found());
      CHECK_FALSE(at(turn.loads, 1).found());
      CHECK(turn.comfortable_workers <= turn.workers);
      CHECK(turn.workers <= turn.one_worker);
      CHECK(turn.one_worker < turn.fits);
      CHECK(turn.comfortable <= turn.fits);
      CHECK(turn.comfortable_workers <= turn.comfortable);
      CHECK(turn.fits <= turn.loads);
    }
  }
}

TEST_CASE("finer formats and longer contexts turn earlier", "[study]") {
  const auto result = turned(turn_question("2x128", {8192, 32'768, 131'072}, {"q4", "q6", "q8"}));
  for (std::size_t i = 0; i < result.turns.size(); ++i) {
    if (i % 3 > 0) {
      CHECK(result.turns[i].workers < result.turns[i - 1].workers);
      CHECK(result.turns[i].fits < result.turns[i - 1].fits);
    }
    if (i >= 3) {
      CHECK(result.turns[i].workers < result.turns[i - 3].workers);
      CHECK(result.turns[i].fits < result.turns[i - 3].fits);
    }
  }
}

TEST_CASE("a shard costs completions", "[study]") {
  const auto result = turned(turn_question("2x128", {8192}, {"q4", "q8"}));
  const auto find = [&](std::string_view why, std::string_view format) -> const study::Run* {
    for (const study::Run& run : result.runs) {
      if (run.why == why && run.asked == format) {
        return &run;
      }
    }
    return nullptr;
  };
  const auto* workers = find("most for every node", "q4");
  const auto* bigger = find("a little bigger", "q4");
  const auto* finer = find("the same, finer", "q8");
  const auto* most = find("most that fits", "q4");
  REQUIRE(workers);
  REQUIRE(bigger);
  REQUIRE(finer);
  REQUIRE(most);
  CHECK(workers->decision.split == plan::SplitKind::independent);
  CHECK(workers->decision.replicas.size() == 2);
  CHECK(bigger->decision.split == plan::SplitKind::pipeline);
  // A step of a tenth of a billion more than halves what is done by morning.
  CHECK(*bigger->per_night * 2 < *workers->per_night);
  CHECK(*finer->per_night < *bigger->per_night);
  CHECK(*most->per_night < *bigger->per_night);
  CHECK(workers->per_hour->low < workers->per_hour->value);
  CHECK(workers->per_hour->value < workers->per_hour->high);
  CHECK(workers->per_hour->evidence == Evidence::estimated);
}

TEST_CASE("one node, and one model", "[study]") {
  const auto alone = turned(turn_question("1x128", {8192}));
  CHECK(alone.turns.front().workers == alone.turns.front().fits);
  CHECK(alone.crossings.empty());
  CHECK(!alone.no_crossings.empty());

  auto question = turn_question("2x128", {8192}, {"q4", "q8"});
  question.model = model::Catalog::embedded().get("llama-3.3-70b");
  const auto model = turned(question);
  CHECK(model.turns.empty());
  REQUIRE(model.runs.size() == 2);
  CHECK(model.runs[0].model == "llama-3.3-70b");
  CHECK(!model.runs[0].parameters);
  CHECK(model.runs[0].decision.replicas.size() == 2);
  CHECK(model.runs[1].per_night < model.runs[0].per_night);

  question.formats.clear();
  CHECK_THROWS_AS(turned(question), Error);
}

TEST_CASE("tensor over RDMA is compared where nodes can do it", "[study]") {
  const auto result = turned(turn_question("2x128", {8192}, {"q4"}, "tb5-rdma"));
  REQUIRE(result.crossings.size() == 1);
  const study::Crossing& crossing = result.crossings.front();
  for (std::size_t i = 0; i < crossing.samples.size(); ++i) {
    const auto& sample = crossing.samples[i];
    INFO(sample.parameters);
    CHECK(sample.pipeline < sample.one_node);    // a pipeline never speeds one stream
    CHECK(sample.tensor < 2 * sample.one_node);  // two nodes never more than double it
    if (i > 0) {
      CHECK(sample.parameters > crossing.samples[i - 1].parameters);
      CHECK(sample.tensor < crossing.samples[i - 1].tensor);
    }
    if (crossing.beats_one_node) {
      CHECK((sample.parameters < *crossing.beats_one_node || sample.tensor > sample.one_node));
    }
    if (crossing.beats_pipeline) {
      CHECK((sample.parameters < *crossing.beats_pipeline || sample.tensor > sample.pipeline));
    }
  }
  CHECK(crossing.beats_pipeline);
  // Thunderbolt 4 has no RDMA.
  const auto without = turned(turn_question("2xmac-mini-m4-32", {8192}));
  CHECK(without.crossings.empty());
  CHECK_THAT(without.no_crossings, test::contains("RDMA"));
}
