#include "macfit/study/survey.hpp"

#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/study/size.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

hardware::Cluster cluster_of(const std::string& spec) {
  return hardware::parse_cluster(spec, {}, hardware::Catalog::embedded());
}

study::SurveyEntry survey(const std::string& model, const std::string& nodes,
                          const study::SurveyOptions& options) {
  return study::survey_model(model::Catalog::embedded().get(model), cluster_of(nodes), std::nullopt,
                             options);
}

study::SurveyOptions all_runtimes() {
  study::SurveyOptions options;
  options.runtimes = runtime::Catalog::embedded().all();
  return options;
}

}  // namespace

TEST_CASE("a survey takes the smallest format of 4 bits and the best comfortable one", "[study]") {
  const study::SurveyOptions options = all_runtimes();
  const model::Catalog catalog = model::Catalog::embedded();
  for (const char* name : {"llama-3.1-8b", "qwen3-30b-a3b", "glm-4.5", "gemma-3-27b"}) {
    CAPTURE(name);
    const study::SurveyEntry entry = survey(name, "2x128", options);
    CHECK(entry.published);
    CHECK(!entry.below_production);
    CHECK(entry.smallest.bits >= study::production_bits);
    const model::Model model = catalog.get(name);
    for (const model::PublishedFormat& format : model.formats) {
      const bool loads = std::any_of(
          options.runtimes.begin(), options.runtimes.end(),
          [&](const runtime::Runtime* rules) { return rules->format(model, format.recipe).ok; });
      CHECK((!loads || model::nominal_bits(format.recipe) >= entry.smallest.bits));
    }
    CHECK(entry.best.has_value() == (entry.smallest.row.tier == fit::Tier::comfortable));
    if (entry.best) {
      CHECK(entry.best->bits >= entry.smallest.bits);
      CHECK(entry.best->row.tier == fit::Tier::comfortable);
    }
  }
}

TEST_CASE("formats under 4 bits count only when asked for, and are marked", "[study]") {
  study::SurveyOptions options = all_runtimes();
  bool any = false;
  const model::Catalog catalog = model::Catalog::embedded();
  for (const model::Model& model : catalog.all()) {
    const bool small = std::any_of(model.formats.begin(), model.formats.end(), [](const auto& one) {
      return one.recipe.name == "mlx-3bit-g64" || one.recipe.name == "Q2_K" ||
             one.recipe.name == "Q3_K_M";
    });
    if (!small) {
      continue;
    }
    any = true;
    CAPTURE(model.id);
    options.below_production = false;
    CHECK(!survey(model.id, "1x128", options).below_production);
    options.below_production = true;
    const study::SurveyEntry entry = survey(model.id, "1x128", options);
    CHECK(entry.below_production);
    CHECK_THAT(entry.note, test::contains("below 4 bits"));
  }
  CHECK(any);
}

TEST_CASE("a survey's note says what matters", "[study]") {
  study::SurveyOptions options = all_runtimes();
  options.quant = model::parse_recipe("q4");
  CHECK_THAT(survey("glm-4.5", "2x128", options).note, test::contains("pipeline over 2 nodes"));
  CHECK_THAT(survey("glm-4.5", "4x64", options).note, test::contains("raise the GPU limit"));
  CHECK_THAT(survey("kimi-k2", "1x64", options).note, test::contains("too large"));
  options.workload.context = Tokens(131'072);
  CHECK_THAT(survey("glm-4.5", "2x128", options).note, test::contains("cap the context at"));
  CHECK(survey("llama-3.1-8b", "1x64", options).note.empty());
}

TEST_CASE("a survey is sorted by tier, then as asked", "[study]") {
  std::vector<study::SurveyEntry> entries;
  for (const char* name : {"kimi-k2", "llama-3.1-8b", "glm-4.5", "llama-3.1-70b", "gemma-3-27b"}) {
    entries.push_back(survey(name, "2x128", all_runtimes()));
  }
  study::sort_survey(entries, study::SurveyOrder::size);
  std::vector<std::string> names;
  for (const study::SurveyEntry& entry : entries) {
    names.push_back(entry.model);
  }
  CHECK(names == std::vector<std::string>{"llama-3.1-70b", "gemma-3-27b", "llama-3.1-8b", "glm-4.5",
                                          "kimi-k2"});
  study::sort_survey(entries, study::SurveyOrder::name);
  CHECK(entries.front().model == "gemma-3-27b");
  CHECK_THROWS_AS(study::parse_survey_order("sice"), Error);
}

TEST_CASE("the largest nominal model fits, and the next size does not", "[study]") {
  plan::Request request;
  request.cluster = cluster_of("1x64");
  request.recipe = model::parse_recipe("q4");
  request.runtimes = {&test::mlx_lm()};
  const model::Catalog catalog = model::Catalog::embedded();
  const std::int64_t comfortable = study::largest_nominal(request, fit::Tier::comfortable, catalog);
  const std::int64_t borderline = study::largest_nominal(request, fit::Tier::borderline, catalog);
  CHECK(comfortable > 50'000'000'000);
  CHECK(comfortable < borderline);
  CHECK(borderline < 120'000'000'000);
  request.cluster = cluster_of("2x64");
  CHECK(study::largest_nominal(request, fit::Tier::comfortable, catalog) > comfortable);
}

TEST_CASE("clusters that do it come cheapest first, none holding another", "[study]") {
  plan::Request request;
  request.model = model::Catalog::embedded().get("llama-3.1-70b");
  request.recipe = model::parse_recipe("q4");
  request.runtimes = runtime::Catalog::embedded().all();
  const auto found =
      study::clusters_for(request, fit::Tier::comfortable,
                          {{"mac-mini-m4-pro-64", Bytes(64 * gib), 2000.0},
                           {"mac-mini-m4-16", Bytes(16 * gib), 600.0},
                           {"mac-studio-m4-max-128", Bytes(128 * gib), 3500.0},
                           {"mac-studio-m3-ultra-512", Bytes(512 * gib), std::nullopt}},
                          3, cluster_of);
  REQUIRE(!found.empty());
  double last = 0.0;
  bool unpriced = false;
  for (const study::ClusterFound& one : found) {
    CAPTURE(one.spec);
    CHECK(one.row.tier == fit::Tier::comfortable);
    CHECK(one.row.fits);
    CHECK((one.price.has_value() || one.spec == "mac-studio-m3-ultra-512"));
    CHECK(!(unpriced && one.price));
    unpriced = !one.price;
    CHECK((unpriced || *one.price >= last));
    last = one.price.value_or(last);
  }
  CHECK(found.front().spec == "mac-mini-m4-pro-64");
}

TEST_CASE("the longest context grows as the cache shrinks", "[study]") {
  plan::Request request;
  request.model = model::Catalog::embedded().get("llama-3.1-70b");
  request.recipe = model::parse_recipe("q4");
  request.runtimes = {&test::llama_cpp()};
  request.cluster = cluster_of("1x64");
  const auto contexts = study::longest_contexts(
      request, {runtime::KvFormat::bf16, runtime::KvFormat::q8, runtime::KvFormat::q4});
  REQUIRE(contexts.size() == 3);
  CHECK(contexts[0].max_context > 0);
  CHECK(contexts[0].max_context <= contexts[1].max_context);
  CHECK(contexts[1].max_context <= contexts[2].max_context);
  for (const study::LongestContext& one : contexts) {
    CHECK(one.comfortable_context <= one.max_context);
  }
}
