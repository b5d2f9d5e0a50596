// Names of stored tensors in the spellings of checkpoints and GGUF files.

#include "macfit/core/error.hpp"
#include "macfit/read/stored_layout.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;
using macfit::test::contains;

namespace {

struct Fact {
  const char* name;
  int layer;
  TensorClass tensor_class;
  bool replicated;
};

/// Each is of the text model, and what the fact says.
template <std::size_t N>
void check(const Fact (&facts)[N], StoredName (*read)(std::string_view)) {
  for (const Fact& fact : facts) {
    CAPTURE(fact.name);
    const StoredName name = read(fact.name);
    CHECK(name.part == StoredName::Part::text);
    CHECK(name.layer == fact.layer);
    CHECK(tensor_class_name(name.tensor_class) == tensor_class_name(fact.tensor_class));
    CHECK(name.replicated == fact.replicated);
  }
}

}  // namespace

TEST_CASE("stored names: rare spellings of known parts", "[read]") {
  const Fact facts[] = {
      // GPT-2's and DeepSeek's own names outside the layers.
      {"transformer.ln_f.weight", -1, TensorClass::norm, true},
      {"transformer.wte.weight", -1, TensorClass::embedding, true},
      {"embed.weight", -1, TensorClass::embedding, true},
      {"head.weight", -1, TensorClass::head, true},
      {"output.weight", -1, TensorClass::head, true},
      {"gpt_neox.embed_out.weight", -1, TensorClass::head, true},
      {"layers.0.ffn.gate.weight", 0, TensorClass::router, true},
      {"layers.0.gate.weight", 0, TensorClass::router, true},
      // A bias that is added once, after the parts are summed, and one that is cut with its rows.
      {"model.layers.0.self_attn.o_proj.bias", 0, TensorClass::attention, true},
      {"model.layers.0.self_attn.o_proj.weight", 0, TensorClass::attention, false},
      {"model.layers.0.self_attn.q_proj.bias", 0, TensorClass::attention, false},
      {"model.layers.0.mlp.down_proj.bias", 0, TensorClass::dense, true},
      {"model.layers.0.mlp.up_proj.bias", 0, TensorClass::dense, false},
      // A number that follows no word for layers is none.
      {"model.stages.3.scale_in.weight", -1, TensorClass::other, true},
      {"model.layers.norm.weight", -1, TensorClass::norm, true},
  };
  check(facts, stored_name);
  for (const char* name : {"mtp.0.enorm.weight", "model.mtp.layers.0.mlp.up_proj.weight",
                           "nextn.0.mlp.up_proj.weight", "model.mtp_block.mlp.up_proj.weight"}) {
    CAPTURE(name);
    CHECK(stored_name(name).part == StoredName::Part::mtp);
  }
}

TEST_CASE("stored names: parts of GGUF's layers", "[read]") {
  const Fact facts[] = {
      {"token_embd.weight", -1, TensorClass::embedding, true},
      {"output_norm.weight", -1, TensorClass::norm, true},
      {"output.weight", -1, TensorClass::head, true},
      {"rope_freqs.weight", -1, TensorClass::other, true},
      {"blk.7.indexer.attn_q_b.weight", 7, TensorClass::indexer, true},
      {"blk.7.post_ffw_norm_1.weight", 7, TensorClass::norm, true},
      {"blk.7.ssm_a", 7, TensorClass::recurrent, false},
      {"blk.7.attn_output.weight", 7, TensorClass::attention, false},
      {"blk.7.attn_output.bias", 7, TensorClass::attention, true},
      {"blk.7.attn_q.bias", 7, TensorClass::attention, false},
      {"blk.7.ffn_down.weight", 7, TensorClass::dense, false},
      {"blk.7.ffn_down.bias", 7, TensorClass::dense, true},
      {"blk.7.ffn_up.bias", 7, TensorClass::dense, false},
      {"blk.7.ffn_down_exps.bias", 7, TensorClass::experts, true},
      {"blk.7.ffn_up_exps.bias", 7, TensorClass::experts, false},
  };
  check(facts, stored_gguf_name);
  CHECK(stored_gguf_name("mm.0.weight").part == StoredName::Part::tower);
  CHECK(stored_gguf_name("blk.9.nextn.eh_proj.weight").part == StoredName::Part::mtp);
  for (const char* name : {"blk.-1.attn_q.weight", "blk.x.attn_q.weight", "blk..attn_q.weight",
                           "blk.12345.attn_q.weight", "blk.1234567890.attn_q.weight"}) {
    CAPTURE(name);
    CHECK_THROWS_WITH(stored_gguf_name(name), contains("names no layer below 10000"));
  }
}

TEST_CASE("stored names: one spelling for each module", "[read]") {
  const std::pair<const char*, const char*> facts[] = {
      {"attn.q_proj", "self_attn.q_proj"},
      {"attention.q_proj", "self_attn.q_proj"},
      {"ffn.gate", "mlp.gate"},
      {"feed_forward.w1", "mlp.gate_proj"},
      {"feed_forward.w2", "mlp.down_proj"},
      {"feed_forward.w3", "mlp.up_proj"},
      {"block_sparse_moe.experts.3.w2", "mlp.switch_mlp.down_proj"},
      {"block_sparse_moe.experts.3.w3", "mlp.switch_mlp.up_proj"},
      // Parts that stand without the word for the feed-forward part, at the start or further on.
      {"experts.up_proj", "mlp.switch_mlp.up_proj"},
      {"half.experts.up_proj", "half.mlp.switch_mlp.up_proj"},
      {"share_expert.up_proj", "mlp.shared_experts.up_proj"},
      {"half.shared_mlp.up_proj", "half.mlp.shared_experts.up_proj"},
      {"half.router", "half.mlp.gate"},
      {"mlp.gate.proj", "mlp.gate"},
      {"mlp.head.proj", "mlp.head.proj"},
      {"linear.3.weight", "linear.3.weight"},
      {"moe.mlp.up_proj", "mlp.up_proj"},
      {"mixer", "mixer"},
  };
  for (const auto& [from, to] : facts) {
    CAPTURE(from);
    CHECK(canonical_module(from) == to);
  }
}
