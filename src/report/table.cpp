#include "macfit/report/table.hpp"

#include <algorithm>

#include "macfit/core/text.hpp"

namespace macfit::report {
namespace {

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::size_t used = columns(text);
  const std::string fill(width > used ? width - used : 0, ' ');
  return right ? fill + text : text + fill;
}

std::string without_trailing_blanks(std::string line) {
  while (!line.empty() && line.back() == ' ') {
    line.pop_back();
  }
  return line;
}

}  // namespace

std::string Table::text(const Style& style, std::size_t indent) const {
  constexpr std::size_t gap = 2;
  constexpr std::size_t least_wrapped = 24;
  std::vector<std::size_t> widths;
  std::vector<std::size_t> shown;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = columns(columns_[c].header);
    for (const auto& row : rows_) {
      width = std::max(width, columns(row[c]));
    }
    widths.push_back(width);
    shown.push_back(c);
  }
  const auto total = [&] {
    std::size_t sum = indent;
    for (const std::size_t c : shown) {
      sum += widths[c] + gap;
    }
    return sum - gap;
  };
  while (total() > style.width) {
    const auto drop = std::find_if(shown.rbegin(), shown.rend(),
                                   [&](std::size_t c) { return columns_[c].droppable; });
    if (drop == shown.rend()) {
      break;
    }
    shown.erase(std::next(drop).base());
  }
  bool wrapped = false;
  if (const std::size_t last = columns_.size() - 1;
      total() > style.width && columns_[last].wraps && shown.back() == last) {
    const std::size_t before = total() - widths[last];
    if (before + least_wrapped <= style.width) {
      widths[last] = style.width - before;
      wrapped = true;
    }
  }
  const std::string margin(indent, ' ');
  std::string result;
  if (total() > style.width) {
    for (const auto& row : rows_) {
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        if (row[c].empty()) {
          continue;
        }
        if (columns_[c].header.empty()) {
          result += margin + row[c] + '\n';
          continue;
        }
        result += margin + paint(style, Paint::dim, columns_[c].header + ": ") + row[c] + '\n';
      }
      result += '\n';
    }
    return encode(style, result);
  }
  const auto line = [&](const auto& cell, bool head) {
    std::string text = margin;
    for (const std::size_t c : shown) {
      text += wrapped && c + 1 == columns_.size()
                  ? wrap(cell(c), style.width, total() - widths[c])
                  : padded(cell(c), widths[c], columns_[c].right) + std::string(gap, ' ');
    }
    text = without_trailing_blanks(std::move(text));
    return (head ? paint(style, Paint::dim, text) : text) + '\n';
  };
  result += line([&](std::size_t c) { return columns_[c].header; }, true);
  for (const auto& row : rows_) {
    result += line([&](std::size_t c) { return row[c]; }, false);
  }
  return encode(style, result);
}

}  // namespace macfit::report
