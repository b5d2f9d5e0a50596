#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "macfit/run/result.hpp"

namespace macfit::run {

/// The file of results: a line a job, on the disk before append() returns. One process writes it
/// at a time. A line torn by the end of an earlier run is taken off.
class Ledger {
 public:
  /// Opens or makes the file, locks it, and tells `seen` of every result in it, oldest first.
  /// Throws Error: another run has it, it can't be written, or a line in its middle is no result.
  Ledger(std::string path, const std::function<void(const Result&)>& seen);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// Throws Error where the disk does not take it: what came before stays whole.
  void append(const Result& result);
  /// Bytes of a torn line that opening took off; 0: there was none.
  [[nodiscard]] std::uint64_t torn() const noexcept { return torn_; }

 private:
  void read(const std::function<void(const Result&)>& seen);
  void take_off(std::uint64_t size);

  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t torn_ = 0;
};

/// True while a run holds the ledger at `path`.
[[nodiscard]] bool is_locked(const std::string& path);

}  // namespace macfit::run
