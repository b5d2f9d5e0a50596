#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/quantity.hpp"
#include "macfit/hardware/catalog.hpp"

namespace macfit::hardware {

/// A Thunderbolt port as `system_profiler SPThunderboltDataType` names it.
struct ThunderboltPort {
  int receptacle = 0;  ///< the number printed for it; 0: not said
  int gigabits = 0;    ///< per second: of the cable, or the most that the port can do; 0: not said
  bool connected = false;
  std::string device;       ///< what is plugged in: "Mac Studio", "Envoy Ultra"
  std::string domain;       ///< UUID of this port's bus
  std::string peer_domain;  ///< UUID of the bus at the other end, where that is a computer
};

struct InstalledRuntime {
  std::string name;     ///< "mlx-lm"
  std::string version;  ///< "0.31.3"
};

/// What one Mac says of itself. What it did not say is empty, and `not_read` names it.
struct MacFacts {
  std::string system;      ///< `uname -sm`: "Darwin arm64"
  std::string model;       ///< "Mac16,9"
  std::string model_name;  ///< "Mac Studio"
  std::string chip;        ///< "Apple M4 Max"
  std::optional<int> gpu_cores;
  std::optional<Bytes> ram;
  std::string macos;                 ///< "26.2"
  std::string build;                 ///< "25C56"
  std::optional<Bytes> wired_limit;  ///< iogpu.wired_limit_mb; 0: the default
  std::optional<Bytes> free_memory;  ///< free, speculative and inactive pages
  std::optional<Bytes> free_disk;    ///< where the home folder lies
  std::optional<std::vector<ThunderboltPort>> ports;
  std::optional<bool> rdma_enabled;
  std::vector<std::string> rdma_devices;  ///< "rdma_en2"
  std::vector<std::string> rdma_active;   ///< those whose port is up
  std::vector<InstalledRuntime> runtimes;

  [[nodiscard]] std::vector<std::string> not_read() const;
};

/// The POSIX shell script whose output read_report() takes: it reads and changes nothing, and
/// leaves serial numbers, account and host names out.
[[nodiscard]] std::string_view report_script() noexcept;

/// Reads what report_script() printed, or a report that a person pasted: the output of
/// system_profiler (JSON, or text in any language), sysctl and sw_vers. Lines that mean nothing
/// here are passed over, so any text is safe; of a contradiction the first word stands.
[[nodiscard]] MacFacts read_report(std::string_view report);

// The parts of it, each the output of one command, put into `facts`.
void read_sysctl(std::string_view text, MacFacts& facts);    ///< "hw.memsize: 137438953472"
void read_sw_vers(std::string_view text, MacFacts& facts);   ///< "ProductVersion: 26.2"
void read_vm_stat(std::string_view text, MacFacts& facts);   ///< "Pages free: 12345."
void read_df(std::string_view text, MacFacts& facts);        ///< `df -k`, last line
void read_rdma_ctl(std::string_view text, MacFacts& facts);  ///< "enabled"
void read_ibv_devices(std::string_view text, MacFacts& facts);
void read_ibv_devinfo(std::string_view text, MacFacts& facts);
void read_runtimes(std::string_view text, MacFacts& facts);  ///< "ollama: ollama version is 0.32.1"
/// `system_profiler -json`; what can't be parsed leaves the facts as they are.
void read_profiler_json(std::string_view text, MacFacts& facts);
/// `system_profiler` as text. Told by the values, not by their names: those are translated.
void read_profiler_text(std::string_view text, MacFacts& facts);

struct DetectedMac {
  std::string name;  ///< the node's
  std::string host;  ///< as it was reached; empty: this Mac
  MacFacts facts;
};

struct Detection {
  std::string cluster_file;        ///< macfit.cluster/1
  std::vector<std::string> notes;  ///< what was not read, and what stands in its place
};

/// The cluster file of Macs that were read. Links are those that were seen plugged in; pairs
/// without a cable get their machines' Ethernet. Throws Error where one is no Mac with Apple
/// silicon, or did not say its chip and memory.
[[nodiscard]] Detection detected_cluster(const std::vector<DetectedMac>& macs,
                                         std::string_view name, const Catalog& catalog);

}  // namespace macfit::hardware
