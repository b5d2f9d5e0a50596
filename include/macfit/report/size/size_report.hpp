#pragma once

#include <optional>
#include <string>
#include <vector>

#include "macfit/report/table/style.hpp"
#include "macfit/study/size.hpp"

namespace macfit::report {

/// The answer to one of the three questions of `macfit size`; the others' parts are empty.
struct SizeAnswer {
  enum class Kind : unsigned char { contexts, models, clusters };
  Kind kind = Kind::contexts;
  std::string model;  ///< id; empty where models are asked for
  std::string format;
  std::string cluster;  ///< spec; empty where clusters are asked for
  runtime::Workload workload;
  std::optional<fit::Tier> tier;
  std::vector<study::LongestContext> contexts;
  /// Largest nominal dense model by tier, in parameters; 0: none.
  std::vector<std::pair<fit::Tier, std::int64_t>> nominal;
  std::vector<study::SurveyEntry> models;  ///< largest first
  std::vector<study::ClusterFound> clusters;
  std::int64_t model_ends = 0;  ///< tokens, where the context asked for is longer than the model's
  std::size_t left_out = 0;     ///< models or clusters beyond --top
};

[[nodiscard]] std::string size_text(const SizeAnswer& answer, const Style& style);
/// macfit.size/1
[[nodiscard]] std::string size_json(const SizeAnswer& answer);

}  // namespace macfit::report
