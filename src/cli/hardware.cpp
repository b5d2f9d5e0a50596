#include <memory>

#include "commands.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/catalog/catalog_report.hpp"
#include "options.hpp"

namespace macfit::cli {
namespace {

struct HardwareFlags {
  Common common;
  ClusterFlags cluster;
};

const std::vector<std::string> formats = {"text", "json"};

int show_command(const HardwareFlags& flags, const Catalogs& catalogs, const report::Style& style) {
  const std::string& name = flags.cluster.nodes;
  const bool json = flags.common.format == "json";
  const hardware::LinkType* link = catalogs.hardware.find_link(name);
  const hardware::Chip* chip = catalogs.hardware.find_chip(name);
  if (json && (link != nullptr || chip != nullptr)) {
    throw Error("--format json shows clusters, \"" + printable(name) + "\" is a " +
                    (link != nullptr ? "link" : "chip"),
                {}, "macfit hardware list --format json has every link and chip");
  }
  if (link != nullptr || chip != nullptr) {
    deliver(flags.common, link != nullptr ? report::link_text(*link, style)
                                          : report::chip_text(catalogs.hardware, *chip, style));
    return 0;
  }
  const hardware::Cluster cluster = resolve_cluster(flags.cluster, catalogs, "hardware show");
  deliver(flags.common, json ? report::cluster_json(cluster, catalogs.hardware)
                             : report::cluster_text(cluster, catalogs.hardware, style));
  return 0;
}

}  // namespace

Action add_hardware(CLI::App& app) {
  auto flags = std::make_shared<HardwareFlags>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "Every chip, machine and link of the catalog");
  CLI::App* show = app.add_subcommand("show", "A chip, a machine, a link or a cluster");
  add_common(*list, flags->common, formats);
  add_common(*show, flags->common, formats);
  show->add_option("what", flags->cluster.nodes,
                   "m4-max, mac-studio-m4-max-128, tb5-rdma, 2x128 or a cluster file")
      ->required()
      ->type_name("NAME|SPEC|FILE");
  ClusterFlags& cluster = flags->cluster;
  show->add_option("--macos", cluster.macos, "macOS version (default 26)")->type_name("VERSION");
  show->add_option("--wired-limit", cluster.wired_limit,
                   "iogpu.wired_limit_mb as you set it: 120GiB")
      ->type_name("SIZE");
  show->add_option("--reserve", cluster.reserve, "Memory kept free for each machine's user")
      ->type_name("SIZE");
  show->add_option("--cluster-reserve", cluster.cluster_reserve,
                   "Kept free on each node of a sharded model (default 10%)")
      ->type_name("SHARE");
  show->add_option("--link", cluster.link, "tb5-tcp, tb5-rdma, tb4, 10gbe, 1gbe or wifi")
      ->type_name("NAME");
  app.footer(
      "\nExamples:\n  macfit hardware list\n  macfit hardware show 2x128\n"
      "  macfit hardware show m4-max\n  macfit hardware show m4-max-128+m4-pro-64 "
      "--link tb5-rdma\n");
  return [flags, list] {
    check_format(flags->common, formats);
    const report::Style style = style_for(flags->common);
    const Catalogs catalogs = load_catalogs(flags->common);
    if (list->parsed()) {
      deliver(flags->common, flags->common.format == "json"
                                 ? report::hardware_json(catalogs.hardware)
                                 : report::hardware_text(catalogs.hardware, style));
      return 0;
    }
    return show_command(*flags, catalogs, style);
  };
}

}  // namespace macfit::cli
