#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/study/check.hpp"

namespace macfit::study {
namespace {

constexpr std::string_view schema = "macfit.check/1";
constexpr std::int64_t most = std::int64_t{1} << 60;

/// An expectation is the same in both runs where model and name are.
using Key = std::pair<std::string, std::string>;

std::string text_at(JsonObject& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? printable(value->string(), 400) : std::string();
}

Outcome read_outcome(const JsonValue& value) {
  JsonObject object = value.object();
  Outcome outcome;
  outcome.verdict = text_at(object, "verdict");
  if (const JsonValue tier = object.at("tier"); tier.is_null()) {
    outcome.has_tier = false;
  } else {
    outcome.tier = fit::parse_tier(tier.string());
  }
  outcome.runtime = text_at(object, "runtime");
  outcome.split = text_at(object, "split");
  outcome.format = text_at(object, "format");
  if (const auto decode = object.find("decode_tokens_per_second")) {
    JsonObject rate = decode->object();
    outcome.decode = Rate{rate.at("value").number(0, 1e12), rate.at("low").number(0, 1e12),
                          rate.at("high").number(0, 1e12), printable(rate.at("evidence").string())};
  }
  for (const JsonValue& element : object.at("nodes").array()) {
    JsonObject node = element.object();
    outcome.nodes.push_back({printable(node.at("name").string()),
                             static_cast<std::size_t>(node.at("replica").whole(0, 1000)),
                             Bytes(node.at("demand_bytes").whole(0, most)),
                             Bytes(node.at("effective_bytes").whole(-most, most))});
  }
  return outcome;
}

std::map<Key, Outcome> read_report(std::string_view text) {
  const JsonDocument document = JsonDocument::parse(text);
  JsonObject root = document.root().object();
  const JsonValue version = root.at("schema");
  if (version.string() != schema) {
    throw version.expected("\"" + std::string(schema) +
                           "\": what macfit check --format json printed");
  }
  std::map<Key, Outcome> outcomes;
  for (const JsonValue& element : root.at("files").array()) {
    JsonObject file = element.object();
    const std::string model = text_at(file, "model");
    for (const JsonValue& expectation : file.at("expectations").array()) {
      JsonObject object = expectation.object();
      if (const auto found = object.find("found")) {
        outcomes.emplace(Key{model, object.at("name").string()}, read_outcome(*found));
      }
    }
  }
  return outcomes;
}

/// "101.2" of 101.2 GB.
std::string gb_number(Bytes bytes) { return fmt::format("{:.1f}", bytes.as_double() / 1e9); }

/// The bound that a demand went over or fell below, where it did.
std::string crossing(Bytes before, Bytes after, Bytes effective) {
  const auto between = [&](std::int64_t bound) {
    return (before.count() <= bound) != (after.count() <= bound);
  };
  if (between(effective.count())) {
    return ", crosses " + gb_number(effective);
  }
  const std::int64_t comfortable = fit::comfortable_bound(effective.count());
  if (between(comfortable)) {
    return fmt::format(", crosses {} ({} % of {})", gb_number(Bytes(comfortable)),
                       fit::comfortable_percent, gb_number(effective));
  }
  return {};
}

class Comparer {
 public:
  Comparer(std::string model, std::string expectation, std::vector<Change>& changes)
      : model_(std::move(model)), expectation_(std::move(expectation)), changes_(&changes) {}

  void words(const char* what, const std::string& before, const std::string& after) {
    if (before != after) {
      add({}, what, before, after, before + " → " + after);
    }
  }

  void decode(const std::optional<Rate>& before, const std::optional<Rate>& after) {
    const auto shown = [](const std::optional<Rate>& rate) {
      return rate ? fmt::format("{:.1f}", rate->value) : std::string("not known");
    };
    if (shown(before) != shown(after)) {
      add({}, "decode", shown(before), shown(after),
          "decode: " + shown(before) + " → " + shown(after) + " tokens/s");
    }
  }

  void nodes(const std::vector<NodeDemand>& before, const std::vector<NodeDemand>& after) {
    for (const NodeDemand& now : after) {
      const auto then = std::find_if(before.begin(), before.end(), [&](const NodeDemand& node) {
        return node.name == now.name && node.replica == now.replica;
      });
      if (then == before.end()) {
        add(now.name, "demand", "unused", gb_number(now.demand) + " GB",
            now.name + ": unused → " + gb_number(now.demand) + " GB");
        continue;
      }
      bytes(now.name, "demand", then->demand, now.demand, now.name + ": ",
            crossing(then->demand, now.demand, now.effective));
      bytes(now.name, "effective", then->effective, now.effective, now.name + ": effective memory ",
            {});
    }
    for (const NodeDemand& then : before) {
      if (std::none_of(after.begin(), after.end(),
                       [&](const NodeDemand& node) { return node.name == then.name; })) {
        add(then.name, "demand", gb_number(then.demand) + " GB", "unused",
            then.name + ": " + gb_number(then.demand) + " GB → unused");
      }
    }
  }

  void add(std::string node, const char* what, std::string before, std::string after,
           std::string text) {
    changes_->push_back({model_, expectation_, std::move(node), what, std::move(before),
                         std::move(after), std::nullopt, std::nullopt, std::move(text)});
  }

 private:
  void bytes(const std::string& node, const char* what, Bytes before, Bytes after,
             const std::string& start, const std::string& end) {
    if (before == after) {
      return;
    }
    // Less than a printed digit is shown to the byte.
    const bool coarse = gb_number(before) != gb_number(after);
    const std::string was = coarse ? gb_number(before) : format_whole(before.count());
    const std::string is = coarse ? gb_number(after) : format_whole(after.count());
    const std::string unit = coarse ? " GB" : " bytes";
    add(node, what, was + unit, is + unit, start + was + " → " + is + unit + end);
    changes_->back().before_bytes = before.count();
    changes_->back().after_bytes = after.count();
  }

  std::string model_;
  std::string expectation_;
  std::vector<Change>* changes_;
};

void compare_outcomes(const Outcome& before, const Outcome& after, Comparer& comparer) {
  comparer.words("verdict", before.verdict, after.verdict);
  comparer.words("tier", before.tier_word(), after.tier_word());
  comparer.words("runtime", before.runtime, after.runtime);
  comparer.words("format", before.format, after.format);
  comparer.nodes(before.nodes, after.nodes);
  comparer.decode(before.decode, after.decode);
}

}  // namespace

void compare_with_baseline(CheckReport& report, std::string_view earlier) {
  std::map<Key, Outcome> before = read_report(earlier);
  report.has_baseline = true;
  for (CheckedFile& file : report.files) {
    for (const ExpectationResult& result : file.expectations) {
      const auto found = before.find(Key{file.model, result.name});
      const std::size_t known = report.changes.size();
      Comparer comparer(file.model, result.name, report.changes);
      if (found == before.end()) {
        comparer.add({}, "expectation", "", result.name, "not in the baseline");
      } else if (result.found) {
        compare_outcomes(found->second, *result.found, comparer);
      } else {
        comparer.add({}, "expectation", found->second.verdict, "", "can't be planned any more");
      }
      if (found != before.end()) {
        before.erase(found);
      }
      for (std::size_t i = known; i < report.changes.size(); ++i) {
        file.findings.push_back({result.pointer,
                                 result.line,
                                 result.column,
                                 "change",
                                 Severity::note,
                                 result.name + ": " + report.changes[i].text,
                                 {}});
      }
    }
  }
  for (const auto& entry : before) {
    Comparer(entry.first.first, entry.first.second, report.changes)
        .add({}, "expectation", entry.first.second, "",
             entry.first.first + ": \"" + entry.first.second + "\" is no longer checked");
  }
}

}  // namespace macfit::study
