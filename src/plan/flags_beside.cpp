// --beside: models that live on the cluster already.

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/flags.hpp"

namespace macfit::plan {
namespace {

/// "qwen3-30b-a3b,context=16k,node=studio", with everything but the name left out at will.
Neighbor parse_neighbor(const std::string& text, const Finder& finder) {
  const std::vector<std::string_view> parts = split(text, ',');
  RequestFlags flags;
  Neighbor neighbor;
  const std::pair<std::string, std::string*> keys[] = {{"context", &flags.context},
                                                       {"sequences", &flags.sequences},
                                                       {"kv", &flags.kv},
                                                       {"quant", &flags.quant},
                                                       {"node", &neighbor.node}};
  flags.model = trim(parts.front());
  if (flags.model.empty()) {
    throw Error("a model's name is missing in \"" + printable(text, 60) + "\"", {},
                "for example --beside qwen3-30b-a3b,context=16k");
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t sign = parts[i].find('=');
    const std::string key(trim(parts[i].substr(0, sign)));
    std::string* field = nullptr;
    std::vector<std::string> names;
    for (const auto& [name, value] : keys) {
      names.push_back(name);
      field = same_name(name, key) ? value : field;
    }
    if (field == nullptr) {
      throw unknown_name("key", key, names, {}, "known are " + join_words(names));
    }
    if (sign == std::string_view::npos || trim(parts[i].substr(sign + 1)).empty()) {
      throw Error("\"" + key + "\" has no value", {}, "write " + key + "=…");
    }
    *field = trim(parts[i].substr(sign + 1));
  }
  const model::NamedModel named = finder.model(flags.model, flags.quant);
  neighbor.model = named.model;
  neighbor.recipe = named.recipe;
  neighbor.workload = question_of(flags).workload;
  return neighbor;
}

}  // namespace

std::vector<Neighbor> neighbors_of(const RequestFlags& flags, const Finder& finder) {
  std::vector<Neighbor> neighbors;
  neighbors.reserve(flags.beside.size());
  for (const std::string& text : flags.beside) {
    neighbors.push_back(in_flag("--beside", [&] { return parse_neighbor(text, finder); }));
  }
  return neighbors;
}

hardware::Cluster settled_cluster(const RequestFlags& flags, const Catalogs& catalogs,
                                  const Finder& finder) {
  Request request;
  request.cluster = finder.place(flags.cluster).cluster;
  request.runtimes = runtimes_of(flags, catalogs);
  request.known_runtimes = catalogs.runtimes;
  request.calibration = catalogs.calibration;
  request.beside = neighbors_of(flags, finder);
  settle(request);
  return request.cluster;
}

}  // namespace macfit::plan
