#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "macfit/speed/speed.hpp"

namespace macfit::speed {

/// Newest chip generation whose fixed times were measured; later ones are taken to be no faster.
inline constexpr int newest_generation = 5;

/// Of one value of the stream between layers: 16 bit.
inline constexpr double activation_bytes = 2.0;

/// Layers [first, last) of a model.
struct Stage {
  std::size_t first = 0;
  std::size_t last = 0;
};

inline double of(const std::vector<double>& sums, Stage s) { return sums[s.last] - sums[s.first]; }

inline double count(const Work& work, Stage s, Trait trait) {
  const auto t = static_cast<std::size_t>(trait);
  return static_cast<double>(work.traits[s.last][t] - work.traits[s.first][t]);
}

inline double kind_count(const Work& work, Stage s, std::size_t kind) {
  const std::size_t kinds = work.kinds.size();
  return static_cast<double>(work.kind_counts[s.last * kinds + kind] -
                             work.kind_counts[s.first * kinds + kind]);
}

inline double at(const Constants& constants, Constant constant) {
  return constants[static_cast<std::size_t>(constant)];
}

inline bool mlx_based(Engine engine) { return engine == Engine::mlx || engine == Engine::exo; }

/// What a chip's matrix units gain where the engine uses them.
inline double matrix_gain(const Work& work, const Chip& chip, const Constants& constants) {
  if (!chip.matrix || !work.matrix_units) {
    return 1.0;
  }
  return at(constants, mlx_based(work.engine) ? Constant::matrix_mlx : Constant::matrix_llama);
}

/// Mean of min(x, window) for x from `from` to `to`.
inline double mean_reach(double from, double to, double window) {
  if (to <= from) {
    return std::min(from, window);
  }
  const double knee = std::clamp(window, from, to);
  return ((knee - from) * (knee + from) / 2.0 + (to - knee) * window) / (to - from);
}

/// Positions that a kind of layer sees, on average over tokens at contexts `from` to `to`; at most
/// `most` where that is not 0.
inline double mean_positions(const ContextCost& cost, double from, double to, double most) {
  switch (cost.reach) {
    case ContextCost::Reach::none:
      return 0.0;
    case ContextCost::Reach::full:
      return most > 0.0 ? mean_reach(from, to, most) : (from + to) / 2.0;
    case ContextCost::Reach::window:
      return mean_reach(from, to, cost.window);
  }
  return 0.0;
}

/// Calls f(stage, chip, is the last stage) for every stage of a pipeline, or once for the whole.
template <class F>
void for_each_stage(const Work& work, const Question& q, F&& f) {
  if (q.split != Split::pipeline) {
    f(Stage{0, work.layers}, q.chips[0], true);
    return;
  }
  std::size_t first = 0;
  for (std::size_t i = 0; i < q.layers.size(); ++i) {
    const std::size_t last = first + static_cast<std::size_t>(q.layers[i]);
    f(Stage{first, last}, q.chips[i], i + 1 == q.layers.size());
    first = last;
  }
}

/// One hop of a pipeline that moves so many bytes.
double message_seconds(const Work& work, const Link& link, double bytes,
                       const Constants& constants);
/// One collective of a tensor split over so many ranks that moves so many bytes a rank.
double collective_seconds(const Link& link, double ranks, double bytes, const Constants& constants);
/// Bytes over the link's bandwidth; where that is not known (Wi-Fi), over 100 Mb/s.
double transfer_seconds(const Link& link, double bytes);

}  // namespace macfit::speed
