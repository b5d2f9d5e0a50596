#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace macfit::calibrate {

/// One published figure beside what macfit says. Bytes, parameters or a count, by `class_name`.
struct Row {
  std::string id;          ///< what the figure belongs to, as the file calls it
  std::string class_name;  ///< "parameters", "weights", "kv": rows of one class are of one kind
  double published = 0;
  double predicted = 0;
  double low = 0;  ///< what macfit says it is at least
  double high = 0;
  double error = 0;    ///< (predicted - published) / published; published 0: 0, or 1 in size
  std::string reason;  ///< the rule that a figure follows, or what explains a difference; or empty
};

/// A figure that nothing was predicted for.
struct Skipped {
  std::string id;
  std::string reason;
};

struct ClassSummary {
  std::string name;
  std::size_t count = 0;
  std::size_t exact = 0;        ///< predicted == published
  double median_abs_error = 0;  ///< nearest rank, as the other percentiles
  double p90_abs_error = 0;
  double p95_abs_error = 0;
  double bias = 0;               ///< mean of the signed errors
  double interval_coverage = 0;  ///< share of rows with low <= published <= high
};

/// What a comparison with published truth found ("macfit.validation/1"). Every figure of the file
/// is in `results` or in `skipped`.
struct Validation {
  std::string subject;  ///< "weights", "parameters", "weights+kv"
  std::vector<Row> results;
  std::vector<Skipped> skipped;
  std::vector<ClassSummary> classes;  ///< in the order of their first rows

  [[nodiscard]] std::size_t rows() const { return results.size() + skipped.size(); }
};

[[nodiscard]] std::vector<ClassSummary> summarize(const std::vector<Row>& rows);

/// The rows that are furthest off, worst first; rows without an error are not among them.
[[nodiscard]] std::vector<Row> worst_rows(const Validation& validation, std::size_t count);

/// Collects figures; whoever compares anything with anything published uses it.
class Comparison {
 public:
  /// `low` and `high` are the prediction.
  void add(std::string id, std::string class_name, double published, double predicted,
           std::string reason = {});
  /// The error is computed here.
  void add(Row row);
  void skip(std::string id, std::string reason);

  /// Runs `compare`; an Error that leaves it skips the figure, with the error's text.
  void guarded(const std::string& id, const std::function<void()>& compare);

  /// Figures so far, skipped ones among them.
  [[nodiscard]] std::size_t rows() const { return validation_.rows(); }

  [[nodiscard]] Validation finish(std::string subject) &&;

 private:
  Validation validation_;
};

}  // namespace macfit::calibrate
