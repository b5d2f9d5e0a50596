#include "macfit/calibrate/calibrate.hpp"

#include <memory>

#include "commands.hpp"
#include "files.hpp"
#include "macfit/core/error.hpp"
#include "macfit/report/calibration/calibration_report.hpp"
#include "macfit/report/calibration/validation_report.hpp"
#include "macfit/speed/stored_calibration.hpp"
#include "options.hpp"

namespace macfit::cli {
namespace {

struct CalibrateFlags {
  Common common;
  std::string validate;
  std::vector<std::string> fit;
  calibrate::RowDefaults defaults;
};

const std::vector<std::string> formats = {"text", "json"};

int run_validate(const CalibrateFlags& flags, const Catalogs& catalogs) {
  std::vector<calibrate::MeasuredRow> rows =
      calibrate::read_measurements(read_text(flags.validate), flags.validate, flags.defaults);
  const std::size_t judged = rows.size();
  const calibrate::Resolution resolution = calibrate::resolve_measurements(
      calibrate::join_measurements(std::move(rows), calibrate::stored_measurements()),
      catalogs.models, catalogs.hardware);
  const calibrate::SpeedValidation result = calibrate::validate_speed(resolution, judged);
  deliver(flags.common, flags.common.format == "json"
                            ? report::validation_json(result.validation)
                            : report::speed_validation_text(result, style_for(flags.common)));
  return 0;
}

int run_fit(const CalibrateFlags& flags, const Catalogs& catalogs) {
  std::vector<calibrate::MeasuredRow> rows;
  for (const std::string& path : flags.fit) {
    if (path.empty()) {
      continue;  // --fit alone
    }
    rows = calibrate::join_measurements(
        std::move(rows), calibrate::read_measurements(read_text(path), path, flags.defaults));
  }
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
  add_common(app, flags->common, formats);
  CLI::Option* validate =
      app.add_option("--validate", flags->validate,
                     "Measurements to predict, each by a fit without its source")
          ->type_name("FILE");
  CLI::Option* fit =
      app.add_option("--fit", flags->fit,
                     "Fit the constants to the stored measurements and to these: rows, "
                     "llama-bench -o json, what mlx_lm.benchmark prints, or a launch "
                     "folder's results.jsonl")
          ->type_name("FILE")
          ->expected(0, -1);
  fit->excludes(validate);
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
      "  macfit calibrate --fit bench.txt --model qwen3-4b --quant q4 --machine m4-max-64\n");
  return [flags, validate, fit] {
    check_format(flags->common, formats);
    const Catalogs catalogs = load_catalogs(flags->common);
    if (validate->count() > 0) {
      return run_validate(*flags, catalogs);
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
