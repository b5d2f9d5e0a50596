// Pages: well-formed, closed to scripts, neutral to names, the same every time.

#include "macfit/report/page/html.hpp"

#include <cstdlib>

#include "macfit/core/text.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/report/page/html_drawing.hpp"
#include "macfit/report/page/html_report.hpp"
#include "macfit/study/context_curve.hpp"
#include "runtimes.hpp"
#include "sha256.hpp"
#include "test.hpp"

using namespace macfit;
namespace html = macfit::report::html;

namespace {

plan::Plan plan_of(const std::string& model, const std::string& nodes) {
  plan::Request request;
  request.model = model::find_model(model, model::Catalog::embedded()).model;
  request.recipe = model::parse_recipe("q4");
  request.cluster = hardware::parse_cluster(nodes, {}, hardware::Catalog::embedded());
  request.runtimes = {&test::mlx_lm()};
  request.flags = {{"--model", model}, {"--nodes", nodes}};
  return plan::make_plan(request);
}

/// What is wrong with a page's tags, ids and references; empty where nothing is.
std::string faults(const std::string& page) {
  std::vector<std::string> open;
  std::vector<std::string> ids;
  std::string wrong;
  int headings = 0;
  int last_rank = 0;
  for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at)) {
    const std::size_t end = page.find('>', at);
    if (end == std::string::npos) {
      return wrong + "a tag is not closed; ";
    }
    const std::string tag = page.substr(at + 1, end - at - 1);
    const std::string name = lower(tag.substr(0, tag.find_first_of(" \n")));
    at = end;
    if (name == "!doctype" || name == "meta") {
      continue;
    }
    if (name.front() == '/') {
      if (open.empty() || "/" + open.back() != name) {
        return wrong + "<" + tag + "> closes " + (open.empty() ? "nothing" : open.back());
      }
      open.pop_back();
      continue;
    }
    if (name == "script" || name == "img" || name == "iframe" || name == "link" ||
        tag.find(" style=") != std::string::npos || tag.find(" on") != std::string::npos) {
      wrong += "<" + tag + "> does not belong here; ";
    }
    if (const std::size_t id = tag.find(" id=\""); id != std::string::npos) {
      const std::string value = tag.substr(id + 5, tag.find('"', id + 5) - id - 5);
      if (std::find(ids.begin(), ids.end(), value) != ids.end()) {
        wrong += "id " + value + " twice; ";
      }
      ids.push_back(value);
    }
    if (name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6') {
      const int rank = name[1] - '0';
      if (rank > last_rank + 1) {
        wrong += "a heading skips a rank; ";
      }
      last_rank = rank;
      headings += rank == 1 ? 1 : 0;
    }
    open.push_back(name);
  }
  if (headings != 1) {
    wrong += "not one h1; ";
  }
  return open.empty() ? wrong : wrong + "left open: " + open.back();
}

std::size_t count_of(const std::string& page, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = page.find(what); at != std::string::npos; at = page.find(what, at + 1)) {
    ++count;
  }
  return count;
}

constexpr const char* hostile =
    "</script><script>alert(1)</script>\" onload='x' \x1b[31m\xe2\x80\xae"
    "evil\n&amp;";

}  // namespace

TEST_CASE("text loses its meaning on the way into a page", "[report]") {
  CHECK(html::escape("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
  CHECK(html::escape("\x1b[31m") == "\\u{1B}[31m");
  CHECK(html::escape("\xe2\x80\xae"
                     "x") == "\\u{202E}x");
  CHECK(html::escape("\xff") == "\\xFF");
  CHECK(html::escape(std::string(10'000'000, '<')).size() < 20'000);
  const std::string element = html::element("p", {{"title", hostile}}, html::text(hostile)).html();
  CHECK(count_of(element, "<") == 2);
  CHECK(count_of(element, "\"") == 2);
}

TEST_CASE("only plain https addresses become links", "[report]") {
  CHECK(html::source("https://example.org/a?b=c").html().find("<a href=") == 0);
  for (const char* words : {"javascript:alert(1)", "http://example.org", "https://a b",
                            "https://a\"b", "see https://example.org", "https://a\xe2\x80\xae"}) {
    CAPTURE(words);
    CHECK(html::source(words).html().find("<a") == std::string::npos);
  }
}

TEST_CASE("SHA-256 as the standard's examples have it", "[report]") {
  CHECK(test::sha256_base64("") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  CHECK(test::sha256_base64("abc") == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

TEST_CASE("the policy names the style block's hash", "[report]") {
  // After a change of the style, put the hash printed here into html_style.cpp.
  CHECK(html::style_hash() == "sha256-" + test::sha256_base64(html::style_text()));
  const std::string page = html::page("t", html::element("h1", "t"));
  CHECK(page.find("default-src &#39;none&#39;") == std::string::npos);
  CHECK(page.find("content=\"default-src 'none'; style-src '" + std::string(html::style_hash()) +
                  "'; base-uri 'none'; form-action 'none'\"") != std::string::npos);
  CHECK(count_of(page, "<style>") == 1);
  CHECK(page.find("<style>" + std::string(html::style_text()) + "</style>") != std::string::npos);
  CHECK(html::style_text().find("url(http") == std::string::npos);
}

TEST_CASE("every kind of plan makes a well-formed page", "[report]") {
  for (const auto& [model, nodes] :
       std::vector<std::pair<const char*, const char*>>{{"glm-4.5", "2x128"},
                                                        {"llama-3.1-70b", "1x128+1x36"},
                                                        {"minimax-m2.5", "2x128"},
                                                        {"kimi-k2", "1x64"},
                                                        {"230b-q4", "2x128"},
                                                        {"minimax-m2.5", "4x64"}}) {
    CAPTURE(model, nodes);
    const plan::Plan plan = plan_of(model, nodes);
    const std::string page = report::plan_html(plan);
    CHECK(faults(page) == "");
    CHECK(page == report::plan_html(plan));
    CHECK(page.find("lang=\"en\"") != std::string::npos);
    CHECK(count_of(page, "<table>") == count_of(page, "<caption>"));
    CHECK(count_of(page, "role=\"img\"") == count_of(page, "<desc>"));
    CHECK(count_of(page, "role=\"img\"") == count_of(page, "<title>") - 1);
    CHECK(page.find(html::escape(plan.verdict.headline)) != std::string::npos);
    for (const plan::Reason& reason : plan.verdict.reasons) {
      CHECK(page.find(html::escape(reason.text)) != std::string::npos);
    }
    for (const plan::Action& action : plan.actions) {
      CHECK(page.find(html::escape(action.command)) != std::string::npos);
    }
    CHECK(page.find(std::string("macfit plan --model ") + model + " --nodes " + nodes +
                    " --format html") != std::string::npos);
    CHECK(page.find("nan") == std::string::npos);
    CHECK(page.find("inf%") == std::string::npos);
  }
}

TEST_CASE("hostile names stay names in a page", "[report]") {
  plan::Plan plan = plan_of("glm-4.5", "2x128");
  const std::string plain = report::plan_html(plan);
  plan.request.model.id = hostile;
  plan.request.model.architecture_source = hostile;
  plan.request.cluster.spec = hostile;
  plan.request.catalog_version = hostile;
  plan.request.cluster.nodes[0].name = hostile;
  plan.request.cluster.nodes[1].machine_label = std::string(hostile) + std::string(1'000'000, 'x');
  plan.request.flags = {{"--model", hostile}};
  plan.verdict.summary = hostile;
  plan.notes = {hostile};
  plan.actions.push_back({"x", hostile, hostile, fit::Tier::comfortable, hostile});
  const std::string page = report::plan_html(plan);
  CHECK(faults(page) == "");
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find('\x1b') == std::string::npos);
  CHECK(page.find("\xe2\x80\xae") == std::string::npos);
  CHECK(page.size() < plain.size() + 100'000);
}

TEST_CASE("a comparison's page has both clusters", "[report]") {
  const plan::Plan mine = plan_of("glm-4.5", "2x128");
  const plan::Plan other = plan_of("glm-4.5", "1x64");
  const hardware::Catalog catalog = hardware::Catalog::embedded();
  const std::string page = report::against_html(mine, study::side_of(mine, catalog),
                                                study::side_of(other, catalog), "1x64");
  CHECK(faults(page) == "");
  CHECK(page.find("Against 1x64") != std::string::npos);
  CHECK(page.find(" --against 1x64 --format html") != std::string::npos);
}

TEST_CASE("a night's page is well-formed", "[report]") {
  study::NightQuestion question;
  question.plan = plan_of("llama-3.3-70b", "2x128").request;
  question.jobs = study::make_jobs(40, study::parse_token_range("2000", "in"),
                                   study::parse_token_range("500", "out"), 1);
  question.rules.faults = study::default_faults();
  question.rules.nights = 50;
  const study::NightResult result = study::night(question);
  REQUIRE(!result.placements.empty());
  const std::string page = report::night_html(result, std::string("macfit night ") + hostile);
  CHECK(faults(page) == "");
  CHECK(page == report::night_html(study::night(question), std::string("macfit night ") + hostile));
  for (const study::NightPlacement& placement : result.placements) {
    CHECK(page.find(">" + placement.name + ": ") != std::string::npos);  // its bar
  }
}

TEST_CASE("a break-even's page is well-formed", "[report]") {
  study::BreakevenQuestion question;
  question.cluster = hardware::parse_cluster("2x128", {}, hardware::Catalog::embedded());
  question.formats = {{"q4", model::parse_recipe("q4")}};
  question.contexts = {Tokens(8192)};
  question.runtimes = {&test::mlx_lm()};
  const study::BreakevenResult result = study::breakeven(question, model::Catalog::embedded());
  const std::string page = report::breakeven_html(result, "macfit breakeven --nodes 2x128");
  CHECK(faults(page) == "");
  CHECK(page.find("macfit breakeven --nodes 2x128") != std::string::npos);
}

TEST_CASE("a survey's page keeps hostile names names", "[report]") {
  report::Survey survey;
  survey.cluster = hardware::parse_cluster("2x128", {}, hardware::Catalog::embedded());
  survey.cluster.spec = hostile;
  for (const fit::Tier tier :
       {fit::Tier::comfortable, fit::Tier::borderline, fit::Tier::not_practical}) {
    study::SurveyEntry entry;
    entry.model = hostile;
    entry.note = hostile;
    entry.smallest.recipe = model::parse_recipe("q4");
    entry.smallest.row.known = true;
    entry.smallest.row.runtime = &test::mlx_lm();
    entry.smallest.row.placed = tier != fit::Tier::not_practical;
    entry.smallest.row.tier = tier;
    entry.smallest.row.utilization = 0.5;
    survey.entries.push_back(entry);
  }
  const std::string page = report::survey_html(survey, "macfit survey", hostile);
  CHECK(faults(page) == "");
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("1 of 3 models are comfortable") != std::string::npos);
}

TEST_CASE("a sweep's page has a map for each point of the shorter axes", "[report]") {
  study::Grid grid;
  std::vector<std::string> repeated;
  grid.set(study::Axis::model, {"a", "b", "c"}, repeated);
  grid.set(study::Axis::nodes, {"2x128", "4x64"}, repeated);
  grid.set(study::Axis::context, {"8k", "16k", "32k"}, repeated);
  std::vector<study::SweepRow> rows;
  for (std::int64_t index = 0; index < 17; ++index) {  // the last of 18 is left out
    study::SweepRow row;
    row.index = index;
    row.known = index != 3;
    row.placed = row.known;
    row.tier = index % 2 == 0 ? fit::Tier::comfortable : fit::Tier::not_practical;
    row.fits = row.tier == fit::Tier::comfortable;
    row.utilization = static_cast<double>(index) / 20.0;
    row.demand = index < 12 ? 50 : index < 14 ? 90 : 120;
    row.effective = 100;
    row.reason = row.known ? "" : "unknown-model";
    rows.push_back(row);
  }
  const std::string page =
      report::sweep_html(grid, rows, study::find_column("utilization"), "macfit sweep");
  CHECK(faults(page) == "");
  CHECK(count_of(page, "class=\"heat\"") == 2);
  CHECK(count_of(page, "<th scope=\"row\">") == 7);  // three a map, one reason
  CHECK(count_of(page, ">·</td>") == 1);
  CHECK(page.find("<h1>a, b and c on 2x128 and 4x64: 18 points</h1>") != std::string::npos);
  CHECK(page.find("9 points fit comfortably, 0 fit and are borderline, 7 do not fit as asked, 1 "
                  "could not be planned") != std::string::npos);
  // The last row of three crosses 100 % of the fullest node between its second and its third cell.
  CHECK(count_of(page, "\"number full") == 1);
  CHECK(count_of(page, "\"number unfit") == 8);
  CHECK(page.find("1 points are left out") != std::string::npos);
  CHECK(page.find(">✓ 80 %</td>") != std::string::npos);
}

TEST_CASE("a plan's page is what it was", "[report]") {
  const std::string page = report::plan_html(plan_of("glm-4.5", "2x128"));
  const std::filesystem::path path = test::source_path("tests/report/golden/shard.html");
  if (std::getenv("MACFIT_REGOLD") != nullptr) {
    std::ofstream(path, std::ios::binary) << page;
  }
  CHECK(page == test::read_text(path));
}

TEST_CASE("the context curve meets the plan's own figures", "[report]") {
  for (const auto& [model, nodes] : std::vector<std::pair<const char*, const char*>>{
           {"glm-4.5", "2x128"}, {"llama-3.1-70b", "1x128+1x36"}, {"kimi-k2", "1x64"}}) {
    CAPTURE(model, nodes);
    const plan::Plan plan = plan_of(model, nodes);
    const plan::Placement& placement =
        plan.placements[plan.verdict.placement ? *plan.verdict.placement : *plan.verdict.nearest];
    const auto curve = study::context_curve(plan, placement);
    REQUIRE(curve);
    const plan::NodeBudget& budget = placement.nodes[curve->node];
    Bytes last;
    bool asked = false;
    for (const study::ContextPoint& point : curve->points) {
      CHECK(point.demand >= last);
      last = point.demand;
      CHECK(point.fits == (point.context.count() <= budget.max_context));
      CHECK((point.tier == fit::Tier::comfortable) ==
            (point.context.count() <= curve->comfortable_context));
      if (point.context == plan.request.workload.context) {
        asked = true;
        CHECK(point.demand == budget.parts.demand());
      }
    }
    CHECK(asked);
    CHECK(curve->max_context == placement.max_context);
    if (placement.standing.loads()) {
      CHECK(curve->comfortable_context == placement.comfortable_context);
    }
  }
}

TEST_CASE("ticks are round", "[report]") {
  CHECK(html::tick_step(130.0, 5) == 50.0);
  CHECK(html::tick_step(6.4, 5) == 2.0);
  CHECK(html::tick_step(0.9, 5) == 0.2);
  CHECK(html::tick_step(0.0, 5) == 1.0);
}
