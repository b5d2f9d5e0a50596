#pragma once

#include "macfit/core/json_place.hpp"
#include "macfit/model/manifest.hpp"
#include "macfit/study/check.hpp"

namespace macfit::study {

/// Adds findings to one file, each with its place in the text.
class FindingList {
 public:
  FindingList(const CheckInput& input, CheckedFile& file) : input_(&input), file_(&file) {}

  /// With the severity of the code's rule.
  void add(std::string_view code, const std::string& pointer, std::string message,
           std::string hint = {});
  void add(const model::ManifestProblem& problem);

  [[nodiscard]] TextPlace place(const std::string& pointer) const {
    return place_of_pointer(input_->text, pointer);
  }

 private:
  void put(std::string_view code, const std::string& pointer, TextPlace place, std::string message,
           std::string hint);

  const CheckInput* input_;
  CheckedFile* file_;
};

/// What a manifest states, against its own shapes and its model's published config.
void check_truth(const model::ManifestReading& reading, const CheckSources& sources,
                 FindingList& findings);

/// What a manifest expects, against plans; the results go to the file.
void check_expectations(const model::ManifestReading& reading, const CheckSources& sources,
                        FindingList& findings, CheckedFile& file);

}  // namespace macfit::study
