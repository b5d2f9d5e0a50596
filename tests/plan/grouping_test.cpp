// Which nodes work together: groups of equal nodes, of a few unlike ones, of many.

#include "plan/grouping.hpp"

#include <set>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/plan.hpp"
#include "test.hpp"

using namespace macfit;
using plan::Goal;
using plan::Group;
using plan::SplitKind;

namespace {

plan::Request asked(const std::string& model, const std::string& nodes) {
  plan::Request request;
  request.model = model::nominal_model(model::parse_nominal(model), model::Catalog::embedded());
  request.recipe = model::parse_recipe("q4");
  request.cluster = hardware::parse_cluster(nodes, {}, hardware::Catalog::embedded());
  request.runtimes = {runtime::Id::mlx_lm};
  return request;
}

plan::Grouping grouping(const plan::Request& request, SplitKind split, Goal goal) {
  return plan::find_groups(plan::make_scenario(request, runtime::Id::mlx_lm), request.workload,
                           split, goal, false);
}

std::vector<std::size_t> sizes(const plan::Grouping& found) {
  std::vector<std::size_t> result;
  for (const Group& group : found.groups) {
    result.push_back(group.size());
  }
  return result;
}

using Sizes = std::vector<std::size_t>;

}  // namespace

TEST_CASE("equal nodes make as many replicas as hold the model; the rest join them", "[plan]") {
  const auto found = [](const char* nodes) {
    return grouping(asked("230b-q4", nodes), SplitKind::pipeline, Goal::comfortable);
  };
  CHECK(found("2x128").fewest == 2);
  CHECK(sizes(found("2x128")) == Sizes{2});
  CHECK(found("3x128").fewest == 2);
  CHECK(sizes(found("3x128")) == Sizes{3});
  CHECK(sizes(found("5x128")) == Sizes{3, 2});
  CHECK(sizes(found("8x128")) == Sizes{2, 2, 2, 2});
  CHECK(sizes(found("1x128")).empty());
  CHECK(sizes(found("2x96")).empty());  // 66 GB of weights a node, and 77 GB to put them in
}

TEST_CASE("replicas of unlike sizes are told apart in words", "[plan]") {
  const plan::Plan five = plan::make_plan(asked("230b-q4", "5x128"));
  CHECK_THAT(five.verdict.summary, test::contains("needs two nodes together: run two replicas "
                                                  "(pipelines of 36/36/36 and 54/54 layers)"));
  const plan::Plan three = plan::make_plan(asked("230b-q4", "3x128"));
  CHECK_THAT(three.verdict.summary,
             test::contains("needs at least two nodes together: run it over three, as a pipeline"));
  CHECK(std::count(three.notes.begin(), three.notes.end(), "two nodes would do at this tier.") ==
        1);
}

TEST_CASE("many unlike nodes are grouped from the largest down", "[plan]") {
  // Thirteen sizes: more ways to group them than anybody tries.
  const plan::Request request =
      asked("70b-q4", "1x8+1x512+1x16+1x256+1x18+1x192+1x24+1x128+1x32+1x96+1x36+1x64+1x48");
  const plan::Scenario scenario = plan::make_scenario(request, runtime::Id::mlx_lm);
  REQUIRE(scenario.classes.size() == 13);
  for (const Goal goal : {Goal::loads, Goal::fits, Goal::comfortable}) {
    const plan::Grouping found =
        plan::find_groups(scenario, request.workload, SplitKind::pipeline, goal, false);
    CHECK(found.groups.size() >= 3);
    plan::Demands demands(scenario, request.workload);
    plan::GroupCheck check(scenario, request.workload, SplitKind::pipeline, goal, false, demands);
    std::set<std::size_t> used;
    std::size_t fewest = scenario.nodes();
    for (const Group& group : found.groups) {
      CHECK(check.reaches(group));
      CHECK(std::is_sorted(group.begin(), group.end()));
      for (const std::size_t node : group) {
        CHECK(used.insert(node).second);
      }
      fewest = std::min(fewest, group.size());
    }
    CHECK(found.fewest <= fewest);
  }
  // One group, where no fewer hold the model; nodes too small for a layer stay out.
  plan::Request large = asked("1200b-q4", "2x128");
  large.cluster = request.cluster;
  const plan::Grouping one = grouping(large, SplitKind::pipeline, Goal::loads);
  REQUIRE(one.groups.size() == 1);
  CHECK(one.groups[0].size() >= 4);
  CHECK(one.groups[0].front() == 1);  // not the first node, of 8 GiB
}

TEST_CASE("a tensor split takes nodes that hold one share each", "[plan]") {
  const auto found = [](const char* nodes) {
    return sizes(grouping(asked("230b-q4", nodes), SplitKind::tensor, Goal::fits));
  };
  CHECK(found("2x128") == Sizes{2});
  CHECK(found("4x128") == Sizes{2, 2});
  CHECK(found("2x128+2x16") == Sizes{2});
  CHECK(found("1x128+1x16").empty());
}

TEST_CASE("layers that were given are taken or refused, never changed", "[plan]") {
  plan::Request request = asked("230b-q4", "2x128");
  const auto layers =
      static_cast<std::int64_t>(plan::make_scenario(request, runtime::Id::mlx_lm).profile.layers);
  request.layers = {layers / 2, layers - layers / 2};
  CHECK(sizes(grouping(request, SplitKind::pipeline, Goal::comfortable)) == Sizes{2});
  request.layers = {1, layers - 1};  // all on one node, which holds less than that
  CHECK(sizes(grouping(request, SplitKind::pipeline, Goal::loads)).empty());
}
