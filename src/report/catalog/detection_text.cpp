#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/catalog/detection_report.hpp"

namespace macfit::report {
namespace {

std::string machine_words(const hardware::MacFacts& facts) {
  std::vector<std::string> parts;
  const auto add = [&](std::string part) {
    if (!part.empty()) {
      parts.push_back(std::move(part));
    }
  };
  add(facts.model_name);
  add(facts.model);
  add(facts.chip);
  add(facts.gpu_cores ? fmt::format("{} GPU cores", *facts.gpu_cores) : "");
  add(facts.ram ? format_gib(*facts.ram) : "");
  if (!facts.macos.empty()) {
    add("macOS " + facts.macos + (facts.build.empty() ? "" : " (" + facts.build + ")"));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string memory_words(const hardware::MacFacts& facts) {
  std::string words = "wired limit ";
  words += !facts.wired_limit                ? "not known"
           : facts.wired_limit->count() == 0 ? "default"
                                             : format_gb(*facts.wired_limit) + " as set";
  if (facts.free_memory) {
    words += ", " + format_gb(*facts.free_memory) + " of memory free";
  }
  if (facts.free_disk) {
    words += ", " + format_gb(*facts.free_disk) + " of disk free";
  }
  return words;
}

std::string port_words(const hardware::ThunderboltPort& port) {
  const std::string speed = port.gigabits > 0 ? fmt::format(", {} Gb/s", port.gigabits) : "";
  if (!port.connected) {
    return fmt::format("{} free", port.receptacle);
  }
  return fmt::format("{} {}{}", port.receptacle,
                     port.device.empty() ? "in use" : "to " + printable(port.device, 60), speed);
}

std::string rdma_words(const hardware::MacFacts& facts) {
  if (!facts.rdma_enabled) {
    return "not known";
  }
  if (!*facts.rdma_enabled) {
    return "off";
  }
  return facts.rdma_active.empty() ? "on, no port is up"
                                   : fmt::format("on, up: {}", fmt::join(facts.rdma_active, ", "));
}

std::string runtime_words(const hardware::MacFacts& facts) {
  std::vector<std::string> words;
  words.reserve(facts.runtimes.size());
  for (const hardware::InstalledRuntime& runtime : facts.runtimes) {
    words.push_back(runtime.name + " " + runtime.version);
  }
  return words.empty() ? "none found" : fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

std::string detection_text(const std::vector<hardware::DetectedMac>& macs, const Style& style) {
  std::string text;
  for (const hardware::DetectedMac& mac : macs) {
    const hardware::MacFacts& facts = mac.facts;
    text += paint(style, Paint::bold, printable(mac.name, 64)) + '\n';
    const auto line = [&](const char* name, const std::string& words) {
      const std::string start = fmt::format("  {:<12}", name);
      text += start + wrap(words, style.width > 40 ? style.width - 14 : 26, 14) + '\n';
    };
    line("machine", machine_words(facts));
    line("memory", memory_words(facts));
    if (facts.ports) {
      std::vector<std::string> ports;
      for (const hardware::ThunderboltPort& port : *facts.ports) {
        ports.push_back(port_words(port));
      }
      line("Thunderbolt", fmt::format("{}", fmt::join(ports, "; ")));
    }
    line("RDMA", rdma_words(facts));
    line("runtimes", runtime_words(facts));
    text += '\n';
  }
  return encode(style, text);
}

}  // namespace macfit::report
