#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "macfit/model/model.hpp"
#include "macfit/study/sweep.hpp"

namespace macfit::study {

/// One format of a model on the cluster.
struct SurveyChoice {
  model::Recipe recipe;
  double bits = 0.0;  ///< a weight, on average
  SweepRow row;       ///< with its contexts; `row.format` is what the winning runtime makes of it
};

/// What one model comes to on one cluster.
struct SurveyEntry {
  std::string model;
  std::int64_t parameters = 0;
  std::int64_t active_parameters = 0;
  std::int64_t longest_context = 0;  ///< tokens; 0: not stated
  bool published = true;  ///< false: nobody publishes a format that the runtimes load; q4 stands in
  bool below_production = false;     ///< the smallest has fewer than 4 bits (asked for)
  bool measured = false;             ///< an own measurement of the model on such a chip is known
  SurveyChoice smallest;             ///< production format; decides the group
  std::optional<SurveyChoice> best;  ///< the format of most bits that is comfortable
  std::string note;                  ///< what to know or to do: "cap the context at 41k"
};

struct SurveyOptions {
  std::vector<const runtime::Runtime*> runtimes;
  runtime::Workload workload;
  plan::Terms terms;
  bool below_production = false;                          ///< formats under 4 bits count too
  std::optional<model::Recipe> quant;                     ///< this format alone
  std::shared_ptr<const speed::Calibration> calibration;  ///< null: the embedded one
};

/// Smallest published formats count from this many bits a weight, by their names: the scales that
/// come on top do not make a 3-bit format one of 4.
inline constexpr double production_bits = 4.0;

/// Pure. `cluster` is the same for all models.
[[nodiscard]] SurveyEntry survey_model(const model::Model& model, const hardware::Cluster& cluster,
                                       std::optional<double> price, const SurveyOptions& options);

enum class SurveyOrder : std::uint8_t { name, size, utilization, context, speed };
/// "name", "size", "utilization", "context", "speed"; throws Error naming the nearest.
[[nodiscard]] SurveyOrder parse_survey_order(std::string_view name);

/// Best tier first; inside a tier by `order` (largest first but for names and utilization).
void sort_survey(std::vector<SurveyEntry>& entries, SurveyOrder order);

}  // namespace macfit::study
