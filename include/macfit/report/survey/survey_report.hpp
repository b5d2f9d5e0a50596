#pragma once

#include <string>
#include <vector>

#include "macfit/hardware/cluster.hpp"
#include "macfit/report/table/style.hpp"
#include "macfit/study/survey.hpp"

namespace macfit::report {

/// A survey as it is printed: entries in their order, grouped by tier.
struct Survey {
  hardware::Cluster cluster;
  runtime::Workload workload;
  std::string catalog_version;
  std::vector<study::SurveyEntry> entries;
};

[[nodiscard]] std::string survey_text(const Survey& survey, const Style& style);
[[nodiscard]] std::string survey_markdown(const Survey& survey);
/// RFC 4180, columns as docs/sweep.md lists them.
[[nodiscard]] std::string survey_csv(const Survey& survey);
/// macfit.survey/1
[[nodiscard]] std::string survey_json(const Survey& survey);

}  // namespace macfit::report
