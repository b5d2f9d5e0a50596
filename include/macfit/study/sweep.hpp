#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "macfit/plan/plan.hpp"
#include "macfit/study/grid.hpp"

namespace macfit::study {

/// One question of many, answered in figures only. Kept small and reused: a sweep makes millions.
struct SweepRow {
  std::int64_t index = 0;                         ///< in the whole grid, from 0
  std::array<std::string_view, text_axes> asked;  ///< the axes' texts, empty where not given
  std::int64_t prefill_step = 0;
  std::int64_t sequences = 0;
  std::int64_t context = 0;

  plan::Verdict::Kind kind = plan::Verdict::Kind::wont_fit;
  std::size_t workers = 0;
  fit::Tier tier = fit::Tier::not_practical;  ///< said of memory: of none in unsupported, unknown
  bool known = false;   ///< false: could not be planned, see `reason` and `problem`
  bool placed = false;  ///< false: nothing below but `reason` to `problem`
  bool raised = false;
  bool fits = false;
  const runtime::Runtime* runtime = nullptr;
  plan::SplitKind split = plan::SplitKind::independent;
  std::string format;
  std::int64_t weight_bytes = 0;
  std::size_t nodes_used = 0;
  std::size_t fullest = 0;  ///< index of the node
  std::int64_t demand = 0;
  std::int64_t effective = 0;
  double utilization = 0.0;
  std::int64_t max_context = 0;          ///< where a column needs it
  std::int64_t comfortable_context = 0;  ///< likewise
  plan::Speed speed;                     ///< likewise

  std::string reason;   ///< a code that `macfit explain` knows, or empty
  std::string problem;  ///< the same in words, where there are any
  std::size_t nodes = 0;
  std::int64_t ram_bytes = 0;
  std::optional<double> price;  ///< of all machines, US list

  [[nodiscard]] bool has_tier() const { return known && plan::has_tier(kind); }
};

/// Costs that a row has only where a column needs them.
using Needs = plan::Wanted;

/// What a question's values stand for. Called from several threads; throws Error.
struct Resolver {
  struct Model {
    model::Model model;
    model::Recipe recipe;
  };
  struct Cluster {
    hardware::Cluster cluster;
    std::optional<double> price;
  };
  std::function<Model(const std::string& model, const std::string& quant)> model;
  std::function<Cluster(const std::string& nodes, const std::string& macos,
                        const std::string& wired_limit, const std::string& link)>
      cluster;
  std::shared_ptr<const speed::Calibration> calibration;  ///< null: the embedded one
  runtime::Catalog runtimes;
};

/// A model on a cluster under some runtimes, ready for many workloads; or why it can't be.
struct Setting {
  std::vector<plan::Scenario> scenarios;
  std::string reason;  ///< a code: the setting can't be planned (no scenarios), or a defect of it
  std::string problem;
  std::size_t nodes = 0;
  std::int64_t ram_bytes = 0;
  std::optional<double> price;
  plan::Request request;  ///< without a workload of its own
  /// The scenarios unrestricted(), made when a row first needs them. For one thread.
  mutable std::optional<std::vector<plan::Scenario>> free;
  mutable plan::Placement scratch;  ///< its buffers serve row after row; likewise
  mutable plan::Memo memo;          ///< of the scenarios; likewise
};

/// `request.workload.kv` counts; the rest of the workload does not. `speeds`: every row will ask
/// for them. `cluster` as make_scenario() takes it.
[[nodiscard]] Setting make_setting(plan::Request request, std::optional<double> price, bool speeds,
                                   std::shared_ptr<const hardware::Cluster> cluster = {});

/// Fills in everything of a row from `kind` on. Pure; what overflows is a row with a reason.
void answer(const Setting& setting, const runtime::Workload& workload, const plan::Terms& terms,
            Needs needs, SweepRow& row);

/// Answers points of a grid, remembering what the next point is likely to share. One a thread.
class Evaluator {
 public:
  Evaluator(const Grid& grid, const Resolver& resolver, Needs needs);
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) = delete;
  ~Evaluator();

  void evaluate(const Point& point, SweepRow& row);

 private:
  struct Memory;
  const Grid& grid_;
  const Resolver& resolver_;
  Needs needs_;
  std::unique_ptr<Memory> memory_;
};

enum class CellKind : std::uint8_t { text, whole, real, flag, tier };
enum class Better : std::uint8_t { neither, more, less };
enum class Cost : std::uint8_t { none, contexts, speed };

/// A column of a sweep's output. Names are stable; docs/sweep.md lists them.
struct Column {
  std::string_view name;
  CellKind kind = CellKind::text;
  Better better = Better::neither;
  bool standard = true;  ///< shown without --select
  Cost cost = Cost::none;
  std::string_view meaning;
};
[[nodiscard]] const std::vector<Column>& sweep_columns();
/// Adds what a column costs.
void add_need(std::size_t column, Needs& needs);
/// By its name, or "decode", "aggregate", "prefill", "ttft". Throws Error naming the nearest.
[[nodiscard]] std::size_t find_column(std::string_view name);
/// Those shown where none are asked for.
[[nodiscard]] std::vector<std::size_t> standard_columns();
/// "tier,context" as indices; "+price_usd": the usual ones and more; empty text: the usual ones.
[[nodiscard]] std::vector<std::size_t> select_columns(std::string_view text,
                                                      std::vector<std::size_t> usual);

/// Nothing where the figure is not known. Texts live as long as row and grid.
using Cell = std::variant<std::monostate, std::string_view, std::int64_t, double, bool>;
[[nodiscard]] Cell cell(const SweepRow& row, std::size_t column);

/// "tier>=borderline and context>=32k": comparisons that all must hold, joined by `and` or commas.
/// A column of yes and no stands for itself: "fits", "not fits".
class Where {
 public:
  /// Throws Error: unknown column (nearest named), operator or value.
  [[nodiscard]] static Where parse(std::string_view text);
  [[nodiscard]] bool keeps(const SweepRow& row) const;
  [[nodiscard]] bool empty() const { return conditions_.empty(); }
  void add_needs(Needs& needs) const;

 private:
  enum class Operator : std::uint8_t { equal, unequal, less, at_most, more, at_least };
  struct Condition {
    std::size_t column = 0;
    Operator compare = Operator::equal;
    bool none = false;  ///< compared with nothing: "reason="
    std::string text;
    double number = 0.0;
  };
  [[nodiscard]] static std::optional<Condition> parse_flag(std::string_view text);
  [[nodiscard]] static Condition parse_one(std::string_view text);
  std::vector<Condition> conditions_;
};

/// The rows that no other row beats in every column named. Rows without one of the figures, and
/// such as do not fit at the context asked, never count; of equal ones the first is kept.
class Front {
 public:
  /// Throws Error for a column that has no better and worse.
  explicit Front(std::string_view columns);
  void add(const SweepRow& row);
  [[nodiscard]] std::vector<SweepRow> take();  ///< by index
  void add_needs(Needs& needs) const;

 private:
  struct Member {
    std::vector<double> values;  ///< more is better
    SweepRow row;
  };
  std::vector<std::size_t> columns_;
  std::vector<Member> members_;
  std::vector<double> values_;
};

}  // namespace macfit::study
