#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <list>
#include <string>
#include <string_view>
#include <utility>

namespace macfit::cli {

/// One name of several texts. Their lengths keep apart what their contents can't: a text may hold
/// any character.
inline std::string joined_name(std::initializer_list<std::string_view> texts) {
  std::string name;
  for (const std::string_view text : texts) {
    name += std::to_string(text.size()) + ':';
    name += text;
  }
  return name;
}

/// The few values asked for last, by name. What can't be made is not remembered.
template <class Value>
class LruCache {
 public:
  explicit LruCache(std::size_t most) : most_(most) {}

  /// Valid until the next call.
  template <class Make>
  const Value& get(const std::string& name, const Make& make) {
    const auto known = std::find_if(values_.begin(), values_.end(),
                                    [&](const auto& one) { return one.first == name; });
    if (known != values_.end()) {
      values_.splice(values_.begin(), values_, known);
    } else {
      values_.emplace_front(name, make());
      if (values_.size() > most_) {
        values_.pop_back();
      }
    }
    return values_.front().second;
  }

 private:
  std::size_t most_;
  std::list<std::pair<std::string, Value>> values_;
};

}  // namespace macfit::cli
