#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/json_reader_json.hpp"
#include "macfit/model/manifest.hpp"

namespace macfit::model {

/// Where the errors of a manifest go: the first is thrown, or all are kept and reading goes on
/// beside the part that failed.
class Problems {
 public:
  explicit Problems(std::vector<ManifestProblem>* kept) : kept_(kept) {}

  /// Runs `part`; false where an error left it and was kept under `code`.
  template <class Part>
  bool attempt(std::string_view code, const Part& part) {
    if (kept_ == nullptr) {
      part();
      return true;
    }
    try {
      part();
      return true;
    } catch (const MissingKey& error) {
      add("missing-key", error);
    } catch (const UnknownKey& error) {
      add("unknown-key", error);
    } catch (const Error& error) {
      add(code, error);
    }
    return false;
  }
  template <class Part>
  bool attempt(const Part& part) {
    return attempt("wrong-value", part);
  }

  void add(std::string_view code, const Error& error) {
    if (kept_ == nullptr) {
      throw error;
    }
    kept_->push_back({std::string(code), error});
  }

  void unknown_keys(const JsonObject& object, const std::vector<std::string>& known) {
    for (const UnknownKey& error : object.unknown(known)) {
      add("unknown-key", error);
    }
  }

  /// Errors so far that leave something unread: an unknown key does not.
  [[nodiscard]] std::size_t gaps() const {
    std::size_t count = 0;
    if (kept_ != nullptr) {
      for (const ManifestProblem& problem : *kept_) {
        count += problem.code == "unknown-key" ? 0U : 1U;
      }
    }
    return count;
  }

 private:
  std::vector<ManifestProblem>* kept_;
};

}  // namespace macfit::model
