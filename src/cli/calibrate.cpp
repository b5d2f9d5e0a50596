#include "macfit/calibrate/calibrate.hpp"

#include <memory>

#include "commands.hpp"
#include "files.hpp"
#include "log.hpp"
#include "macfit/core/error.hpp"
#include "macfit/report/calibration/calibration_report.hpp"
#include "macfit/report/calibration/validation_report.hpp"
#include "macfit/speed/stored_calibration.hpp"
#include "options.hpp"

namespace macfit::cli {
namespace {

struct CalibrateFlags {
  Common common;
  std::vector<std::string> validate;
  std::vector<std::string> without;
  std::vector<std::string> fit;
  std::vector<std::string> share;
  calibrate::RowDefaults defaults;
};

const std::vector<std::string> calibrate_formats = {"text", "json"};

/// Files of results, joined.
std::vector<calibrate::MeasuredRow> read_files(const std::vector<std::string>& paths,
                                               const calibrate::RowDefaults& defaults) {
  std::vector<calibrate::MeasuredRow> rows;
  for (const std::string& path : paths) {
    if (!path.empty()) {  // --fit alone
      note_input(path);
      rows = calibrate::join_measurements(
          std::move(rows), calibrate::read_measurements(read_text(path), path, defaults));
    }
  }
  return rows;
}

int run_validate(const CalibrateFlags& flags, const Catalogs& catalogs) {
  std::vector<calibrate::MeasuredRow> rows = read_files(flags.validate, flags.defaults);
  std::vector<speed::Constant> held;
  held.reserve(flags.without.size());
  for (const std::string& name : flags.without) {
    held.push_back(speed::constant_from_name(name));
  }
  const std::size_t judged = rows.size();
  const calibrate::Resolution resolution = calibrate::resolve_measurements(
      calibrate::join_measurements(std::move(rows), calibrate::stored_measurements()),
      catalogs.models, catalogs.hardware);
  const calibrate::SpeedValidation result = calibrate::validate_speed(resolution, judged, held);
  deliver(flags.common, flags.common.format == "json"
                            ? report::validation_json(result.validation)
                            : report::speed_validation_text(result, style_for(flags.common)));
  return 0;
}

int run_share(const CalibrateFlags& flags, const Catalogs& catalogs) {
  std::vector<calibrate::MeasuredRow> rows;
  for (const std::string& path : flags.share) {
    note_input(path);
    for (calibrate::MeasuredRow& row :
         calibrate::read_measurements(read_text(path), path, flags.defaults)) {
      rows.push_back(std::move(row));
    }
  }
  const std::size_t results = rows.size();
  const calibrate::SharedRows shared =
      calibrate::share_measurements(std::move(rows), catalogs.models, catalogs.hardware);
  const Log log(flags.common);
  for (const calibrate::Skipped& skipped : shared.skipped) {
    log.warn(skipped.id + " is left out: " + skipped.reason);
  }
  if (shared.rows.empty()) {
    throw Error("none of " + std::to_string(results) + " results can be shared");
  }
  deliver(flags.common,
          calibrate::write_measurements(
              shared.rows,
              "Results shared by who measured them, tokens a second. Written by macfit "
              "calibrate --share: no host, path or person is named."));
  return 0;
}

int run_fit(const CalibrateFlags& flags, const Catalogs& catalogs) {
  std::vector<calibrate::MeasuredRow> rows = read_files(flags.fit, flags.defaults);
  rows = calibrate::join_measurements(std::move(rows), calibrate::stored_measurements());
  const speed::Calibration calibration = calibrate::fit_calibration(
      calibrate::resolve_measurements(std::move(rows), catalogs.models, catalogs.hardware));
  // A file is for macfit to read back; a person reads a table.
  const bool table = flags.common.format == "text" && flags.common.output.empty();
  deliver(flags.common, table ? report::calibration_text(calibration, style_for(flags.common))
                              : speed::write_calibration(calibration));
  return 0;
}

}  // namespace

Action add_calibrate(CLI::App& app) {
  auto flags = std::make_shared<CalibrateFlags>();
  add_common(app, flags->common, calibrate_formats);
  CLI::Option* validate =
      app.add_option("--validate", flags->validate,
                     "Measurements to predict, each by a fit without its source")
          ->type_name("FILE")
          ->expected(1, -1);
  app.add_option("--without", flags->without,
                 "With --validate: constants to take out, to see what they are worth")
      ->type_name("CONSTANT")
      ->needs(validate);
  CLI::Option* fit =
      app.add_option("--fit", flags->fit,
                     "Fit the constants to the stored measurements and to these: rows, "
                     "llama-bench -o json, what mlx_lm.benchmark prints, or a launch "
                     "folder's results.jsonl")
          ->type_name("FILE")
          ->expected(0, -1);
  CLI::Option* share =
      app.add_option("--share", flags->share,
                     "Write such results of yours as rows to send in, naming no host, path or "
                     "person (docs/speed.md)")
          ->type_name("FILE");
  fit->excludes(validate);
  share->excludes(validate)->excludes(fit);
  app.add_option("--model", flags->defaults.model, "Model of results that don't name it")
      ->type_name("NAME");
  app.add_option("--quant", flags->defaults.quant, "Weight format of such results")
      ->type_name("NAME");
  app.add_option("--machine", flags->defaults.machine, "Machine of such results: m4-max-64")
      ->type_name("NAME");
  app.footer(
      "\nExamples:\n  macfit calibrate --validate measurements.json\n"
      "  macfit calibrate --fit\n"
      "  macfit calibrate --fit bench.json --output hardware/calibration.json\n"
      "  macfit calibrate --fit bench.txt --model qwen3-4b --quant q4 --machine m4-max-64\n"
      "  macfit calibrate --share results.jsonl -o shared.json\n");
  return [flags, validate, fit, share] {
    check_format(flags->common, calibrate_formats);
    const Catalogs catalogs = load_catalogs(flags->common);
    if (validate->count() > 0) {
      return run_validate(*flags, catalogs);
    }
    if (share->count() > 0) {
      return run_share(*flags, catalogs);
    }
    if (fit->count() > 0) {
      return run_fit(*flags, catalogs);
    }
    deliver(flags->common,
            flags->common.format == "json"
                ? speed::write_calibration(speed::stored_calibration())
                : report::calibration_text(speed::stored_calibration(), style_for(flags->common)));
    return 0;
  };
}

}  // namespace macfit::cli
