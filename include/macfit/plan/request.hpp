#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/fit/split.hpp"
#include "macfit/hardware/cluster.hpp"
#include "macfit/model/model.hpp"
#include "macfit/plan/neighbors.hpp"
#include "macfit/runtime/catalog.hpp"
#include "macfit/runtime/runtime.hpp"
#include "macfit/runtime/workload.hpp"
#include "macfit/speed/calibration.hpp"

namespace macfit::plan {

/// How a replica lies on its nodes.
enum class SplitKind : std::uint8_t { independent, pipeline, tensor };
/// "pipeline".
[[nodiscard]] std::string_view split_name(SplitKind split) noexcept;

/// What is wanted of the nodes.
enum class Goal : std::uint8_t {
  jobs,    ///< the most answers, all at once
  answer,  ///< the fastest single answer: one stream over as many nodes as help
};
/// "jobs", "answer".
[[nodiscard]] std::string_view goal_name(Goal goal) noexcept;
/// Throws Error naming the two.
[[nodiscard]] Goal parse_goal(std::string_view name);

/// A cluster that might do where the asked one does not.
struct Alternative {
  std::string kind;  ///< "one-more-node", "more-nodes" or "bigger-machine"
  std::string spec;  ///< as --nodes takes it
  hardware::Cluster cluster;
  std::string label;  ///< "a third mac-studio-m4-max-128", with its price where known
};

/// One question. Values only: the same request gives the same plan.
struct Request {
  model::Model model;
  model::Recipe recipe;  ///< as asked, or the model's default
  hardware::Cluster cluster;
  runtime::Workload workload;
  std::vector<const runtime::Runtime*> runtimes;  ///< those that may win, in order of preference
  std::optional<SplitKind> only;  ///< restricts the placements; tensor over TCP may then win
  Goal goal = Goal::jobs;
  std::vector<Neighbor> beside;           ///< models that live there already: see settle()
  std::size_t replicas = 0;               ///< so many and no others; 0: as many as the rules find
  fit::Split layers;                      ///< a pipeline's split given by the user; empty: none
  std::vector<model::Model> nearest;      ///< of a nominal model: the real ones near it
  std::vector<Alternative> alternatives;  ///< to be tried where the plan is not comfortable
  /// The command line as flag and value, so that an action can say what to type.
  std::vector<std::pair<std::string, std::string>> flags;
  /// Constants of the speed model; null: the embedded ones.
  std::shared_ptr<const speed::Calibration> calibration;
  runtime::Catalog known_runtimes;           ///< that `runtimes` and what is proposed come from
  std::string catalog_version = "embedded";  ///< which catalog the facts came from
};

/// The request's flags as a command for a shell: "macfit plan --model … --nodes …".
[[nodiscard]] std::string command_of(const Request& request, std::string_view command = "plan");
/// Changes a flag of that command, or adds it; the rest of the request stays as it is.
void set_flag(Request& request, const std::string& flag, const std::string& value);

}  // namespace macfit::plan
