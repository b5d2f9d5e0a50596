// How tensor parallelism cuts each tensor, rank by rank, and when it refuses.

#include "macfit/model/tensor_split.hpp"

#include <array>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/model/tensors.hpp"

namespace macfit::model {
namespace {

constexpr std::array<std::string_view, 5> rule_names = {"heads", "kv-heads", "rows", "columns",
                                                        "group"};

class Cutter {
 public:
  Cutter(const Architecture& architecture, const Recipe& recipe, std::int64_t ranks)
      : architecture_(architecture), recipe_(recipe), ranks_(ranks) {}

  /// Refuses heads of this kind of layer that the ranks don't divide.
  void check_heads(const Block& block) {
    block_ = &block;
    if (block.attention) {
      heads(SplitRule::heads, "query heads", block.attention->heads);
      if (rank_kv_heads(architecture_, *block.attention, ranks_) == 0) {
        refuse_heads(SplitRule::kv_heads, "key-value heads", block.attention->kv_heads);
      }
    }
    if (block.latent) {
      heads(SplitRule::heads, "query heads", block.latent->heads);
    }
    if (block.compressed) {
      heads(SplitRule::heads, "query heads", block.compressed->heads);
      heads(SplitRule::rows, "output groups", block.compressed->output_groups);
    }
    if (block.delta_net) {
      heads(SplitRule::heads, "value heads", block.delta_net->value_heads);
      heads(SplitRule::kv_heads, "key heads", block.delta_net->key_heads);
    }
    if (block.kimi_delta) {
      heads(SplitRule::heads, "heads", block.kimi_delta->heads);
    }
    if (block.mamba2) {
      heads(SplitRule::heads, "heads", block.mamba2->heads);
      heads(SplitRule::kv_heads, "state groups", block.mamba2->groups);
    }
    if (block.lightning) {
      heads(SplitRule::heads, "heads", block.lightning->heads);
    }
  }

  /// Bytes of one rank's part of a tensor; refusals are noted once for each kind of layer.
  Bytes part(const Block& block, const Tensor& tensor, std::size_t layer, bool note) {
    block_ = &block;
    const std::size_t layers = architecture_.layers.size();
    if (tensor.cut == Cut::replicated) {
      return tensor_bytes(recipe_, tensor, layer, layers);
    }
    Tensor mine = tensor;
    switch (tensor.cut) {
      case Cut::rows:
        cut_rows(block, tensor, mine, note);
        break;
      case Cut::columns:
        cut_columns(tensor, mine, format_of(recipe_, tensor, layer, layers), note);
        break;
      case Cut::stack:
        if (divides(SplitRule::rows, tensor, "matrices", tensor.stack, note)) {
          mine.stack /= ranks_;
        }
        break;
      case Cut::replicated:
        break;
    }
    return tensor_bytes(recipe_, mine, layer, layers);
  }

  [[nodiscard]] std::vector<SplitRefusal> take() { return std::move(refusals_); }

 private:
  void heads(SplitRule rule, std::string_view what, std::int64_t count) {
    if (count % ranks_ != 0) {
      refuse_heads(rule, what, count);
    }
  }
  void refuse_heads(SplitRule rule, std::string_view what, std::int64_t count) {
    refusals_.push_back({rule, block_->name, "", count, ranks_,
                         fmt::format("{} {} don't divide over {} ranks", count, what, ranks_)});
  }
  bool divides(SplitRule rule, const Tensor& tensor, std::string_view what, std::int64_t size,
               bool note) {
    if (size % ranks_ == 0) {
      return true;
    }
    if (note) {
      refusals_.push_back(
          {rule, block_->name, tensor.name, size, ranks_,
           fmt::format("{} {} of {} don't divide over {} ranks", size, what, tensor.name, ranks_)});
    }
    return false;
  }
  void cut_rows(const Block& block, const Tensor& tensor, Tensor& mine, bool note) {
    const bool key_or_value =
        tensor.name.starts_with("self_attn.k_proj") || tensor.name.starts_with("self_attn.v_proj");
    if (block.attention && key_or_value && ranks_ > block.attention->kv_heads &&
        rank_kv_heads(architecture_, *block.attention, ranks_) == 1) {
      mine.rows = tensor.rows / block.attention->kv_heads;  // one head, repeated on some ranks
      return;
    }
    if (divides(SplitRule::rows, tensor, "outputs", tensor.rows, note)) {
      mine.rows /= ranks_;
    }
  }
  void cut_columns(const Tensor& tensor, Tensor& mine, const std::optional<WeightFormat>& format,
                   bool note) {
    if (!divides(SplitRule::columns, tensor, "inputs", tensor.columns, note)) {
      return;
    }
    const std::int64_t columns = tensor.columns / ranks_;
    if (format && format->group > 0 && columns % format->group != 0) {
      if (note) {
        refusals_.push_back(
            {SplitRule::group, block_->name, tensor.name, columns, format->group,
             fmt::format("{} inputs of {} leave {} on each of {} ranks, which groups of {} don't "
                         "divide",
                         tensor.columns, tensor.name, columns, ranks_, format->group)});
      }
      return;
    }
    mine.columns = columns;
  }

  const Architecture& architecture_;
  const Recipe& recipe_;
  std::int64_t ranks_;
  const Block* block_ = nullptr;
  std::vector<SplitRefusal> refusals_;
};

void check_ranks(std::int64_t ranks) {
  if (ranks < 1) {
    throw Error(fmt::format("a tensor split has at least one rank, found {}", ranks));
  }
}

}  // namespace

std::string_view split_rule_name(SplitRule rule) noexcept {
  return rule_names[static_cast<std::size_t>(rule)];
}

Bytes RankWeights::total() const {
  Bytes sum = global;
  for (const Bytes layer : layers) {
    sum += layer;
  }
  return sum;
}

bool repeats_kv_heads(const Architecture& architecture) {
  return architecture.type.starts_with("qwen3_5");
}

std::int64_t rank_kv_heads(const Architecture& architecture, const Attention& attention,
                           std::int64_t ranks) {
  if (attention.kv_heads % ranks == 0) {
    return attention.kv_heads / ranks;
  }
  if (repeats_kv_heads(architecture) && ranks % attention.kv_heads == 0) {
    return 1;
  }
  return 0;
}

TensorSplit tensor_split(const Architecture& architecture, const Recipe& recipe,
                         std::int64_t ranks) {
  check_ranks(ranks);
  RankWeights rank;
  Cutter cutter(architecture, recipe, ranks);
  for (const Tensor& t : global_tensors(architecture)) {
    rank.global += tensor_bytes(recipe, t, 0, architecture.layers.size());
  }
  rank.replicated = rank.global;
  std::vector<std::vector<Tensor>> tensors;
  for (const Block& block : architecture.blocks) {
    cutter.check_heads(block);
    tensors.push_back(block_tensors(architecture, block));
  }
  std::vector<bool> seen(architecture.blocks.size(), false);
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    const std::size_t index = architecture.layers[i];
    Bytes layer;
    for (const Tensor& t : tensors[index]) {
      const Bytes part = cutter.part(architecture.blocks[index], t, i, !seen[index]);
      layer += part;
      if (t.cut == Cut::replicated) {
        rank.replicated += part;
      }
    }
    seen[index] = true;
    rank.layers.push_back(layer);
  }
  TensorSplit split;
  split.refusals = cutter.take();
  if (split.refusals.empty()) {
    split.rank = std::move(rank);
  }
  return split;
}

std::optional<SplitRefusal> first_refusal(const Architecture& architecture, const Recipe& recipe,
                                          std::int64_t ranks) {
  check_ranks(ranks);
  Cutter cutter(architecture, recipe, ranks);
  for (const Block& block : architecture.blocks) {
    cutter.check_heads(block);
  }
  std::vector<SplitRefusal> refusals = cutter.take();
  std::vector<bool> seen(architecture.blocks.size(), false);
  for (std::size_t i = 0; i < architecture.layers.size() && refusals.empty(); ++i) {
    const std::size_t index = architecture.layers[i];
    if (!seen[index]) {  // layers of a kind are refused alike
      seen[index] = true;
      for (const Tensor& t : block_tensors(architecture, architecture.blocks[index])) {
        (void)cutter.part(architecture.blocks[index], t, i, true);
      }
      refusals = cutter.take();
    }
  }
  return refusals.empty() ? std::nullopt : std::optional(std::move(refusals.front()));
}

std::optional<Bytes> tensor_rank_bytes(const Architecture& architecture, const Recipe& recipe,
                                       std::int64_t ranks) {
  if (first_refusal(architecture, recipe, ranks)) {
    return std::nullopt;
  }
  const TensorSplit split = tensor_split(architecture, recipe, ranks);
  return split.rank ? std::optional(split.rank->total()) : std::nullopt;
}

}  // namespace macfit::model
