#include "macfit/read/safetensors.hpp"

#include <filesystem>
#include <sys/stat.h>

#include "header_bytes.hpp"
#include "macfit/core/error.hpp"
#include "macfit/read/read_model.hpp"
#include "scratch_folder.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;
using macfit::test::contains;
using macfit::test::SafetensorsBytes;
using macfit::test::ScratchFolder;

namespace {

SafetensorsHeader header_of(const std::string& bytes) {
  return read_safetensors_header(MemorySource(bytes, "m.safetensors"));
}

/// Two layers, an embedding, a head, a vision tower and an MTP layer.
SafetensorsBytes checkpoint() {
  SafetensorsBytes s;
  s.entry(R"("__metadata__":{"format":"pt"})");
  s.bf16("model.embed_tokens.weight", {100, 8}).bf16("lm_head.weight", {100, 8});
  for (const char* layer : {"model.layers.0.", "model.layers.1."}) {
    const std::string l(layer);
    s.bf16(l + "self_attn.q_proj.weight", {16, 8}).bf16(l + "mlp.gate.weight", {4, 8});
    s.bf16(l + "mlp.experts.0.gate_proj.weight", {16, 8});
    s.bf16(l + "mlp.shared_experts.up_proj.weight", {16, 8});
    s.bf16(l + "input_layernorm.weight", {8});
  }
  s.bf16("model.norm.weight", {8}).bf16("visual.blocks.0.attn.qkv.weight", {30, 10});
  s.bf16("mtp.layers.0.self_attn.q_proj.weight", {16, 8});
  return s;
}

}  // namespace

TEST_CASE("safetensors: bytes by layer, towers and MTP apart", "[read]") {
  const std::string bytes = checkpoint().bytes();
  const SafetensorsHeader h = header_of(bytes);
  CHECK_FALSE(h.has_data);
  const StoredWeights w = safetensors_stored(h.tensors, {});
  CHECK(w.file.count() == static_cast<std::int64_t>(checkpoint().data_bytes()));
  CHECK(w.towers.count() == 600);
  CHECK(w.mtp.count() == 256);
  CHECK(w.layout.embedding.count() == 1600);
  CHECK(w.layout.head.count() == 1600);
  CHECK(w.layout.other_global.count() == 16);
  REQUIRE(w.layout.layers.size() == 2);
  CHECK(w.layout.layers[1].total.count() == 256 + 64 + 256 + 256 + 16);
  CHECK(w.layout.layers[1].experts.count() == 256);
  CHECK(w.layout.layers[1].replicated.count() == 64 + 16);
  CHECK(w.layout.layers[1].largest_tensor.count() == 256);
  CHECK(w.layout.total() + w.towers + w.mtp == w.file);
  CHECK(w.layout.format == "bf16");
}

TEST_CASE("safetensors: names of tensors", "[read]") {
  using Part = StoredName::Part;
  struct Fact {
    const char* name;
    Part part;
    int layer;
    TensorClass c;
  };
  const Fact facts[] = {
      {"model.layers.3.self_attn.q_proj.weight", Part::text, 3, TensorClass::attention},
      {"language_model.model.layers.3.mlp.down_proj.scales", Part::text, 3, TensorClass::dense},
      {"model.language_model.layers.12.linear_attn.in_proj_qkvz.weight", Part::text, 12,
       TensorClass::recurrent},
      {"backbone.layers.7.mixer.in_proj.weight", Part::text, 7, TensorClass::recurrent},
      {"backbone.layers.7.mixer.q_proj.weight", Part::text, 7, TensorClass::attention},
      {"backbone.layers.7.mixer.up_proj.weight", Part::text, 7, TensorClass::dense},
      {"transformer.h.5.attn.c_attn.weight", Part::text, 5, TensorClass::attention},
      {"transformer.h.5.ln_1.weight", Part::text, 5, TensorClass::norm},
      {"model.layers.0.block_sparse_moe.gate.weight", Part::text, 0, TensorClass::router},
      {"model.layers.0.mlp.router.bias", Part::text, 0, TensorClass::router},
      {"model.layers.0.mlp.gate.e_score_correction_bias", Part::text, 0, TensorClass::router},
      {"model.layers.0.mlp.switch_mlp.gate_proj.weight", Part::text, 0, TensorClass::experts},
      {"model.layers.0.block_sparse_moe.experts.7.w1.weight", Part::text, 0, TensorClass::experts},
      {"model.layers.0.mlp.shared_expert_gate.weight", Part::text, 0, TensorClass::shared_experts},
      {"model.layers.0.mlp.gate_proj.weight", Part::text, 0, TensorClass::dense},
      {"model.layers.0.self_attn.indexer.wk.weight", Part::text, 0, TensorClass::indexer},
      {"model.layers.0.self_attn.kv_b_proj.weight", Part::text, 0, TensorClass::attention},
      {"model.layers.0.self_attn.b_proj.weight", Part::text, 0, TensorClass::recurrent},
      {"model.embed_tokens.weight", Part::text, -1, TensorClass::embedding},
      {"model.norm.weight", Part::text, -1, TensorClass::norm},
      {"lm_head.weight", Part::text, -1, TensorClass::head},
      {"model.layers.61.eh_proj.weight", Part::mtp, 61, TensorClass::other},
      {"mtp.fc.weight", Part::mtp, -1, TensorClass::other},
      {"vision_tower.encoder.layers.3.mlp.fc1.weight", Part::tower, -1, TensorClass::other},
      {"model.visual.blocks.3.mlp.fc1.weight", Part::tower, -1, TensorClass::other},
      {"multi_modal_projector.linear_1.weight", Part::tower, -1, TensorClass::other},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.name);
    const StoredName name = stored_name(fact.name);
    CHECK(name.part == fact.part);
    CHECK(name.layer == fact.layer);
    CHECK(std::string(tensor_class_name(name.tensor_class)) ==
          std::string(tensor_class_name(fact.c)));
  }
  CHECK_THROWS_AS(stored_name("model.layers.123456789.x"), Error);
}

TEST_CASE("safetensors: spellings of one module", "[read]") {
  const std::pair<const char*, const char*> facts[] = {
      {"self_attn.q_proj", "self_attn.q_proj"},
      {"block_sparse_moe.gate", "mlp.gate"},
      {"block_sparse_moe.experts.3.w1", "mlp.switch_mlp.gate_proj"},
      {"block_sparse_moe.switch_mlp.down_proj", "mlp.switch_mlp.down_proj"},
      {"mlp.experts.gate_proj", "mlp.switch_mlp.gate_proj"},
      {"experts.switch_glu.up_proj", "mlp.switch_mlp.up_proj"},
      {"router.proj", "mlp.gate"},
      {"mlp.router", "mlp.gate"},
      {"mlp.shared_expert.up_proj", "mlp.shared_experts.up_proj"},
      {"mlp.shared_expert_gate", "mlp.shared_expert_gate"},
      {"mixer.in_proj", "mixer.in_proj"},
      {"mixer.q_proj", "self_attn.q_proj"},
      {"mixer.switch_mlp.fc1", "mlp.switch_mlp.fc1"},
      {"mixer.gate", "mlp.gate"},
  };
  for (const auto& [from, to] : facts) {
    CHECK(canonical_module(from) == to);
  }
}

TEST_CASE("safetensors: hostile headers are refused at their place", "[read]") {
  const auto of = [](std::string_view json) { return SafetensorsBytes::of(json); };
  struct Fact {
    std::string bytes;
    const char* text;
  };
  const Fact facts[] = {
      {"", "shorter than its length"},
      {std::string(8, '\xff'), "header's length"},
      {test::Writer().u64(100'000'001).bytes + "{}", "header's length"},
      {test::Writer().u64(1000).bytes + "{}", "cut off inside its header"},
      {of("[]"), "does not start with"},
      {of("{\"a\":1}"), "unexpected: the number 1"},
      {of("{\"a\":{}}"), "expected dtype, shape and data_offsets"},
      {of(R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}})"), "hold 4 bytes; its shape"},
      {of(R"({"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}})"), "unknown dtype"},
      {of(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,4]}})"), "the number -1"},
      {of(R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,4]}})"), "the number 1.5"},
      {of(R"({"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,4]}})"),
       "a size of"},
      {of(R"({"a":{"dtype":"U8","shape":[281474976710656,281474976710656],"data_offsets":[0,4]}})"),
       "larger than 2^63 bits"},
      {of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}})"), "two offsets"},
      {of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,18446744073709551615]}})"),
       "two offsets"},
      {of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}})"), "two offsets"},
      {of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}})"), "unknown key"},
      {of(R"({"a":{"dtype":"U8","dtype":"U8","data_offsets":[0,4]}})"), "stands twice"},
      {of(R"({"a":{"dtype":{},"shape":[4],"data_offsets":[0,4]}})"), "unexpected: an object"},
      {of(R"({"a":{"dtype":[],"shape":[4],"data_offsets":[0,4]}})"), "unexpected: an array"},
      {of(R"({"a":{"dtype":"U8","shape":[[4]],"data_offsets":[0,4]}})"), "unexpected: an array"},
      {of(R"({"__metadata__":{"a":1}})"), "the number 1"},
      {of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
              "a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})"),
       "stands twice"},
      {of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},
              "b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})"),
       "overlaps"},
      {of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})"), "belong to none"},
      {of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})") + "abc",
       "should hold 4 bytes"},
      {of("{\"a\xff\":1}"), "not valid JSON"},
      {of("{\"a\":"), "not valid JSON"},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.text, fact.bytes);
    try {
      (void)header_of(fact.bytes);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK_THAT(error.message(), contains(fact.text));
      CHECK(error.place().file == "m.safetensors");
      CHECK((error.place().offset || error.place().pointer));
    }
  }
  CHECK(header_of(of(R"({"a":{"dtype":"F4","shape":[4],"data_offsets":[0,2]}})")).tensors.size() ==
        1);
  CHECK(
      header_of(of(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})") + "abcd").has_data);
  CHECK(header_of(of("{}")).tensors.empty());
}

TEST_CASE("safetensors: indexes and folders", "[read]") {
  const ScratchFolder folder;
  SafetensorsBytes one;
  one.bf16("model.layers.0.mlp.up_proj.weight", {8, 8});
  SafetensorsBytes two;
  two.bf16("model.layers.1.mlp.up_proj.weight", {8, 8});
  const auto index =
      folder.write("model.safetensors.index.json",
                   R"({"metadata":{"total_size":256,"x":[1,{"y":null}]},"weight_map":{
          "model.layers.0.mlp.up_proj.weight":"model-00001-of-00002.safetensors",
          "model.layers.1.mlp.up_proj.weight":"model-00002-of-00002.safetensors"}})");
  folder.write("model-00001-of-00002.safetensors", one.bytes());
  CHECK_THROWS_WITH(read_model(folder.path()), contains("model-00002-of-00002.safetensors"));
  folder.write("model-00002-of-00002.safetensors", one.bytes());
  CHECK_THROWS_WITH(read_model(index), contains("which is missing"));
  folder.write("model-00002-of-00002.safetensors", two.bytes());
  for (const auto& path : {folder.path(), index}) {
    const Model m = read_model(path);
    CHECK(m.source == Source::safetensors);
    REQUIRE(m.stored);
    CHECK(m.stored->total().count() == 256);
    CHECK(m.stored->layers.size() == 2);
    CHECK(m.id == folder.path().filename().string());
  }
  const Model single = read_model(folder.path() / "model-00001-of-00002.safetensors");
  CHECK(single.stored->total().count() == 128);

  // An index of another name counts where it is the only one.
  std::filesystem::rename(index, folder.path() / "x.safetensors.index.json");
  folder.write("stray.safetensors", SafetensorsBytes().bf16("model.layers.7.x", {8}).bytes());
  CHECK(read_model(folder.path()).stored->layers.size() == 2);
  folder.write("y.safetensors.index.json", "{}");
  // Of two such indexes none counts: what is loaded is model*.safetensors, as mlx-lm loads it.
  CHECK(read_model(folder.path()).stored->layers.size() == 2);

  CHECK(parse_safetensors_index(R"({"weight_map":{"a":"b"}})").files.at("b").front() == "a");
  CHECK_THROWS_WITH(parse_safetensors_index(R"({"weight_map":{"a":"../b"}})"), contains("beside"));
  CHECK_THROWS_WITH(parse_safetensors_index(R"({"weight_map":{"a":"b","a":"b"}})"),
                    contains("twice"));
  CHECK_THROWS_WITH(parse_safetensors_index(R"({"weight_map":{"a":3}})"), contains("number 3"));
  CHECK_THROWS_WITH(parse_safetensors_index(R"({"weight_map":{"a":{}}})"), contains("an object"));
  CHECK_THROWS_WITH(parse_safetensors_index("{}"), contains("names no tensors"));
  CHECK_THROWS_AS(parse_safetensors_index("[1]"), Error);
}

TEST_CASE("reading a model: what is no model says so", "[read]") {
  const ScratchFolder folder;
  CHECK_THROWS_WITH(read_model(folder.path()), contains("holds no model"));
  CHECK_THROWS_WITH(read_model(folder.path() / "absent"), contains("no such file or folder"));
  CHECK_THROWS_WITH(read_model(folder.write("empty.gguf", "")), contains("the file is empty"));
  CHECK_THROWS_WITH(read_model(folder.write("a.txt", "hello")), contains("expected GGUF"));
  CHECK_THROWS_WITH(read_model(folder.write("a.json", "{}")), contains("expected a manifest"));
  CHECK_THROWS_WITH(read_model(folder.write("b.json", "{\"schema\":\"macfit.plan/1\"}")),
                    contains("macfit.manifest/1"));
  CHECK_THROWS_WITH(read_model(folder.write("c.json", "{\"a\":\"\xff\"}")),
                    contains("not valid JSON"));
  CHECK_THROWS_WITH(read_model(folder.write("d.json", "{\"model_type\":\"nonesuch\"}")),
                    contains("nonesuch"));
  const auto pipe = folder.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THROWS_WITH(read_model(pipe), contains("a pipe"));
  if (std::filesystem::exists("/dev/zero")) {
    CHECK_THROWS_WITH(read_model("/dev/zero"), contains("a device"));
  }
  folder.write("one.gguf", "x");
  folder.write("two.gguf", "x");
  CHECK_THROWS_WITH(read_model(folder.path()), contains("name one of them"));
}

TEST_CASE("safetensors: every malformed header says what is wrong and where", "[read]") {
  const std::vector<std::pair<const char*, const char*>> facts = {
      {R"({"a":{"dtype":{},"shape":[1],"data_offsets":[0,2]}})", "an object"},
      {R"({"a":{"dtype":[],"shape":[1],"data_offsets":[0,2]}})", "an array"},
      {R"({"a":{"dtype":"BF16","shape":[[1]],"data_offsets":[0,2]}})", "an array"},
      {R"({"a":{"dtype":"BF16","shape":["1"],"data_offsets":[0,2]}})", "unexpected: \"1\""},
      {R"({"a":{"dtype":"BF16","shape":[true],"data_offsets":[0,2]}})", "unexpected"},
      {R"({"a":{"dtype":"BF16","shape":[-1],"data_offsets":[0,2]}})", "unexpected"},
      {R"({"a":{"dtype":"BF16","shape":[1.5],"data_offsets":[0,2]}})", "unexpected"},
      {R"({"a":{"dtype":"BF16","shape":null,"data_offsets":[0,2]}})", "unexpected"},
      {R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,2]}})", "number 7"},
      {R"({"a":{"dtype":"BF16","dtype":"BF16","shape":[1],"data_offsets":[0,2]}})", "stands twice"},
      {R"({"a":{"dtype":"BF16","shape":[1]}})", "expected dtype, shape and data_offsets"},
      {R"({"a":{"dtype":"BF16","size":[1]}})", "unknown key"},
      {R"({"a":{"dtype":"QUX","shape":[1],"data_offsets":[0,2]}})", "unknown dtype \"QUX\""},
      {R"({"a":{"dtype":"U8","shape":[562949953421312],"data_offsets":[0,2]}})", "a size of"},
      {R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})",
       "more than 16 numbers"},
      {R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[2,0]}})", "not after the second"},
      {R"({"__metadata__":{"a":"b"},"__metadata__":{}})", "stands twice"},
      {R"({"__metadata__":{"a":[1]}})", "an array"},
      {R"(["a"])", "does not start with"},
      {R"({"a":"b"})", "unexpected: \"b\""},
      {R"({"a":[1]})", "an array"},
      {R"({"a":{"dtype":"BF16","shape":"1","data_offsets":[0,2]}})", "unexpected: \"1\""},
      {R"({"__metadata__":["a"]})", "an array"},
      {R"({"__metadata__":{"a":{}}})", "an object"},
  };
  for (const auto& [header, said] : facts) {
    INFO(header);
    const std::string text(header);
    std::string bytes;
    for (std::size_t i = 0; i < 8; ++i) {
      bytes += static_cast<char>(text.size() >> (8 * i) & 0xFFU);
    }
    CHECK_THROWS_WITH(header_of(bytes + text + std::string(64, '\0')), contains(said));
  }
}

TEST_CASE("safetensors: an index holds what it says and passes over the rest", "[read]") {
  const auto index = parse_safetensors_index(
      R"({"metadata":{"total_size":12,"note":"x","list":[1,-2,3.5,true,null,"s",{"a":[]}]},
          "extra":{"deep":[[1]]},"weight_map":{"a":"b"}})");
  CHECK(index.total_size == Bytes(12));
  CHECK(parse_safetensors_index(R"({"metadata":{"total_size":12.0},"weight_map":{"a":"b"}})")
            .total_size == Bytes(12));
  // A size is one where it stands alone, and no larger than a size can be.
  for (const char* other : {R"("other":{"total_size":12})", R"("metadata":{"size":12})",
                            R"("metadata":{"total_size":9223372036854775808})",
                            R"("metadata":{"total_size":-12})", R"("metadata":{"total_size":5e18})",
                            R"("metadata":{"total_size":-1.5})", R"("metadata":{"size":12.0})",
                            R"("other":{"total_size":12.0})", R"("metadata":{"x":{}})"}) {
    INFO(other);
    CHECK_FALSE(parse_safetensors_index("{" + std::string(other) + R"(,"weight_map":{"a":"b"}})")
                    .total_size);
  }
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  std::string deep_objects;
  for (int i = 0; i < 40; ++i) {
    deep_objects += "{\"a\":";
  }
  const std::vector<std::pair<std::string, const char*>> facts = {
      {R"({"weight_map":{"a":""}})", "beside the index"},
      {R"({"weight_map":{"a":".."}})", "beside the index"},
      {R"({"weight_map":{"a":"."}})", "beside the index"},
      {R"({"weight_map":{"a":"b\\c"}})", "beside the index"},
      {R"({"weight_map":{"a":")" + std::string(300, 'x') + R"("}})", "beside the index"},
      {R"({"weight_map":{"a":null}})", "unexpected"},
      {R"({"weight_map":{"a":true}})", "unexpected"},
      {R"({"weight_map":{"a":-1}})", "unexpected"},
      {R"({"weight_map":{"a":1.5}})", "unexpected"},
      {R"({"weight_map":{"a":[]}})", "an array"},
      {R"({"extra":)" + deep + "}", "an array"},
      {R"({"extra":)" + deep_objects, "nested too deep"},
  };
  for (const auto& [text, said] : facts) {
    INFO(text);
    CHECK_THROWS_WITH(parse_safetensors_index(text), contains(said));
  }
}

TEST_CASE("of a folder's safetensors files those are loaded that mlx-lm loads", "[read]") {
  using Names = std::vector<std::string>;
  // mlx_lm/utils.py, load_model: model*.safetensors.
  CHECK(loaded_safetensors({"consolidated.safetensors", "model.safetensors"}) ==
        Names{"model.safetensors"});
  CHECK(loaded_safetensors({"a/model-1.safetensors", "a/x.safetensors", "a/model-2.safetensors"}) ==
        Names{"a/model-1.safetensors", "a/model-2.safetensors"});
  CHECK(loaded_safetensors({"weights.00.safetensors"}) == Names{"weights.00.safetensors"});
  CHECK(loaded_safetensors({}).empty());
}
