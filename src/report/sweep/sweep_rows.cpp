// Rows of a sweep, written one by one and fast: a million a second.

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/sweep/sweep_report.hpp"
#include "macfit/report/table/csv.hpp"

namespace macfit::report {
namespace {

using study::Cell;
using study::CellKind;

void append_whole(std::string& out, std::int64_t value) {
  const fmt::format_int text(value);
  out.append(text.data(), text.size());
}

/// Four decimals, always: the same text on every machine.
void append_real(std::string& out, double value) {
  if (!(std::fabs(value) < 1e14)) {
    fmt::format_to(std::back_inserter(out), "{:.4f}", value);
    return;
  }
  auto scaled = static_cast<std::int64_t>(std::llround(value * 1e4));
  if (scaled < 0) {
    out += '-';
    scaled = -scaled;
  }
  append_whole(out, scaled / 10'000);
  const auto rest = static_cast<int>(scaled % 10'000);
  const char digits[5] = {
      '.', static_cast<char>('0' + rest / 1000), static_cast<char>('0' + rest / 100 % 10),
      static_cast<char>('0' + rest / 10 % 10), static_cast<char>('0' + rest % 10)};
  out.append(digits, sizeof digits);
}

/// The longest text that a column of results can hold.
std::size_t widest(const study::Column& column) {
  if (column.kind == CellKind::tier) {
    return std::string_view("not-practical").size();
  }
  if (column.name == "verdict") {
    return std::string_view("two-independent-workers").size();
  }
  if (column.name == "reason") {
    return std::string_view("context-above-longest").size();
  }
  if (column.name == "problem") {
    return 40;
  }
  constexpr std::size_t number = 15;
  return column.kind == CellKind::flag                          ? 3
         : column.kind == CellKind::real                        ? 10
         : column.name.find("_bytes") != std::string_view::npos ? number
                                                                : 12;
}

bool is_number(const study::Column& column) {
  return column.kind == CellKind::whole || column.kind == CellKind::real;
}

}  // namespace

RowFormat parse_row_format(std::string_view name) {
  const std::vector<std::string> known = {"csv", "jsonl", "markdown", "text"};
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (same_name(known[i], name)) {
      return static_cast<RowFormat>(i);
    }
  }
  throw unknown_name("value of --format", name, known, {}, "known are " + join_words(known));
}

RowWriter::RowWriter(RowFormat format, std::vector<std::size_t> columns, const study::Grid& grid,
                     const Style& style)
    : format_(format), columns_(std::move(columns)), grid_(grid), style_(style) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths_.push_back(width_of(columns_[i]));
    std::string key = i == 0 ? "{" : ",";
    json_text(key, study::sweep_columns()[columns_[i]].name);
    keys_.push_back(key + ":");
  }
}

std::size_t RowWriter::width_of(std::size_t column) const {
  const study::Column& about = study::sweep_columns()[column];
  std::size_t width = about.name.size();
  if (column >= study::axis_count) {
    return std::max(width, widest(about));
  }
  const auto axis = static_cast<study::Axis>(column);
  for (std::size_t i = 0; i < grid_.length(axis); ++i) {
    width = std::max(width, study::is_text(axis) ? macfit::columns(grid_.text(axis, i))
                                                 : grid_.value(axis, i).size());
  }
  return width;
}

std::string RowWriter::markdown_header() const {
  std::string heads = "|";
  std::string rule = "|";
  for (const std::size_t column : columns_) {
    const study::Column& about = study::sweep_columns()[column];
    heads += fmt::format(" {} |", about.name);
    rule += is_number(about) ? " ---: |" : " --- |";
  }
  return heads + "\n" + rule + "\n";
}

std::string RowWriter::text_header() const {
  std::string out;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const study::Column& column = study::sweep_columns()[columns_[i]];
    out += i == 0 ? "" : "  ";
    out += is_number(column) ? fmt::format("{:>{}}", column.name, widths_[i])
                             : fmt::format("{:<{}}", column.name, widths_[i]);
  }
  out.resize(out.find_last_not_of(' ') + 1);
  return paint(style_, Paint::dim, out) + "\n";
}

std::string RowWriter::header() const {
  std::string out;
  switch (format_) {
    case RowFormat::csv:
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        out += i == 0 ? "" : ",";
        out += study::sweep_columns()[columns_[i]].name;
      }
      out += csv_end;
      break;
    case RowFormat::jsonl:
      break;
    case RowFormat::markdown:
      return markdown_header();
    case RowFormat::text:
      return text_header();
  }
  return out;
}

void RowWriter::cell_text(std::string& out, const Cell& cell) const {
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) {
    append_whole(out, *whole);
  } else if (const auto* real = std::get_if<double>(&cell)) {
    append_real(out, *real);
  } else if (const auto* flag = std::get_if<bool>(&cell)) {
    out += *flag ? "true" : "false";
  } else if (const auto* text = std::get_if<std::string_view>(&cell)) {
    switch (format_) {
      case RowFormat::csv:
        csv_text(out, *text);
        break;
      case RowFormat::jsonl:
        json_text(out, *text);
        break;
      case RowFormat::markdown:
        markdown_text(out, *text);
        break;
      case RowFormat::text:
        out += *text;
        break;
    }
  } else if (format_ == RowFormat::jsonl) {
    out += "null";
  }
}

void RowWriter::write(std::string& out, const study::SweepRow& row) const {
  switch (format_) {
    case RowFormat::csv:
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (i > 0) {
          out += ',';
        }
        cell_text(out, study::cell(row, columns_[i]));
      }
      out += csv_end;
      break;
    case RowFormat::jsonl:
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        out += keys_[i];
        cell_text(out, study::cell(row, columns_[i]));
      }
      out += "}\n";
      break;
    case RowFormat::markdown:
      out += '|';
      for (const std::size_t column : columns_) {
        out += ' ';
        cell_text(out, study::cell(row, column));
        out += " |";
      }
      out += '\n';
      break;
    case RowFormat::text:
      write_text(out, row);
      break;
  }
}

void RowWriter::write_text(std::string& out, const study::SweepRow& row) const {
  std::string value;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    value.clear();
    cell_text(value, study::cell(row, columns_[i]));
    const std::size_t used = macfit::columns(value);
    const std::size_t fill = widths_[i] > used ? widths_[i] - used : 0;
    const bool right = is_number(study::sweep_columns()[columns_[i]]);
    if (i > 0) {
      out += "  ";
    }
    out.append(right ? fill : 0, ' ');
    out += value;
    out.append(right ? 0 : fill, ' ');
  }
  while (!out.empty() && out.back() == ' ') {
    out.pop_back();
  }
  out += '\n';
}

std::vector<std::size_t> brief_columns(const study::Grid& grid) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < study::axis_count; ++i) {
    if (grid.length(static_cast<study::Axis>(i)) > 1) {
      chosen.push_back(i);
    }
  }
  for (const char* name : {"verdict", "tier", "fits", "runtime", "utilization", "max_context",
                           "decode_tokens_per_second", "reason"}) {
    chosen.push_back(study::find_column(name));
  }
  return chosen;
}

}  // namespace macfit::report
