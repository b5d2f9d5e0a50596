#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace macfit {

/// A value as JSON text that can be shown as it is: what is not UTF-8 becomes U+FFFD, and
/// characters that a terminal acts on, that reorder text or that can't be seen are written as \u
/// escapes, which a reader turns back. `indent` -1 is all on one line.
[[nodiscard]] std::string dump_json(const nlohmann::ordered_json& value, int indent = 2);

/// As a whole document: indented, with the line end that a text file has.
[[nodiscard]] std::string dump_document(const nlohmann::ordered_json& value);

}  // namespace macfit
