#include "detect.hpp"

#include <algorithm>
#include <filesystem>
#include <future>
#include <set>
#include <sys/utsname.h>

#include "files.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hardware/cluster.hpp"
#include "process.hpp"

namespace macfit::cli {
namespace {

constexpr std::chrono::seconds patience{90};
constexpr std::size_t report_limit = std::size_t{4} << 20U;

/// "studio" of "me@studio.local": what a node may be called.
std::string node_name(std::string_view host) {
  host = host.substr(host.rfind('@') == std::string_view::npos ? 0 : host.rfind('@') + 1);
  const bool address = host.find_first_not_of("0123456789.") == std::string_view::npos;
  const std::string_view name = address ? host : host.substr(0, host.find('.'));
  const std::string safe = printable(name, 60);
  return safe.empty() ? "mac" : safe;
}

/// Gives every Mac a name of its own: "studio", "studio-2".
void name_apart(std::vector<hardware::DetectedMac>& macs) {
  std::set<std::string> taken;
  for (hardware::DetectedMac& mac : macs) {
    const std::string base = mac.name;
    for (int number = 2; !taken.insert(mac.name).second; ++number) {
      mac.name = base + "-" + std::to_string(number);
    }
  }
}

std::string first_line(std::string_view text) {
  text = trim(text);
  return printable(text.substr(0, text.find('\n')), 200);
}

void check_host(const std::string& host) {
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; };
  if (host.empty() || host.size() > 255 || host.front() == '-' ||
      std::any_of(host.begin(), host.end(), bad)) {
    throw Error("--hosts: expected names as ssh takes them, found \"" + printable(host, 80) + "\"",
                {}, "such as studio.local or me@192.168.1.20");
  }
}

hardware::DetectedMac mac_at(const std::string& host) {
  const ProcessOutcome outcome = run_process(
      {"ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", host, "/bin/sh", "-s"},
      hardware::report_script(), patience, report_limit);
  if (outcome.code == 127 && outcome.out.empty()) {
    throw Error("can't run ssh to read " + printable(host, 80) + ": it is not installed");
  }
  constexpr int ssh_failed = 255;
  if (outcome.timed_out || outcome.too_much || outcome.code == ssh_failed) {
    const std::string why = outcome.timed_out  ? "no answer within 90 seconds"
                            : outcome.too_much ? "it sent more than a report can be"
                                               : first_line(outcome.error);
    throw Error("can't read " + printable(host, 80) + " over ssh: " + why, {},
                "try: ssh " + printable(host, 80) + " uname (it must work without a password)");
  }
  return {node_name(host), host, hardware::read_report(outcome.out)};
}

}  // namespace

hardware::DetectedMac this_mac() {
  utsname system{};
  if (::uname(&system) == 0 && std::string_view(system.sysname) != "Darwin") {
    throw Error(
        "this is no Mac but " + printable(system.sysname, 40) + " " + printable(system.machine, 40),
        {},
        "macfit hardware detect --hosts NAME reads a Mac over ssh; --nodes 128 or m4-max-128 "
        "names one");
  }
  const ProcessOutcome outcome =
      run_process({"/bin/sh", "-s"}, hardware::report_script(), patience, report_limit);
  return {"this-mac", "", hardware::read_report(outcome.out)};
}

std::vector<hardware::DetectedMac> macs_at(const std::vector<std::string>& hosts) {
  for (const std::string& host : hosts) {
    check_host(host);
  }
  if (hosts.size() > hardware::max_nodes) {
    throw Error("--hosts: more than " + std::to_string(hardware::max_nodes) + " hosts");
  }
  std::vector<std::future<hardware::DetectedMac>> readings;
  readings.reserve(hosts.size());
  for (const std::string& host : hosts) {
    readings.push_back(std::async(std::launch::async, [host] {
      return same_name(host, "this") ? this_mac() : mac_at(host);
    }));
  }
  std::vector<hardware::DetectedMac> macs;
  macs.reserve(readings.size());
  for (auto& reading : readings) {
    macs.push_back(reading.get());
  }
  name_apart(macs);
  return macs;
}

std::vector<hardware::DetectedMac> macs_in_reports(const std::vector<std::string>& paths) {
  std::vector<hardware::DetectedMac> macs;
  for (const std::string& path : paths) {
    const std::string stem = path == "-" ? "mac" : std::filesystem::path(path).stem().string();
    macs.push_back({node_name(stem), "", hardware::read_report(read_text(path, report_limit))});
  }
  name_apart(macs);
  return macs;
}

}  // namespace macfit::cli
