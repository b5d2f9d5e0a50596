#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/study/check.hpp"

namespace macfit::study {
namespace {

constexpr std::string_view schema = "macfit.check/1";
constexpr std::int64_t most = std::int64_t{1} << 60;

/// An expectation is the same in both runs where model and name are.
using Key = std::pair<std::string, std::string>;

struct Earlier {
  std::string path;
  Outcome outcome;
};

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
  if (const auto fits = object.find("fits")) {
    outcome.fits = fits->boolean();
  } else {
    outcome.fits_known = false;  // written before it was printed
  }
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

std::map<Key, Earlier> read_report(std::string_view text) {
  const JsonDocument document = JsonDocument::parse(text);
  JsonObject root = document.root().object();
  const JsonValue version = root.at("schema");
  if (version.string() != schema) {
    throw version.expected("\"" + std::string(schema) +
                           "\": what macfit check --format json printed");
  }
  std::map<Key, Earlier> outcomes;
  for (const JsonValue& element : root.at("files").array()) {
    JsonObject file = element.object();
    const std::string model = text_at(file, "model");
    const std::string path = text_at(file, "path");
    for (const JsonValue& expectation : file.at("expectations").array()) {
      JsonObject object = expectation.object();
      if (const auto found = object.find("found")) {
        outcomes.emplace(Key{model, object.at("name").string()},
                         Earlier{path, read_outcome(*found)});
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

/// Replicas that a verdict runs; 0 where it places nothing.
std::size_t replicas_of(const std::string& verdict) {
  using Kind = plan::Verdict::Kind;
  for (const Kind kind : {Kind::independent, Kind::pipeline, Kind::tensor}) {
    for (std::size_t workers = 1; workers <= hardware::max_nodes; ++workers) {
      if (verdict == plan::verdict_name(kind, workers)) {
        return workers;
      }
    }
  }
  return 0;
}

/// Worse where it fell.
template <class T>
Effect grown(const T& before, const T& after) {
  return after < before ? Effect::worse : before < after ? Effect::better : Effect::other;
}

class Comparer {
 public:
  Comparer(std::string model, std::string expectation, std::vector<Change>& changes)
      : model_(std::move(model)), expectation_(std::move(expectation)), changes_(&changes) {}

  void words(const char* what, const std::string& before, const std::string& after,
             Effect effect = Effect::other) {
    if (before != after) {
      add({}, what, effect, before, after, before + " → " + after);
    }
  }

  void decode(const std::optional<Rate>& before, const std::optional<Rate>& after) {
    const auto shown = [](const std::optional<Rate>& rate) {
      return rate ? fmt::format("{:.1f}", rate->value) : std::string("not known");
    };
    if (shown(before) == shown(after)) {
      return;
    }
    Effect effect = Effect::other;
    if (before && after) {
      effect = after->value < before->low    ? Effect::worse
               : after->value > before->high ? Effect::better
                                             : Effect::other;
    }
    add({}, "decode", effect, shown(before), shown(after),
        "decode: " + shown(before) + " → " + shown(after) + " tokens/s");
    if (before) {
      changes_->back().before_rate = before->value;
    }
    if (after) {
      changes_->back().after_rate = after->value;
    }
  }

  void nodes(const std::vector<NodeDemand>& before, const std::vector<NodeDemand>& after) {
    for (const NodeDemand& now : after) {
      const auto then = std::find_if(before.begin(), before.end(), [&](const NodeDemand& node) {
        return node.name == now.name && node.replica == now.replica;
      });
      if (then == before.end()) {
        add(now.name, "demand", Effect::other, "unused", gb_number(now.demand) + " GB",
            now.name + ": unused → " + gb_number(now.demand) + " GB");
        continue;
      }
      const std::int64_t noise = then->demand.count() / 100;
      const std::int64_t more = now.demand.count() - then->demand.count();
      const Effect effect = more > noise    ? Effect::worse
                            : more < -noise ? Effect::better
                                            : Effect::other;
      bytes(now.name, "demand", effect, then->demand, now.demand, now.name + ": ",
            crossing(then->demand, now.demand, now.effective));
      bytes(now.name, "effective", Effect::other, then->effective, now.effective,
            now.name + ": effective memory ", {});
    }
    for (const NodeDemand& then : before) {
      if (std::none_of(after.begin(), after.end(),
                       [&](const NodeDemand& node) { return node.name == then.name; })) {
        add(then.name, "demand", Effect::other, gb_number(then.demand) + " GB", "unused",
            then.name + ": " + gb_number(then.demand) + " GB → unused");
      }
    }
  }

  void add(std::string node, const char* what, Effect effect, std::string before, std::string after,
           std::string text) {
    Change change;
    change.model = model_;
    change.expectation = expectation_;
    change.node = std::move(node);
    change.what = what;
    change.effect = effect;
    change.before = std::move(before);
    change.after = std::move(after);
    change.text = std::move(text);
    changes_->push_back(std::move(change));
  }

 private:
  void bytes(const std::string& node, const char* what, Effect effect, Bytes before, Bytes after,
             const std::string& start, const std::string& end) {
    if (before == after) {
      return;
    }
    // Less than a printed digit is shown to the byte.
    const bool coarse = gb_number(before) != gb_number(after);
    const std::string was = coarse ? gb_number(before) : format_whole(before.count());
    const std::string is = coarse ? gb_number(after) : format_whole(after.count());
    const std::string unit = coarse ? " GB" : " bytes";
    add(node, what, effect, was + unit, is + unit, start + was + " → " + is + unit + end);
    changes_->back().before_bytes = before.count();
    changes_->back().after_bytes = after.count();
  }

  std::string model_;
  std::string expectation_;
  std::vector<Change>* changes_;
};

void compare_outcomes(const Outcome& before, const Outcome& after, Comparer& comparer) {
  comparer.words("verdict", before.verdict, after.verdict,
                 grown(replicas_of(before.verdict), replicas_of(after.verdict)));
  comparer.words(
      "tier", before.tier_word(), after.tier_word(),
      before.has_tier && after.has_tier ? grown(before.tier, after.tier) : Effect::other);
  if (before.fits_known && before.fits != after.fits) {
    const auto shown = [](bool fits) { return fits ? "fits" : "does not fit"; };
    comparer.words("fits", shown(before.fits), shown(after.fits), grown(before.fits, after.fits));
  }
  comparer.words("runtime", before.runtime, after.runtime);
  comparer.words("format", before.format, after.format);
  comparer.nodes(before.nodes, after.nodes);
  comparer.decode(before.decode, after.decode);
}

Finding finding_of(const Change& change, const FailOn& fail_on) {
  Finding finding;
  finding.code = "change";
  finding.severity = fail_on.fails(change.effect) ? Severity::error : Severity::note;
  finding.message = change.expectation + ": " + change.text;
  return finding;
}

/// Where what is gone is told: at the model's file, or at the file that is gone with it.
CheckedFile& file_of(CheckReport& report, const std::string& model, const std::string& path) {
  const auto same = std::find_if(report.files.begin(), report.files.end(), [&](const auto& file) {
    return file.model == model || file.path == path;
  });
  if (same != report.files.end()) {
    return *same;
  }
  CheckedFile gone;
  gone.path = path.empty() ? model : path;
  gone.model = model;
  gone.gone = true;
  report.files.push_back(std::move(gone));
  return report.files.back();
}

}  // namespace

std::string_view effect_name(Effect effect) noexcept {
  switch (effect) {
    case Effect::worse:
      return "worse";
    case Effect::better:
      return "better";
    case Effect::other:
      return "other";
    case Effect::added:
      return "added";
    case Effect::removed:
      break;
  }
  return "removed";
}

bool FailOn::fails(Effect effect) const noexcept {
  return changed || (worse && (effect == Effect::worse || effect == Effect::removed)) ||
         (removed && effect == Effect::removed);
}

FailOn parse_fail_on(std::string_view text) {
  FailOn fail_on;
  for (const std::string_view part : split(text, ',')) {
    const std::string_view name = trim(part);
    if (same_name(name, "worse")) {
      fail_on.worse = true;
    } else if (same_name(name, "changed")) {
      fail_on.changed = true;
    } else if (same_name(name, "removed")) {
      fail_on.removed = true;
    } else {
      throw unknown_name("kind of change", name, {"worse", "changed", "removed"}, {},
                         "known are worse, changed and removed");
    }
  }
  return fail_on;
}

void compare_with_baseline(CheckReport& report, std::string_view earlier, const FailOn& fail_on) {
  std::map<Key, Earlier> before = read_report(earlier);
  report.has_baseline = true;
  for (CheckedFile& file : report.files) {
    for (const ExpectationResult& result : file.expectations) {
      const auto found = before.find(Key{file.model, result.name});
      const std::size_t known = report.changes.size();
      Comparer comparer(file.model, result.name, report.changes);
      if (found == before.end()) {
        comparer.add({}, "expectation", Effect::added, "", result.name, "not in the baseline");
      } else if (result.found) {
        compare_outcomes(found->second.outcome, *result.found, comparer);
      } else {
        comparer.add({}, "expectation", Effect::removed, found->second.outcome.verdict, "",
                     "can't be planned any more");
      }
      if (found != before.end()) {
        before.erase(found);
      }
      for (std::size_t i = known; i < report.changes.size(); ++i) {
        Finding finding = finding_of(report.changes[i], fail_on);
        finding.pointer = result.pointer;
        finding.line = result.line;
        finding.column = result.column;
        file.findings.push_back(std::move(finding));
      }
    }
  }
  for (const auto& [key, gone] : before) {
    Comparer(key.first, key.second, report.changes)
        .add({}, "expectation", Effect::removed, key.second, "", "no longer checked");
    file_of(report, key.first, gone.path)
        .findings.push_back(finding_of(report.changes.back(), fail_on));
  }
}

}  // namespace macfit::study
