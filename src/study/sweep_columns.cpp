#include <algorithm>
#include <array>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hardware/cluster.hpp"
#include "macfit/study/sweep.hpp"

namespace macfit::study {
namespace {

/// In the order of sweep_columns().
enum class Name : std::uint8_t {
  model,
  quant,
  nodes,
  macos,
  wired_limit,
  link,
  kv,
  runtime_asked,
  split_asked,
  prefill_step,
  sequences,
  context,
  verdict,
  tier,
  runtime,
  split,
  format,
  replicas,
  nodes_used,
  gpu_limit,
  fits,
  utilization,
  demand_bytes,
  effective_bytes,
  headroom_bytes,
  weight_bytes,
  reason,
  fullest_node,
  max_context,
  comfortable_context,
  decode,
  decode_low,
  decode_high,
  aggregate,
  prefill,
  time_to_first_token,
  speed_evidence,
  node_count,
  ram_bytes,
  price_usd,
  problem,
  row,
};

const std::vector<Column>& columns() {
  using Kind = CellKind;
  static const std::vector<Column> all = {
      {"model", Kind::text, Better::neither, true, Cost::none, "as asked"},
      {"quant", Kind::text, Better::neither, true, Cost::none,
       "as asked; empty: the model's default"},
      {"nodes", Kind::text, Better::neither, true, Cost::none, "the cluster as asked"},
      {"macos", Kind::text, Better::neither, true, Cost::none, "as asked; empty: the newest known"},
      {"wired_limit", Kind::text, Better::neither, true, Cost::none,
       "as asked; empty: macOS's own"},
      {"link", Kind::text, Better::neither, true, Cost::none, "as asked; empty: the best by TCP"},
      {"kv", Kind::text, Better::neither, true, Cost::none, "cache format"},
      {"runtime_asked", Kind::text, Better::neither, true, Cost::none, "as asked"},
      {"split_asked", Kind::text, Better::neither, true, Cost::none, "as asked"},
      {"prefill_step", Kind::whole, Better::neither, true, Cost::none, "prompt tokens a pass"},
      {"sequences", Kind::whole, Better::more, true, Cost::none, "at a time, per replica"},
      {"context", Kind::whole, Better::more, true, Cost::none, "tokens a sequence"},
      {"verdict", Kind::text, Better::neither, true, Cost::none, "as a plan's; empty: not planned"},
      {"tier", Kind::tier, Better::more, true, Cost::none, "of the verdict; empty: not planned"},
      {"runtime", Kind::text, Better::neither, true, Cost::none, "that wins"},
      {"split", Kind::text, Better::neither, true, Cost::none, "of the winner"},
      {"format", Kind::text, Better::neither, true, Cost::none,
       "weights as the winner stores them"},
      {"replicas", Kind::whole, Better::more, true, Cost::none, "side by side"},
      {"nodes_used", Kind::whole, Better::less, true, Cost::none, "the others stay idle"},
      {"gpu_limit", Kind::text, Better::neither, true, Cost::none, "default (or stated) or raised"},
      {"fits", Kind::flag, Better::neither, true, Cost::none, "at the context asked"},
      {"utilization", Kind::real, Better::less, true, Cost::none, "of the fullest node"},
      {"demand_bytes", Kind::whole, Better::less, true, Cost::none, "of the fullest node"},
      {"effective_bytes", Kind::whole, Better::neither, true, Cost::none, "of the fullest node"},
      {"headroom_bytes", Kind::whole, Better::more, true, Cost::none, "of the fullest node"},
      {"weight_bytes", Kind::whole, Better::neither, true, Cost::none, "of the whole model"},
      {"reason", Kind::text, Better::neither, true, Cost::none,
       "a code for `macfit explain`, or empty"},
      {"fullest_node", Kind::whole, Better::neither, false, Cost::none, "counted from 1"},
      {"max_context", Kind::whole, Better::more, false, Cost::contexts,
       "tokens that every node can hold"},
      {"comfortable_context", Kind::whole, Better::more, false, Cost::contexts,
       "tokens at which every node is comfortable"},
      {"decode_tokens_per_second", Kind::real, Better::more, false, Cost::speed, "of one sequence"},
      {"decode_low", Kind::real, Better::more, false, Cost::speed, "lower end of its interval"},
      {"decode_high", Kind::real, Better::more, false, Cost::speed, "upper end"},
      {"aggregate_decode_tokens_per_second", Kind::real, Better::more, false, Cost::speed,
       "of all sequences of all replicas"},
      {"prefill_tokens_per_second", Kind::real, Better::more, false, Cost::speed,
       "prompt of one sequence"},
      {"time_to_first_token_seconds", Kind::real, Better::less, false, Cost::speed,
       "prompts of all sequences"},
      {"speed_evidence", Kind::text, Better::neither, false, Cost::speed, "of decode"},
      {"node_count", Kind::whole, Better::less, false, Cost::none, "of the cluster"},
      {"ram_bytes", Kind::whole, Better::less, false, Cost::none, "of all nodes"},
      {"price_usd", Kind::whole, Better::less, false, Cost::none, "of all machines; US list"},
      {"problem", Kind::text, Better::neither, false, Cost::none,
       "the reason in words, where it has any"},
      {"row", Kind::whole, Better::neither, false, Cost::none, "in the whole grid, from 0"},
  };
  return all;
}

std::string_view verdict_word(const SweepRow& row) {
  static const std::vector<std::vector<std::string>> words = [] {
    std::vector<std::vector<std::string>> made(4);
    for (std::size_t kind = 0; kind < made.size(); ++kind) {
      for (std::size_t workers = 0; workers <= hardware::max_nodes; ++workers) {
        made[kind].push_back(plan::verdict_name(static_cast<plan::Verdict::Kind>(kind), workers));
      }
    }
    return made;
  }();
  return words[static_cast<std::size_t>(row.kind)][std::min(row.workers, hardware::max_nodes)];
}

Cell if_placed(const SweepRow& row, Cell value) { return row.placed ? value : Cell{}; }

Cell count(std::size_t value) { return static_cast<std::int64_t>(value); }

Cell figure(const std::optional<speed::Estimate>& estimate) {
  return estimate ? Cell{estimate->value} : Cell{};
}

Cell text(std::string_view value) { return value.empty() ? Cell{} : Cell{value}; }

}  // namespace

const std::vector<Column>& sweep_columns() { return columns(); }

void add_need(std::size_t column, Needs& needs) {
  needs.contexts = needs.contexts || columns()[column].cost == Cost::contexts;
  needs.speed = needs.speed || columns()[column].cost == Cost::speed;
}

std::size_t find_column(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> short_names = {
      {{"decode", "decode_tokens_per_second"},
       {"aggregate", "aggregate_decode_tokens_per_second"},
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

std::vector<std::size_t> select_columns(std::string_view text) {
  std::vector<std::size_t> chosen;
  if (trim(text).empty()) {
    for (std::size_t i = 0; i < columns().size(); ++i) {
      if (columns()[i].standard) {
        chosen.push_back(i);
      }
    }
    return chosen;
  }
  for (const std::string_view name : macfit::split(text, ',')) {
    chosen.push_back(find_column(trim(name)));
  }
  return chosen;
}

Cell cell(const SweepRow& row, std::size_t column) {
  if (column < text_axes) {
    return text(row.asked[column]);
  }
  switch (static_cast<Name>(column)) {
    case Name::prefill_step:
      return row.prefill_step;
    case Name::sequences:
      return row.sequences;
    case Name::context:
      return row.context;
    case Name::verdict:
      return row.known ? Cell{verdict_word(row)} : Cell{};
    case Name::tier:
      return row.known ? Cell{fit::tier_name(row.tier)} : Cell{};
    case Name::runtime:
      return if_placed(row, runtime::id_name(row.runtime));
    case Name::split:
      return if_placed(row, plan::split_name(row.split));
    case Name::format:
      return if_placed(row, std::string_view(row.format));
    case Name::replicas:
      return if_placed(row, count(row.workers));
    case Name::nodes_used:
      return if_placed(row, count(row.nodes_used));
    case Name::gpu_limit:
      return if_placed(row, std::string_view(row.raised ? "raised" : "default"));
    case Name::fits:
      return row.known ? Cell{row.fits} : Cell{};
    case Name::utilization:
      return if_placed(row, row.utilization);
    case Name::demand_bytes:
      return if_placed(row, row.demand);
    case Name::effective_bytes:
      return if_placed(row, row.effective);
    case Name::headroom_bytes:
      return if_placed(row, row.effective - row.demand);
    case Name::weight_bytes:
      return if_placed(row, row.weight_bytes);
    case Name::reason:
      return text(row.reason);
    case Name::fullest_node:
      return if_placed(row, count(row.fullest + 1));
    case Name::max_context:
      return if_placed(row, row.max_context);
    case Name::comfortable_context:
      return if_placed(row, row.comfortable_context);
    case Name::decode:
      return if_placed(row, figure(row.speed.decode));
    case Name::decode_low:
      return if_placed(row, row.speed.decode ? Cell{row.speed.decode->low} : Cell{});
    case Name::decode_high:
      return if_placed(row, row.speed.decode ? Cell{row.speed.decode->high} : Cell{});
    case Name::aggregate:
      return if_placed(row, figure(row.speed.aggregate));
    case Name::prefill:
      return if_placed(row, figure(row.speed.prefill));
    case Name::time_to_first_token:
      return if_placed(row, figure(row.speed.time_to_first_token));
    case Name::speed_evidence:
      return if_placed(row,
                       row.speed.decode ? Cell{evidence_name(row.speed.decode->evidence)} : Cell{});
    case Name::node_count:
      return row.nodes > 0 ? count(row.nodes) : Cell{};
    case Name::ram_bytes:
      return row.nodes > 0 ? Cell{row.ram_bytes} : Cell{};
    case Name::price_usd:
      return row.price ? Cell{static_cast<std::int64_t>(*row.price)} : Cell{};
    case Name::problem:
      return text(row.problem);
    case Name::row:
      return row.index;
    default:
      return {};
  }
}

}  // namespace macfit::study
