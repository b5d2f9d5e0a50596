#include <memory>

#include "commands.hpp"
#include "macfit/report/runtimes/runtimes_report.hpp"
#include "options.hpp"

namespace macfit::cli {
namespace {

struct RuntimesFlags {
  Common common;
  std::string name;
};

const std::vector<std::string> runtimes_formats = {"text", "json"};

int runtimes_command(const RuntimesFlags& flags) {
  check_format(flags.common, runtimes_formats);
  const report::Style style = style_for(flags.common);
  const Catalogs catalogs = load_catalogs(flags.common);
  const std::vector<const runtime::Runtime*> asked =
      catalogs.runtimes.parse(flags.name.empty() ? "all" : flags.name);
  const report::RuntimeMatrix matrix = report::make_matrix(catalogs.models.all(), asked);
  deliver(flags.common, flags.common.format == "json" ? report::runtimes_json(matrix)
                                                      : report::runtimes_text(matrix, style));
  return 0;
}

}  // namespace

Action add_runtimes(CLI::App& app) {
  auto flags = std::make_shared<RuntimesFlags>();
  app.require_subcommand(0, 1);
  add_common(app, flags->common, runtimes_formats);
  CLI::App* list = app.add_subcommand("list", "What each runtime can do with each architecture");
  CLI::App* show = app.add_subcommand(
      "show", "One runtime: what it can do, what its transports demand, how it fails");
  add_common(*list, flags->common, runtimes_formats);
  add_common(*show, flags->common, runtimes_formats);
  show->add_option("name", flags->name, "A runtime")->required()->type_name("mlx-lm|exo|llama.cpp");
  app.footer(
      "\nExamples:\n  macfit runtimes\n  macfit runtimes show mlx-lm\n"
      "  macfit runtimes --format json\n");
  return [flags] { return runtimes_command(*flags); };
}

}  // namespace macfit::cli
