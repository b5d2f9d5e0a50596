#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "macfit/hardware/catalog.hpp"
#include "macfit/model/model.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "macfit/report/table/style.hpp"

namespace macfit::report {

struct VersionFacts {
  std::string version;
  std::string catalog;   ///< which catalogs: "embedded 8c2f41d07be9", or the folder they came from
  std::string compiler;  ///< "GNU 12.2.0"
  std::string build;     ///< "Release"
  std::size_t models = 0;
  std::size_t machines = 0;
  std::size_t chips = 0;
};
[[nodiscard]] std::string version_text(const VersionFacts& facts);
[[nodiscard]] std::string version_json(const VersionFacts& facts);

/// Every model with its parameters, context, cache and formats, one a line.
[[nodiscard]] std::string models_text(const std::vector<model::Model>& models, const Style& style);
[[nodiscard]] std::string models_json(const std::vector<model::Model>& models);

/// One model: layers, parameters, bytes by class in one format, cache, sources.
[[nodiscard]] std::string model_text(const model::Model& model, const model::Recipe& recipe,
                                     const Style& style);
/// macfit.model/1.
[[nodiscard]] std::string model_json(const model::Model& model, const model::Recipe& recipe);

[[nodiscard]] std::string hardware_text(const hardware::Catalog& catalog, const Style& style);
[[nodiscard]] std::string hardware_json(const hardware::Catalog& catalog);

[[nodiscard]] std::string chip_text(const hardware::Catalog& catalog, const hardware::Chip& chip,
                                    const Style& style);
[[nodiscard]] std::string link_text(const hardware::LinkType& link, const Style& style);

/// RAM, limits and effective memory node by node, the sum labelled as what it is, and how much
/// slower every link is than the memory on the chip.
[[nodiscard]] std::string cluster_text(const hardware::Cluster& cluster,
                                       const hardware::Catalog& catalog, const Style& style);
[[nodiscard]] std::string cluster_json(const hardware::Cluster& cluster,
                                       const hardware::Catalog& catalog);

}  // namespace macfit::report
