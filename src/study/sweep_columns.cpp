// The columns of a sweep: what each is called, means and holds of a row.

#include <algorithm>
#include <array>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hardware/cluster.hpp"
#include "macfit/study/sweep.hpp"

namespace macfit::study {
namespace {

/// What a row must have for a column to say anything.
enum class Of : std::uint8_t { row, placement };

/// A column with what it holds of a row.
struct Source {
  Column column;
  Of of;
  Cell (*value)(const SweepRow& row);
};

using Row = SweepRow;

std::string_view verdict_word(const SweepRow& row) {
  static const std::vector<std::vector<std::string>> words = [] {
    std::vector<std::vector<std::string>> made(
        static_cast<std::size_t>(plan::Verdict::Kind::unknown) + 1);
    for (std::size_t kind = 0; kind < made.size(); ++kind) {
      for (std::size_t workers = 0; workers <= hardware::max_nodes; ++workers) {
        made[kind].push_back(plan::verdict_name(static_cast<plan::Verdict::Kind>(kind), workers));
      }
    }
    return made;
  }();
  return words[static_cast<std::size_t>(row.kind)][std::min(row.workers, hardware::max_nodes)];
}

Cell count(std::size_t value) { return static_cast<std::int64_t>(value); }

Cell figure(const std::optional<speed::Estimate>& estimate) {
  return estimate ? Cell{estimate->value} : Cell{};
}

Cell text(std::string_view value) { return value.empty() ? Cell{} : Cell{value}; }

/// What was asked for on an axis of texts.
template <std::size_t axis>
Cell asked(const Row& row) {
  static_assert(axis < text_axes);
  return text(row.asked[axis]);
}

const std::vector<Source>& table() {
  using Kind = CellKind;
  static const std::vector<Source> all = {
      {{"model", Kind::text, Better::neither, true, Cost::none, "as asked"}, Of::row, asked<0>},
      {{"quant", Kind::text, Better::neither, true, Cost::none,
        "as asked; empty: the model's default"},
       Of::row,
       asked<1>},
      {{"nodes", Kind::text, Better::neither, true, Cost::none, "the cluster as asked"},
       Of::row,
       asked<2>},
      {{"macos", Kind::text, Better::neither, true, Cost::none,
        "as asked; empty: the newest known"},
       Of::row,
       asked<3>},
      {{"wired_limit", Kind::text, Better::neither, true, Cost::none,
        "as asked; empty: macOS's own"},
       Of::row,
       asked<4>},
      {{"link", Kind::text, Better::neither, true, Cost::none, "as asked; empty: the best by TCP"},
       Of::row,
       asked<5>},
      {{"kv", Kind::text, Better::neither, true, Cost::none, "cache format"}, Of::row, asked<6>},
      {{"runtime_asked", Kind::text, Better::neither, true, Cost::none, "as asked"},
       Of::row,
       asked<7>},
      {{"split_asked", Kind::text, Better::neither, true, Cost::none, "as asked"},
       Of::row,
       asked<8>},
      {{"prefill_step", Kind::whole, Better::neither, true, Cost::none, "prompt tokens a pass"},
       Of::row,
       [](const Row& row) -> Cell { return row.prefill_step; }},
      {{"sequences", Kind::whole, Better::more, true, Cost::none, "at a time, per replica"},
       Of::row,
       [](const Row& row) -> Cell { return row.sequences; }},
      {{"context", Kind::whole, Better::more, true, Cost::none, "tokens a sequence"},
       Of::row,
       [](const Row& row) -> Cell { return row.context; }},
      {{"verdict", Kind::text, Better::neither, true, Cost::none,
        "as a plan's; empty: not planned"},
       Of::row,
       [](const Row& row) -> Cell { return row.known ? Cell{verdict_word(row)} : Cell{}; }},
      {{"tier", Kind::tier, Better::more, true, Cost::none,
        "of the verdict; empty: unsupported, unknown or not planned"},
       Of::row,
       [](const Row& row) -> Cell {
         return row.has_tier() ? Cell{fit::tier_name(row.tier)} : Cell{};
       }},
      {{"runtime", Kind::text, Better::neither, true, Cost::none, "that wins"},
       Of::placement,
       [](const Row& row) -> Cell { return std::string_view(row.runtime->name()); }},
      {{"runtime_version", Kind::text, Better::neither, true, Cost::none, "the release of it"},
       Of::placement,
       [](const Row& row) -> Cell { return std::string_view(row.runtime->release()); }},
      {{"split", Kind::text, Better::neither, true, Cost::none, "of the winner"},
       Of::placement,
       [](const Row& row) -> Cell { return plan::split_name(row.split); }},
      {{"format", Kind::text, Better::neither, true, Cost::none,
        "weights as the winner stores them"},
       Of::placement,
       [](const Row& row) -> Cell { return std::string_view(row.format); }},
      {{"replicas", Kind::whole, Better::more, true, Cost::none, "side by side"},
       Of::placement,
       [](const Row& row) -> Cell { return count(row.workers); }},
      {{"nodes_used", Kind::whole, Better::less, true, Cost::none, "the others stay idle"},
       Of::placement,
       [](const Row& row) -> Cell { return count(row.nodes_used); }},
      {{"gpu_limit", Kind::text, Better::neither, true, Cost::none,
        "default (or stated) or raised"},
       Of::placement,
       [](const Row& row) -> Cell { return std::string_view(row.raised ? "raised" : "default"); }},
      {{"fits", Kind::flag, Better::neither, true, Cost::none, "at the context asked"},
       Of::row,
       [](const Row& row) -> Cell { return row.known ? Cell{row.fits} : Cell{}; }},
      {{"utilization", Kind::real, Better::less, true, Cost::none, "of the fullest node"},
       Of::placement,
       [](const Row& row) -> Cell { return row.utilization; }},
      {{"demand_bytes", Kind::whole, Better::less, true, Cost::none, "of the fullest node"},
       Of::placement,
       [](const Row& row) -> Cell { return row.demand; }},
      {{"effective_bytes", Kind::whole, Better::neither, true, Cost::none, "of the fullest node"},
       Of::placement,
       [](const Row& row) -> Cell { return row.effective; }},
      {{"headroom_bytes", Kind::whole, Better::more, true, Cost::none, "of the fullest node"},
       Of::placement,
       [](const Row& row) -> Cell { return row.effective - row.demand; }},
      {{"weight_bytes", Kind::whole, Better::neither, true, Cost::none, "of the whole model"},
       Of::placement,
       [](const Row& row) -> Cell { return row.weight_bytes; }},
      {{"reason", Kind::text, Better::neither, true, Cost::none,
        "a code for `macfit explain`, or empty"},
       Of::row,
       [](const Row& row) -> Cell { return text(row.reason); }},
      {{"fullest_node", Kind::whole, Better::neither, false, Cost::none, "counted from 1"},
       Of::placement,
       [](const Row& row) -> Cell { return count(row.fullest + 1); }},
      {{"max_context", Kind::whole, Better::more, false, Cost::contexts,
        "tokens that every node can hold"},
       Of::placement,
       [](const Row& row) -> Cell { return row.max_context; }},
      {{"comfortable_context", Kind::whole, Better::more, false, Cost::contexts,
        "tokens at which every node is comfortable"},
       Of::placement,
       [](const Row& row) -> Cell { return row.comfortable_context; }},
      {{"decode_tokens_per_second", Kind::real, Better::more, false, Cost::speed,
        "of one sequence, at the end of the context"},
       Of::placement,
       [](const Row& row) -> Cell { return figure(row.speed.decode); }},
      {{"decode_low", Kind::real, Better::more, false, Cost::speed, "lower end of its interval"},
       Of::placement,
       [](const Row& row) -> Cell {
         return row.speed.decode ? Cell{row.speed.decode->low} : Cell{};
       }},
      {{"decode_high", Kind::real, Better::more, false, Cost::speed, "upper end"},
       Of::placement,
       [](const Row& row) -> Cell {
         return row.speed.decode ? Cell{row.speed.decode->high} : Cell{};
       }},
      {{"aggregate_decode_tokens_per_second", Kind::real, Better::more, false, Cost::speed,
        "of all sequences of all replicas"},
       Of::placement,
       [](const Row& row) -> Cell { return figure(row.speed.aggregate); }},
      {{"short_decode_tokens_per_second", Kind::real, Better::more, false, Cost::speed,
        "of one sequence, 512 tokens long"},
       Of::placement,
       [](const Row& row) -> Cell { return figure(row.speed.short_decode); }},
      {{"prefill_tokens_per_second", Kind::real, Better::more, false, Cost::speed,
        "prompt of one sequence"},
       Of::placement,
       [](const Row& row) -> Cell { return figure(row.speed.prefill); }},
      {{"time_to_first_token_seconds", Kind::real, Better::less, false, Cost::speed,
        "prompts of all sequences"},
       Of::placement,
       [](const Row& row) -> Cell { return figure(row.speed.time_to_first_token); }},
      {{"speed_evidence", Kind::text, Better::neither, false, Cost::speed, "of decode"},
       Of::placement,
       [](const Row& row) -> Cell {
         return row.speed.decode ? Cell{evidence_name(row.speed.decode->evidence)} : Cell{};
       }},
      {{"node_count", Kind::whole, Better::less, false, Cost::none, "of the cluster"},
       Of::row,
       [](const Row& row) -> Cell { return row.nodes > 0 ? count(row.nodes) : Cell{}; }},
      {{"ram_bytes", Kind::whole, Better::less, false, Cost::none, "of all nodes"},
       Of::row,
       [](const Row& row) -> Cell { return row.nodes > 0 ? Cell{row.ram_bytes} : Cell{}; }},
      {{"price_usd", Kind::whole, Better::less, false, Cost::none, "of all machines; US list"},
       Of::row,
       [](const Row& row) -> Cell {
         return row.price ? Cell{static_cast<std::int64_t>(*row.price)} : Cell{};
       }},
      {{"problem", Kind::text, Better::neither, false, Cost::none,
        "the reason in words, where it has any"},
       Of::row,
       [](const Row& row) -> Cell { return text(row.problem); }},
      {{"row", Kind::whole, Better::neither, false, Cost::none, "in the whole grid, from 0"},
       Of::row,
       [](const Row& row) -> Cell { return row.index; }},
  };
  return all;
}

const std::vector<Column>& columns() {
  static const std::vector<Column> all = [] {
    std::vector<Column> made;
    for (const Source& source : table()) {
      made.push_back(source.column);
    }
    return made;
  }();
  return all;
}

}  // namespace

const std::vector<Column>& sweep_columns() { return columns(); }

void add_need(std::size_t column, Needs& needs) {
  needs.contexts = needs.contexts || columns()[column].cost == Cost::contexts;
  needs.speed = needs.speed || columns()[column].cost == Cost::speed;
}

std::size_t find_column(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> short_names = {
      {{"decode", "decode_tokens_per_second"},
       {"aggregate", "aggregate_decode_tokens_per_second"},
       {"short", "short_decode_tokens_per_second"},
       {"prefill", "prefill_tokens_per_second"},
       {"ttft", "time_to_first_token_seconds"}}};
  for (const auto& [brief, whole] : short_names) {
    if (same_name(brief, name)) {
      name = whole;
    }
  }
  std::vector<std::string> known;
  for (std::size_t i = 0; i < columns().size(); ++i) {
    if (same_name(columns()[i].name, name)) {
      return i;
    }
    known.emplace_back(columns()[i].name);
  }
  throw unknown_name("column", name, known, {}, "known are " + join_words(known));
}

std::vector<std::size_t> standard_columns() {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < columns().size(); ++i) {
    if (columns()[i].standard) {
      chosen.push_back(i);
    }
  }
  return chosen;
}

std::vector<std::size_t> select_columns(std::string_view text, std::vector<std::size_t> usual) {
  text = trim(text);
  const bool more = !text.empty() && text.front() == '+';
  std::vector<std::size_t> chosen;
  if (text.empty() || more) {
    chosen = std::move(usual);
  }
  if (more) {
    text.remove_prefix(1);
  }
  if (text.empty() && !more) {
    return chosen;
  }
  for (std::string_view name : macfit::split(text, ',')) {
    name = trim(name);
    // "+a,+b" is as clear as "+a,b".
    const std::size_t column =
        find_column(more && !name.empty() && name.front() == '+' ? name.substr(1) : name);
    if (!more || std::find(chosen.begin(), chosen.end(), column) == chosen.end()) {
      chosen.push_back(column);
    }
  }
  return chosen;
}

Cell cell(const SweepRow& row, std::size_t column) {
  const Source& source = table()[column];
  return source.of == Of::row || row.placed ? source.value(row) : Cell{};
}

}  // namespace macfit::study
