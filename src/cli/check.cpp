#include "macfit/study/check.hpp"

#include <memory>

#include "check_files.hpp"
#include "check_init.hpp"
#include "commands.hpp"
#include "configs.hpp"
#include "files.hpp"
#include "hub_models.hpp"
#include "log.hpp"
#include "macfit/core/error.hpp"
#include "macfit/report/check/check_formats.hpp"
#include "options.hpp"
#include "requests.hpp"

namespace macfit::cli {
namespace {

struct CheckFlags {
  Common common;
  std::vector<std::string> paths;
  std::string baseline;
  std::string fail_on;
  std::string silence;
  std::string init;
  std::string nodes;
  std::string configs;
  bool hub = false;
  bool strict = false;
};

const std::vector<std::string> check_formats = report::format_names(report::check_formats);

constexpr const char* check_footer = R"(
Examples:
  macfit check models/
  macfit check model.json --format github
  macfit check 'models/llama*.json' --format sarif --output macfit.sarif
  macfit check models/ --format json --output before.json
  macfit check models/ --baseline before.json
      What a change does to the figures of every expectation.
  macfit check models/ --baseline before.json --fail-on worse
      Exit code 1 where a tier, a fit, a size or a speed got worse, or an expectation is gone.

In a folder every *.json is checked but schemas, files of other formats of macfit, and config.json
and other files of a checkpoint. Exit code: 0 all well, 1 a check failed, 2 a file could not be read.
)";

int check_command(const CheckFlags& flags) {
  check_format(flags.common, check_formats);
  if (!flags.init.empty()) {
    write_first_check(flags.init, flags.nodes.empty() ? "2x64" : flags.nodes,
                      load_catalogs(flags.common));
    return 0;
  }
  if (flags.paths.empty()) {
    throw Error("FILE is required: manifests to check", {},
                "macfit check models/, or macfit check --init qwen3-32b to begin with");
  }
  study::FailOn fail_on;
  if (!flags.fail_on.empty()) {
    fail_on = in_flag("--fail-on", [&] { return study::parse_fail_on(flags.fail_on); });
    if (flags.baseline.empty()) {
      throw Error("--fail-on compares with a baseline", {}, "give one with --baseline FILE");
    }
  }
  const Log log(flags.common);
  for (const std::string* read : {&flags.baseline, &flags.silence}) {
    note_input(*read);
  }
  const std::string earlier = flags.baseline.empty() ? "" : read_text(flags.baseline);
  const Catalogs catalogs = load_catalogs(flags.common);
  // Annotations and SARIF name files from the top of the repository.
  const bool from_top = flags.common.format == "github" || flags.common.format == "sarif";
  const std::vector<study::CheckInput> files = read_check_files(flags.paths, from_top, log);
  study::CheckSources sources{
      catalogs.hardware, catalogs.version, catalogs.calibration, catalogs.runtimes, {}};
  if (!flags.configs.empty()) {
    sources.config = configs_in(flags.configs);
  } else if (flags.hub) {
    sources.config = configs_on_hub(catalogs.network);
  }
  study::CheckReport report = study::check(files, sources);
  if (!flags.baseline.empty()) {
    try {
      study::compare_with_baseline(report, earlier, fail_on);
    } catch (const Error& error) {
      throw error.in_file(flags.baseline);
    }
  }
  if (!flags.silence.empty()) {
    try {
      for (const std::string& idle : study::silence(report, read_text(flags.silence))) {
        log.warn(flags.silence + ": " + idle);
      }
    } catch (const Error& error) {
      throw error.in_file(flags.silence);
    }
  }
  deliver(flags.common, report::write(report::check_formats, flags.common.format, report, {}));
  log.warn(report::check_summary(report));
  if (report.unreadable() > 0) {
    return 2;
  }
  const bool failed = report.count(study::Severity::error) > 0 ||
                      (flags.strict && report.count(study::Severity::warning) > 0);
  return failed ? 1 : 0;
}

}  // namespace

Action add_check(CLI::App& app) {
  auto flags = std::make_shared<CheckFlags>();
  flags->common.format = check_formats.front();
  app.add_option("manifests", flags->paths,
                 "Manifests: files, folders, globs, - for standard input")
      ->type_name("FILE");
  CLI::Option* init =
      app.add_option("--init", flags->init,
                     "Write a first manifest of this model, a workflow and a pre-commit hook here")
          ->type_name("MODEL");
  app.add_option("--nodes", flags->nodes, "The Macs that the first manifest expects (default 2x64)")
      ->needs(init)
      ->type_name("SPEC");
  app.add_option("--baseline", flags->baseline,
                 "Earlier output of --format json; report what changed")
      ->type_name("FILE");
  app.add_option("--fail-on", flags->fail_on,
                 "Changes against the baseline that are errors: worse, changed, removed")
      ->type_name("KIND,…");
  app.add_option("--silence", flags->silence,
                 "Codes that are let stand, each with its reason: a macfit.silence/1 file")
      ->type_name("FILE");
  CLI::Option* configs =
      app.add_option(
             "--configs", flags->configs,
             "Folder with published config.json files, as org--Name.json, to hold shapes against")
          ->type_name("DIR");
  app.add_flag("--hub", flags->hub, "Take such files from the hub: the only network of a check")
      ->excludes(configs);
  app.add_flag("--strict", flags->strict, "Warnings count as errors");
  add_common(app, flags->common, check_formats);
  app.footer(check_footer);
  return [flags] { return check_command(*flags); };
}

}  // namespace macfit::cli
