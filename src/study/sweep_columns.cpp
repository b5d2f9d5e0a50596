#include <algorithm>

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
  node_count,
  ram_bytes,
  price_usd,
  problem,
  row,
};

const std::vector<Column>& columns() {
  using Kind = CellKind;
  static const std::vector<Column> all = {
      {"model", Kind::text, Better::neither, true, false, "as asked"},
      {"quant", Kind::text, Better::neither, true, false, "as asked; empty: the model's default"},
      {"nodes", Kind::text, Better::neither, true, false, "the cluster as asked"},
      {"macos", Kind::text, Better::neither, true, false, "as asked; empty: the newest known"},
      {"wired_limit", Kind::text, Better::neither, true, false, "as asked; empty: macOS's own"},
      {"link", Kind::text, Better::neither, true, false, "as asked; empty: the best by TCP"},
      {"kv", Kind::text, Better::neither, true, false, "cache format"},
      {"runtime_asked", Kind::text, Better::neither, true, false, "as asked"},
      {"split_asked", Kind::text, Better::neither, true, false, "as asked"},
      {"prefill_step", Kind::whole, Better::neither, true, false, "prompt tokens a pass"},
      {"sequences", Kind::whole, Better::more, true, false, "at a time, per replica"},
      {"context", Kind::whole, Better::more, true, false, "tokens a sequence"},
      {"verdict", Kind::text, Better::neither, true, false, "as a plan's; empty: not planned"},
      {"tier", Kind::tier, Better::more, true, false, "of the verdict; empty: not planned"},
      {"runtime", Kind::text, Better::neither, true, false, "that wins"},
      {"split", Kind::text, Better::neither, true, false, "of the winner"},
      {"format", Kind::text, Better::neither, true, false, "weights as the winner stores them"},
      {"replicas", Kind::whole, Better::more, true, false, "side by side"},
      {"nodes_used", Kind::whole, Better::less, true, false, "the others stay idle"},
      {"gpu_limit", Kind::text, Better::neither, true, false, "default (or stated) or raised"},
      {"fits", Kind::flag, Better::neither, true, false, "at the context asked"},
      {"utilization", Kind::real, Better::less, true, false, "of the fullest node"},
      {"demand_bytes", Kind::whole, Better::less, true, false, "of the fullest node"},
      {"effective_bytes", Kind::whole, Better::neither, true, false, "of the fullest node"},
      {"headroom_bytes", Kind::whole, Better::more, true, false, "of the fullest node"},
      {"weight_bytes", Kind::whole, Better::neither, true, false, "of the whole model"},
      {"reason", Kind::text, Better::neither, true, false, "a code for `macfit explain`, or empty"},
      {"fullest_node", Kind::whole, Better::neither, false, false, "counted from 1"},
      {"max_context", Kind::whole, Better::more, false, true, "tokens that every node can hold"},
      {"comfortable_context", Kind::whole, Better::more, false, true,
       "tokens at which every node is comfortable"},
      {"node_count", Kind::whole, Better::less, false, false, "of the cluster"},
      {"ram_bytes", Kind::whole, Better::less, false, false, "of all nodes"},
      {"price_usd", Kind::whole, Better::less, false, false, "of all machines; US list"},
      {"problem", Kind::text, Better::neither, false, false,
       "the reason in words, where it has any"},
      {"row", Kind::whole, Better::neither, false, false, "in the whole grid, from 0"},
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

Cell whole(std::size_t value) { return static_cast<std::int64_t>(value); }

Cell text(std::string_view value) { return value.empty() ? Cell{} : Cell{value}; }

}  // namespace

const std::vector<Column>& sweep_columns() { return columns(); }

std::size_t find_column(std::string_view name) {
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
      return if_placed(row, whole(row.workers));
    case Name::nodes_used:
      return if_placed(row, whole(row.nodes_used));
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
      return if_placed(row, whole(row.fullest + 1));
    case Name::max_context:
      return if_placed(row, row.max_context);
    case Name::comfortable_context:
      return if_placed(row, row.comfortable_context);
    case Name::node_count:
      return row.nodes > 0 ? whole(row.nodes) : Cell{};
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
