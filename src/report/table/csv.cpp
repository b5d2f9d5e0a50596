#include "macfit/report/table/csv.hpp"

#include "macfit/core/text.hpp"

namespace macfit::report {
namespace {

constexpr std::size_t longest_field =
    4000;  ///< bytes of a text, more than any name that a reader takes

}  // namespace

void csv_text(std::string& out, std::string_view text) {
  // A plain loop: find_first_of would search its characters once for every one of the text, which
  // was a tenth of a sweep's time.
  bool quoted = false;
  bool plain = text.size() <= longest_field;
  for (const char c : text) {
    quoted = quoted || c == ',' || c == '"';
    plain = plain && static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F;
  }
  std::string safe;
  if (!plain) {
    safe = printable(text, longest_field);
    text = safe;
  }
  constexpr std::string_view formula = "=+-@";
  const bool risky = !text.empty() && formula.find(text.front()) != std::string_view::npos;
  if (quoted) {
    out += '"';
  }
  if (risky) {
    out += '\'';
  }
  if (!quoted) {
    out += text;
    return;
  }
  for (const char c : text) {
    out += c;
    if (c == '"') {
      out += c;
    }
  }
  out += '"';
}

void json_text(std::string& out, std::string_view text) {
  const auto plain = [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F &&
           c != '"' && c != '\\';
  };
  out += '"';
  std::string safe;
  for (const char c : text) {
    if (!plain(c)) {
      // Controls and broken UTF-8 become visible escapes here, so what is left needs only these
      // two.
      safe = printable(text, text.size() * 8 + 8);
      text = safe;
      break;
    }
  }
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  out += '"';
}

void markdown_text(std::string& out, std::string_view text) {
  constexpr std::string_view marks = "|\\<[]*`";
  for (const char c : printable(text, longest_field)) {
    if (marks.find(c) != std::string_view::npos) {
      out += '\\';
    }
    out += c;
  }
}

std::string markdown_field(std::string_view text) {
  std::string result;
  markdown_text(result, text);
  return result;
}

std::string csv_field(std::string_view text) {
  std::string result;
  csv_text(result, text);
  return result;
}

}  // namespace macfit::report
