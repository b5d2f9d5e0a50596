#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "macfit/calibrate/calibrate.hpp"

namespace macfit::calibrate {

/// Log units: a factor of 1.65. Rows further off than that may be wrong.
inline constexpr double far_off = 0.5;

/// Constants fitted to samples of a resolution, given by their indices.
[[nodiscard]] speed::Constants fit_constants(const Resolution& resolution,
                                             const std::vector<std::size_t>& samples,
                                             const speed::Constants& start, int rounds);

/// What a fit that has not seen a sample's source says of it.
struct LeftOut {
  std::size_t sample = 0;
  double log_ratio = 0.0;  ///< ln(published / predicted)
};

/// Every sample predicted by a fit without its source.
struct Folds {
  std::vector<LeftOut> samples;  ///< in the samples' order
  std::vector<speed::Constants> constants;
  std::vector<std::string> sources;  ///< that each of `constants` has not seen
  speed::Constants all{};            ///< fitted to everything
};
[[nodiscard]] Folds leave_sources_out(const Resolution& resolution);

/// Interval of a figure by left-out residuals: each configuration counts once; `without`: a source
/// not to count.
[[nodiscard]] speed::Residuals residuals_of(const Resolution& resolution, const Folds& folds,
                                            speed::Figure figure, const std::string& without);

}  // namespace macfit::calibrate
