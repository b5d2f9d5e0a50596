#include <filesystem>
#include <memory>

#include "commands.hpp"
#include "detect.hpp"
#include "files.hpp"
#include "log.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/catalog/catalog_report.hpp"
#include "macfit/report/catalog/detection_report.hpp"
#include "options.hpp"
#include "requests.hpp"
#include "standing.hpp"

namespace macfit::cli {
namespace {

struct DetectFlags {
  std::string hosts;
  std::vector<std::string> reports;
  bool script = false;
};

struct HardwareFlags {
  Common common;
  ClusterFlags cluster;
  DetectFlags detect;
  std::string use;
};

const std::vector<std::string> hardware_formats = {"text", "json"};

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

std::vector<hardware::DetectedMac> detected_macs(const DetectFlags& flags) {
  if (!flags.reports.empty()) {
    return macs_in_reports(flags.reports);
  }
  return flags.hosts.empty()
             ? std::vector{this_mac()}
             : macs_at(in_flag("--hosts", [&] { return hardware::split_list(flags.hosts); }));
}

int detect_command(const HardwareFlags& flags) {
  if (flags.detect.script) {
    deliver(flags.common, std::string(hardware::report_script()));
    return 0;
  }
  check_format(flags.common, hardware_formats);
  const report::Style style = style_for(flags.common);
  const Catalogs catalogs = load_catalogs(flags.common);
  const std::vector<hardware::DetectedMac> macs = detected_macs(flags.detect);
  const std::string& output = flags.common.output;
  const std::string name = output.empty() || output == "-"
                               ? macs.size() == 1 ? macs.front().name : "detected"
                               : std::filesystem::path(output).stem().string();
  const hardware::Detection detection =
      hardware::detected_cluster(macs, printable(name, 64), catalogs.hardware);
  const Log talk(flags.common);
  for (const std::string& note : detection.notes) {
    talk.warn(note);
  }
  if (!output.empty() || flags.common.format == "json") {
    deliver(flags.common, detection.cluster_file);
    return 0;
  }
  const hardware::Cluster cluster =
      hardware::read_cluster_file(detection.cluster_file, {}, catalogs.hardware);
  write_out(report::detection_text(macs, style) +
            report::cluster_text(cluster, catalogs.hardware, style));
  return 0;
}

int use_command(const HardwareFlags& flags) {
  const Log talk(flags.common);
  if (flags.use.empty()) {
    write_out(standing_words() + "\n");
  } else if (same_name(flags.use, "none")) {
    forget_cluster();
  } else {
    const Catalogs catalogs = load_catalogs(flags.common);
    write_out("saved to " + save_cluster(flags.use, catalogs.hardware) +
              ": it serves where --nodes is left out\n");
  }
  return 0;
}

}  // namespace

Action add_hardware(CLI::App& app) {
  auto flags = std::make_shared<HardwareFlags>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "Every chip, machine and link of the catalog");
  CLI::App* show = app.add_subcommand("show", "A chip, a machine, a link or a cluster");
  CLI::App* detect = app.add_subcommand("detect", "Read this Mac, or others over ssh");
  CLI::App* use = app.add_subcommand("use", "Save a cluster for where --nodes is left out");
  add_common(*detect, flags->common, hardware_formats);
  detect->add_option("--hosts", flags->detect.hosts, "Macs to read over ssh; this is this Mac")
      ->type_name("A,B");
  detect
      ->add_option("--report", flags->detect.reports,
                   "Read what --script printed, or a report as pasted")
      ->type_name("FILE|-")
      ->excludes("--hosts");
  detect->add_flag("--script", flags->detect.script,
                   "Print what is run on a Mac, for one that ssh does not reach");
  use->add_option("cluster", flags->use,
                  "A cluster file; none forgets it; left out, says what stands")
      ->type_name("FILE|none");
  add_common(*use, flags->common, {"text"});
  add_common(*list, flags->common, hardware_formats);
  add_common(*show, flags->common, hardware_formats);
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
      "--link tb5-rdma\n  macfit hardware detect --hosts studio.local,mini.local -o desk.json\n"
      "  macfit hardware use desk.json\n");
  return [flags, list, detect, use] {
    if (detect->parsed()) {
      return detect_command(*flags);
    }
    if (use->parsed()) {
      return use_command(*flags);
    }
    check_format(flags->common, hardware_formats);
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
