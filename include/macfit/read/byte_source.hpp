#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace macfit::read {

/// Bytes that a reader of file headers asks for piece by piece: a file, or memory in tests.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// What errors call it: the path as given, or empty.
  [[nodiscard]] virtual std::string name() const = 0;
  /// Fills `out`; throws Error where the source ends before.
  void read(std::uint64_t offset, std::span<char> out) const;
  [[nodiscard]] std::string read(std::uint64_t offset, std::size_t count) const;

 protected:
  virtual void do_read(std::uint64_t offset, std::span<char> out) const = 0;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes, std::string name = {})
      : bytes_(bytes), name_(std::move(name)) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  void do_read(std::uint64_t offset, std::span<char> out) const override;

  std::string_view bytes_;
  std::string name_;
};

/// A regular file, opened at once. Throws Error where the path is a folder, a pipe, a device,
/// missing or not readable.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path);
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  void do_read(std::uint64_t offset, std::span<char> out) const override;

  std::string name_;
  std::uint64_t size_ = 0;
  mutable std::ifstream stream_;
};

}  // namespace macfit::read
