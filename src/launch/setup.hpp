#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/launch/launch.hpp"
#include "macfit/runtime/facts.hpp"
#include "macfit/runtime/topology.hpp"

namespace macfit::launch {

/// A node that the placement uses. Scripts count nodes as they are listed here, from 0.
struct UsedNode {
  std::size_t node = 0;  ///< index into the cluster's nodes
  std::size_t replica = 0;
  std::string name;           ///< safe to print
  std::string ssh;            ///< the node's name where ssh would take it, else a mark to fill in
  std::int64_t wired_mb = 0;  ///< iogpu.wired_limit_mb that the plan needs; 0: the default will do
  Bytes demand;
  Bytes download;
  bool alone = false;  ///< could hold the whole model
};

/// A Thunderbolt cable with the addresses of its ends; positions into Setup::nodes.
struct AddressedCable {
  std::size_t first = 0;
  std::size_t second = 0;
  std::string first_address;
  std::string second_address;
};

/// One replica: positions into Setup::nodes in the runtime's rank (or device) order.
struct Replica {
  std::vector<std::size_t> ranks;
  std::vector<std::int64_t> layers;  ///< by rank; empty but for a pipeline
};

/// A placement with all that its files say about it.
struct Setup {
  const plan::Plan* plan = nullptr;
  const plan::Placement* placement = nullptr;
  runtime::Backend backend = runtime::Backend::none;
  hardware::Transport transport = hardware::Transport::tcp;
  bool thunderbolt = false;  ///< cables with addresses of their own
  std::vector<UsedNode> nodes;
  std::vector<Replica> replicas;
  std::vector<AddressedCable> cables;
  std::string model;  ///< repository, or a mark to fill in
  bool model_known = false;
  bool model_given = false;        ///< a path, as the person gave it
  std::int64_t context = 0;        ///< tokens that fit
  std::int64_t cache_entries = 1;  ///< of mlx_lm.server's prompt cache that there is room for
  std::vector<runtime::TopologyProblem> problems;

  [[nodiscard]] const hardware::Cluster& cluster() const { return plan->request.cluster; }
  /// Names and numbers of the runtime at its release.
  [[nodiscard]] const runtime::LaunchFacts& facts() const {
    return placement->runtime->facts().launch;
  }
  [[nodiscard]] bool launched_by(std::string_view launcher) const {
    return facts().launcher == launcher;
  }
  [[nodiscard]] bool sharded() const { return placement->split != plan::SplitKind::independent; }
  [[nodiscard]] bool rdma() const { return transport == hardware::Transport::rdma; }
  [[nodiscard]] bool raises_limit() const;
  /// Model, format and runtime: a MODEL filled in by hand is of these.
  [[nodiscard]] std::string planned() const;
  /// True where mlx-lm has to be told its split.
  [[nodiscard]] bool told_split() const;
  /// The cable between two positions; null where there is none.
  [[nodiscard]] const AddressedCable* cable(std::size_t a, std::size_t b) const;
  /// The address at which position `at` is reached over the cable from `from`, or its mark.
  [[nodiscard]] std::string address(std::size_t at, std::size_t from) const;
};

/// Throws Error where there is nothing to launch.
[[nodiscard]] Setup make_setup(const plan::Plan& plan, const std::string& given);

/// What macfit can't know, as the files carry it until settings.sh says it: "@EDIT-lan-1@".
[[nodiscard]] std::string mark(std::string_view what);

// One file each (files_json.cpp).
[[nodiscard]] std::string hostfile(const Setup& setup, const Replica& replica);
[[nodiscard]] std::string place_instance(const Setup& setup, const Replica& replica);
/// The head of every line of the spike's results, its object left open.
[[nodiscard]] std::string spike_head(const Setup& setup);
/// The machines at these positions as a JSON string: "a" where all are alike, else "a+b".
[[nodiscard]] std::string machine_json(const Setup& setup,
                                       const std::vector<std::size_t>& positions);

/// The kind of link between the ranks as a JSON string; "null" where no answer crosses one.
[[nodiscard]] std::string link_json(const Setup& setup);

/// Files by subject.
void add_settings(const Setup& setup, std::vector<File>& files);
/// What macfit run has to know of the servers: macfit.launch/1 (workers_json.cpp).
void add_workers(const Setup& setup, std::vector<File>& files);
void add_checks(const Setup& setup, std::vector<File>& files);
void add_run(const Setup& setup, std::vector<File>& files);
void add_spike(const Setup& setup, std::vector<File>& files);
void add_readme(const Setup& setup, std::vector<File>& files);

/// The functions of run.sh that start, watch and end parts on nodes (run_parts.cpp).
[[nodiscard]] std::string_view run_parts();
/// run.sh under EXO, between its head and its tail.
[[nodiscard]] std::string exo_script(const Setup& setup);

/// The command lines of run.sh, one a line, as README.md shows them.
[[nodiscard]] std::vector<std::string> command_lines(const Setup& setup);

}  // namespace macfit::launch
