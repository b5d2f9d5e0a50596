#include <memory>

#include "commands.hpp"
#include "macfit/report/catalog/catalog_report.hpp"
#include "options.hpp"

namespace macfit::cli {
namespace {

struct VersionFlags {
  Common common;
  bool json = false;
};

const std::vector<std::string> version_formats = {"text", "json"};

int version_command(const VersionFlags& flags) {
  check_format(flags.common, version_formats);
  const Catalogs catalogs = load_catalogs(flags.common);
  const report::VersionFacts facts{report::tool_version(),
                                   catalogs.version,
                                   MACFIT_COMPILER,
                                   MACFIT_BUILD_TYPE,
                                   catalogs.models.ids().size(),
                                   catalogs.hardware.machines().size(),
                                   catalogs.hardware.chips().size()};
  const bool json = flags.json || flags.common.format == "json";
  deliver(flags.common, json ? report::version_json(facts) : report::version_text(facts));
  return 0;
}

}  // namespace

Action add_version(CLI::App& app) {
  auto flags = std::make_shared<VersionFlags>();
  add_common(app, flags->common, version_formats);
  app.add_flag("--json", flags->json, "The same as --format json");
  return [flags] { return version_command(*flags); };
}

}  // namespace macfit::cli
