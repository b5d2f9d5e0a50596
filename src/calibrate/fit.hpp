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
                                             const speed::Constants& start, int rounds,
                                             const std::vector<speed::Constant>& held = {});

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
/// `held`: constants taken out, by holding them where they change nothing.
[[nodiscard]] Folds leave_sources_out(const Resolution& resolution,
                                      const std::vector<speed::Constant>& held = {});

/// Whose residuals make an interval: a figure's; builds of llama.cpp of 2023 and 2024 have their
/// own.
struct Spread {
  speed::Figure figure = speed::Figure::decode;
  bool old = false;
  bool operator==(const Spread&) const = default;
};
[[nodiscard]] Spread spread_of(const Resolution& resolution, const Sample& sample);

/// Interval by left-out residuals, symmetric: the 80th percentile of their size. Rows of a
/// configuration share its weight, and configurations of a source weigh 1 / sqrt(their number), as
/// rows of one publisher repeat one another. `without`: a source not to count.
[[nodiscard]] speed::Residuals residuals_of(const Resolution& resolution, const Folds& folds,
                                            Spread spread, const std::string& without);

}  // namespace macfit::calibrate
