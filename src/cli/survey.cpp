#include "macfit/study/survey.hpp"

#include <algorithm>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "command_line.hpp"
#include "commands.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/glob.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/survey/survey_formats.hpp"
#include "macfit/study/in_order.hpp"
#include "requests.hpp"

namespace macfit::cli {
namespace {

struct SurveyFlags {
  Common common;
  RequestFlags request;
  std::string models = "*";
  std::string tier;
  std::vector<std::string> where;
  std::string sort = "size";
  bool smaller = false;
  bool unmeasured = false;
};

constexpr const char* survey_footer = R"(
Each model stands at its smallest published format of at least 4 bits, and beside it the format of
most bits that is comfortable.

Examples:
  macfit survey --nodes 4x64
  macfit survey --nodes 2x128 --models 'qwen3*,glm*' --context 32k --sort context
  macfit survey --nodes 1x64 --tier comfortable --where 'max_context>=64k' --format csv
)";

const std::vector<std::string> survey_formats = report::format_names(report::survey_formats);

std::vector<std::string> chosen_models(const std::string& patterns, const Catalogs& catalogs) {
  const std::vector<std::string> ids = catalogs.models.ids();
  std::vector<std::string> chosen;
  for (const std::string& pattern : hardware::split_list(patterns)) {
    const std::size_t before = chosen.size();
    for (const std::string& id : ids) {
      if (matches_glob(pattern, id) &&
          std::find(chosen.begin(), chosen.end(), id) == chosen.end()) {
        chosen.push_back(id);
      }
    }
    if (chosen.size() == before) {
      // A name that is none of the ids may be an alias, or wrong.
      chosen.push_back(catalogs.models.get(pattern).id);
    }
  }
  return chosen;
}

/// Takes out what --tier, --where and --unmeasured leave out.
void filter(const SurveyFlags& flags, std::vector<study::SurveyEntry>& entries,
            const std::optional<fit::Tier>& tier, const study::Where& where) {
  const auto left_out = [&](const study::SurveyEntry& entry) {
    return (tier && entry.smallest.row.tier < *tier) || !where.keeps(entry.smallest.row) ||
           (flags.unmeasured && (entry.measured || !entry.smallest.row.placed));
  };
  entries.erase(std::remove_if(entries.begin(), entries.end(), left_out), entries.end());
}

int survey_command(const SurveyFlags& flags, const CLI::App& app) {
  check_format(flags.common, survey_formats);
  const report::Style style = style_for(flags.common);
  const Catalogs catalogs = load_catalogs(flags.common);
  const study::SurveyOrder order =
      in_flag("--sort", [&] { return study::parse_survey_order(flags.sort); });
  std::optional<fit::Tier> tier;
  if (!flags.tier.empty()) {
    tier = in_flag("--tier", [&] { return fit::parse_tier(flags.tier); });
  }
  std::string conditions;
  for (const std::string& one : flags.where) {
    conditions += (conditions.empty() ? "" : ",") + one;
  }
  const study::Where where = in_flag("--where", [&] { return study::Where::parse(conditions); });

  report::Survey survey;
  survey.cluster = plan::settled_cluster(flags.request, catalogs, finder_of(catalogs));
  survey.catalog_version = catalogs.version;
  const Question question = question_of(flags.request);
  survey.workload = question.workload;
  study::SurveyOptions options;
  options.workload = question.workload;
  options.terms = question.terms;
  options.runtimes = runtimes_of(flags.request, catalogs);
  options.below_production = flags.smaller;
  options.calibration = catalogs.calibration;
  if (!flags.request.quant.empty()) {
    options.quant = model::parse_recipe(flags.request.quant);
  }
  const std::optional<double> price = price_of(survey.cluster, catalogs);
  const std::vector<std::string> names = chosen_models(flags.models, catalogs);
  std::size_t next = 0;
  study::in_order(
      std::max(1U, std::thread::hardware_concurrency()),
      [&] { return next < names.size() ? std::optional(next++) : std::nullopt; },
      [&] {
        return [&](std::size_t&& i) {
          return study::survey_model(catalogs.models.get(names[i]), survey.cluster, price, options);
        };
      },
      [&](study::SurveyEntry&& entry) {
        survey.entries.push_back(std::move(entry));
        return true;
      });
  filter(flags, survey.entries, tier, where);
  study::sort_survey(survey.entries, order);
  const auto next_command = [&] {
    plan::Request one;
    RequestFlags chosen = flags.request;
    chosen.model = survey.entries.empty() ? "NAME" : survey.entries.front().model;
    one.flags = plan::given_flags(chosen, catalogs.folder);
    return plan::command_of(one) + " --format html --output plan.html";
  };
  deliver(flags.common, report::write(report::survey_formats, flags.common.format, survey,
                                      {style, command_line(app), next_command}));
  return 0;
}

}  // namespace

Action add_survey(CLI::App& app) {
  auto flags = std::make_shared<SurveyFlags>();
  add_cluster(app, flags->request.cluster);
  app.add_option("--models", flags->models, "Only these of the catalog: 'qwen3*,glm-4.5'")
      ->type_name("GLOB,…");
  add_workload(app, flags->request);
  app.add_option("--quant", flags->request.quant, "All in this weight format")->type_name("NAME");
  app.add_flag("--smaller", flags->smaller,
               "Formats of fewer than 4 bits count too, and are marked");
  app.add_option("--tier", flags->tier, "Only models of at least this tier")->type_name("TIER");
  app.add_option("--where", flags->where,
                 "Only models for whose smallest format this holds: 'utilization<50%'")
      ->type_name("CONDITION");
  app.add_option("--sort", flags->sort,
                 "Inside a tier by name, size, utilization, context or speed")
      ->type_name("ORDER");
  app.add_flag("--unmeasured", flags->unmeasured,
               "Only what loads here and has no measurement of your own on such a chip");
  add_common(app, flags->common, survey_formats);
  app.footer(survey_footer);
  return [flags, &app] { return survey_command(*flags, app); };
}

}  // namespace macfit::cli
