#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/decide.hpp"
#include "macfit/plan/request.hpp"

namespace macfit::plan {

// A request as people type it, flag by flag, and how it becomes one of values: for the command
// line, a batch's lines and the page alike.

/// Flags that describe a cluster; empty: not given.
struct ClusterFlags {
  std::string nodes;
  std::string macos;
  std::string wired_limit;
  std::string reserve;
  std::string cluster_reserve;
  std::string link;
};

/// Flags that describe a model, a workload and what may run it; empty: not given.
struct RequestFlags {
  ClusterFlags cluster;
  std::string model;
  std::string quant;
  std::string context;
  std::string sequences;
  std::string kv;
  std::string runtime;
  std::string split;
  std::string goal;
  std::string replicas;
  std::vector<std::string> beside;  ///< models that live there already
  std::string layers;
  std::string prefill_step;
};

/// A flag without its dashes, and where it is kept.
struct FlagKey {
  std::string_view name;
  std::string& (*field)(RequestFlags&);
};
/// All but `beside`, which may be given more than once.
inline constexpr std::array<FlagKey, 17> flag_keys = {{
    {"model", [](RequestFlags& f) -> std::string& { return f.model; }},
    {"quant", [](RequestFlags& f) -> std::string& { return f.quant; }},
    {"nodes", [](RequestFlags& f) -> std::string& { return f.cluster.nodes; }},
    {"context", [](RequestFlags& f) -> std::string& { return f.context; }},
    {"sequences", [](RequestFlags& f) -> std::string& { return f.sequences; }},
    {"kv", [](RequestFlags& f) -> std::string& { return f.kv; }},
    {"runtime", [](RequestFlags& f) -> std::string& { return f.runtime; }},
    {"split", [](RequestFlags& f) -> std::string& { return f.split; }},
    {"goal", [](RequestFlags& f) -> std::string& { return f.goal; }},
    {"replicas", [](RequestFlags& f) -> std::string& { return f.replicas; }},
    {"layers", [](RequestFlags& f) -> std::string& { return f.layers; }},
    {"link", [](RequestFlags& f) -> std::string& { return f.cluster.link; }},
    {"macos", [](RequestFlags& f) -> std::string& { return f.cluster.macos; }},
    {"wired-limit", [](RequestFlags& f) -> std::string& { return f.cluster.wired_limit; }},
    {"reserve", [](RequestFlags& f) -> std::string& { return f.cluster.reserve; }},
    {"cluster-reserve", [](RequestFlags& f) -> std::string& { return f.cluster.cluster_reserve; }},
    {"prefill-step", [](RequestFlags& f) -> std::string& { return f.prefill_step; }},
}};

/// What names in a request stand for.
struct Catalogs {
  hardware::Catalog hardware;
  model::Catalog models;
  std::string version;
  std::shared_ptr<const speed::Calibration> calibration = nullptr;  ///< null: the embedded one
  runtime::Catalog runtimes = {};
  std::string folder = {};  ///< what --catalog named; empty: embedded
};
/// Those that this library was built with.
[[nodiscard]] Catalogs embedded_catalogs();

/// A cluster, and those worth trying where it is not enough.
struct Place {
  hardware::Cluster cluster;
  std::vector<Alternative> alternatives;
};

/// How names become models and places: a program may look further than the catalogs. Both throw
/// Error.
struct Finder {
  std::function<model::NamedModel(const std::string& name, const std::string& quant)> model;
  std::function<Place(const ClusterFlags& flags)> place;
};
/// By the catalogs alone, which must outlive it.
[[nodiscard]] Finder catalog_finder(const Catalogs& catalogs);

/// Throws Error naming the flag, as all below.
[[nodiscard]] Request make_request(const RequestFlags& flags, const Catalogs& catalogs,
                                   const Finder& finder);

/// What of a request changes from question to question about one model on one cluster.
struct Question {
  runtime::Workload workload;
  Terms terms;
};
[[nodiscard]] Question question_of(const RequestFlags& flags);
[[nodiscard]] std::vector<const runtime::Runtime*> runtimes_of(const RequestFlags& flags,
                                                               const Catalogs& catalogs);
/// --quant as a recipe; none where it is empty.
[[nodiscard]] std::optional<model::Recipe> recipe_of_flag(const std::string& quant);

[[nodiscard]] hardware::ClusterOptions cluster_options(const ClusterFlags& flags,
                                                       const hardware::Catalog& catalog);
/// A cluster by spec; `flag` is what it is called in errors.
[[nodiscard]] hardware::Cluster spec_cluster(const ClusterFlags& flags,
                                             const hardware::Catalog& catalog,
                                             const char* flag = "--nodes");
/// One more of the cluster's last machine, or several, then single bigger machines, cheapest first.
[[nodiscard]] std::vector<Alternative> alternatives_to(const hardware::Cluster& cluster,
                                                       const ClusterFlags& flags,
                                                       const hardware::Catalog& catalog);

/// What --beside names, not yet placed.
[[nodiscard]] std::vector<Neighbor> neighbors_of(const RequestFlags& flags, const Finder& finder);
/// The cluster less what lives there already.
[[nodiscard]] hardware::Cluster settled_cluster(const RequestFlags& flags, const Catalogs& catalogs,
                                                const Finder& finder);

/// What of a plan's flags was given, to say what to type next. `folder` is --catalog's.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> given_flags(
    const RequestFlags& flags, const std::string& folder);

/// A flag's name goes before what is wrong with its value.
template <class Make>
auto in_flag(const std::string& flag, const Make& make) {
  try {
    return make();
  } catch (const Error& error) {
    throw Error(flag + ": " + error.message(), error.place(), error.hint());
  }
}

}  // namespace macfit::plan
