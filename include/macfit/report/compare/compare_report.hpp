#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "macfit/report/table/style.hpp"

namespace macfit::report {

/// One thing about two plans that is not the same.
struct Difference {
  std::string what;  ///< "tier", "utilization", "node-2: demand"
  std::string before;
  std::string after;
  std::string change;  ///< "+16.7 GB", "1.4 times"; empty where there is no saying
};

/// What differs between two plans, given as macfit.plan/1 texts; `names` stand for them in errors.
/// Throws Error where one is no plan.
[[nodiscard]] std::vector<Difference> compare_plans(std::string_view before, std::string_view after,
                                                    std::string_view before_name,
                                                    std::string_view after_name);

/// `a` and `b` head the columns.
[[nodiscard]] std::string differences_text(const std::vector<Difference>& differences,
                                           const std::string& a, const std::string& b,
                                           const Style& style);
[[nodiscard]] std::string differences_markdown(const std::vector<Difference>& differences,
                                               const std::string& a, const std::string& b);
/// macfit.compare/1
[[nodiscard]] std::string differences_json(const std::vector<Difference>& differences,
                                           const std::string& a, const std::string& b);

}  // namespace macfit::report
