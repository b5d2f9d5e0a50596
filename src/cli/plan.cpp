#include "macfit/plan/plan.hpp"

#include <memory>

#include "batch.hpp"
#include "commands.hpp"
#include "log.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/plan/plan_formats.hpp"
#include "macfit/study/against.hpp"
#include "options.hpp"
#include "requests.hpp"

namespace macfit::cli {
namespace {

struct PlanFlags {
  Common common;
  RequestFlags request;
  std::string require;
  BatchFlags batch;
  std::string against;
  bool explain = false;
  bool details = false;
  bool hub = false;
};

constexpr const char* plan_footer = R"(
Examples:
  macfit plan --model 230b-q4 --nodes 2x128
  macfit plan --model llama-3.3-70b --quant q8 --nodes 2x128 --context 64k --sequences 4
  macfit plan --model 210gb --nodes 2x128 --explain
  macfit plan --model 230b-q4 --nodes 2x128 --against mac-studio-m3-ultra-512
  macfit plan --model gpt-oss-120b --nodes desk.json --require comfortable --format json
  echo '{"id": "a", "model": "glm-4.5", "context": "32k"}' | macfit plan --batch - --nodes 2x128
  macfit plan --model glm-4.5 --nodes 2x128 --format html --output plan.html

Sizes: 230b-q4 is 230 billion parameters at 4 bit, dense; 400b-a17b-q8 a mixture of experts with 17
billion active; 215gb weights of that size. 2x128 is two Macs sold with 128 GB; + joins unlike ones.
)";

const std::vector<std::string> plan_formats = report::format_names(report::plan_formats);

int plan_command(const PlanFlags& flags) {
  check_format(flags.common, plan_formats);
  std::optional<plan::Requirement> required;
  if (!flags.require.empty()) {
    required = in_flag("--require", [&] { return plan::parse_requirement(flags.require); });
  }
  if (!flags.batch.file.empty()) {
    BatchFlags batch = flags.batch;
    batch.require = flags.require;
    Catalogs catalogs = load_catalogs(flags.common);
    catalogs.network = catalogs.network && flags.hub;
    return run_batch(batch, flags.request, flags.common, catalogs);
  }
  for (const auto& [flag, value] : {std::pair{"--model", &flags.request.model},
                                    std::pair{"--nodes", &flags.request.cluster.nodes}}) {
    if (value->empty()) {
      throw Error(std::string(flag) + " is required", {}, "see macfit plan --help");
    }
  }
  report::Style style = style_for(flags.common);
  style.explain = flags.explain;
  style.details = flags.details || flags.explain;
  Log log(flags.common);
  const Catalogs catalogs = load_catalogs(flags.common);
  log.detail("catalog: " + catalogs.version);
  const plan::Request request = make_request(flags.request, catalogs);
  log.detail("model: " + request.model.id + ", " + std::to_string(request.cluster.nodes.size()) +
             " nodes");
  report::PlanAnswer answer{plan::make_plan(request), {}};
  if (!flags.against.empty()) {
    RequestFlags elsewhere = flags.request;
    elsewhere.cluster.nodes = flags.against;
    elsewhere.layers.clear();  // they count this cluster's nodes
    plan::Plan other = plan::make_plan(make_request(elsewhere, catalogs, "--against"));
    const study::Side side = study::side_of(other, catalogs.hardware);
    answer.beside = report::Beside{std::move(other), study::side_of(answer.plan, catalogs.hardware),
                                   side, flags.against};
  }
  deliver(flags.common,
          report::write(report::plan_formats, flags.common.format, answer, {style, {}, {}}));
  const plan::Plan& plan = answer.plan;
  if (required && !plan::meets(*required, plan.verdict.tier, plan.verdict.fits)) {
    const std::string tier = plan::tier_words(plan.verdict, plan::cap_of(plan));
    log.warn("required " + std::string(plan::requirement_name(*required)) + ", got " +
             plan::verdict_name(plan.verdict.kind, plan.verdict.workers) +
             (tier.empty() ? "" : ", ") + tier);
    return 1;
  }
  return 0;
}

}  // namespace

Action add_plan(CLI::App& app) {
  auto flags = std::make_shared<PlanFlags>();
  add_request(app, flags->request, NodesLeftOut::may_stand);
  app.get_option("--model")->required(false);  // a batch has it in its lines
  app.add_option("--batch", flags->batch.file,
                 "Requests as JSON Lines, keys named as the flags; plans as JSON Lines, in order")
      ->type_name("FILE|-");
  app.add_flag("--brief", flags->batch.brief, "With --batch: a sweep's row each, not a whole plan");
  app.add_option("--threads", flags->batch.threads, "With --batch (default: all cores)")
      ->type_name("N");
  app.add_flag("--hub", flags->hub, "With --batch: models may be looked up on a hub");
  app.add_option("--require", flags->require,
                 "Exit code 1 unless the asked context is comfortable, fits (borderline), or loads")
      ->type_name("comfortable|fits|loads");
  app.add_option("--against", flags->against,
                 "Another cluster beside it: fit, speed, jobs by morning, price")
      ->type_name("SPEC|FILE");
  app.add_flag("--details", flags->details, "Also what can't run, and every node by itself");
  app.add_flag("--explain", flags->explain, "Add the formulas with the numbers put in");
  add_common(app, flags->common, plan_formats);
  app.footer(plan_footer);
  return [flags] { return plan_command(*flags); };
}

}  // namespace macfit::cli
