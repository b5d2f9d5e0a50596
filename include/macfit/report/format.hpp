#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/table/style.hpp"

namespace macfit::report {

/// What a writer may need beside the answer.
struct Context {
  Style style;
  std::string command;  ///< as it was typed: what a page that is passed on names as its origin
  /// What to type to look closer, told only where a format shows it.
  std::function<std::string()> next;
};

/// One value of --format and who writes it.
template <class Answer>
struct Format {
  std::string_view name;
  std::string (*write)(const Answer& answer, const Context& context);
};

// The formats of an answer are an array of these, the usual one first. Each answer has its own
// beside its writers (report/plan/plan_formats.hpp and the like): a new format is a writer and a
// row there.

template <class Answer, std::size_t N>
[[nodiscard]] std::vector<std::string> format_names(const Format<Answer> (&formats)[N]) {
  std::vector<std::string> names;
  for (const Format<Answer>& format : formats) {
    names.emplace_back(format.name);
  }
  return names;
}

/// The answer in the format of that name. Throws Error naming the nearest where there is none.
template <class Answer, std::size_t N>
[[nodiscard]] std::string write(const Format<Answer> (&formats)[N], std::string_view name,
                                const Answer& answer, const Context& context) {
  for (const Format<Answer>& format : formats) {
    if (format.name == name) {
      return format.write(answer, context);
    }
  }
  const std::vector<std::string> known = format_names(formats);
  throw unknown_name("value of --format", name, known, {}, "known are " + join_words(known));
}

}  // namespace macfit::report
