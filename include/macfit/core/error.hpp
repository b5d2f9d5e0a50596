#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace macfit {

/// Where in the input something is wrong. Any part may be empty.
struct Place {
  std::string file;                     ///< path as the user gave it, or "<embedded>/name"
  std::optional<std::string> pointer;   ///< RFC 6901 JSON pointer; "" is the whole document
  std::optional<std::uint64_t> offset;  ///< byte offset from the start of the file
};

/// The one error type: bad input, bad usage, or a file that can't be read or written (exit code 2).
/// `what()` is the whole text on one line: place, what was found, what was expected, hint.
class Error : public std::exception {
 public:
  explicit Error(std::string message, Place place = {}, std::string hint = {});

  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const Place& place() const noexcept { return place_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

  /// The same error with the file named, where it was not yet.
  [[nodiscard]] Error in_file(std::string_view file) const;

 private:
  std::string message_;
  Place place_;
  std::string hint_;
  std::string text_;
};

/// Error for a name outside a closed set: names the nearest known ones.
/// `kind` is what the name stands for ("model", "runtime").
[[nodiscard]] Error unknown_name(std::string_view kind, std::string_view name,
                                 const std::vector<std::string>& known, Place place = {},
                                 std::string_view more = {});

}  // namespace macfit
