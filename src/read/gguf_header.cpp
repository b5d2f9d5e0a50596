// GGUF headers, read piece by piece from files that may be hostile: every length is checked before
// it is believed.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "macfit/core/error.hpp"
#include "macfit/core/portable.hpp"
#include "macfit/core/text.hpp"
#include "macfit/read/gguf_file.hpp"

namespace macfit::read {
namespace {

// Far above real files (the largest tokenizers take some 30 MB, the longest lists 100,000 tensors).
constexpr std::uint64_t most_header_bytes = std::uint64_t{1} << 28;
constexpr std::uint64_t most_pairs = 65'536;
constexpr std::uint64_t most_tensors = 1'000'000;
constexpr std::uint64_t longest_key = 1'024;
constexpr std::uint64_t longest_name = 128;
constexpr std::uint64_t longest_text = 4'096;   // kept; longer ones are skipped
constexpr std::uint64_t longest_list = 10'000;  // kept; longer ones are skipped
constexpr std::uint64_t most_kept = 1'000'000;  // entries of all lists together
constexpr std::uint64_t largest_alignment = std::uint64_t{1} << 20;

enum class ValueType : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

/// Bytes of a value; 0 for strings and arrays.
std::uint64_t width(ValueType type) {
  switch (type) {
    case ValueType::u8:
    case ValueType::i8:
    case ValueType::boolean:
      return 1;
    case ValueType::u16:
    case ValueType::i16:
      return 2;
    case ValueType::u32:
    case ValueType::i32:
    case ValueType::f32:
      return 4;
    case ValueType::u64:
    case ValueType::i64:
    case ValueType::f64:
      return 8;
    case ValueType::string:
    case ValueType::array:
      return 0;
  }
  return 0;
}

/// Reads forward through a buffer.
class Cursor {
 public:
  explicit Cursor(const ByteSource& source) : source_(source) {}

  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t left() const { return source_.size() - offset_; }

  [[noreturn]] void fail(std::string message, std::uint64_t at) const {
    throw Error(std::move(message), Place{source_.name(), {}, at});
  }

  template <class T>
  T take() {
    std::array<char, sizeof(T)> raw{};
    bytes(raw.data(), raw.size());
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
    }
    if constexpr (std::is_same_v<T, float>) {
      return bit_cast<float>(static_cast<std::uint32_t>(value));
    } else if constexpr (std::is_same_v<T, double>) {
      return bit_cast<double>(value);
    } else {
      return static_cast<T>(value);
    }
  }

  void skip(std::uint64_t count) {
    need(count);
    offset_ += count;
    if (offset_ > most_header_bytes) {
      fail("the header is larger than 256 MiB", offset_);
    }
  }

  std::string text(std::uint64_t longest, std::string_view what) {
    const std::uint64_t at = offset_;
    const auto length = take<std::uint64_t>();
    if (length > longest || length > left()) {
      fail("the length of " + std::string(what) + " is " + std::to_string(length) +
               "; expected at most " + std::to_string(std::min(longest, left())),
           at);
    }
    std::string result(static_cast<std::size_t>(length), '\0');
    bytes(result.data(), result.size());
    return result;
  }

  void skip_text() {
    const std::uint64_t at = offset_;
    const auto length = take<std::uint64_t>();
    if (length > left()) {
      fail("the length of a string is " + std::to_string(length) + ", where " +
               std::to_string(left()) + " bytes are left",
           at);
    }
    skip(length);
  }

 private:
  void need(std::uint64_t count) const {
    if (count > left()) {
      fail("the header is cut off: " + std::to_string(count) + " more bytes were expected, " +
               std::to_string(left()) + " are left",
           offset_);
    }
  }

  void bytes(char* to, std::size_t count) {
    need(count);
    if (offset_ < start_ || offset_ + count > start_ + buffer_.size()) {
      constexpr std::uint64_t ahead = 65'536;
      const std::uint64_t size = std::min(left(), std::max<std::uint64_t>(ahead, count));
      buffer_ = source_.read(offset_, static_cast<std::size_t>(size));
      start_ = offset_;
    }
    std::memcpy(to, buffer_.data() + (offset_ - start_), count);
    skip(count);
  }

  const ByteSource& source_;
  std::uint64_t offset_ = 0;
  std::uint64_t start_ = 0;
  std::string buffer_;
};

class HeaderReader {
 public:
  explicit HeaderReader(const ByteSource& source) : source_(source), in_(source) {}

  GgufHeader read();

 private:
  void pairs(std::uint64_t count);
  void tensors(std::uint64_t count);
  void check_data();
  ValueType value_type();
  GgufValue scalar(ValueType type);
  bool flag();
  GgufValue array(const std::string& key, int depth);
  std::vector<std::int64_t> list(ValueType type, std::uint64_t count);
  GgufTensorInfo tensor();

  const ByteSource& source_;
  Cursor in_;
  GgufHeader header_;
  std::uint64_t kept_ = 0;
};

ValueType HeaderReader::value_type() {
  const std::uint64_t at = in_.offset();
  const auto raw = in_.take<std::uint32_t>();
  if (raw > static_cast<std::uint32_t>(ValueType::f64)) {
    in_.fail("no metadata type has the number " + std::to_string(raw), at);
  }
  return static_cast<ValueType>(raw);
}

/// Beyond 64 signed bits a number is kept as near as it can be.
GgufValue large(std::uint64_t value) {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return static_cast<double>(value);
  }
  return static_cast<std::int64_t>(value);
}

bool HeaderReader::flag() {
  const std::uint64_t at = in_.offset();
  const auto value = in_.take<std::uint8_t>();
  if (value > 1) {
    in_.fail("expected a boolean, 0 or 1, found " + std::to_string(value), at);
  }
  return value == 1;
}

GgufValue HeaderReader::scalar(ValueType type) {
  switch (type) {
    case ValueType::u8:
      return std::int64_t{in_.take<std::uint8_t>()};
    case ValueType::i8:
      return std::int64_t{in_.take<std::int8_t>()};
    case ValueType::u16:
      return std::int64_t{in_.take<std::uint16_t>()};
    case ValueType::i16:
      return std::int64_t{in_.take<std::int16_t>()};
    case ValueType::u32:
      return std::int64_t{in_.take<std::uint32_t>()};
    case ValueType::i32:
      return std::int64_t{in_.take<std::int32_t>()};
    case ValueType::i64:
      return in_.take<std::int64_t>();
    case ValueType::u64:
      return large(in_.take<std::uint64_t>());
    case ValueType::f32:
      return static_cast<double>(in_.take<float>());
    case ValueType::f64:
      return in_.take<double>();
    case ValueType::boolean:
      return flag();
    case ValueType::string:
    case ValueType::array:
      break;
  }
  return std::monostate{};
}

/// Of one entry of an array: a text has its length, an array its type and count.
std::uint64_t least_bytes(ValueType type) {
  return type == ValueType::string ? 8 : type == ValueType::array ? 12 : width(type);
}

GgufValue HeaderReader::array(const std::string& key, int depth) {
  constexpr int deepest = 4;
  const std::uint64_t at = in_.offset();
  const ValueType type = value_type();
  const auto count = in_.take<std::uint64_t>();
  if (depth == 0) {
    header_.lengths.emplace(key, count);
  }
  const std::uint64_t least = least_bytes(type);
  if (count > in_.left() / least) {
    in_.fail("the array " + printable(key) + " claims " + std::to_string(count) +
                 " entries, more than the file can hold",
             at);
  }
  if (type == ValueType::array && depth >= deepest) {
    in_.fail("arrays are nested deeper than " + std::to_string(deepest) + " levels", at);
  }
  if (type == ValueType::string || type == ValueType::array) {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (type == ValueType::string) {
        in_.skip_text();
      } else {
        array(key, depth + 1);
      }
    }
    return std::monostate{};
  }
  const bool whole = type != ValueType::f32 && type != ValueType::f64;
  if (!whole || count > longest_list || depth > 0 || kept_ + count > most_kept) {
    in_.skip(count * width(type));
    return std::monostate{};
  }
  return list(type, count);
}

std::vector<std::int64_t> HeaderReader::list(ValueType type, std::uint64_t count) {
  kept_ += count;
  std::vector<std::int64_t> list;
  list.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    const GgufValue value = scalar(type);
    if (const auto* flag = std::get_if<bool>(&value)) {
      list.push_back(*flag ? 1 : 0);
    } else if (const auto* n = std::get_if<std::int64_t>(&value)) {
      list.push_back(*n);
    } else {
      list.push_back(std::numeric_limits<std::int64_t>::max());
    }
  }
  return list;
}

void HeaderReader::pairs(std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t at = in_.offset();
    std::string key = in_.text(longest_key, "a metadata key");
    if (key.empty()) {
      in_.fail("a metadata key is empty", at);
    }
    if (header_.metadata.contains(key)) {
      in_.fail("the metadata key " + printable(key) + " stands twice", at);
    }
    const ValueType type = value_type();
    GgufValue value;
    if (type == ValueType::array) {
      value = array(key, 0);
    } else if (type == ValueType::string) {
      const std::uint64_t start = in_.offset();
      const auto length = in_.take<std::uint64_t>();
      if (length > in_.left()) {
        in_.fail("the length of " + printable(key) + " is " + std::to_string(length) + ", where " +
                     std::to_string(in_.left()) + " bytes are left",
                 start);
      }
      if (length <= longest_text) {
        value = source_.read(in_.offset(), static_cast<std::size_t>(length));
      }
      in_.skip(length);
    } else {
      value = scalar(type);
    }
    header_.metadata.emplace(std::move(key), std::move(value));
  }
}

GgufTensorInfo HeaderReader::tensor() {
  GgufTensorInfo info;
  info.name = in_.text(longest_name, "a tensor's name");
  const std::string named = "the tensor " + printable(info.name);
  std::uint64_t at = in_.offset();
  const auto dimensions = in_.take<std::uint32_t>();
  if (dimensions < 1 || dimensions > info.ne.size()) {
    in_.fail(named + " has " + std::to_string(dimensions) + " dimensions; expected 1 to 4", at);
  }
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    at = in_.offset();
    const auto size = in_.take<std::uint64_t>();
    if (size < 1 || size > (std::uint64_t{1} << 48)) {
      in_.fail(named + " has a size of " + std::to_string(size), at);
    }
    info.ne[d] = static_cast<std::int64_t>(size);
  }
  at = in_.offset();
  const auto id = in_.take<std::uint32_t>();
  const auto type = model::ggml_type_from_id(id);
  if (!type) {
    in_.fail(named + " has the type " + std::to_string(id) + ", which GGML does not know", at);
  }
  info.type = *type;
  try {
    info.bytes = model::ggml_tensor_bytes(info.type, info.ne);
    (void)checked_mul(checked_mul(info.ne[0], info.ne[1]), checked_mul(info.ne[2], info.ne[3]));
  } catch (const Error& error) {
    in_.fail(named + ": " + error.message(), at);
  }
  at = in_.offset();
  info.offset = in_.take<std::uint64_t>();
  return info;
}

void HeaderReader::tensors(std::uint64_t count) {
  std::uint64_t expected = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    GgufTensorInfo info = tensor();
    const std::uint64_t at = in_.offset() - 8;
    // As in ggml: tensors follow each other without holes, so none overlaps another.
    if (info.offset != expected) {
      in_.fail("the tensor " + printable(info.name) + " starts at byte " +
                   std::to_string(info.offset) + " of the data; expected " +
                   std::to_string(expected) +
                   (info.offset < expected ? ": it overlaps the tensor before" : ""),
               at);
    }
    const auto bytes = static_cast<std::uint64_t>(info.bytes.count());
    const std::uint64_t padded =
        (bytes + header_.alignment - 1) / header_.alignment * header_.alignment;
    if (padded > (std::uint64_t{1} << 62) - expected) {
      in_.fail("the tensors together are larger than 2^62 bytes", at);
    }
    expected += padded;
    header_.tensors.push_back(std::move(info));
  }
  std::vector<std::string_view> names;
  names.reserve(header_.tensors.size());
  for (const GgufTensorInfo& info : header_.tensors) {
    names.push_back(info.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    in_.fail("the tensor " + printable(*twice) + " stands twice", in_.offset());
  }
}

void HeaderReader::check_data() {
  const std::uint64_t end = in_.offset();
  header_.data_offset = (end + header_.alignment - 1) / header_.alignment * header_.alignment;
  header_.has_data = source_.size() > header_.data_offset;
  if (!header_.has_data || header_.tensors.empty()) {
    return;
  }
  const GgufTensorInfo& last = header_.tensors.back();
  const std::uint64_t needed =
      header_.data_offset + last.offset + static_cast<std::uint64_t>(last.bytes.count());
  if (source_.size() < needed) {
    in_.fail("the file is cut off: its data should reach byte " + std::to_string(needed) +
                 ", and it ends at byte " + std::to_string(source_.size()),
             source_.size());
  }
}

GgufHeader HeaderReader::read() {
  if (!looks_like_gguf(source_)) {
    in_.fail("not a GGUF file: it does not start with \"GGUF\"", 0);
  }
  in_.skip(4);
  header_.version = in_.take<std::uint32_t>();
  if (header_.version == 0x02000000 || header_.version == 0x03000000) {
    in_.fail("the GGUF file is big-endian; expected little-endian", 4);
  }
  if (header_.version != 2 && header_.version != 3) {
    in_.fail("GGUF version " + std::to_string(header_.version) + "; expected 2 or 3", 4);
  }
  const auto tensor_count = in_.take<std::uint64_t>();
  const auto pair_count = in_.take<std::uint64_t>();
  constexpr std::uint64_t smallest_tensor = 8 + 4 + 8 + 4 + 8;
  constexpr std::uint64_t smallest_pair = 8 + 4 + 1;
  if (tensor_count > most_tensors || tensor_count > in_.left() / smallest_tensor) {
    in_.fail("the file claims " + std::to_string(tensor_count) + " tensors, more than it can hold",
             8);
  }
  if (pair_count > most_pairs || pair_count > in_.left() / smallest_pair) {
    in_.fail(
        "the file claims " + std::to_string(pair_count) + " metadata values, more than it can hold",
        16);
  }
  pairs(pair_count);
  if (const auto alignment = header_.number("general.alignment")) {
    const auto value = static_cast<std::uint64_t>(*alignment);
    if (*alignment < 1 || value > largest_alignment || !std::has_single_bit(value)) {
      in_.fail("general.alignment is " + std::to_string(*alignment) +
                   "; expected a power of two up to " + std::to_string(largest_alignment),
               in_.offset());
    }
    header_.alignment = value;
  }
  tensors(tensor_count);
  check_data();
  return std::move(header_);
}

}  // namespace

std::optional<std::int64_t> GgufHeader::number(std::string_view key) const {
  const auto found = metadata.find(key);
  if (found == metadata.end()) {
    return std::nullopt;
  }
  if (const auto* n = std::get_if<std::int64_t>(&found->second)) {
    return *n;
  }
  return std::nullopt;
}

std::optional<std::string> GgufHeader::text(std::string_view key) const {
  const auto found = metadata.find(key);
  if (found == metadata.end()) {
    return std::nullopt;
  }
  if (const auto* t = std::get_if<std::string>(&found->second)) {
    return *t;
  }
  return std::nullopt;
}

bool looks_like_gguf(const ByteSource& source) {
  return source.size() >= 4 && source.read(0, 4) == "GGUF";
}

GgufHeader read_gguf_header(const ByteSource& source) { return HeaderReader(source).read(); }

}  // namespace macfit::read
