// Models, machines and clusters of the catalogs as JSON.

#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "macfit/report/catalog/catalog_report.hpp"

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;

double scalar(double value) { return value; }
template <class Unit>
double scalar(const Measure<Unit>& value) {
  return value.value();
}

template <class T>
Json figure(const std::optional<hardware::Figure<T>>& value, double scale) {
  if (!value) {
    return nullptr;
  }
  return {{"value", scalar(value->value) * scale},
          {"low", scalar(value->low) * scale},
          {"high", scalar(value->high) * scale},
          {"evidence", evidence_name(value->evidence)},
          {"source", value->source}};
}

Json ability(hardware::Ability value) {
  switch (value) {
    case hardware::Ability::yes:
      return true;
    case hardware::Ability::no:
      return false;
    case hardware::Ability::unknown:
      break;
  }
  return nullptr;
}

Json one_model(const model::Model& model, const model::Recipe& recipe) {
  const model::WeightLayout layout = model::weights_of(model, recipe);
  const model::Architecture& architecture = model.architecture;
  Json result;
  result["schema"] = "macfit.model/1";
  result["id"] = model.id;
  result["source"] = model::source_name(model.source);
  result["architecture"] = architecture.type;
  result["format"] = layout.format;
  result["evidence"] = evidence_name(layout.evidence);
  const bool shaped = !architecture.layers.empty();
  if (shaped) {
    const model::ParameterCount count = model::parameters_of(model);
    const model::Extras& extras = architecture.extras;
    // Null: there is such a part, its count is not known.
    const auto extra = [](const std::optional<std::int64_t>& value) {
      return value ? Json(*value) : Json(nullptr);
    };
    result["parameters"] = {{"total", count.total},
                            {"active", count.active},
                            {"embedding", count.embedding},
                            {"head", count.head},
                            {"mtp", extra(extras.mtp_parameters)},
                            {"vision", extra(extras.vision_parameters)}};
  } else {
    result["parameters"] = nullptr;
  }
  result["layers"] = shaped ? architecture.layers.size() : layout.layers.size();
  result["context_tokens"] = architecture.context > 0 ? Json(architecture.context) : Json(nullptr);
  result["weight_bytes"] = layout.total().count();
  result["weight_bytes_by_class"] = Json::object();
  for (int c = 0; c < model::tensor_class_count; ++c) {
    const Bytes bytes = layout.by_class.at(static_cast<std::size_t>(c));
    if (bytes > Bytes(0)) {
      result["weight_bytes_by_class"]
            [std::string(model::tensor_class_name(static_cast<model::TensorClass>(c)))] =
                bytes.count();
    }
  }
  const bool cache = shaped && architecture.cache_known;
  result["kv_bytes_per_token"] =
      cache ? Json(model::kv_bytes_per_token(architecture).count()) : Json(nullptr);
  result["kv_constant_bytes"] =
      cache ? Json(model::kv_constant_bytes(architecture).count()) : Json(nullptr);
  result["formats"] = Json::array();
  for (const model::PublishedFormat& format : model.formats) {
    result["formats"].push_back(
        {{"format", format.recipe.name},
         {"bytes", format.bytes ? Json(format.bytes->count()) : Json(nullptr)},
         {"evidence", evidence_name(format.evidence)},
         {"source", format.source}});
  }
  result["notes"] = model.notes;
  return result;
}

}  // namespace

std::string version_json(const VersionFacts& facts) {
  return dump_document({{"schema", "macfit.version/1"},
                        {"name", "macfit"},
                        {"version", facts.version},
                        {"compiler", facts.compiler},
                        {"build", facts.build},
                        {"catalog",
                         {{"version", facts.catalog},
                          {"models", facts.models},
                          {"machines", facts.machines},
                          {"chips", facts.chips}}}});
}

std::string models_json(const std::vector<model::Model>& models) {
  const model::Recipe four_bit = model::parse_recipe("q4");
  Json result = {{"schema", "macfit.models/1"}, {"models", Json::array()}};
  for (const model::Model& model : models) {
    result["models"].push_back(one_model(model, four_bit));
  }
  return dump_document(result);
}

std::string model_json(const model::Model& model, const model::Recipe& recipe) {
  return dump_document(one_model(model, recipe));
}

std::string hardware_json(const hardware::Catalog& catalog) {
  Json result = {{"schema", "macfit.hardware/1"},
                 {"chips", Json::array()},
                 {"machines", Json::array()},
                 {"links", Json::array()}};
  for (const hardware::Chip& chip : catalog.chips()) {
    Json bins = Json::array();
    for (const hardware::ChipBin& bin : chip.bins) {
      Json ram = Json::array();
      for (const Bytes size : bin.ram) {
        ram.push_back(size.count());
      }
      bins.push_back({{"gpu_cores", bin.gpu_cores > 0 ? Json(bin.gpu_cores) : Json(nullptr)},
                      {"ram_bytes", ram},
                      {"gb_per_s", figure(bin.bandwidth, 1e-9)},
                      {"stream_gb_per_s", figure(bin.stream, 1e-9)}});
    }
    result["chips"].push_back({{"id", chip.id},
                               {"name", chip.name},
                               {"generation", chip.generation},
                               {"bins", bins},
                               {"tflops", figure(chip.tflops, 1.0)},
                               {"thunderbolt", hardware::thunderbolt_name(chip.thunderbolt)},
                               {"rdma", ability(chip.rdma)}});
  }
  for (const hardware::Machine& machine : catalog.machines()) {
    result["machines"].push_back(
        {{"id", machine.id},
         {"name", machine.name},
         {"chip", machine.chip},
         {"gpu_cores", machine.gpu_cores > 0 ? Json(machine.gpu_cores) : Json(nullptr)},
         {"ram_bytes", machine.ram.count()},
         {"price_usd", machine.price ? Json(machine.price->usd) : Json(nullptr)},
         {"price_date", machine.price ? Json(machine.price->date) : Json(nullptr)},
         {"watts", machine.power
                       ? Json({{"idle", machine.power->idle}, {"most", machine.power->most}})
                       : Json(nullptr)},
         {"status", hardware::status_name(machine.status)},
         {"thunderbolt", hardware::thunderbolt_name(machine.thunderbolt)},
         {"thunderbolt_ports",
          machine.thunderbolt_ports ? Json(*machine.thunderbolt_ports) : Json(nullptr)},
         {"rdma", ability(machine.rdma)},
         {"source", machine.source}});
  }
  for (const hardware::LinkType& link : catalog.links()) {
    result["links"].push_back({{"id", link.id},
                               {"name", link.name},
                               {"kind", hardware::link_kind_name(link.kind)},
                               {"transport", hardware::transport_name(link.transport)},
                               {"raw_gb_per_s", figure(link.raw, 1e-9)},
                               {"gb_per_s", figure(link.bandwidth, 1e-9)},
                               {"latency_us", figure(link.latency, 1e6)},
                               {"latency_is_round_trip", link.latency_is_round_trip}});
  }
  return dump_document(result);
}

std::string cluster_json(const hardware::Cluster& cluster, const hardware::Catalog& catalog) {
  Json result = {{"schema", "macfit.hardware-cluster/1"},
                 {"spec", cluster.spec},
                 {"macos", cluster.macos.text()},
                 {"cluster_reserve", cluster.cluster_reserve},
                 {"ram_bytes", cluster.ram().count()},
                 {"effective_bytes", cluster.effective_sum().count()},
                 {"one_pool", false},
                 {"nodes", Json::array()}};
  for (const hardware::Node& node : cluster.nodes) {
    result["nodes"].push_back(
        {{"name", node.name},
         {"machine", node.machine},
         {"chip", node.chip},
         {"ram_bytes", node.ram.count()},
         {"gpu_limit_bytes", node.gpu_limit.bytes.count()},
         {"gpu_limit_evidence", evidence_name(node.gpu_limit.evidence)},
         {"gpu_limit_stated", node.gpu_limit.stated},
         {"raised_limit_bytes", node.raised_limit.count()},
         {"reserve_bytes", node.reserve.count()},
         {"effective_whole_bytes", node.effective_whole(false).count()},
         {"effective_part_bytes", node.effective_part(cluster.cluster_reserve, false).count()},
         {"memory_gb_per_s", figure(node.bandwidth, 1e-9)}});
  }
  result["links"] = Json::array();
  for (const hardware::Link& link : cluster.links) {
    result["links"].push_back(
        {{"between", {cluster.nodes[link.first].name, cluster.nodes[link.second].name}},
         {"kind", hardware::link_kind_name(link.type.kind)},
         {"transport", hardware::transport_name(link.type.transport)}});
  }
  result["slower_than_memory"] = Json::object();
  if (!cluster.nodes.empty() && cluster.nodes.front().bandwidth) {
    for (const hardware::LinkSlowdown& slow :
         hardware::link_slowdowns(*cluster.nodes.front().bandwidth, catalog.links())) {
      result["slower_than_memory"][slow.link] = figure(slow.times, 1.0);
    }
  }
  return dump_document(result);
}

}  // namespace macfit::report
