#pragma once

#include <string>

#include "macfit/plan/plan.hpp"
#include "macfit/report/table/style.hpp"
#include "macfit/study/against.hpp"

namespace macfit::report {

/// Two clusters side by side, figure by figure.
[[nodiscard]] std::string against_text(const study::Side& mine, const study::Side& other,
                                       const Style& style);

/// The plan's JSON (macfit.plan/1) with one key more: "against", the other cluster's plan and both
/// sides' figures.
[[nodiscard]] std::string against_json(const plan::Plan& mine, const plan::Plan& other,
                                       const study::Side& my_side, const study::Side& other_side);

}  // namespace macfit::report
