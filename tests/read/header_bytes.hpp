#pragma once

// Files that end with their header: what readers of shapes and sizes need, in a few hundred bytes.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/model/gguf/gguf.hpp"
#include "macfit/read/byte_source.hpp"
#include "macfit/read/gguf_file.hpp"

namespace macfit::test {

/// Appends little-endian numbers and length-prefixed strings.
class Writer {
 public:
  template <class T>
  Writer& number(T value) {
    const auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes += static_cast<char>(bits >> (8 * i) & 0xff);
    }
    return *this;
  }
  Writer& u8(std::uint8_t v) { return number(v); }
  Writer& u16(std::uint16_t v) { return number(v); }
  Writer& u32(std::uint32_t v) { return number(v); }
  Writer& u64(std::uint64_t v) { return number(v); }
  Writer& text(std::string_view v) {
    u64(v.size());
    bytes += v;
    return *this;
  }

  std::string bytes;
};

/// A GGUF file without data.
class GgufBytes {
 public:
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;

  GgufBytes& text(std::string_view key, std::string_view value) {
    pair(key, 8).text(value);
    return *this;
  }
  GgufBytes& u32(std::string_view key, std::uint32_t value) {
    pair(key, 4).u32(value);
    return *this;
  }
  GgufBytes& u16(std::string_view key, std::uint16_t value) {
    pair(key, 2).u16(value);
    return *this;
  }
  GgufBytes& u32s(std::string_view key, const std::vector<std::uint32_t>& values) {
    pair(key, 9).u32(4).u64(values.size());
    for (const std::uint32_t v : values) {
      pairs_.u32(v);
    }
    return *this;
  }
  GgufBytes& flags(std::string_view key, const std::vector<bool>& values) {
    pair(key, 9).u32(7).u64(values.size());
    for (const bool v : values) {
      pairs_.u8(v ? 1 : 0);
    }
    return *this;
  }
  /// A key of any type, its value already as bytes.
  GgufBytes& raw(std::string_view key, std::uint32_t type, std::string_view value) {
    pair(key, type).bytes += value;
    return *this;
  }
  GgufBytes& tensor(std::string_view name, const std::vector<std::uint64_t>& ne,
                    model::GgmlType type) {
    model::GgmlShape shape{1, 1, 1, 1};
    for (std::size_t i = 0; i < ne.size() && i < shape.size(); ++i) {
      shape[i] = static_cast<std::int64_t>(ne[i]);
    }
    raw_tensor(name, ne, static_cast<std::uint32_t>(type), end_);
    const auto bytes = static_cast<std::uint64_t>(model::ggml_tensor_bytes(type, shape).count());
    end_ += (bytes + alignment - 1) / alignment * alignment;
    return *this;
  }
  GgufBytes& raw_tensor(std::string_view name, const std::vector<std::uint64_t>& ne,
                        std::uint32_t type, std::uint64_t offset) {
    infos_.text(name).u32(static_cast<std::uint32_t>(ne.size()));
    for (const std::uint64_t n : ne) {
      infos_.u64(n);
    }
    infos_.u32(type).u64(offset);
    ++tensor_count_;
    return *this;
  }
  /// All tensors that the converter writes for a model.
  GgufBytes& tensors(const model::Architecture& architecture, std::string_view mixture,
                     const model::GgufOptions& options = {}) {
    const auto list = model::gguf_tensors(architecture, options);
    const auto types = model::gguf_types(architecture, list, mixture, options);
    for (std::size_t i = 0; i < list.size(); ++i) {
      std::vector<std::uint64_t> ne;
      for (const std::int64_t n : list[i].ne) {
        ne.push_back(static_cast<std::uint64_t>(n));
      }
      while (ne.size() > 1 && ne.back() == 1) {
        ne.pop_back();
      }
      tensor(list[i].name, ne, types[i]);
    }
    return *this;
  }

  [[nodiscard]] std::string bytes() const {
    Writer w;
    w.bytes = "GGUF";
    w.u32(version).u64(tensor_count_).u64(pair_count_);
    return w.bytes + pairs_.bytes + infos_.bytes;
  }
  /// Bytes of the data, each tensor padded.
  [[nodiscard]] std::uint64_t data_bytes() const { return end_; }

 private:
  Writer& pair(std::string_view key, std::uint32_t type) {
    ++pair_count_;
    return pairs_.text(key).u32(type);
  }

  Writer pairs_;
  Writer infos_;
  std::uint64_t pair_count_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t end_ = 0;
};

/// A safetensors file without data.
class SafetensorsBytes {
 public:
  SafetensorsBytes& tensor(std::string_view name, std::string_view dtype,
                           const std::vector<std::int64_t>& shape, std::uint64_t bytes) {
    std::string text;
    for (const std::int64_t n : shape) {
      text += (text.empty() ? "" : ",") + std::to_string(n);
    }
    entry("\"" + std::string(name) + "\":{\"dtype\":\"" + std::string(dtype) + "\",\"shape\":[" +
          text + "],\"data_offsets\":[" + std::to_string(end_) + "," +
          std::to_string(end_ + bytes) + "]}");
    end_ += bytes;
    return *this;
  }
  /// A matrix of 16-bit numbers.
  SafetensorsBytes& bf16(std::string_view name, const std::vector<std::int64_t>& shape) {
    std::int64_t n = 2;
    for (const std::int64_t s : shape) {
      n *= s;
    }
    return tensor(name, "BF16", shape, static_cast<std::uint64_t>(n));
  }
  SafetensorsBytes& entry(std::string_view json) {
    entries_ += (entries_.empty() ? "" : ",") + std::string(json);
    return *this;
  }
  [[nodiscard]] std::string bytes() const { return of("{" + entries_ + "}"); }
  [[nodiscard]] std::uint64_t data_bytes() const { return end_; }
  static std::string of(std::string_view json) {
    Writer w;
    w.u64(json.size());
    return w.bytes + std::string(json);
  }

 private:
  std::string entries_;
  std::uint64_t end_ = 0;
};

inline read::GgufHeader read_gguf(const std::string& bytes) {
  return read::read_gguf_header(read::MemorySource(bytes, "m.gguf"));
}

}  // namespace macfit::test
