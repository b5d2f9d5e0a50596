// Faults and their rates, and how they are written.

#include <algorithm>
#include <cmath>

#include "macfit/core/error.hpp"
#include "macfit/core/portable.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/study/night_simulation.hpp"

namespace macfit::study {
namespace {

constexpr double day = 86'400.0;

// Nobody publishes how often these happen: every rate here is estimated. docs/night.md has the
// reports behind them.
constexpr std::array<FaultInfo, fault_count> fault_table = {{
    {"reboot",
     "a node restarts: an update, a kernel panic, power",
     "no rate published; panics near the GPU limit (exo#1972), updates left on",
     {1.0 / 60.0, 0, 300.0, false},
     false,
     false},
    {"gpu-timeout",
     "the GPU gives up a command buffer and the process ends",
     "one report of one a day with long contexts on 32 GB (omlx#2029); taken as far rarer, since "
     "those who see none do not report",
     {1.0 / 20.0, 0, 30.0, false},
     false,
     false},
    {"bridge",
     "a node's Thunderbolt addresses or ports are gone until somebody sets them again",
     "no rate published; ports found dead after idle hours (exo#1711, exo#1973)",
     {1.0 / 30.0, 0, std::nullopt, false},
     true,
     false},
    {"transport",
     "RDMA resources of a node are used up until it is rebooted",
     "no count published; used up by many starts (mlx#3207, mlx#4209)",
     {0.0, 10'000, 300.0, false},
     true,
     true},
}};

double number_before(std::string_view text, std::string_view& unit, std::string_view what) {
  const std::string_view trimmed = trim(text);
  double value = 0.0;
  const char* const end = trimmed.data() + trimmed.size();
  const auto [stop, code] = parse_decimal(trimmed.data(), end, value);
  if (code != std::errc() || !std::isfinite(value) || value < 0.0) {
    throw Error(std::string(what) + ": expected a number, found \"" + printable(text) + "\"");
  }
  unit = trim(std::string_view(stop, static_cast<std::size_t>(end - stop)));
  return value;
}

double seconds_of(double value, std::string_view unit, std::string_view what) {
  constexpr std::array<std::pair<std::string_view, double>, 5> units = {
      {{"s", 1.0}, {"m", 60.0}, {"h", 3600.0}, {"d", day}, {"w", 7.0 * day}}};
  for (const auto& [name, seconds] : units) {
    if (unit == name) {
      return value * seconds;
    }
  }
  throw Error(std::string(what) + ": expected a unit of s, m, h, d or w, found \"" +
              printable(unit) + "\"");
}

std::vector<std::string> fault_names() {
  std::vector<std::string> names;
  names.reserve(fault_table.size());
  for (const FaultInfo& info : fault_table) {
    names.emplace_back(info.name);
  }
  return names;
}

/// "1/30d", "0", "5000jobs".
void parse_rate(std::string_view text, Fault fault, FaultRule& rule) {
  const std::string what = "how often " + std::string(fault_name(fault)) + " happens";
  std::string_view unit;
  rule.per_day = 0.0;
  rule.after_jobs = 0;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    const double times = number_before(text.substr(0, slash), unit, what);
    if (!unit.empty()) {
      throw Error(what + ": expected a number before the slash, found \"" +
                  printable(text.substr(0, slash)) + "\"");
    }
    const double span = parse_duration(text.substr(slash + 1), what);
    if (span <= 0.0) {
      throw Error(what + ": a span of time must not be 0");
    }
    rule.per_day = times * day / span;
    constexpr double most = 1000.0;
    if (rule.per_day > most) {
      throw Error(what + ": more than " + format_whole(static_cast<std::int64_t>(most)) +
                  " times a day");
    }
    return;
  }
  const double value = number_before(text, unit, what);
  if (unit.empty() && value == 0.0) {
    return;
  }
  if ((unit == "jobs" || unit == "job") &&
      fault_table.at(static_cast<std::size_t>(fault)).rdma_only) {
    constexpr double most = 1e12;
    if (value < 1.0 || value > most || value != std::floor(value)) {
      throw Error(what + ": expected a whole number of jobs, found \"" + printable(text) + "\"");
    }
    rule.after_jobs = static_cast<std::int64_t>(value);
    return;
  }
  throw Error(what + ": expected a rate such as 1/30d or 0" +
              (fault_table.at(static_cast<std::size_t>(fault)).rdma_only ? ", or 5000jobs" : "") +
              ", found \"" + printable(text) + "\"");
}

}  // namespace

std::string_view fault_name(Fault fault) noexcept { return fault_info(fault).name; }

const FaultInfo& fault_info(Fault fault) noexcept {
  return fault_table[static_cast<std::size_t>(fault)];
}

FaultRules default_faults() noexcept {
  FaultRules rules;
  for (std::size_t i = 0; i < fault_count; ++i) {
    rules[i] = fault_table[i].rule;
  }
  return rules;
}

FaultRules no_faults() noexcept {
  FaultRules rules;
  rules.fill(FaultRule{0.0, 0, 0.0, true});
  return rules;
}

double parse_duration(std::string_view text, std::string_view what) {
  std::string_view unit;
  const double value = number_before(text, unit, what);
  return seconds_of(value, unit, what);
}

void parse_fault(std::string_view text, FaultRules& rules) {
  const std::size_t equals = text.find('=');
  const std::string_view name = trim(text.substr(0, equals));
  if (equals == std::string_view::npos) {
    throw Error("expected NAME=RATE, found \"" + printable(text) + "\"", {},
                "such as reboot=1/30d");
  }
  const auto found =
      std::find_if(fault_table.begin(), fault_table.end(),
                   [&](const FaultInfo& info) { return same_name(info.name, name); });
  if (found == fault_table.end()) {
    throw unknown_name("fault", name, fault_names(), {}, "known are " + join_words(fault_names()));
  }
  const auto fault = static_cast<Fault>(found - fault_table.begin());
  FaultRule rule = rules[static_cast<std::size_t>(fault)];
  std::string_view rate = text.substr(equals + 1);
  if (const std::size_t colon = rate.find(':'); colon != std::string_view::npos) {
    const std::string_view repair = trim(rate.substr(colon + 1));
    if (same_name(repair, "never")) {
      rule.repair_seconds.reset();
    } else {
      rule.repair_seconds =
          parse_duration(repair, "how long " + std::string(found->name) + " lasts");
    }
    rate = rate.substr(0, colon);
  }
  parse_rate(trim(rate), fault, rule);
  rule.stated = true;
  rules[static_cast<std::size_t>(fault)] = rule;
}

double faults_per_day(const Worker& worker, const FaultRules& rules) {
  double sum = 0.0;
  for (std::size_t i = 0; i < fault_count; ++i) {
    const bool concerned = (!fault_table.at(i).shards_only || worker.nodes > 1) &&
                           (!fault_table.at(i).rdma_only || worker.rdma);
    sum += concerned ? rules[i].per_day * static_cast<double>(worker.nodes) : 0.0;
  }
  return sum;
}

}  // namespace macfit::study
