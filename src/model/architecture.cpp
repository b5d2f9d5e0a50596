// Holds shapes against themselves: what contradicts itself is refused before anything is computed
// from it.

#include "macfit/model/architecture.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::model {
namespace {

// Above any real model by orders of magnitude; products of a few stay inside 64 bits or throw.
constexpr std::int64_t largest_dimension = std::int64_t{1} << 40;

class Checker {
 public:
  Checker(std::string pointer, std::vector<Error>& errors)
      : pointer_(std::move(pointer)), errors_(&errors) {}

  [[nodiscard]] Checker at(std::string_view key) const {
    return Checker(pointer_join(pointer_, key), *errors_);
  }
  [[nodiscard]] Checker at(std::size_t index) const {
    return Checker(pointer_join(pointer_, index), *errors_);
  }
  void fail(std::string message) const {
    errors_->emplace_back(std::move(message), Place{{}, pointer_, std::nullopt});
  }
  void positive(std::string_view key, std::int64_t value) const {
    if (value < 1 || value > largest_dimension) {
      at(key).fail(fmt::format("expected a positive size, found {}", value));
    }
  }
  void not_negative(std::string_view key, std::int64_t value) const {
    if (value < 0 || value > largest_dimension) {
      at(key).fail(fmt::format("expected 0 or a positive size, found {}", value));
    }
  }
  /// Of what a layer holds several times: few, as each is listed.
  void few(std::string_view key, std::int64_t value) const {
    if (value < 1 || value > 64) {
      at(key).fail(fmt::format("expected 1 to 64, found {}", value));
    }
  }
  void divides(std::string_view key, std::int64_t value, std::string_view by_name,
               std::int64_t by) const {
    if (by > 0 && value % by != 0) {
      at(key).fail(fmt::format("{} is not divisible by {} {}", value, by_name, by));
    }
  }

 private:
  std::string pointer_;
  std::vector<Error>* errors_;
};

void check(const Indexer& i, const Checker& c) {
  c.positive("heads", i.heads);
  c.positive("head_dim", i.head_dim);
}

void check(const Attention& a, const Checker& c) {
  c.positive("heads", a.heads);
  c.positive("kv_heads", a.kv_heads);
  c.positive("head_dim", a.head_dim);
  c.positive("value_dim", a.value_dim);
  c.divides("heads", a.heads, "kv_heads", a.kv_heads);
  c.few("copies", a.copies);
  if (a.indexer) {
    check(*a.indexer, c.at("indexer"));
  }
  if (a.span == Span::full) {
    if (a.window != 0) {
      c.at("window").fail("full attention has no window");
    }
  } else {
    c.positive("window", a.window);
  }
}

void check(const LatentAttention& a, const Checker& c) {
  c.positive("heads", a.heads);
  c.not_negative("query_rank", a.query_rank);
  c.positive("kv_rank", a.kv_rank);
  c.positive("nope_dim", a.nope_dim);
  c.not_negative("rope_dim", a.rope_dim);
  c.positive("value_dim", a.value_dim);
  c.few("copies", a.copies);
  if (a.indexer) {
    check(*a.indexer, c.at("indexer"));
    if (a.query_rank == 0) {
      c.at("indexer").fail("an indexer reads the query's latent, and query_rank is 0");
    }
  }
}

void check(const CompressedAttention& a, const Checker& c) {
  c.positive("heads", a.heads);
  c.positive("head_dim", a.head_dim);
  c.positive("query_rank", a.query_rank);
  c.positive("output_groups", a.output_groups);
  c.positive("output_rank", a.output_rank);
  c.positive("window", a.window);
  c.not_negative("ratio", a.ratio);
  c.divides("heads", a.heads, "output_groups", a.output_groups);
  if (a.indexer) {
    check(*a.indexer, c.at("indexer"));
  }
}

void check(const DeltaNet& d, const Checker& c) {
  c.positive("key_heads", d.key_heads);
  c.positive("value_heads", d.value_heads);
  c.positive("key_dim", d.key_dim);
  c.positive("value_dim", d.value_dim);
  c.positive("kernel", d.kernel);
  c.divides("value_heads", d.value_heads, "key_heads", d.key_heads);
}

void check(const KimiDelta& d, const Checker& c) {
  c.positive("heads", d.heads);
  c.positive("head_dim", d.head_dim);
  c.positive("kernel", d.kernel);
}

void check(const Mamba2& m, const Checker& c) {
  c.positive("heads", m.heads);
  c.positive("head_dim", m.head_dim);
  c.positive("state", m.state);
  c.positive("groups", m.groups);
  c.positive("kernel", m.kernel);
  c.divides("heads", m.heads, "groups", m.groups);
}

void check(const Mamba1& m, const Checker& c) {
  c.positive("inner", m.inner);
  c.positive("state", m.state);
  c.positive("time_rank", m.time_rank);
  c.positive("kernel", m.kernel);
}

void check(const Lightning& l, const Checker& c) {
  c.positive("heads", l.heads);
  c.positive("head_dim", l.head_dim);
}

void check(const ShortConv& s, const Checker& c) { c.positive("kernel", s.kernel); }

void check(const LinearMixer&, const Checker&) {}

void check(const std::vector<Part>& parts, const Checker& c) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Checker here = c.at("parts").at(i);
    here.positive("stack", parts[i].stack);
    here.positive("rows", parts[i].rows);
    here.positive("columns", parts[i].columns);
  }
}

void check_matrices(int matrices, int fewest, const Checker& c) {
  if (matrices < fewest || matrices > 3) {
    c.at("matrices").fail(fmt::format("expected {} to 3, found {}", fewest, matrices));
  }
}

void check(const Dense& d, const Checker& c) {
  c.positive("width", d.width);
  c.few("copies", d.copies);
  check_matrices(d.matrices, 1, c);
}

void check(const Experts& e, const Checker& c) {
  c.positive("count", e.count);
  c.positive("per_token", e.per_token);
  c.positive("width", e.width);
  c.not_negative("shared_width", e.shared_width);
  c.not_negative("idle", e.idle);
  c.not_negative("hash_rows", e.hash_rows);
  c.not_negative("latent", e.latent);
  check_matrices(e.matrices, 2, c);
  if (e.per_token > e.count) {
    c.at("per_token")
        .fail(fmt::format("{} experts a token of {} experts in all", e.per_token, e.count));
  }
}

template <class Piece>
int check_part(const std::optional<Piece>& part, std::string_view key, const Checker& c) {
  if (!part) {
    return 0;
  }
  check(*part, c.at(key));
  return 1;
}

void check(const Block& b, const Checker& c) {
  const int mixers = check_part(b.attention, "attention", c) + check_part(b.latent, "latent", c) +
                     check_part(b.compressed, "compressed", c) +
                     check_part(b.delta_net, "delta_net", c) +
                     check_part(b.kimi_delta, "kimi_delta", c) + check_part(b.mamba2, "mamba2", c) +
                     check_part(b.mamba1, "mamba1", c) + check_part(b.lightning, "lightning", c) +
                     check_part(b.short_conv, "short_conv", c) + check_part(b.linear, "linear", c);
  const bool side_by_side = mixers == 2 && b.attention && b.mamba2;
  if (mixers > 1 && !side_by_side) {
    c.fail(fmt::format("a block has one mixer, found {}", mixers));
  }
  check_part(b.dense, "dense", c);
  check_part(b.experts, "experts", c);
  if (b.norms < 0 || b.norms > 64) {
    c.at("norms").fail(fmt::format("expected 0 to 64 norms, found {}", b.norms));
  }
  check(b.parts, c);
  c.not_negative("state_bytes", b.state_bytes);
  c.not_negative("per_layer_input", b.per_layer_input);
  if (b.streams < 0 || b.streams > 1024) {
    c.at("streams").fail(fmt::format("expected 0 to 1024 streams, found {}", b.streams));
  }
}

}  // namespace

std::vector<Error> contradictions(const Architecture& architecture, const std::string& pointer) {
  std::vector<Error> errors;
  const Checker c(pointer, errors);
  c.positive("hidden", architecture.hidden);
  c.positive("vocabulary", architecture.vocabulary);
  c.not_negative("context", architecture.context);
  c.not_negative("per_layer_vocabulary", architecture.per_layer_vocabulary);
  check(architecture.parts, c);
  if (architecture.blocks.empty()) {
    c.at("blocks").fail("a model has at least one kind of layer");
  }
  if (architecture.layers.empty()) {
    c.at("layers").fail("a model has at least one layer");
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < architecture.blocks.size(); ++i) {
    const Checker here = c.at("blocks").at(i);
    check(architecture.blocks[i], here);
    if (!names.insert(architecture.blocks[i].name).second) {
      here.at("name").fail(
          fmt::format("two blocks are named \"{}\"", printable(architecture.blocks[i].name, 60)));
    }
  }
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    if (architecture.layers[i] >= architecture.blocks.size()) {
      c.at("layers").at(i).fail(
          fmt::format("block {} of {}", architecture.layers[i], architecture.blocks.size()));
    }
  }
  return errors;
}

void validate(const Architecture& architecture, const std::string& pointer) {
  const std::vector<Error> errors = contradictions(architecture, pointer);
  if (!errors.empty()) {
    throw errors.front();
  }
}

bool has_experts(const Architecture& architecture) {
  return std::any_of(architecture.blocks.begin(), architecture.blocks.end(),
                     [](const Block& block) { return block.experts.has_value(); });
}

}  // namespace macfit::model
