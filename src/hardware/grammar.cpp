#include <cstdint>

#include "build.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "names.hpp"

namespace macfit::hardware {
namespace {

constexpr std::string_view grammar_hint =
    "such as 2x128, 1x128+2x64, m4-max-128+m4-pro-64 or 2xmac-studio-m3-ultra-512";

struct Part {
  std::int64_t count = 1;
  std::string machine;
};

Error bad_spec(std::string_view spec, const std::string& what, std::string_view hint) {
  return Error("nodes " + quoted(spec) + ": " + what, {}, std::string(hint));
}

/// "×" as people paste it is an x.
std::string with_plain_x(std::string_view text) {
  static constexpr std::string_view times = "\xC3\x97";
  std::string result(text);
  for (std::size_t at = result.find(times); at != std::string::npos; at = result.find(times, at)) {
    result.replace(at, times.size(), "x");
  }
  return result;
}

/// What stands before the first x is a count if it is a number however malformed ("-2", "1e9",
/// "0.5", nothing at all); "m4-ma" is not.
bool looks_like_count(std::string_view text) {
  bool digit = text.empty();
  for (const char c : text) {
    const bool plain = c >= '0' && c <= '9';
    const bool sign = c == '-' || c == '.' || c == '_' || c == 'e' || c == ' ';
    if (!plain && !sign) {
      return false;
    }
    digit = digit || plain;
  }
  return digit;
}

std::int64_t read_count(std::string_view text, std::string_view part, std::string_view spec) {
  if (text.empty()) {
    throw bad_spec(spec, "a count is missing before the x in " + quoted(part), grammar_hint);
  }
  std::int64_t count = 0;
  bool whole = true;
  for (const char c : text) {
    whole = whole && c >= '0' && c <= '9';
    if (whole && count < 1'000'000) {
      count = count * 10 + (c - '0');
    }
  }
  if (!whole || count < 1 || count > static_cast<std::int64_t>(max_nodes)) {
    throw bad_spec(spec,
                   "expected a whole number from 1 to " + std::to_string(max_nodes) +
                       " before the x, found " + quoted(text),
                   {});
  }
  return count;
}

/// Where the count of "M4 Max 128GB x2" begins; 0 where none stands behind a machine.
std::size_t count_behind(const std::string& part) {
  const std::size_t x = lower(part).rfind(" x");
  const bool number = x != std::string::npos && x + 2 < part.size() &&
                      part.find_first_not_of("0123456789", x + 2) == std::string::npos;
  return number ? x + 2 : 0;
}

Part read_part(std::string_view text, std::string_view spec) {
  const std::string part = with_plain_x(trim(text));
  if (part.empty()) {
    throw bad_spec(spec, "expected a machine or a memory size on both sides of every +",
                   grammar_hint);
  }
  if (const std::size_t behind = count_behind(part); behind > 0) {
    return {read_count(std::string_view(part).substr(behind), part, spec),
            std::string(trim(std::string_view(part).substr(0, behind - 2)))};
  }
  const std::size_t x = lower(part).find('x');
  if (x == std::string::npos || !looks_like_count(trim(std::string_view(part).substr(0, x)))) {
    return {1, part};
  }
  const std::string_view count = trim(std::string_view(part).substr(0, x));
  const std::string_view machine = trim(std::string_view(part).substr(x + 1));
  if (machine.empty()) {
    throw bad_spec(spec, "expected a machine or a memory size after the x in " + quoted(part),
                   grammar_hint);
  }
  return {read_count(count, part, spec), std::string(machine)};
}

}  // namespace

Cluster parse_cluster(std::string_view spec, const ClusterOptions& options,
                      const Catalog& catalog) {
  const std::string_view trimmed = trim(spec);
  if (trimmed.empty()) {
    throw Error("nodes: expected a cluster, found nothing", {}, std::string(grammar_hint));
  }
  if (trimmed.find(',') != std::string_view::npos) {
    throw bad_spec(trimmed, "expected one cluster, found a list",
                   "a comma separates the values of a list; + joins nodes inside a cluster");
  }
  Cluster cluster;
  cluster.spec = std::string(trimmed);
  NodeSettings settings{options.macos, options.wired_limit, options.reserve};
  for (const std::string_view text : split(trimmed, '+')) {
    const Part part = read_part(text, trimmed);
    const Machine* machine = nullptr;
    try {
      machine = &catalog.machine(part.machine);
    } catch (const Error& error) {
      throw bad_spec(trimmed, error.message(), error.hint());
    }
    if (cluster.nodes.size() + static_cast<std::size_t>(part.count) > max_nodes) {
      throw bad_spec(trimmed, "more than " + std::to_string(max_nodes) + " nodes", {});
    }
    NodeSettings own = settings;
    if (!machine->mac) {
      own.wired_limit.reset();
    }
    for (std::int64_t i = 0; i < part.count; ++i) {
      cluster.nodes.push_back(
          build_node("node-" + std::to_string(cluster.nodes.size() + 1), *machine, own, catalog));
    }
  }
  finish_cluster(cluster, options);
  build_links(cluster, catalog, options.link ? &usable_link(*options.link, catalog) : nullptr, {});
  return cluster;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> values;
  for (const std::string_view part : split(text, ',')) {
    const std::string_view value = trim(part);
    if (value.empty()) {
      throw Error("list " + quoted(text) + ": expected a value on both sides of every comma");
    }
    values.emplace_back(value);
  }
  return values;
}

}  // namespace macfit::hardware
