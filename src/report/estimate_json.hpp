#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "macfit/core/evidence.hpp"
#include "macfit/speed/speed.hpp"

namespace macfit::report {

template <class T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

/// An empty text says nothing.
inline nlohmann::ordered_json or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

/// A figure with its interval and evidence; null where it is not known.
inline nlohmann::ordered_json estimate_json(const std::optional<speed::Estimate>& figure) {
  if (!figure) {
    return nullptr;
  }
  return {{"value", figure->value},
          {"low", figure->low},
          {"high", figure->high},
          {"evidence", evidence_name(figure->evidence)}};
}

}  // namespace macfit::report
