#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "macfit/report/table/style.hpp"
#include "macfit/study/sweep.hpp"

namespace macfit::report {

enum class RowFormat : unsigned char { csv, jsonl, markdown, text };
/// Throws Error naming the nearest.
[[nodiscard]] RowFormat parse_row_format(std::string_view name);

/// Writes rows one by one, each alike whatever came before, so that parts can be put together.
/// Safe from any thread.
class RowWriter {
 public:
  /// `grid` sets the widths of a text table; it must outlive the writer.
  RowWriter(RowFormat format, std::vector<std::size_t> columns, const study::Grid& grid,
            const Style& style);
  [[nodiscard]] std::string header() const;
  void write(std::string& out, const study::SweepRow& row) const;

 private:
  [[nodiscard]] std::size_t width_of(std::size_t column) const;
  [[nodiscard]] std::string markdown_header() const;
  [[nodiscard]] std::string text_header() const;
  void write_text(std::string& out, const study::SweepRow& row) const;
  void cell_text(std::string& out, const study::Cell& cell) const;

  RowFormat format_;
  std::vector<std::size_t> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::string> keys_;  ///< what comes before a value in JSON Lines
  const study::Grid& grid_;
  Style style_;
};

/// The columns of a text table where none are named: the axes that vary, and the answer.
[[nodiscard]] std::vector<std::size_t> brief_columns(const study::Grid& grid);

}  // namespace macfit::report
