#pragma once

#include <array>
#include <string>
#include <string_view>

#include "macfit/study/survey.hpp"

namespace macfit::report {

/// The sections of a survey: the tiers, then what no tier is said of.
enum class SurveyGroup : std::uint8_t {
  comfortable,
  borderline,
  not_practical,
  unsupported,
  unknown,
};

struct SurveyGroupInfo {
  SurveyGroup group;
  std::string_view id;
  std::string_view title;
  fit::Tier color;  ///< the tier whose color it shares
};

inline constexpr std::array<SurveyGroupInfo, 5> survey_groups = {{
    {SurveyGroup::comfortable, "comfortable", "Comfortable", fit::Tier::comfortable},
    {SurveyGroup::borderline, "borderline", "Borderline", fit::Tier::borderline},
    {SurveyGroup::not_practical, "not-practical", "Not practical", fit::Tier::not_practical},
    {SurveyGroup::unsupported, "unsupported", "Unsupported: memory would do, no runtime runs it so",
     fit::Tier::not_practical},
    {SurveyGroup::unknown, "unknown", "Unknown: not all shapes are known",
     fit::Tier::not_practical},
}};

[[nodiscard]] inline SurveyGroup group_of(const study::SurveyEntry& entry) {
  const study::SweepRow& row = entry.smallest.row;
  if (row.kind == plan::Verdict::Kind::unsupported) {
    return SurveyGroup::unsupported;
  }
  if (row.kind == plan::Verdict::Kind::unknown) {
    return SurveyGroup::unknown;
  }
  return row.tier == fit::Tier::comfortable  ? SurveyGroup::comfortable
         : row.tier == fit::Tier::borderline ? SurveyGroup::borderline
                                             : SurveyGroup::not_practical;
}

/// "2 workers", "pipeline of 2": what a verdict's word says, in a narrow column.
[[nodiscard]] std::string way_of(const study::SweepRow& row);

}  // namespace macfit::report
