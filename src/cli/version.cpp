#include <memory>

#include "commands.hpp"
#include "files.hpp"
#include "macfit/report/catalog_report.hpp"
#include "options.hpp"

namespace macfit::cli {

Action add_version(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "As JSON");
  return [json] {
    const Catalogs catalogs = load_catalogs({});
    const report::VersionFacts facts{report::tool_version(), catalogs.models.ids().size(),
                                     catalogs.hardware.machines().size(),
                                     catalogs.hardware.chips().size()};
    write_out(*json ? report::version_json(facts) : report::version_text(facts));
    return 0;
  };
}

}  // namespace macfit::cli
