// Files and folders that a model is read from: what stands where, and what is no model.

#include "macfit/read/read_model.hpp"

#include <filesystem>
#include <memory>

#include "header_bytes.hpp"
#include "macfit/core/error.hpp"
#include "macfit/read/byte_source.hpp"
#include "macfit/read/safetensors.hpp"
#include "scratch_folder.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;
using macfit::test::contains;
using macfit::test::GgufBytes;
using macfit::test::SafetensorsBytes;
using macfit::test::ScratchFolder;

namespace {

const std::string config = R"({"model_type": "llama", "hidden_size": 64, "vocab_size": 256,
    "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128})";

std::string gguf() {
  GgufBytes g;
  g.text("general.architecture", "x").tensor("blk.0.a.weight", {64}, GgmlType::f32);
  return g.bytes();
}

std::string error_of(const std::filesystem::path& path) {
  try {
    (void)read_model(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("byte sources: nothing is read beyond the end", "[read]") {
  const MemorySource memory("abcdef", "six");
  CHECK(memory.read(2, 4) == "cdef");
  CHECK(memory.read(6, 0).empty());
  std::array<char, 4> out{};
  for (const std::uint64_t offset : {std::uint64_t{3}, std::uint64_t{7}}) {
    CAPTURE(offset);
    const std::string said =
        "the file ends at byte 6, where 4 bytes were expected from byte " + std::to_string(offset);
    CHECK_THROWS_WITH(memory.read(offset, std::span<char>(out)), contains(said));
    CHECK_THROWS_WITH(memory.read(offset, out.size()), contains(said));
  }
  const ScratchFolder folder;
  const auto path = folder.write("a", "abcdef");
  const FileSource file(path);
  CHECK(file.read(2, 4) == "cdef");
  // Cut short by someone else after it was opened.
  std::filesystem::resize_file(path, 3);
  CHECK_THROWS_WITH(file.read(2, 4), contains("can't be read"));
  CHECK_THROWS_WITH(FileSource(folder.path()), contains("expected a file, found a folder"));
  CHECK_THROWS_WITH(FileSource(folder.path() / std::string(300, 'x')),
                    contains("can't be looked at"));
}

TEST_CASE("reading a model: files by what they hold", "[read]") {
  const ScratchFolder folder;
  CHECK(read_model(folder.write("tiny.json", config)).id == "tiny");
  CHECK(read_model(folder.write("config.json", config)).id == folder.path().filename().string());
  // A text with a byte order mark, and one with blanks before it.
  CHECK(read_model(folder.write("mark.json", "\xEF\xBB\xBF" + config)).architecture.layers.size() ==
        2);
  CHECK(read_model(folder.write("blank.json", std::string(100, '\n') + config))
            .architecture.layers.size() == 2);
  // The name keeps what is no number of parts.
  CHECK(read_model(folder.write("a-of-b.gguf", gguf())).id == "a-of-b");
  CHECK(read_model(folder.write("state-of-art.gguf", gguf())).id == "state-of-art");
  // What a name says holds for a file that is broken.
  CHECK_THAT(error_of(folder.write("broken.safetensors", "hello")), contains("safetensors"));
  CHECK_THAT(error_of(folder.write("upper.SAFETENSORS", "hello")), contains("safetensors"));
  CHECK_THAT(error_of(folder.write("arch.json", R"({"architectures": ["X"]})")),
             contains("\"model_type\" is missing"));
  CHECK_THAT(error_of(folder.write("nested.json", R"({"schema": "macfit.manifest/1", "id": "a",
                 "from": {"config": "manifest.json"}})")),
             contains("no such file"));
  folder.write("manifest.json", R"({"schema": "macfit.manifest/1", "id": "b"})");
  CHECK_THAT(error_of(folder.path() / "nested.json"),
             contains("a manifest can't name another manifest"));
  // 65 MiB, sparse on disk.
  const auto large = folder.write("large.json", "{");
  std::filesystem::resize_file(large, std::uintmax_t{65} << 20);
  CHECK_THAT(error_of(large), contains("too large for JSON (64 MiB)"));
}

TEST_CASE("reading a model: folders", "[read]") {
  const std::string index = R"({"weight_map": {"model.layers.0.a.weight": "absent.safetensors"}})";
  {
    // An index alone tells nothing; with a config, that gives the sizes; a file that is there
    // counts.
    const ScratchFolder folder;
    folder.write("model.safetensors.index.json", index);
    CHECK_THAT(error_of(folder.path()), contains("absent.safetensors"));
    folder.write("config.json", config);
    CHECK(read_model(folder.path()).source == Source::hf_config);
    folder.write("other.safetensors", "broken");
    CHECK_THAT(error_of(folder.path()), contains("absent.safetensors"));
  }
  {
    // A projector and the later parts of a model are no models of their own.
    const ScratchFolder folder;
    folder.write("mmproj-f16.gguf", gguf());
    CHECK_THAT(error_of(folder.path()), contains("holds no model"));
    folder.write("part-00002-of-00002.gguf", gguf());
    CHECK_THAT(error_of(folder.path()), contains("holds no model"));
    folder.write("tiny.gguf", gguf());
    CHECK(read_model(folder.path()).id == "tiny");
  }
  {
    // Checkpoints win over GGUF files, GGUF files over a config, whose errors name its file.
    const ScratchFolder folder;
    folder.write("config.json", "{}");
    CHECK_THAT(error_of(folder.path()), contains("config.json"));
    folder.write("config.json", config);
    CHECK(read_model(folder.path()).source == Source::hf_config);
    folder.write("tiny.gguf", gguf());
    CHECK(read_model(folder.path()).source == Source::gguf);
    folder.write("model.safetensors",
                 SafetensorsBytes().bf16("model.layers.0.mlp.up_proj.weight", {8, 8}).bytes());
    CHECK(read_model(folder.path()).source == Source::safetensors);
    // One without tensors is broken, not absent.
    folder.write("model.safetensors", SafetensorsBytes().bytes());
    CHECK_THAT(error_of(folder.path()), contains("the safetensors files here hold no tensors"));
    std::filesystem::remove(folder.path() / "model.safetensors");
    CHECK_THROWS_WITH(read_safetensors(folder.path()), contains("holds no safetensors files"));
  }
}

TEST_CASE("reading a model: files at hand, without a folder", "[read]") {
  const auto memory = [](std::string_view bytes, const std::string& name) {
    return std::make_shared<const MemorySource>(bytes, name);
  };
  SafetensorsBytes s;
  s.bf16("model.embed_tokens.weight", {256, 64});
  s.bf16("model.layers.0.mlp.up_proj.weight", {64, 64});
  s.bf16("model.layers.1.mlp.up_proj.weight", {64, 64});
  const std::string tensors = s.bytes();
  const std::string part = gguf();

  CHECK(read_model({memory(config, "config.json")}).architecture.layers.size() == 2);
  const Model bare = read_model({memory(tensors, "a.safetensors")});
  CHECK(bare.id == "a");
  CHECK(bare.source == Source::safetensors);
  const Model whole = read_model({memory(config, "config.json"), memory(tensors, "a.safetensors")});
  CHECK(whole.architecture.layers.size() == 2);
  REQUIRE(whole.stored);
  CHECK(read_model({memory(part, "x.gguf")}).source == Source::gguf);

  const ScratchFolder folder;
  const Model from_path = read_model(folder.write("a.safetensors", tensors));
  CHECK(bare.stored == from_path.stored);

  GgufBytes first;
  first.text("general.architecture", "x")
      .u16("split.count", 2)
      .tensor("blk.0.a.weight", {64}, GgmlType::f32);
  GgufBytes second;
  second.u16("split.no", 1).u16("split.count", 2).tensor("blk.1.a.weight", {64}, GgmlType::f32);
  const std::string one = first.bytes();
  const std::string two = second.bytes();
  CHECK_THROWS_WITH(read_model({memory(one, "x-00001-of-00002.gguf")}),
                    contains("the model is in 2 files, of which 1 are here"));
  const Model joined =
      read_model({memory(two, "x-00002-of-00002.gguf"), memory(one, "x-00001-of-00002.gguf")});
  CHECK(joined.id == "x");
  CHECK_THROWS_WITH(read_model(std::vector<std::shared_ptr<const ByteSource>>{}),
                    contains("no file"));
  CHECK_THROWS_WITH(read_model({memory("hello", "notes.txt")}), contains("notes.txt"));
}
