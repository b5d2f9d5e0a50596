#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/flags.hpp"
#include "macfit/report/table/style.hpp"
#include "macfit/speed/calibration.hpp"

namespace macfit::cli {

/// Flags that every command knows.
struct Common {
  std::string catalog;
  std::string color = "auto";
  std::string format = "text";
  std::string output;
  bool quiet = false;
  bool verbose = false;
  bool offline = false;
};

using plan::ClusterFlags;
using plan::RequestFlags;

/// The catalogs, embedded or from --catalog.
struct Catalogs : plan::Catalogs {
  bool network = false;  ///< a model that is nowhere here may be looked up on a hub
};

void add_common(CLI::App& app, Common& common, const std::vector<std::string>& formats);

/// What --nodes left out means.
enum class NodesLeftOut : unsigned char {
  standing,   ///< the standing cluster; an error where there is none
  may_stand,  ///< the same, but the command says itself what is missing
  asked,      ///< part of the question
};
void add_cluster(CLI::App& app, ClusterFlags& flags,
                 NodesLeftOut left_out = NodesLeftOut::standing);
/// The flags of a request but model, format, cluster and layers.
void add_workload(CLI::App& app, RequestFlags& flags);
void add_request(CLI::App& app, RequestFlags& flags,
                 NodesLeftOut left_out = NodesLeftOut::standing);

[[nodiscard]] Catalogs load_catalogs(const Common& common);

/// A cluster by spec, from a file where `nodes` names one, or of the Mac this runs on for "this".
[[nodiscard]] hardware::Cluster resolve_cluster(const ClusterFlags& flags, const Catalogs& catalogs,
                                                const char* flag = "--nodes");

/// A model by name, path or size: the catalog, then stores of other programs, then a hub.
[[nodiscard]] model::NamedModel resolve_model(const std::string& name, const std::string& quant,
                                              const Catalogs& catalogs);

/// Models and clusters as the command line names them, for plan::make_request and its like.
[[nodiscard]] plan::Finder finder_of(const Catalogs& catalogs, const char* nodes_flag = "--nodes");

struct RequestCache;
/// `nodes_flag` is what the cluster's spec is called in errors; `cache` is for many requests.
[[nodiscard]] plan::Request make_request(const RequestFlags& flags, const Catalogs& catalogs,
                                         const char* nodes_flag = "--nodes",
                                         RequestCache* cache = nullptr);

/// By --color, NO_COLOR, the terminal and the locale.
[[nodiscard]] report::Style style_for(const Common& common);

/// To --output or to standard output.
void deliver(const Common& common, const std::string& text);

/// Throws Error unless `format` is among those; names the nearest.
void check_format(const Common& common, const std::vector<std::string>& formats);

}  // namespace macfit::cli
