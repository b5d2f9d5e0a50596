// Least squares over the speed model's constants (Levenberg-Marquardt on logarithms), and fits
// without one source.

#include "fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

namespace macfit::calibrate {
namespace {

using speed::Constant;
using speed::Constants;

// Soft-L1 loss: residuals beyond this many log units count by their size, not its square.
constexpr double robust_scale = 0.12;
// Constants that few sources speak of stay near where they start.
constexpr double prior_width = 0.6;
// The time of a collective over RDMA was measured on the link itself, too.
constexpr double measured_width = 0.2;
constexpr double own_weight = 4.0;
constexpr double step = 1e-4;

const std::vector<Constant> decode_constants{
    Constant::bandwidth_share,   Constant::layer_time,       Constant::generation_ratio,
    Constant::ultra_layers,      Constant::old_llama_layers, Constant::moe_layer,
    Constant::linear_layer,      Constant::latent_layer,     Constant::norms_layer,
    Constant::compressed_layer,  Constant::sparse_layer,     Constant::unfused_linear,
    Constant::unpack_operations, Constant::other_share,      Constant::other_layers};
const std::vector<Constant> cache_constants{Constant::cache_cost, Constant::cache_cost_old_llama,
                                            Constant::cache_cost_compressed};
const std::vector<Constant> prefill_constants{
    Constant::compute_share,     Constant::hidden_half, Constant::expert_tokens,
    Constant::attention_share,   Constant::matrix_mlx,  Constant::matrix_llama,
    Constant::mlx_prefill,       Constant::old_bf16,    Constant::compressed_prefill,
    Constant::recurrent_prefill, Constant::ds4_m1,      Constant::prompt_reads};
const std::vector<Constant> link_constants{Constant::collective_rdma, Constant::hop_rdma,
                                           Constant::hop_tcp, Constant::hop_rpc,
                                           Constant::hop_wifi};
const std::vector<Constant> batch_constants{Constant::batch_layers};

double unit_of(Constant constant) {
  const std::string_view unit = speed::constant_info(constant).unit;
  return unit == "us" ? 1e-6 : unit == "ms" ? 1e-3 : 1.0;
}

double& value_of(Constants& constants, Constant constant) {
  return constants[static_cast<std::size_t>(constant)];
}

/// Least squares on logs by Levenberg-Marquardt with numeric derivatives.
class Fit {
 public:
  Fit(const Resolution& resolution, std::vector<std::size_t> samples, std::vector<Constant> free,
      bool differences)
      : resolution_(resolution), samples_(std::move(samples)), free_(std::move(free)) {
    std::map<std::string, std::vector<std::size_t>> groups;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      groups[sample(i).configuration].push_back(i);
    }
    weights_.assign(samples_.size(), 0.0);
    for (const auto& [name, members] : groups) {
      if (differences && members.size() < 2) {
        continue;
      }
      for (const std::size_t i : members) {
        const bool own = resolution_.rows[sample(i).row].own;
        weights_[i] = (own ? own_weight : 1.0) / std::sqrt(static_cast<double>(members.size()));
      }
      if (differences) {
        groups_.push_back(members);
      }
    }
  }

  void run(Constants& constants, int iterations) const {
    if (samples_.empty()) {
      return;
    }
    const Constants start = constants;
    double damping = 1e-2;
    std::vector<double> errors = residuals(constants);
    double cost = total(errors, constants, start);
    for (int i = 0; i < iterations; ++i) {
      std::vector<std::vector<double>> normal;
      std::vector<double> gradient;
      linearize(constants, errors, start, normal, gradient);
      bool better = false;
      for (int attempt = 0; attempt < 8 && !better; ++attempt) {
        const Constants next = moved(constants, solve(normal, gradient, damping));
        const std::vector<double> next_errors = residuals(next);
        const double next_cost = total(next_errors, next, start);
        if (next_cost < cost) {
          better = cost - next_cost > 1e-7 * cost;
          constants = next;
          errors = next_errors;
          cost = next_cost;
          damping = std::max(damping / 5.0, 1e-7);
          break;
        }
        damping *= 5.0;
      }
      if (!better) {
        return;
      }
    }
  }

 private:
  [[nodiscard]] const Sample& sample(std::size_t i) const {
    return resolution_.samples[samples_[i]];
  }

  [[nodiscard]] std::vector<double> residuals(const Constants& constants) const {
    std::vector<double> r(samples_.size());
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      const Sample& s = sample(i);
      r[i] = weights_[i] > 0.0 ? std::log(s.published / predict(resolution_, s, constants)) : 0.0;
    }
    for (const std::vector<std::size_t>& members : groups_) {
      double mean = 0.0;
      for (const std::size_t i : members) {
        mean += r[i] / static_cast<double>(members.size());
      }
      for (const std::size_t i : members) {
        r[i] -= mean;
      }
    }
    return r;
  }

  static double robust(double error) {
    const double z = error / robust_scale;
    return 1.0 / std::sqrt(1.0 + z * z);
  }

  [[nodiscard]] double total(const std::vector<double>& errors, const Constants& constants,
                             const Constants& start) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < errors.size(); ++i) {
      const double z = errors[i] / robust_scale;
      sum += weights_[i] * 2.0 * (std::sqrt(1.0 + z * z) - 1.0);
    }
    for (const Constant c : free_) {
      const double pull = away(constants, start, c);
      sum += pull * pull;
    }
    return sum;
  }

  static double width_of(Constant c) {
    return c == Constant::collective_rdma ? measured_width : prior_width;
  }

  [[nodiscard]] static double away(const Constants& constants, const Constants& start, Constant c) {
    const auto i = static_cast<std::size_t>(c);
    return std::log(constants[i] / start[i]) / width_of(c);
  }

  [[nodiscard]] static Constants clamped(Constants constants, Constant c, double log_value) {
    const speed::ConstantInfo& info = speed::constant_info(c);
    constexpr double tiny = 1e-3;
    const double unit = unit_of(c);
    value_of(constants, c) =
        std::clamp(std::exp(log_value), std::max(info.low, tiny) * unit, info.high * unit);
    return constants;
  }

  [[nodiscard]] Constants moved(const Constants& from, const std::vector<double>& steps) const {
    constexpr double longest = 0.5;
    Constants to = from;
    for (std::size_t k = 0; k < free_.size(); ++k) {
      const double log_value = std::log(from[static_cast<std::size_t>(free_[k])]);
      to = clamped(to, free_[k], log_value + std::clamp(steps[k], -longest, longest));
    }
    return to;
  }

  void linearize(const Constants& constants, const std::vector<double>& errors,
                 const Constants& start, std::vector<std::vector<double>>& normal,
                 std::vector<double>& gradient) const {
    const std::size_t n = free_.size();
    std::vector<std::vector<double>> slopes;
    for (const Constant c : free_) {
      Constants nudged = constants;
      value_of(nudged, c) *= std::exp(step);
      std::vector<double> r = residuals(nudged);
      for (std::size_t i = 0; i < r.size(); ++i) {
        r[i] = (r[i] - errors[i]) / step;
      }
      slopes.push_back(std::move(r));
    }
    normal.assign(n, std::vector<double>(n, 0.0));
    gradient.assign(n, 0.0);
    for (std::size_t i = 0; i < errors.size(); ++i) {
      const double w = weights_[i] * robust(errors[i]) / (robust_scale * robust_scale);
      if (w == 0.0) {
        continue;
      }
      for (std::size_t a = 0; a < n; ++a) {
        gradient[a] -= w * slopes[a][i] * errors[i];
        for (std::size_t b = 0; b <= a; ++b) {
          normal[a][b] += w * slopes[a][i] * slopes[b][i];
        }
      }
    }
    for (std::size_t a = 0; a < n; ++a) {
      const double width = width_of(free_[a]);
      normal[a][a] += 1.0 / (width * width);
      gradient[a] -= away(constants, start, free_[a]) / width;
      for (std::size_t b = a + 1; b < n; ++b) {
        normal[a][b] = normal[b][a];
      }
    }
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        normal[b][a] = normal[a][b];
      }
    }
  }

  /// Gaussian elimination with pivots; the matrix is small and positive.
  static std::vector<double> solve(std::vector<std::vector<double>> a, std::vector<double> b,
                                   double damping) {
    const std::size_t n = b.size();
    for (std::size_t i = 0; i < n; ++i) {
      a[i][i] *= 1.0 + damping;
    }
    for (std::size_t k = 0; k < n; ++k) {
      std::size_t pivot = k;
      for (std::size_t i = k + 1; i < n; ++i) {
        pivot = std::fabs(a[i][k]) > std::fabs(a[pivot][k]) ? i : pivot;
      }
      std::swap(a[k], a[pivot]);
      std::swap(b[k], b[pivot]);
      for (std::size_t i = k + 1; i < n; ++i) {
        const double factor = a[i][k] / a[k][k];
        for (std::size_t j = k; j < n; ++j) {
          a[i][j] -= factor * a[k][j];
        }
        b[i] -= factor * b[k];
      }
    }
    for (std::size_t k = n; k-- > 0;) {
      for (std::size_t j = k + 1; j < n; ++j) {
        b[k] -= a[k][j] * b[j];
      }
      b[k] /= a[k][k];
    }
    return b;
  }

  const Resolution& resolution_;
  std::vector<std::size_t> samples_;
  std::vector<Constant> free_;
  std::vector<double> weights_;
  std::vector<std::vector<std::size_t>> groups_;
};

double quantile(std::vector<std::pair<double, double>> weighted, double share) {
  std::sort(weighted.begin(), weighted.end());
  double total = 0.0;
  for (const auto& [value, weight] : weighted) {
    total += weight;
  }
  // Each value stands at the middle of its weight; between two, a straight line.
  double sum = 0.0;
  double place = 0.0;
  double before = 0.0;
  for (std::size_t i = 0; i < weighted.size(); ++i) {
    const auto& [value, weight] = weighted[i];
    const double last = place;
    place = (sum + weight / 2.0) / total;
    sum += weight;
    if (place >= share) {
      return i == 0 ? value : before + (value - before) * (share - last) / (place - last);
    }
    before = value;
  }
  return before;
}

}  // namespace

Constants fit_constants(const Resolution& resolution, const std::vector<std::size_t>& samples,
                        const Constants& start, int rounds, const std::vector<Constant>& held) {
  const auto free = [&](std::vector<Constant> constants_of) {
    std::erase_if(constants_of,
                  [&](Constant c) { return std::find(held.begin(), held.end(), c) != held.end(); });
    return constants_of;
  };
  std::array<std::vector<std::size_t>, speed::figure_count> by_figure;
  std::vector<std::size_t> batches;
  for (const std::size_t i : samples) {
    const Sample& s = resolution.samples[i];
    const bool batch = s.sequences > 1.0 && !s.prefill;
    (batch ? batches : by_figure[static_cast<std::size_t>(s.figure())]).push_back(i);
  }
  const auto of = [&](speed::Figure figure) -> const std::vector<std::size_t>& {
    return by_figure[static_cast<std::size_t>(figure)];
  };
  constexpr int iterations = 25;
  Constants constants = start;
  for (int round = 0; round < rounds; ++round) {
    // Rows that a whole fit still misses by far are not pulled towards: they are named instead.
    if (round > 0) {
      for (std::vector<std::size_t>& list : by_figure) {
        std::erase_if(list, [&](std::size_t i) {
          const Sample& s = resolution.samples[i];
          return std::fabs(std::log(s.published / predict(resolution, s, constants))) > far_off;
        });
      }
    }
    // What the cache costs shows in differences between contexts of one configuration.
    Fit(resolution, of(speed::Figure::decode), free(cache_constants), true)
        .run(constants, iterations);
    Fit(resolution, of(speed::Figure::decode), free(decode_constants), false)
        .run(constants, iterations);
    Fit(resolution, of(speed::Figure::prefill), free(prefill_constants), false)
        .run(constants, iterations);
  }
  Fit(resolution, of(speed::Figure::decode_nodes), free(link_constants), false)
      .run(constants, iterations);
  Fit(resolution, batches, free(batch_constants), false).run(constants, iterations);
  return constants;
}

Folds leave_sources_out(const Resolution& resolution, const std::vector<Constant>& held) {
  std::vector<std::size_t> every(resolution.samples.size());
  for (std::size_t i = 0; i < every.size(); ++i) {
    every[i] = i;
  }
  Folds folds;
  Constants start = speed::Calibration::start().values;
  for (const Constant c : held) {
    value_of(start, c) = speed::constant_info(c).without * unit_of(c);
  }
  folds.all = fit_constants(resolution, every, start, 3, held);
  std::map<std::string, std::vector<std::size_t>> sources;
  for (const std::size_t i : every) {
    sources[resolution.samples[i].source].push_back(i);
  }
  for (const auto& entry : sources) {
    const std::string& source = entry.first;
    const std::vector<std::size_t>& members = entry.second;
    std::vector<std::size_t> rest;
    std::copy_if(every.begin(), every.end(), std::back_inserter(rest),
                 [&](std::size_t i) { return resolution.samples[i].source != source; });
    // From the same start as the whole fit: nothing of the source left in.
    const Constants constants = fit_constants(resolution, rest, start, 3, held);
    for (const std::size_t i : members) {
      const Sample& s = resolution.samples[i];
      folds.samples.push_back({i, std::log(s.published / predict(resolution, s, constants))});
    }
    folds.constants.push_back(constants);
    folds.sources.push_back(source);
  }
  std::sort(folds.samples.begin(), folds.samples.end(),
            [](const LeftOut& a, const LeftOut& b) { return a.sample < b.sample; });
  return folds;
}

speed::Residuals residuals_of(const Resolution& resolution, const Folds& folds, Spread spread,
                              const std::string& without) {
  constexpr double level = 0.8;
  // Between every configuration once (0) and every source once (1): docs/speed.md.
  constexpr double sameness = 0.25;
  std::map<std::string, double> rows;                           // of each configuration
  std::map<std::string, std::set<std::string>> configurations;  // of each source
  std::vector<const LeftOut*> used;
  for (const LeftOut& left : folds.samples) {
    const Sample& s = resolution.samples[left.sample];
    if (spread_of(resolution, s) == spread && s.source != without) {
      rows[s.configuration] += 1.0;
      configurations[s.source].insert(s.configuration);
      used.push_back(&left);
    }
  }
  std::vector<std::pair<double, double>> weighted;
  weighted.reserve(used.size());
  for (const LeftOut* left : used) {
    const Sample& s = resolution.samples[left->sample];
    const auto siblings = static_cast<double>(configurations[s.source].size());
    weighted.emplace_back(std::fabs(left->log_ratio),
                          1.0 / (rows[s.configuration] * std::pow(siblings, sameness)));
  }
  speed::Residuals residuals;
  residuals.rows = used.size();
  residuals.configurations = rows.size();
  residuals.sources = configurations.size();
  residuals.high = weighted.empty() ? 0.0 : quantile(weighted, level);
  residuals.low = -residuals.high;
  return residuals;
}

Spread spread_of(const Resolution& resolution, const Sample& sample) {
  const bool old = resolution.works[sample.work].engine == speed::Engine::llama_2024 &&
                   sample.split == speed::Split::whole;
  return {sample.figure(), old};
}

}  // namespace macfit::calibrate
