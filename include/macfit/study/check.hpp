#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/evidence.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/fit/tier.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/manifest.hpp"
#include "macfit/runtime/catalog.hpp"
#include "macfit/speed/calibration.hpp"

namespace macfit::study {

// Holds model manifests against their own statements and expectations: docs/check.md.

enum class Severity : std::uint8_t { note, warning, error };
/// "warning".
[[nodiscard]] std::string_view severity_name(Severity severity) noexcept;

/// What a finding's code stands for.
struct CheckRule {
  std::string_view code;
  std::string_view meaning;
  Severity severity;
};
/// Every rule, sorted by code.
[[nodiscard]] const std::vector<CheckRule>& check_rules();

/// Something worth saying about one place of one file.
struct Finding {
  std::string pointer;   ///< RFC 6901; "" is the whole document
  std::size_t line = 1;  ///< from 1
  std::size_t column = 1;
  std::string code;  ///< of check_rules()
  Severity severity = Severity::error;
  std::string message;
  std::string hint;
  std::string silenced = {};  ///< why it is let stand; empty: it is not
};

struct NodeDemand {
  std::string name;
  std::size_t replica = 0;
  Bytes demand;
  Bytes effective;
  bool operator==(const NodeDemand&) const = default;
};

/// Tokens a second.
struct Rate {
  double value = 0;
  double low = 0;
  double high = 0;
  std::string evidence;
  bool operator==(const Rate&) const = default;
};

/// What the planner says where a manifest expects something. In won't-fit, figures are those of
/// the placement that lacks least.
struct Outcome {
  std::string verdict;
  fit::Tier tier = fit::Tier::not_practical;
  bool has_tier = true;    ///< false: unsupported or unknown
  bool fits = false;       ///< at the context asked for
  bool fits_known = true;  ///< false: of a baseline that does not say
  std::string summary;
  std::string runtime;  ///< empty: no placement
  std::string split;
  std::string format;
  std::optional<Rate> decode;  ///< of one stream; none: not known
  std::vector<NodeDemand> nodes;

  /// "comfortable"; empty without a tier.
  [[nodiscard]] std::string tier_word() const {
    return has_tier ? std::string(fit::tier_name(tier)) : std::string();
  }
};

/// One entry of `expect`.
struct ExpectationResult {
  std::string pointer;
  std::size_t line = 1;
  std::size_t column = 1;
  model::Expectation asked;
  std::string name;  ///< "2x128, 32k": tells the expectations of one model apart
  bool holds = false;
  std::optional<Outcome> found;  ///< none where it can't be planned
};

/// Which way a change goes.
enum class Effect : std::uint8_t {
  worse,    ///< tier, replicas or fit lost, over 1 % more bytes, decode below the earlier interval
  better,   ///< the same the other way
  other,    ///< neither
  added,    ///< an expectation that the baseline does not have
  removed,  ///< one that is gone, or that can't be planned any more
};
/// "worse".
[[nodiscard]] std::string_view effect_name(Effect effect) noexcept;

/// What a change did to one figure of an expectation.
struct Change {
  std::string model;
  std::string expectation;  ///< its name
  std::string node;         ///< empty: the whole plan
  std::string
      what;  ///< "verdict", "tier", "fits", "demand", "effective", "decode", "expectation" …
  Effect effect = Effect::other;
  std::string before;  ///< in words
  std::string after;
  std::optional<std::int64_t> before_bytes;
  std::optional<std::int64_t> after_bytes;
  std::optional<double> before_rate;  ///< tokens a second
  std::optional<double> after_rate;
  std::string text;  ///< "node-2: 101.2 → 117.9 GB, crosses 115.4"
};

struct CheckedFile {
  std::string path;
  std::string model;  ///< id, or empty where it could not be read
  bool readable = true;
  bool gone = false;  ///< checked for the baseline, no longer among the files: no check of its own
  std::vector<Finding> findings;  ///< in the order of lines
  std::vector<ExpectationResult> expectations;
};

struct CheckReport {
  std::vector<CheckedFile> files;
  std::vector<Change> changes;  ///< against a baseline
  bool has_baseline = false;
  std::string catalog_version;

  /// Files that were checked.
  [[nodiscard]] std::size_t checked() const;
  [[nodiscard]] std::size_t count(Severity severity) const;
  [[nodiscard]] std::size_t unreadable() const;
  [[nodiscard]] std::size_t silenced() const;
};

/// A file to check.
struct CheckInput {
  std::string path;  ///< as reports show it
  std::string text;
  std::optional<Error> unreadable;  ///< why there is no text
  std::string catalog_name;         ///< in a catalog's folder: the id that the file's name demands
  model::ManifestResolver resolve;  ///< reads what `from` names; empty: not from here
};

struct CheckSources {
  hardware::Catalog hardware;
  std::string catalog_version = "embedded";
  std::shared_ptr<const speed::Calibration> calibration;  ///< null: the embedded one
  runtime::Catalog runtimes = {};
  /// The text of a published config.json by the name "org--Name", or none; empty: there are none.
  std::function<std::optional<std::string>(const std::string& name)> config;
};

/// Checks all files; those of one call are one set, in which no name may stand for two models.
[[nodiscard]] CheckReport check(const std::vector<CheckInput>& files, const CheckSources& sources);

/// Which changes against a baseline make a check fail.
struct FailOn {
  bool worse = false;    ///< what got worse, and what is gone
  bool changed = false;  ///< every change
  bool removed = false;  ///< what is gone
  [[nodiscard]] bool fails(Effect effect) const noexcept;
};
/// "worse", "changed", "removed" or several joined by commas. Throws Error naming them.
[[nodiscard]] FailOn parse_fail_on(std::string_view text);

/// Adds to a report what has changed since an earlier one, given as `macfit check --format json`
/// printed it: `changes`, and a finding at each expectation concerned, an error where `fail_on`
/// has it, else a note. Throws Error where the text is not such a report.
void compare_with_baseline(CheckReport& report, std::string_view earlier,
                           const FailOn& fail_on = {});

/// Makes notes of the findings that a macfit.silence/1 text names, with its reasons. Returns those
/// of its entries that met none. Throws Error naming the place of a bad entry.
[[nodiscard]] std::vector<std::string> silence(CheckReport& report, std::string_view text);

}  // namespace macfit::study
