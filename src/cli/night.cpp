#include "macfit/study/night.hpp"

#include <memory>

#include "command_line.hpp"
#include "commands.hpp"
#include "files.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/night/night_formats.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "requests.hpp"

namespace macfit::cli {
namespace {

struct NightFlags {
  Common common;
  RequestFlags request;
  std::string prompts;
  std::string prompt_tokens;
  std::string output_tokens;
  std::string jobs;
  std::string hours = "22:00-07:00";
  std::vector<std::string> faults;
  bool quiet_nights = false;
  std::string restart = "auto";
  std::string checkpoint = "job";
  std::string load_rate;
  std::string nights;
  std::string seed;
};

const std::vector<std::string> night_formats = report::format_names(report::night_formats);

constexpr const char* night_footer = R"(
Examples:
  macfit night --model llama-3.3-70b --nodes 2x128 --prompt-tokens 2000 --output-tokens 500
      As many such jobs as nine hours take, on two workers and on shards.
  macfit night --model gpt-oss-120b --nodes m4-max-128+m4-pro-64 --jobs jobs.jsonl --hours 8
      A list: who does which part of it, when it is done, and how surely.
  macfit night --model 230b-q4 --nodes 2x128 --prompts 2000 --prompt-tokens 1k..4k
      --output-tokens '~400' --fault reboot=1/14d --fault bridge=1/30d:20m --checkpoint 50

A size is a number (512, 2k), a range (200..800), or a median (~800: two of three jobs between half
and double). A jobs file has one JSON object a line: prompt_tokens, output_tokens, count, id.
Faults: reboot, gpu-timeout, bridge, transport; how often a node has it, and after a colon how long
until it can go on, or never: bridge=1/14d:20m. What is not said is estimated: docs/night.md.
)";

study::JobList jobs_of(const NightFlags& flags, std::uint64_t seed) {
  if (!flags.jobs.empty()) {
    if (!flags.prompts.empty() || !flags.prompt_tokens.empty() || !flags.output_tokens.empty()) {
      throw Error(
          "--jobs says what there is to do, so --prompts, --prompt-tokens and "
          "--output-tokens have no place beside it");
    }
    note_input(flags.jobs);
    return study::read_jobs(read_text(flags.jobs), flags.jobs);
  }
  if (flags.prompt_tokens.empty() || flags.output_tokens.empty()) {
    throw Error("how long the jobs are is not said", {},
                "--prompt-tokens and --output-tokens, or --jobs FILE");
  }
  std::optional<std::int64_t> prompts;
  if (!flags.prompts.empty()) {
    prompts = parse_whole(flags.prompts, "--prompts", 1, study::most_jobs);
  }
  return study::make_jobs(prompts, study::parse_token_range(flags.prompt_tokens, "--prompt-tokens"),
                          study::parse_token_range(flags.output_tokens, "--output-tokens"), seed);
}

study::NightRules rules_of(const NightFlags& flags) {
  study::NightRules rules;
  rules.faults = flags.quiet_nights ? study::no_faults() : study::default_faults();
  for (const std::string& fault : flags.faults) {
    try {
      study::parse_fault(fault, rules.faults);
    } catch (const Error& error) {
      throw Error("--fault: " + error.message(), {}, error.hint());
    }
  }
  if (same_name(flags.restart, "none")) {
    rules.restart = false;
  } else if (!same_name(flags.restart, "auto")) {
    throw unknown_name("value of --restart", flags.restart, {"auto", "none"}, {},
                       "known are auto and none");
  }
  if (same_name(flags.checkpoint, "none")) {
    rules.checkpoint.reset();
  } else if (!same_name(flags.checkpoint, "job")) {
    rules.checkpoint = parse_whole(flags.checkpoint, "--checkpoint (job, none or a number of jobs)",
                                   1, study::most_jobs);
  }
  if (!flags.nights.empty()) {
    rules.nights = parse_whole(flags.nights, "--nights", 1, study::most_nights);
  }
  if (!flags.seed.empty()) {
    constexpr std::int64_t most = std::int64_t{1} << 53;
    rules.seed = static_cast<std::uint64_t>(parse_whole(flags.seed, "--seed", 0, most));
  }
  return rules;
}

int night_command(const NightFlags& flags, const CLI::App& app) {
  check_format(flags.common, night_formats);
  const report::Style style = style_for(flags.common);
  study::NightQuestion question;
  question.rules = rules_of(flags);
  try {
    question.hours = study::parse_hours(flags.hours);
  } catch (const Error& error) {
    throw Error("--hours: " + error.message(), {}, error.hint());
  }
  question.jobs = jobs_of(flags, question.rules.seed);
  if (!flags.load_rate.empty()) {
    const Bytes rate = in_flag("--load-rate", [&] { return parse_bytes(flags.load_rate); });
    if (rate.count() < 1'000'000) {
      throw Error("--load-rate: expected at least 1MB a second, such as 3GB, found \"" +
                  printable(flags.load_rate) + "\"");
    }
    question.load_rate = rate.as_double();
    question.load_rate_stated = true;
  }
  const Catalogs catalogs = load_catalogs(flags.common);
  question.plan = make_request(flags.request, catalogs);
  question.choose_sequences = flags.request.sequences.empty();
  const study::NightResult result =
      waiting(flags.common, "playing nights", [&] { return study::night(std::move(question)); });
  deliver(flags.common, report::write(report::night_formats, flags.common.format, result,
                                      {style, command_line(app), {}}));
  return 0;
}

}  // namespace

Action add_night(CLI::App& app) {
  auto flags = std::make_shared<NightFlags>();
  add_request(app, flags->request);
  app.get_option("--sequences")
      ->description("Sequences at a time per replica (default: what gets most done comfortably)");
  const auto option = [&](const char* name, std::string& value, const char* about,
                          const char* type) {
    app.add_option(name, value, about)->type_name(type);
  };
  option("--prompts", flags->prompts, "How many jobs (default: as many as the night takes)", "N");
  option("--prompt-tokens", flags->prompt_tokens, "Tokens of a prompt: 2000, 1k..4k or ~2000",
         "SIZE");
  option("--output-tokens", flags->output_tokens, "Tokens of a completion, likewise", "SIZE");
  option("--jobs", flags->jobs, "The jobs as JSON lines, or - for standard input", "FILE");
  option("--hours", flags->hours, "9, 8.5h or 22:00-07:00 (default 22:00-07:00)", "HOURS");
  app.add_option("--fault", flags->faults,
                 "How often something fails, per node: reboot=1/30d, bridge=1/14d:20m, "
                 "gpu-timeout=0, transport=5000jobs (repeatable)")
      ->type_name("NAME=RATE[:REPAIR]")
      ->take_all();
  app.add_flag("--no-faults", flags->quiet_nights,
               "Ignore faults, except those given with --fault");
  option("--restart", flags->restart, "What a dead worker does: auto or none (default auto)",
         "POLICY");
  option("--checkpoint", flags->checkpoint,
         "What is safe when a worker dies: job, N (every N jobs) or none (default job)", "POLICY");
  option("--load-rate", flags->load_rate,
         "Bytes a second at which a model loads again: 3GB (default 2GB, estimated)", "SIZE");
  option("--nights", flags->nights, "Nights to simulate (default 10000)", "N");
  option("--seed", flags->seed, "The same seed gives the same nights (default 1)", "N");
  add_common(app, flags->common, night_formats);
  app.footer(night_footer);
  return [flags, &app] { return night_command(*flags, app); };
}

}  // namespace macfit::cli
