#pragma once

#include <string>

#include "macfit/report/table/style.hpp"
#include "macfit/study/size.hpp"

namespace macfit::report {

using study::SizeAnswer;

[[nodiscard]] std::string size_text(const SizeAnswer& answer, const Style& style);
/// macfit.size/1
[[nodiscard]] std::string size_json(const SizeAnswer& answer);

}  // namespace macfit::report
