#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "macfit/fit/tier.hpp"
#include "macfit/plan/placement.hpp"
#include "macfit/plan/request.hpp"

namespace macfit::plan {

struct Verdict {
  enum class Kind : std::uint8_t {
    independent,
    pipeline,
    tensor,
    wont_fit,     ///< by memory alone: under no placement, whoever would run it, does it load
    unsupported,  ///< memory would do, but no runtime asked for runs it so on these nodes
    unknown,      ///< shapes that a demand needs are not known
  };
  Kind kind = Kind::wont_fit;
  fit::Tier tier = fit::Tier::not_practical;
  std::size_t workers = 0;               ///< replicas
  bool fits = false;                     ///< at the asked context
  std::optional<std::size_t> placement;  ///< index of the winner; none in the last three kinds
  std::optional<std::size_t> nearest;    ///< in the last three: the placement to look at
  std::string headline;                  ///< yes or no, memory and speed: what fits in ten seconds
  std::string summary;                   ///< one sentence on what to run where, or why not
  std::vector<Reason> reasons;

  [[nodiscard]] bool has_tier() const;
};
/// A tier speaks of memory: none where memory is not what lacks, or where nothing is known of it.
[[nodiscard]] constexpr bool has_tier(Verdict::Kind kind) noexcept {
  return kind != Verdict::Kind::unsupported && kind != Verdict::Kind::unknown;
}
inline bool Verdict::has_tier() const { return plan::has_tier(kind); }
/// "borderline", "borderline, only up to 192k" where the asked context does not fit, "" without a
/// tier.
[[nodiscard]] std::string tier_words(const Verdict& verdict, std::int64_t max_context);
/// The longest context at which a verdict's placement fits, in tokens; 0 where there is none.
[[nodiscard]] std::int64_t cap_of(const struct Plan& plan);

/// What `--require` may ask of a verdict.
enum class Requirement : std::uint8_t { loads, fits, comfortable };
/// "comfortable", "fits" (or "borderline"), "loads". Throws Error naming them.
[[nodiscard]] Requirement parse_requirement(std::string_view name);
[[nodiscard]] std::string_view requirement_name(Requirement requirement) noexcept;
[[nodiscard]] bool meets(Requirement requirement, fit::Tier tier, bool fits) noexcept;

/// "two-independent-workers", "pipeline-shard", "two-pipeline-shards", "won't-fit", "unsupported".
[[nodiscard]] std::string verdict_name(Verdict::Kind kind, std::size_t workers);
[[nodiscard]] Verdict::Kind kind_of(SplitKind split) noexcept;

/// Why nothing was placed: memory, the runtimes asked for, or what is not known. `free` are the
/// scenarios unrestricted(). Pure.
[[nodiscard]] Verdict::Kind kind_of_failure(const std::vector<Scenario>& scenarios,
                                            const std::vector<Scenario>& free,
                                            const runtime::Workload& workload, const Terms& terms);
/// Each of them unrestricted(); of a runtime that can't even lay the model out the others' are
/// taken. Empty where nothing restricts a scenario, so that memory alone decides.
[[nodiscard]] std::vector<Scenario> unrestricted_of(const Request& request,
                                                    const std::vector<Scenario>& scenarios);

/// Something to do that lets the plan run, or that raises its tier.
struct Action {
  std::string kind;  ///< "raise-gpu-limit"
  std::string node;  ///< where to do it; empty: nowhere in particular
  std::string command;
  fit::Tier tier = fit::Tier::not_practical;  ///< reached by it
  std::string effect;
};

struct Plan {
  /// What to type next: the command that runs it as far as it fits, the first action where nothing
  /// is placed; "" where macfit knows of nothing that helps.
  [[nodiscard]] std::string next_command() const;

  Request request;
  std::vector<Placement> placements;
  Verdict verdict;
  std::vector<Action> actions;
  std::vector<std::string> notes;
};

/// Answers one request. Pure. Throws Error on requests that make no sense (--layers that do not sum
/// to the model's, an overflow).
[[nodiscard]] Plan make_plan(const Request& request);

/// What of a request sets the terms of its decision.
[[nodiscard]] Terms terms_of(const Request& request);

}  // namespace macfit::plan
