// What GGUF headers may hold beyond the usual, and what is refused.

#include "header_bytes.hpp"
#include "macfit/core/error.hpp"
#include "macfit/read/gguf_file.hpp"
#include "macfit/read/read_model.hpp"
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

std::string error_of(const std::string& bytes) {
  try {
    (void)read_gguf(bytes);
  } catch (const Error& error) {
    return error.message();
  }
  return "none";
}

GgufBytes small() {
  GgufBytes g;
  g.text("general.architecture", "x");
  return g;
}

/// A list of one of GGUF's types, its entries already as bytes.
std::string list(std::uint32_t type, std::uint64_t count, const std::string& entries) {
  return Writer().u32(type).u64(count).bytes + entries;
}

/// Some bytes and zeros after them, as many as it takes.
class LongSource final : public ByteSource {
 public:
  LongSource(std::string start, std::uint64_t size) : start_(std::move(start)), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] std::string name() const override { return "long.gguf"; }

 private:
  void do_read(std::uint64_t offset, std::span<char> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = offset + i < start_.size() ? start_[offset + i] : '\0';
    }
  }

  std::string start_;
  std::uint64_t size_;
};

}  // namespace

TEST_CASE("gguf header: lists of every type", "[read]") {
  struct Fact {
    std::uint32_t type;
    std::string entries;  ///< two of them
    std::vector<std::int64_t> values;
  };
  const Fact facts[] = {
      {0, {"\x01\xff", 2}, {1, 255}},
      {1, {"\x01\xff", 2}, {1, -1}},
      {2, Writer().u16(1).u16(0xffff).bytes, {1, 65535}},
      {3, Writer().u16(1).u16(0xffff).bytes, {1, -1}},
      {4, Writer().u32(1).u32(0xffffffff).bytes, {1, 4294967295}},
      {5, Writer().u32(1).u32(0xffffffff).bytes, {1, -1}},
      {7, {"\x01\x00", 2}, {1, 0}},
      {11, Writer().u64(1).u64(~0ULL).bytes, {1, -1}},
      // What a signed number can't hold is as large as one can be.
      {10, Writer().u64(1).u64(~0ULL).bytes, {1, std::numeric_limits<std::int64_t>::max()}},
  };
  for (const Fact& fact : facts) {
    CAPTURE(fact.type);
    const GgufHeader h =
        read_gguf(small().raw("a", 9, list(fact.type, 2, fact.entries)).u32("after", 7).bytes());
    CHECK(std::get<std::vector<std::int64_t>>(h.metadata.at("a")) == fact.values);
    CHECK(h.number("after") == 7);
  }
  // Fractions, lists in lists and very long lists are passed over, their lengths known.
  const std::string nested = list(9, 1, list(9, 1, list(12, 1, std::string(8, '\1'))));
  const GgufHeader h = read_gguf(small()
                                     .raw("doubles", 9, list(12, 2, std::string(16, '\1')))
                                     .raw("nested", 9, nested)
                                     .raw("long", 9, list(0, 10'001, std::string(10'001, '\1')))
                                     .raw("longest", 9, list(0, 10'000, std::string(10'000, '\1')))
                                     .u32("after", 7)
                                     .bytes());
  CHECK(h.lengths.at("doubles") == 2);
  CHECK(h.lengths.at("nested") == 1);
  CHECK(h.lengths.at("long") == 10'001);
  for (const char* key : {"doubles", "nested", "long"}) {
    CHECK(std::holds_alternative<std::monostate>(h.metadata.at(key)));
  }
  CHECK(std::get<std::vector<std::int64_t>>(h.metadata.at("longest")).size() == 10'000);
  CHECK(h.number("after") == 7);
  // A text is no number and a number no text; what is not there is neither.
  CHECK_FALSE(h.number("general.architecture"));
  CHECK_FALSE(h.text("after"));
  CHECK_FALSE(h.text("absent"));
}

TEST_CASE("gguf header: lists together are kept up to a million entries", "[read]") {
  GgufBytes g = small();
  for (int i = 0; i < 101; ++i) {
    g.raw("list." + std::to_string(i), 9, list(0, 10'000, std::string(10'000, '\1')));
  }
  const GgufHeader h = read_gguf(g.bytes());
  CHECK(std::holds_alternative<std::vector<std::int64_t>>(h.metadata.at("list.99")));
  CHECK(std::holds_alternative<std::monostate>(h.metadata.at("list.100")));
  CHECK(h.lengths.at("list.100") == 10'000);
}

TEST_CASE("gguf header: absurd sizes are refused", "[read]") {
  std::string deep = list(0, 1, "x");
  for (int i = 0; i < 5; ++i) {
    deep = list(9, 1, deep);
  }
  CHECK(error_of(small().raw("deep", 9, deep).bytes()) == "arrays are nested deeper than 4 levels");
  for (const std::uint32_t alignment : {0U, 48U, 1U << 21}) {
    CHECK_THAT(
        error_of(small().u32("general.alignment", alignment).bytes()),
        contains("general.alignment is " + std::to_string(alignment) + "; expected a power"));
  }
  // 2^40 * 2^21 numbers of 16 bits are 2^62 bytes; the next tensor is one too many.
  GgufBytes large = small();
  large.raw_tensor("a", {1ULL << 40, 1ULL << 21}, 1, 0);
  CHECK(read_gguf(large.bytes()).tensors.size() == 1);
  large.raw_tensor("b", {32}, 1, 1ULL << 62);
  CHECK(error_of(large.bytes()) == "the tensors together are larger than 2^62 bytes");
  // A list of 2^28 bytes in a file that has them.
  const std::uint64_t length = 1ULL << 28;
  GgufBytes list_of_bytes = small();
  list_of_bytes.raw("a", 9, list(0, length, ""));
  CHECK_THROWS_WITH(read_gguf_header(LongSource(list_of_bytes.bytes(), 2 * length)),
                    contains("the header is larger than 256 MiB"));
}

TEST_CASE("gguf header: data that no tensor claims", "[read]") {
  const GgufHeader h = read_gguf(small().bytes() + std::string(100, '\0'));
  CHECK(h.has_data);
  CHECK(h.tensors.empty());
  CHECK_THROWS_WITH(gguf_model(h, "m"), contains("no tensors"));
  CHECK(gguf_stored(h, {}).layout.format == "GGUF");
}

TEST_CASE("gguf model: what metadata and tensors leave open", "[read]") {
  const auto model = [](const GgufBytes& g) { return gguf_model(read_gguf(g.bytes()), "m"); };
  // A mixture by a number that is not known: the type of most bytes names it.
  GgufBytes mixed = small();
  mixed.u32("general.file_type", 99);
  mixed.tensor("blk.0.a.weight", {64}, GgmlType::f32)
      .tensor("blk.0.b.weight", {64, 64}, GgmlType::f16);
  CHECK(model(mixed).stored->format == "f16");
  // Image parts are no weights of the text model.
  mixed.tensor("mm.0.weight", {64, 64}, GgmlType::f16);
  const Model with_towers = model(mixed);
  CHECK(with_towers.stored->total().count() == 64 * 4 + 64 * 64 * 2);
  CHECK_THAT(with_towers.notes.back(), contains("8.2 kB of image or audio parts"));

  GgufBytes nameless;
  nameless.u32("a", 1);
  CHECK_THROWS_WITH(gguf_shape(read_gguf(nameless.bytes())), contains("general.architecture"));
  CHECK_THROWS_WITH(model(small().tensor("token_embd.weight", {64, 64}, GgmlType::f16)),
                    contains("holds no layers"));

  GgufBytes g;
  g.text("general.architecture", "gemma3").u32("gemma3.block_count", 6);
  g.u32("gemma3.embedding_length", 64).text("gemma3.attention.head_count", "many");
  g.u32("gemma3.attention.sliding_window", 32).u32("gemma3.attention.sliding_window_pattern", 3);
  const GgufShape without = gguf_shape(read_gguf(g.bytes()));
  CHECK(without.heads.empty());
  CHECK(without.sliding_pattern == 3);
  CHECK_FALSE(without.tied);  // no tensors tell
  CHECK_FALSE(without.qkv_bias);
  // Tensors tell the rest; those beyond the last layer tell nothing.
  g.tensor("token_embd.weight", {64, 1000}, GgmlType::f16);
  g.tensor("blk.0.attn_k.weight", {64, 64}, GgmlType::f16);
  g.tensor("blk.6.ffn_gate_inp.weight", {64, 8}, GgmlType::f32);
  const GgufShape with = gguf_shape(read_gguf(g.bytes()));
  CHECK(with.tied);
  CHECK(with.vocabulary == 1000);
  CHECK(with.qkv_bias == false);
  CHECK(with.no_value == std::vector<bool>{true, false, false, false, false, false});
  CHECK(with.moe == std::vector<bool>(6, false));
  CHECK_THROWS_WITH(architecture_from_gguf_shape(with), contains("number of heads is 0"));
}

TEST_CASE("gguf file: parts whose names and numbers differ", "[read]") {
  const test::ScratchFolder folder;
  const auto part = [](std::uint16_t number, std::uint16_t count, std::uint32_t tensors) {
    GgufBytes g = small();
    g.u16("split.count", count).u16("split.no", number).u32("split.tensors.count", tensors);
    g.tensor("blk." + std::to_string(number) + ".a.weight", {32}, GgmlType::f32);
    return g.bytes();
  };
  // A name in the pattern and a file that is whole.
  CHECK(read_model(folder.write("whole-00001-of-00001.gguf", part(0, 1, 1))).id == "whole");
  for (const char* name :
       {"a-0000x-of-00002.gguf", "a-0000.-of-00002.gguf", "a_00001-of-00002.gguf",
        "a-00001-of-00003.gguf", "-00001-of-00002.gguf"}) {
    CAPTURE(name);
    CHECK_THROWS_WITH(read_gguf_file(folder.write(name, part(0, 2, 2))),
                      contains("one of 2, which its name does not"));
  }
  CHECK_THROWS_WITH(read_gguf_file(folder.write("a-00001-of-20000.gguf", part(0, 20'000, 2))),
                    contains("one of 20000"));
  const auto first = folder.write("b-00001-of-00002.gguf", part(0, 2, 3));
  folder.write("b-00002-of-00002.gguf", part(1, 2, 3));
  CHECK_THROWS_WITH(read_gguf_file(first), contains("should have 3 tensors; its files hold 2"));
  // Parts have their data or have not: all of them, or the model has none.
  const auto padded = [&](std::uint16_t number) {
    std::string bytes = part(number, 2, 2);
    bytes.resize((bytes.size() + 31) / 32 * 32 + 128);
    return bytes;
  };
  folder.write("b-00001-of-00002.gguf", padded(0));
  folder.write("b-00002-of-00002.gguf", part(1, 2, 2));
  CHECK_FALSE(read_gguf_file(first).has_data);
  folder.write("b-00002-of-00002.gguf", padded(1));
  CHECK(read_gguf_file(first).has_data);
  CHECK(read_gguf_file(first).tensors.size() == 2);
}
