#include "macfit/report/table/table.hpp"

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

/// The pieces that a cell may be cut into: words, and words after a hyphen, a slash or the like.
/// Cutting changes nothing: the pieces joined are the text.
std::vector<std::string> pieces(const std::string& text) {
  std::vector<std::string> result(1);
  for (const char c : text) {
    result.back() += c;
    const bool joint = std::string_view("-/_+,").find(c) != std::string_view::npos;
    if (c == ' ' || (joint && result.back().size() > 1)) {
      result.emplace_back();
    }
  }
  return result;
}

std::size_t longest_piece(const std::string& text) {
  std::size_t longest = 0;
  for (const std::string& piece : pieces(text)) {
    longest = std::max(longest, columns(without_trailing_blanks(piece)));
  }
  return longest;
}

/// A cell as lines of at most `width` columns.
std::vector<std::string> lines_of(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (const std::string& piece : pieces(text)) {
    if (columns(without_trailing_blanks(lines.back() + piece)) > width && !lines.back().empty()) {
      lines.back() = without_trailing_blanks(std::move(lines.back()));
      lines.emplace_back();
    }
    lines.back() += piece;
  }
  lines.back() = without_trailing_blanks(std::move(lines.back()));
  return lines;
}

}  // namespace

std::string Table::text(const Style& style, std::size_t indent) const {
  constexpr std::size_t gap = 2;
  // What is measured is what is shown: ASCII may need more columns.
  std::vector<std::string> headers;
  for (const Column& column : columns_) {
    headers.push_back(in_charset(style, column.header));
  }
  std::vector<std::vector<std::string>> rows = rows_;
  for (std::vector<std::string>& row : rows) {
    std::transform(row.begin(), row.end(), row.begin(),
                   [&](const std::string& cell) { return in_charset(style, cell); });
  }
  std::vector<std::size_t> widths;
  std::vector<std::size_t> least;
  std::vector<std::size_t> shown;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = columns(headers[c]);
    std::size_t narrow = longest_piece(headers[c]);
    for (const auto& row : rows) {
      width = std::max(width, columns(row[c]));
      narrow = std::max(narrow, columns_[c].right ? columns(row[c]) : longest_piece(row[c]));
    }
    widths.push_back(width);
    least.push_back(std::min(narrow, width));
    shown.push_back(c);
  }
  const auto total = [&](const std::vector<std::size_t>& sizes) {
    std::size_t sum = indent;
    for (const std::size_t c : shown) {
      sum += sizes[c] + gap;
    }
    return sum - gap;
  };
  while (total(widths) > style.width) {
    const auto drop = std::find_if(shown.rbegin(), shown.rend(),
                                   [&](std::size_t c) { return columns_[c].droppable; });
    if (drop == shown.rend()) {
      break;
    }
    shown.erase(std::next(drop).base());
  }
  const std::string margin(indent, ' ');
  std::string result;
  if (total(least) > style.width) {
    for (const auto& row : rows) {
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        if (row[c].empty()) {
          continue;
        }
        if (headers[c].empty()) {
          result += margin + row[c] + '\n';
          continue;
        }
        result += margin + paint(style, Paint::dim, headers[c] + ": ") + row[c] + '\n';
      }
      result += '\n';
    }
    return encode(style, result);
  }
  // The column with the most to give narrows first.
  while (total(widths) > style.width) {
    const auto most = std::max_element(
        shown.begin(), shown.end(),
        [&](std::size_t a, std::size_t b) { return widths[a] - least[a] < widths[b] - least[b]; });
    --widths[*most];
  }
  const auto line = [&](const auto& cell, bool head) {
    std::vector<std::vector<std::string>> cells;
    std::size_t height = 1;
    for (const std::size_t c : shown) {
      cells.push_back(lines_of(cell(c), widths[c]));
      height = std::max(height, cells.back().size());
    }
    for (std::size_t i = 0; i < height; ++i) {
      std::string text = margin;
      for (std::size_t k = 0; k < shown.size(); ++k) {
        const std::size_t c = shown[k];
        text += padded(i < cells[k].size() ? cells[k][i] : std::string(), widths[c],
                       columns_[c].right) +
                std::string(gap, ' ');
      }
      text = without_trailing_blanks(std::move(text));
      result += (head ? paint(style, Paint::dim, text) : text) + '\n';
    }
  };
  line([&](std::size_t c) { return headers[c]; }, true);
  for (const auto& row : rows) {
    line([&](std::size_t c) { return row[c]; }, false);
  }
  return encode(style, result);
}

}  // namespace macfit::report
