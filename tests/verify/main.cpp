#include <filesystem>
#include <iostream>
#include <system_error>

#include "cli/configs.hpp"
#include "cli/files.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "macfit/core/error.hpp"
#include "macfit/report/calibration/validation_report.hpp"
#include "verify.hpp"

namespace {

using namespace macfit;

void compare(const cli::Common& common, const std::string& against, const std::string& configs) {
  verify::Sources sources;
  sources.catalog = cli::load_catalogs(common).models;
  sources.config = configs.empty() ? verify::configs_beside(against) : cli::configs_in(configs);
  const std::string text = cli::read_text(against);
  const calibrate::Validation validation = cli::waiting(common, "comparing", [&] {
    try {
      return verify::compare_published(text, sources);
    } catch (const Error& error) {
      throw error.in_file(against);
    }
  });
  cli::deliver(common, common.format == "json"
                           ? report::validation_json(validation)
                           : report::validation_text(validation, cli::style_for(common)));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> formats = {"text", "json"};
  CLI::App app("Published figures beside what macfit computes (docs/validation.md)",
               "macfit_verify");
  cli::Common common;
  std::string against;
  std::string configs;
  app.add_option("--against", against,
                 "Parameter counts, checkpoint sizes, bytes of mlx-lm or llama.cpp")
      ->required()
      ->type_name("FILE");
  app.add_option("--configs", configs,
                 "Folder with a config.json for each model, as org--Name.json (default: configs "
                 "beside FILE)")
      ->type_name("DIR");
  cli::add_common(app, common, formats);
  try {
    app.parse(argc, argv);
    cli::check_format(common, formats);
    compare(common, against, configs);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::cerr << "macfit_verify: " << error.what() << "\n";
    return 2;
  }
  return 0;
}
