#include "macfit/read/gguf_file.hpp"

#include "header_bytes.hpp"
#include "macfit/core/error.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/read/read_model.hpp"
#include "macfit/runtime/catalog.hpp"
#include "scratch_folder.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;
using macfit::test::contains;
using macfit::test::GgufBytes;
using macfit::test::read_gguf;
using macfit::test::Writer;

namespace {

/// Shapes of Llama 3.1 8B.
GgufBytes llama() {
  GgufBytes g;
  g.text("general.architecture", "llama").u32("general.file_type", 15).u32("llama.block_count", 32);
  g.u32("llama.embedding_length", 4096).u32("llama.attention.head_count", 32);
  g.u32("llama.attention.head_count_kv", 8).u32("llama.feed_forward_length", 14336);
  g.u32("llama.context_length", 131072).u32("llama.vocab_size", 128256);
  g.u32("llama.attention.key_length", 128).u32("llama.attention.value_length", 128);
  return g;
}

Architecture llama_shape() {
  return architecture_from_gguf_shape(
      R"({"arch":"llama","n_layer":32,"n_embd":4096,"n_head":32,"n_head_kv":8,"head_dim":128,
          "n_ff":14336,"n_vocab":128256,"n_ctx_train":131072,"rope_freqs":64})");
}

/// One tensor, to stand after what a test is about.
GgufBytes small() {
  GgufBytes g;
  g.text("general.architecture", "x");
  return g;
}

}  // namespace

TEST_CASE("gguf file: a model without its data gives shapes and exact bytes", "[read]") {
  const std::string bytes = llama().tensors(llama_shape(), "Q4_K_M").bytes();
  const GgufHeader header = read_gguf(bytes);
  CHECK(header.version == 3);
  CHECK_FALSE(header.has_data);
  CHECK(header.tensors.size() == 292);
  const Model m = gguf_model(header, "llama");
  CHECK(m.architecture == llama_shape());
  REQUIRE(m.stored);
  CHECK(m.stored->total().count() == 4'912'898'304);
  CHECK(m.stored->format == "Q4_K_M");
  CHECK(m.stored->layers.size() == 32);
  CHECK(m.notes.empty());
  // Layer by layer as the mixture's rules have it.
  Recipe recipe;
  recipe.name = "Q4_K_M";
  recipe.kind = Recipe::Kind::gguf;
  const WeightLayout computed = gguf_weight_layout(llama_shape(), recipe);
  for (std::size_t i = 0; i < 32; ++i) {
    CHECK(m.stored->layers[i] == computed.layers[i]);
  }
  CHECK(m.stored->by_class == computed.by_class);
  CHECK(m.stored->embedding == computed.embedding);
}

TEST_CASE("gguf file: families come back as they went in", "[read]") {
  struct Fact {
    const char* shape;
    const char* mixture;
  };
  // The same shapes in both vocabularies, tensors included.
  const Fact facts[] = {
      {R"({"arch":"gemma3","n_layer":12,"n_embd":512,"n_head":8,"n_head_kv":4,"head_dim":64,
           "n_ff":1024,"n_vocab":1000,"n_swa":128,"swa_pattern":6,"tied":true})",
       "Q4_K_M"},
      {R"({"arch":"qwen3moe","n_layer":4,"n_embd":512,"n_head":8,"n_head_kv":4,"head_dim":64,
           "n_ff":1024,"n_vocab":1000,"n_expert":16,"n_expert_used":4,"n_ff_exp":256})",
       "Q3_K_M"},
      {R"({"arch":"glm4moe","n_layer":5,"n_nextn":1,"n_embd":512,"n_head":8,"n_head_kv":4,
           "head_dim":64,"n_ff":1024,"n_vocab":1000,"n_expert":16,"n_expert_used":4,
           "n_expert_shared":1,"n_ff_exp":256,"dense_lead":1,"qk_norm":false})",
       "Q8_0"},
      {R"({"arch":"deepseek2","n_layer":4,"n_embd":512,"n_head":8,"n_head_kv":1,"key_length":192,
           "value_length":128,"key_length_mla":96,"value_length_mla":64,"q_lora":256,"kv_lora":128,
           "n_rot":64,"n_ff":1024,"n_vocab":1000,"n_expert":16,"n_expert_used":4,
           "n_expert_shared":1,"n_ff_exp":256,"dense_lead":1,"gating":2})",
       "Q6_K"},
      {R"({"arch":"qwen3next","n_layer":8,"n_embd":512,"n_head":8,"n_head_kv":2,"head_dim":64,
           "n_ff":1024,"n_vocab":1000,"n_expert":16,"n_expert_used":4,"n_ff_exp":256,
           "n_ff_shexp":256,"ssm_conv":4,"ssm_state":32,"ssm_groups":4,"ssm_dt_rank":8,
           "ssm_inner":256,"full_interval":4})",
       "IQ4_XS"},
      {R"({"arch":"gpt-oss","n_layer":4,"n_embd":512,"n_head":8,"n_head_kv":4,"head_dim":64,
           "n_ff":512,"n_vocab":1000,"n_swa":128,"n_expert":16,"n_expert_used":4,"n_ff_exp":512})",
       "MXFP4_MOE"},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.shape);
    const Architecture a = architecture_from_gguf_shape(fact.shape);
    GgufBytes g;
    const std::string arch = gguf_architecture(a);
    g.text("general.architecture", arch);
    const std::string text(fact.shape);
    const auto number = [&](const char* key, const std::string& to) {
      const auto at = text.find("\"" + std::string(key) + "\":");
      if (at != std::string::npos) {
        g.u32(arch + "." + to,
              static_cast<std::uint32_t>(std::stoul(text.substr(text.find(':', at) + 1))));
      }
    };
    number("n_layer", "block_count");
    number("n_nextn", "nextn_predict_layers");
    number("n_embd", "embedding_length");
    number("n_head", "attention.head_count");
    number("n_head_kv", "attention.head_count_kv");
    number("head_dim", "attention.key_length");
    number("key_length", "attention.key_length");
    number("value_length", "attention.value_length");
    number("key_length_mla", "attention.key_length_mla");
    number("value_length_mla", "attention.value_length_mla");
    number("q_lora", "attention.q_lora_rank");
    number("kv_lora", "attention.kv_lora_rank");
    number("n_rot", "rope.dimension_count");
    number("n_ff", "feed_forward_length");
    number("n_swa", "attention.sliding_window");
    number("n_expert", "expert_count");
    number("n_expert_used", "expert_used_count");
    number("n_expert_shared", "expert_shared_count");
    number("n_ff_exp", "expert_feed_forward_length");
    number("dense_lead", "leading_dense_block_count");
    number("gating", "expert_gating_func");
    number("ssm_conv", "ssm.conv_kernel");
    number("ssm_state", "ssm.state_size");
    number("ssm_groups", "ssm.group_count");
    number("ssm_dt_rank", "ssm.time_step_rank");
    number("ssm_inner", "ssm.inner_size");
    const GgufHeader header = read_gguf(g.tensors(a, fact.mixture).bytes());
    const Model m = gguf_model(header, "m");
    CHECK(m.architecture == a);
    Recipe recipe;
    recipe.name = fact.mixture;
    const GgufWeights computed = gguf_weights(a, recipe);
    const StoredWeights stored = gguf_stored(header, m.architecture);
    CHECK(stored.mtp == computed.mtp_bytes);
    CHECK(stored.file == computed.file_bytes);
    CHECK(stored.layout.layers == computed.layout.layers);
  }
}

TEST_CASE("gguf file: value types, and what is not needed is skipped", "[read]") {
  GgufBytes g = small();
  g.raw("a.u8", 0, "\x05").raw("a.i8", 1, "\xff").raw("a.i16", 3, std::string("\xfe\xff", 2));
  g.raw("a.i32", 5, Writer().u32(0xfffffffd).bytes).raw("a.f32", 6, Writer().u32(0x3f800000).bytes);
  g.raw("a.bool", 7, "\x01").raw("a.u64", 10, Writer().u64(1ULL << 40).bytes);
  g.raw("a.i64", 11, Writer().u64(~0ULL).bytes).raw("a.f64", 12, Writer().u64(0).bytes);
  g.raw("a.huge", 10, Writer().u64(~0ULL).bytes);
  g.raw("a.strings", 9, Writer().u32(8).u64(2).text("one").text("two").bytes);
  g.raw("a.nested", 9, Writer().u32(9).u64(1).u32(0).u64(2).u8(1).u8(2).bytes);
  g.raw("a.floats", 9, Writer().u32(6).u64(1).u32(0).bytes);
  g.flags("a.flags", {true, false}).u32s("a.list", {7, 8});
  g.tensor("blk.0.x.weight", {4}, GgmlType::f32);
  const GgufHeader h = read_gguf(g.bytes());
  CHECK(h.number("a.u8") == 5);
  CHECK(h.number("a.i8") == -1);
  CHECK(h.number("a.i16") == -2);
  CHECK(h.number("a.i32") == -3);
  CHECK(h.number("a.u64") == 1LL << 40);
  CHECK(h.number("a.i64") == -1);
  CHECK_FALSE(h.number("a.huge"));
  CHECK(std::get<double>(h.metadata.at("a.f32")) == 1.0);
  CHECK(std::get<bool>(h.metadata.at("a.bool")));
  CHECK(h.lengths.at("a.strings") == 2);
  CHECK(std::get<std::vector<std::int64_t>>(h.metadata.at("a.list")) ==
        std::vector<std::int64_t>{7, 8});
  CHECK(std::get<std::vector<std::int64_t>>(h.metadata.at("a.flags")) ==
        std::vector<std::int64_t>{1, 0});

  GgufBytes v2 = small();
  v2.version = 2;
  CHECK(read_gguf(v2.tensor("a", {1}, GgmlType::bf16).bytes()).version == 2);
}

TEST_CASE("gguf file: all types of GGML", "[read]") {
  for (const GgmlTypeInfo& info : ggml_types()) {
    CAPTURE(std::string(info.name));
    const auto block = static_cast<std::uint64_t>(info.block);
    const GgufHeader h =
        read_gguf(small().tensor("a.weight", {2 * block, 3, 2}, info.type).bytes());
    CHECK(h.tensors.front().bytes.count() == 12 * info.block_bytes);
  }
}

TEST_CASE("gguf file: hostile bytes are refused at their place", "[read]") {
  struct Fact {
    std::string bytes;
    std::uint64_t offset;
    const char* text;
  };
  const auto head = [](std::uint64_t tensors, std::uint64_t pairs, std::uint32_t version = 3) {
    Writer w;
    w.bytes = "GGUF";
    w.u32(version).u64(tensors).u64(pairs);
    return w;
  };
  const std::uint64_t huge = std::uint64_t{1} << 63;
  GgufBytes overlap = small();
  overlap.raw_tensor("a", {32}, 0, 0).raw_tensor("b", {32}, 0, 64);
  GgufBytes hole = small();
  hole.raw_tensor("a", {32}, 0, 0).raw_tensor("b", {32}, 0, huge);
  GgufBytes twice = small();
  twice.tensor("a", {32}, GgmlType::f32).tensor("a", {32}, GgmlType::f32);
  GgufBytes cut = small();
  cut.tensor("a", {1000}, GgmlType::f32);
  const std::string cut_header =
      cut.bytes() + std::string(31 - (cut.bytes().size() + 31) % 32, '\0');
  const std::vector<Fact> facts = {
      {"GGML", 0, "not a GGUF file"},
      {"GGU", 0, "not a GGUF file"},
      {"GGUF", 4, "cut off"},
      {head(0, 0, 1).bytes, 4, "version 1"},
      {head(0, 0, 0x03000000).bytes, 4, "big-endian"},
      {head(huge, 0).bytes, 8, "tensors, more than it can hold"},
      {head(0, huge).bytes, 16, "metadata values, more than it can hold"},
      {head(0, 1).bytes + Writer().u64(huge).text("abcdefg").bytes, 24, "length of a metadata key"},
      {head(0, 1).text("k").u32(8).u64(huge).bytes, 37, "length of k is 9223372036854775808"},
      {head(0, 1).text("k").u32(13).bytes + std::string(8, '\0'), 33, "no metadata type"},
      {head(0, 1).text("k").u32(9).u32(4).u64(huge).bytes, 37, "more than the file can hold"},
      {head(0, 1).text("k").u32(9).u32(8).u64(1).u64(huge).bytes, 49, "length of a string"},
      {head(0, 1).text("k").u32(7).u8(2).bytes, 37, "expected a boolean"},
      {head(0, 1).text("").u32(0).u8(2).bytes, 24, "key is empty"},
      {head(0, 2).text("k").u32(0).u8(2).text("k").u32(0).u8(2).bytes, 38, "stands twice"},
      {small().raw_tensor("a", {}, 0, 0).bytes(), 74, "0 dimensions"},
      {small().raw_tensor("a", {1, 1, 1, 1, 1}, 0, 0).bytes(), 74, "5 dimensions"},
      {small().raw_tensor("a", {0}, 0, 0).bytes(), 78, "a size of 0"},
      {small().raw_tensor("a", {huge}, 0, 0).bytes(), 78, "a size of 9223372036854775808"},
      {small().raw_tensor("a", {1ULL << 40, 1ULL << 40}, 0, 0).bytes(), 94, "larger than 2^63"},
      {small().raw_tensor("a", {8}, 99, 0).bytes(), 86, "the type 99"},
      {small().raw_tensor("a", {8}, 12, 0).bytes(), 86, "blocks hold 256"},
      {overlap.bytes(), 123, "overlaps"},
      {hole.bytes(), 123, "expected 128"},
      {twice.bytes(), 131, "stands twice"},
      {small().u32("general.alignment", 24).tensor("a", {8}, GgmlType::f32).bytes(), 98,
       "power of two"},
      {cut_header + std::string(3999, 'x'), cut_header.size() + 3999, "cut off"},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.text);
    try {
      (void)read_gguf(fact.bytes);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK_THAT(error.message(), contains(fact.text));
      CHECK(error.place().offset == fact.offset);
      CHECK(error.place().file == "m.gguf");
    }
  }
  CHECK(read_gguf(cut_header + std::string(4000, 'x')).has_data);
}

TEST_CASE("gguf file: every cut of a header is refused, never read beyond", "[read]") {
  const std::string bytes =
      small().u32s("a.list", {1, 2, 3}).tensor("a", {8}, GgmlType::f32).bytes();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    CHECK_THROWS_AS(read_gguf(bytes.substr(0, n)), Error);
  }
  CHECK_NOTHROW(read_gguf(bytes));
}

TEST_CASE("gguf file: split files", "[read]") {
  const test::ScratchFolder folder;
  GgufBytes first = small();
  first.u16("split.count", 2).u16("split.no", 0).u32("split.tensors.count", 2);
  first.tensor("blk.0.attn_q.weight", {64, 64}, GgmlType::f16);
  GgufBytes second;
  second.u16("split.count", 2).u16("split.no", 1);
  second.tensor("blk.1.attn_q.weight", {64, 64}, GgmlType::f16);
  const auto path = folder.write("m-00001-of-00002.gguf", first.bytes());
  CHECK_THROWS_WITH(read_model(path), contains("m-00002-of-00002.gguf"));
  const auto other = folder.write("m-00002-of-00002.gguf", second.bytes());
  for (const auto& given : {path, other, folder.path()}) {
    const Model m = read_model(given);
    CHECK(m.id == "m");
    REQUIRE(m.stored);
    CHECK(m.stored->layers.size() == 2);
    CHECK(m.stored->total().count() == 2 * 64 * 64 * 2);
    CHECK(m.architecture.layers.empty());
  }
  folder.write("m-00002-of-00002.gguf", first.bytes());
  CHECK_THROWS_WITH(read_model(path), contains("not part 2"));
  const auto renamed = folder.write("m.gguf", first.bytes());
  CHECK_THROWS_WITH(read_model(renamed), contains("one of 2"));
}

TEST_CASE("gguf file: dynamic mixtures and unknown architectures are named as such", "[read]") {
  // Says Q4_K_M, holds Q6_K.
  const Model m = gguf_model(read_gguf(llama().tensors(llama_shape(), "Q6_K").bytes()), "m");
  REQUIRE(m.notes.size() == 1);
  CHECK_THAT(m.notes.front(), contains("not a plain Q4_K_M"));

  GgufBytes g;
  g.text("general.architecture", "novel").tensor("blk.0.foo.weight", {64, 64}, GgmlType::q8_0);
  const Model n = gguf_model(read_gguf(g.bytes()), "n");
  CHECK(n.stored->total().count() == 64 * 64 / 32 * 34);
  CHECK(n.stored->format == "q8_0");
  CHECK_THAT(n.notes.front(), contains("novel"));

  // An architecture that no rule tells of: two layers of 2 KV heads of 32 and one that convolves.
  GgufBytes tomorrow;
  tomorrow.text("general.architecture", "tomorrow");
  tomorrow.u32("tomorrow.block_count", 3).u32("tomorrow.embedding_length", 128);
  tomorrow.u32("tomorrow.attention.head_count", 4).u32("tomorrow.vocab_size", 100);
  tomorrow.u32("tomorrow.shortconv.l_cache", 3);
  tomorrow.tensor("token_embd.weight", {128, 100}, GgmlType::f16);
  for (const char* layer : {"blk.0.", "blk.1."}) {
    tomorrow.tensor(std::string(layer) + "attn_k.weight", {128, 64}, GgmlType::f16);
    tomorrow.tensor(std::string(layer) + "attn_v.weight", {128, 64}, GgmlType::f16);
    tomorrow.tensor(std::string(layer) + "of_tomorrow.weight", {128, 7}, GgmlType::f16);
  }
  tomorrow.tensor("blk.2.shortconv.conv.weight", {3, 128}, GgmlType::f32);
  const Model t = gguf_model(read_gguf(tomorrow.bytes()), "t");
  CHECK(t.evidence == Evidence::estimated);
  CHECK_THAT(t.notes.front(), contains("are an estimate"));
  CHECK(kv_bytes_per_token(t.architecture) == Bytes(2 * 2 * 64 * 2));
  CHECK(kv_state_bytes(t.architecture) == Bytes(4 * 2 * 128));
  CHECK(parameters_of(t).total == 0);  // not told
  CHECK_THROWS_WITH(weights_of(t, parse_recipe("Q4_K_M")), contains("not known"));
  const runtime::Runtime& llama_cpp = runtime::Catalog::embedded().get("llama.cpp");
  CHECK(llama_cpp.runs(t).ok);
  CHECK(llama_cpp.profile(t, *t.default_recipe, runtime::KvFormat::bf16, 1).cache_known);

  GgufBytes clip;
  clip.text("general.architecture", "clip").tensor("v.blk.0.a.weight", {64}, GgmlType::f32);
  CHECK_THROWS_WITH(gguf_model(read_gguf(clip.bytes()), "c"), contains("projector"));
  CHECK_THROWS_WITH(gguf_model(read_gguf(small().bytes()), "c"), contains("no tensors"));
}
