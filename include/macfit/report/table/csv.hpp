#pragma once

#include <string>
#include <string_view>

namespace macfit::report {

/// Appends a text as one field of RFC 4180: quoted where it has to be, controls and what is not
/// UTF-8 as printable() shows them. A text that a spreadsheet would take for a formula (it starts
/// with = + - or @) gets an apostrophe before it. Not for numbers, which are written as they are.
void csv_text(std::string& out, std::string_view text);
[[nodiscard]] std::string csv_field(std::string_view text);

/// What ends a record by RFC 4180.
inline constexpr std::string_view csv_end = "\r\n";

/// Appends a text as a JSON string, quotes included; controls and what is not UTF-8 as printable()
/// shows them.
void json_text(std::string& out, std::string_view text);

/// Appends a text to a line or to a cell of a table of Markdown, where it stands for itself: no
/// element, link, code or emphasis by asterisks.
void markdown_text(std::string& out, std::string_view text);
[[nodiscard]] std::string markdown_field(std::string_view text);

}  // namespace macfit::report
