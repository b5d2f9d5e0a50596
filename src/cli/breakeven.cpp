#include "macfit/study/breakeven.hpp"

#include <memory>

#include "command_line.hpp"
#include "commands.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/breakeven/breakeven_formats.hpp"
#include "macfit/study/night.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "requests.hpp"

namespace macfit::cli {
namespace {

struct BreakevenFlags {
  Common common;
  RequestFlags request;
  std::string active;
  std::string prompt_tokens = "2000";
  std::string output_tokens = "500";
  std::string hours = "9";
};

const std::vector<std::string> breakeven_formats = report::format_names(report::breakeven_formats);

constexpr const char* breakeven_footer = R"(
Examples:
  macfit breakeven --nodes 2x128
      Up to which size two workers, from where a shard, and what that costs.
  macfit breakeven --nodes 2x128 --quant q4,q6,q8 --context 8k,32k,128k --format csv
  macfit breakeven --nodes 2x512 --active 5% --link tb5-rdma
      Mixtures of experts with a twentieth of their parameters active.
  macfit breakeven --nodes 2x128 --model qwen3-235b-a22b --quant q3,q4,q6
      One model in several formats: on what, and how many completions a night.
)";

/// A list's values by the flag that plan knows for one of them.
plan::Request one_request(const BreakevenFlags& flags, const Catalogs& catalogs,
                          const std::string& quant, const std::string& context) {
  RequestFlags one = flags.request;
  one.model = one.model.empty() ? "1b" : one.model;
  one.quant = quant;
  one.context = context;
  return make_request(one, catalogs);
}

study::BreakevenQuestion question_of(const BreakevenFlags& flags, const Catalogs& catalogs) {
  const bool named = !flags.request.model.empty();
  if (named && !flags.active.empty()) {
    throw Error("--active is for models known by size alone, not for --model");
  }
  study::BreakevenQuestion question;
  for (const std::string& quant :
       hardware::split_list(flags.request.quant.empty() ? "q4,q8" : flags.request.quant)) {
    const plan::Request request = one_request(flags, catalogs, quant, {});
    question.formats.push_back({quant, request.recipe});
    if (named) {
      question.model = request.model;
    }
  }
  for (const std::string& context : hardware::split_list(
           flags.request.context.empty() ? "8k,32k,128k" : flags.request.context)) {
    const plan::Request request = one_request(flags, catalogs, "q4", context);
    question.contexts.push_back(request.workload.context);
    question.workload = request.workload;
    question.cluster = request.cluster;
    question.runtimes = request.runtimes;
    question.calibration = request.calibration;
  }
  if (!flags.active.empty()) {
    question.active_share = in_flag("--active", [&] { return parse_fraction(flags.active); });
    if (question.active_share <= 0.0) {
      throw Error("--active: expected more than nothing, found \"" + printable(flags.active) + "\"",
                  {}, "leave it out for dense models");
    }
  }
  const auto fixed = [](const std::string& text, const char* flag) {
    const study::TokenRange range = study::parse_token_range(text, flag);
    if (range.kind != study::TokenRange::Kind::fixed) {
      throw Error(std::string(flag) + ": expected one number here, found \"" + printable(text) +
                  "\"");
    }
    return range.low;
  };
  question.job = {fixed(flags.prompt_tokens, "--prompt-tokens"),
                  fixed(flags.output_tokens, "--output-tokens")};
  try {
    question.night_seconds = study::parse_hours(flags.hours).seconds;
  } catch (const Error& error) {
    throw Error("--hours: " + error.message(), {}, error.hint());
  }
  return question;
}

int breakeven_command(const BreakevenFlags& flags, const CLI::App& app) {
  check_format(flags.common, breakeven_formats);
  const report::Style style = style_for(flags.common);
  const Catalogs catalogs = load_catalogs(flags.common);
  study::BreakevenQuestion question = question_of(flags, catalogs);
  const study::BreakevenResult result = waiting(flags.common, "looking for the limits", [&] {
    return study::breakeven(std::move(question), catalogs.models);
  });
  deliver(flags.common, report::write(report::breakeven_formats, flags.common.format, result,
                                      {style, command_line(app), {}}));
  return 0;
}

}  // namespace

Action add_breakeven(CLI::App& app) {
  auto flags = std::make_shared<BreakevenFlags>();
  const auto option = [&](const char* name, std::string& value, const char* about,
                          const char* type) {
    app.add_option(name, value, about)->type_name(type);
  };
  add_cluster(app, flags->request.cluster);
  option("--model,-m", flags->request.model, "One model instead of sizes", "NAME|PATH");
  option("--quant", flags->request.quant, "Weight formats, coarsest first (default q4,q8)",
         "NAME,NAME…");
  option("--context,-c", flags->request.context,
         "Tokens per sequence to hold (default 8k,32k,128k)", "TOKENS,TOKENS…");
  option("--active", flags->active, "Mixtures with this share active: 5% (default: dense)",
         "SHARE");
  option("--sequences", flags->request.sequences, "Sequences at a time per replica (default 1)",
         "N");
  option("--kv", flags->request.kv, "Cache format: bf16, q8 or q4 (default bf16)", "NAME");
  option("--runtime,-r", flags->request.runtime, "mlx-lm, exo, llama.cpp or all (default all)",
         "NAME");
  option("--prompt-tokens", flags->prompt_tokens, "Tokens of a job's prompt (default 2000)", "N");
  option("--output-tokens", flags->output_tokens, "Tokens of its completion (default 500)", "N");
  option("--hours", flags->hours, "Length of a night (default 9)", "HOURS");
  add_common(app, flags->common, breakeven_formats);
  app.footer(breakeven_footer);
  return [flags, &app] { return breakeven_command(*flags, app); };
}

}  // namespace macfit::cli
