// Both texts can be a hundred megabytes long: they are read as a stream of events, not as a tree.

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/read/safetensors.hpp"

namespace macfit::read {
namespace {

using nlohmann::json;

/// Events that neither text may hold, refused with their place.
class Events : public nlohmann::json_sax<json> {
 public:
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(number_integer_t value) override {
    return unexpected("the number " + std::to_string(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return unexpected("the number " + std::to_string(value));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return unexpected("the number " + printable(text, 40));
  }
  bool string(string_t& text) override { return unexpected("\"" + printable(text, 60) + "\""); }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool start_array(std::size_t) override { return unexpected("an array"); }
  bool end_array() override { return true; }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    std::string what = error.what();
    if (const auto start = what.find("] "); start != std::string::npos) {
      what.erase(0, start + 2);
    }
    throw Error("not valid JSON: " + printable(what), Place{{}, {}, position});
  }

 protected:
  [[nodiscard]] virtual std::string pointer() const = 0;
  [[noreturn]] void fail(std::string message) const {
    throw Error(std::move(message), Place{{}, pointer(), {}});
  }
  bool unexpected(const std::string& what) const { fail("unexpected: " + what); }
};

/// {"name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, "__metadata__": {...}}
class HeaderEvents final : public Events {
 public:
  std::vector<SafetensorsTensor> tensors;

  bool start_object(std::size_t) override {
    if (depth_ >= 2) {
      fail("unexpected: an object");
    }
    ++depth_;
    field_.clear();
    seen_.clear();
    return true;
  }
  bool key(string_t& text) override {
    if (depth_ == 1) {
      key_ = text;
      metadata_ = key_ == "__metadata__";
      if (metadata_ && std::exchange(had_metadata_, true)) {
        fail("the key stands twice");
      }
      tensor_ = {};
      tensor_.name = key_;
    } else {
      field_ = text;
      if (!metadata_) {
        if (field_ != "dtype" && field_ != "shape" && field_ != "data_offsets") {
          fail("unknown key; expected dtype, shape and data_offsets");
        }
        if (std::find(seen_.begin(), seen_.end(), field_) != seen_.end()) {
          fail("the key stands twice");
        }
        seen_.push_back(field_);
      }
    }
    return true;
  }
  bool end_object() override {
    --depth_;
    if (depth_ == 1 && !metadata_) {
      if (seen_.size() != 3) {
        field_.clear();
        fail("expected dtype, shape and data_offsets");
      }
      finish();
    }
    field_.clear();
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ == 2 && !array_ && (metadata_ || field_ == "dtype")) {
      if (!metadata_) {
        tensor_.dtype = text.substr(0, 64);
      }
      return true;
    }
    return Events::string(text);
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || array_ || metadata_ || field_ == "dtype") {
      fail("unexpected: an array");
    }
    array_ = true;
    numbers_.clear();
    return true;
  }
  bool end_array() override {
    array_ = false;
    if (field_ == "shape") {
      for (const std::uint64_t n : numbers_) {
        if (n > (std::uint64_t{1} << 48)) {
          fail("a size of " + std::to_string(n));
        }
        tensor_.shape.push_back(static_cast<std::int64_t>(n));
      }
    } else {
      if (numbers_.size() != 2 || numbers_[0] > numbers_[1] ||
          numbers_[1] > (std::uint64_t{1} << 62)) {
        fail("expected two offsets, the first not after the second");
      }
      tensor_.begin = numbers_[0];
      tensor_.end = numbers_[1];
    }
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    constexpr std::size_t most_dimensions = 16;
    if (!array_) {
      return Events::number_unsigned(value);
    }
    if (numbers_.size() >= most_dimensions) {
      fail("more than " + std::to_string(most_dimensions) + " numbers");
    }
    numbers_.push_back(value);
    return true;
  }

 private:
  [[nodiscard]] std::string pointer() const override {
    const std::string result = pointer_join("", printable(key_));
    return field_.empty() ? result : pointer_join(result, printable(field_));
  }
  void finish() {
    field_.clear();
    const auto bits = safetensors_bits(tensor_.dtype);
    if (!bits) {
      fail("unknown dtype \"" + printable(tensor_.dtype) + "\"");
    }
    std::int64_t all = *bits;
    for (const std::int64_t n : tensor_.shape) {
      if (__builtin_mul_overflow(all, n, &all)) {
        fail("its shape is larger than 2^63 bits");
      }
    }
    if (all % 8 != 0 || tensor_.bytes().count() != all / 8) {
      fail("its offsets hold " + std::to_string(tensor_.bytes().count()) +
           " bytes; its shape and dtype give " + std::to_string(ceil_div(all, 8)));
    }
    tensors.push_back(std::move(tensor_));
  }

  int depth_ = 0;
  bool metadata_ = false;
  bool had_metadata_ = false;
  bool array_ = false;
  std::string key_;
  std::string field_;
  std::vector<std::string> seen_;
  std::vector<std::uint64_t> numbers_;
  SafetensorsTensor tensor_;
};

/// {"metadata": {"total_size": 1}, "weight_map": {"name": "file"}}
class IndexEvents final : public Events {
 public:
  std::vector<std::pair<std::string, std::string>> map;
  std::optional<std::int64_t> total;

  bool null() override { return ignored() || Events::null(); }
  bool boolean(bool value) override { return ignored() || Events::boolean(value); }
  bool number_integer(number_integer_t value) override {
    return ignored() || Events::number_integer(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    constexpr std::uint64_t most = std::uint64_t{1} << 62;
    if (keys_.size() == 2 && keys_[0] == "metadata" && keys_[1] == "total_size" && value < most) {
      total = static_cast<std::int64_t>(value);
      return true;
    }
    return ignored() || Events::number_unsigned(value);
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (keys_.size() == 2 && keys_[0] == "metadata" && keys_[1] == "total_size" && value >= 0 &&
        value < 4e18) {
      total = static_cast<std::int64_t>(value);
      return true;
    }
    return ignored() || Events::number_float(value, text);
  }
  bool string(string_t& text) override {
    if (keys_.size() == 2 && keys_[0] == "weight_map") {
      const bool plain = !text.empty() && text != "." && text != ".." && text.size() < 256 &&
                         text.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
      if (!plain) {
        fail("expected the name of a file beside the index, found \"" + printable(text, 60) + "\"");
      }
      map.emplace_back(keys_[1], text);
      return true;
    }
    return ignored() || Events::string(text);
  }
  bool start_object(std::size_t) override {
    constexpr std::size_t deepest = 32;
    if (keys_.size() == 2 && keys_[0] == "weight_map") {
      fail("unexpected: an object");
    }
    if (keys_.size() >= deepest) {
      fail("nested too deep");
    }
    keys_.emplace_back();
    return true;
  }
  bool key(string_t& text) override {
    keys_.back() = text;
    return true;
  }
  bool end_object() override {
    keys_.pop_back();
    return true;
  }
  bool start_array(std::size_t size) override {
    constexpr std::size_t deepest = 32;
    if (!ignored() || keys_.size() >= deepest) {
      return Events::start_array(size);
    }
    keys_.emplace_back("0");
    return true;
  }
  bool end_array() override {
    keys_.pop_back();
    return true;
  }

 private:
  [[nodiscard]] bool ignored() const { return !keys_.empty() && keys_[0] != "weight_map"; }
  [[nodiscard]] std::string pointer() const override {
    std::string result;
    for (const std::string& key : keys_) {
      result = pointer_join(result, printable(key));
    }
    return result;
  }

  std::vector<std::string> keys_;
};

/// Throws where a name stands twice among sorted ones.
void refuse_twice(const std::vector<std::string_view>& sorted) {
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    throw Error("the tensor stands twice", Place{{}, pointer_join("", printable(*twice)), {}});
  }
}

}  // namespace

SafetensorsHeader read_safetensors_header(const ByteSource& source) {
  const auto fail = [&](std::string message, std::uint64_t at) {
    throw Error(std::move(message), Place{source.name(), {}, at});
  };
  if (source.size() < 8) {
    fail("not a safetensors file: shorter than its length field", 0);
  }
  std::uint64_t length = 0;
  const std::string raw = source.read(0, 8);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    length |= std::uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
  }
  if (length < 2 || length > safetensors_header_limit) {
    fail("the header's length is " + std::to_string(length) + "; expected 2 to " +
             std::to_string(safetensors_header_limit),
         0);
  }
  if (length > source.size() - 8) {
    fail("the file is cut off inside its header: it should reach byte " +
             std::to_string(length + 8) + ", and it ends at byte " + std::to_string(source.size()),
         source.size());
  }
  const std::string text = source.read(8, static_cast<std::size_t>(length));
  if (text.front() != '{') {
    fail("not a safetensors file: its header does not start with \"{\"", 8);
  }
  SafetensorsHeader header;
  HeaderEvents events;
  try {
    json::sax_parse(text.begin(), text.end(), &events);
    header.tensors = std::move(events.tensors);
    std::vector<std::string_view> names;
    names.reserve(header.tensors.size());
    for (const SafetensorsTensor& t : header.tensors) {
      names.push_back(t.name);
    }
    std::sort(names.begin(), names.end());
    refuse_twice(names);
  } catch (const Error& error) {
    // Offsets of the JSON text, so that the whole file is the place.
    Place place = error.place();
    if (place.offset) {
      place.offset = *place.offset + 8;
    }
    place.file = source.name();
    throw Error(error.message(), place, error.hint());
  }
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [](const SafetensorsTensor& a, const SafetensorsTensor& b) {
                     return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
                   });
  header.data_offset = length + 8;
  std::uint64_t expected = 0;
  for (const SafetensorsTensor& t : header.tensors) {
    if (t.begin != expected) {
      fail("the tensor " + printable(t.name) + " starts at byte " + std::to_string(t.begin) +
               " of the data; expected " + std::to_string(expected) +
               (t.begin < expected ? ": it overlaps another" : ": bytes before it belong to none"),
           header.data_offset);
    }
    expected = t.end;
  }
  header.has_data = source.size() > header.data_offset;
  if (header.has_data && source.size() - header.data_offset != expected) {
    fail("the data should hold " + std::to_string(expected) + " bytes; the file has " +
             std::to_string(source.size() - header.data_offset),
         source.size());
  }
  return header;
}

SafetensorsIndex parse_safetensors_index(std::string_view json_text) {
  IndexEvents events;
  json::sax_parse(json_text.begin(), json_text.end(), &events);
  if (events.map.empty()) {
    throw Error("the index names no tensors (\"weight_map\")");
  }
  std::sort(events.map.begin(), events.map.end());
  std::vector<std::string_view> names;
  names.reserve(events.map.size());
  for (const auto& [tensor, file] : events.map) {
    names.push_back(tensor);
  }
  refuse_twice(names);
  SafetensorsIndex index;
  for (auto& [tensor, file] : events.map) {
    index.files[file].push_back(std::move(tensor));
  }
  if (events.total) {
    index.total_size = Bytes(*events.total);
  }
  return index;
}

}  // namespace macfit::read
