// Markup by functions: text is escaped by its type, elements close themselves.

#include "macfit/report/page/html.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/plan/plan_report.hpp"

namespace macfit::report::html {

struct Maker {
  static Markup make(std::string html) { return Markup(std::move(html)); }
};

namespace {

/// Elements that run in a line of text: no line break after them.
bool in_line(std::string_view tag) {
  constexpr std::array<std::string_view, 5> tags = {"a", "code", "span", "strong", "small"};
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

}  // namespace

std::string escape(std::string_view text, std::size_t limit) {
  std::string result;
  for (const char c : printable(text, limit)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

Markup text(std::string_view words) { return Maker::make(escape(words)); }

Markup element(std::string_view tag, const Attributes& attributes, const Markup& inside) {
  std::string html = fmt::format("<{}", tag);
  for (const Attribute& attribute : attributes) {
    html += fmt::format(" {}=\"{}\"", attribute.name, escape(attribute.value));
  }
  html += fmt::format(">{}</{}>{}", inside.html(), tag, in_line(tag) ? "" : "\n");
  return Maker::make(std::move(html));
}

Markup element(std::string_view tag, const Markup& inside) { return element(tag, {}, inside); }

Markup element(std::string_view tag, std::string_view words) {
  return element(tag, {}, text(words));
}

std::string page(std::string_view title, const Markup& main) {
  const Markup body =
      element("a", {{"class", "skip"}, {"href", "#main"}}, text("To the report")) +
      element("main", {{"id", "main"}}, main) +
      element("footer", text(fmt::format("macfit {}. This page loads nothing and runs nothing.",
                                         tool_version())));
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src '{}'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
      style_hash(), escape(title), style_text(), body.html());
}

Markup section(std::string_view id, std::string_view heading, const Markup& inside) {
  const std::string heading_id = std::string(id) + "-heading";
  return element("section", {{"id", std::string(id)}, {"aria-labelledby", heading_id}},
                 element("h2", {{"id", heading_id}}, text(heading)) + inside);
}

Markup paragraph(std::string_view words) { return element("p", words); }

Markup list(const std::vector<Markup>& items) {
  Markup inside;
  for (const Markup& item : items) {
    inside += element("li", item);
  }
  return element("ul", inside);
}

Markup command(std::string_view line) {
  return element("pre", {{"tabindex", "0"}}, element("code", line));
}

Markup badge(fit::Tier tier, std::string_view words) {
  std::string_view sign = "✗";
  std::string_view kind = "bad";
  if (tier == fit::Tier::comfortable) {
    sign = "✓", kind = "good";
  } else if (tier == fit::Tier::borderline) {
    sign = "!", kind = "warn";
  }
  return element("span", {{"class", fmt::format("badge {}", kind)}},
                 element("span", {{"aria-hidden", "true"}}, text(sign)) +
                     text(fmt::format(" {}", words.empty() ? fit::tier_name(tier) : words)));
}

Markup whole(std::string_view word) { return element("span", {{"class", "whole"}}, text(word)); }

Markup figure(std::string_view words) {
  const std::size_t at = words.find(" (");
  const std::size_t end = at == std::string_view::npos ? at : words.find(')', at);
  if (end == std::string_view::npos) {
    return text(words);
  }
  std::size_t after = end + 1;
  after += after < words.size() && words[after] == ',' ? 1 : 0;
  return whole(words.substr(0, at)) + text(" ") + whole(words.substr(at + 1, after - at - 1)) +
         text(words.substr(after));
}

Markup facts(const std::vector<Fact>& facts) {
  Markup inside;
  for (const Fact& fact : facts) {
    Markup value = fact.value;
    if (!fact.more.empty()) {
      value += element("small", fact.more);
    }
    inside += element("div", element("dt", fact.name) + element("dd", value));
  }
  return element("dl", {{"class", "facts"}}, inside);
}

Markup table(std::string_view caption, const std::vector<Column>& columns,
             const std::vector<std::vector<Markup>>& rows) {
  const auto kind = [&](std::size_t column) {
    return columns[column].number ? Attributes{{"class", "number"}} : Attributes{};
  };
  Markup head;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    Attributes attributes = kind(c);
    attributes.push_back({"scope", "col"});
    head += element("th", attributes, text(columns[c].header));
  }
  Markup body;
  for (const std::vector<Markup>& row : rows) {
    Markup cells = element("th", {{"scope", "row"}}, row.front());
    for (std::size_t c = 1; c < row.size(); ++c) {
      cells += element("td", kind(c), row[c]);
    }
    body += element("tr", cells);
  }
  return element(
      "div",
      {{"class", "scroll"},
       {"role", "group"},
       {"tabindex", "0"},
       {"aria-label", "Table: " + std::string(caption)}},
      element("table", element("caption", caption) + element("thead", element("tr", head)) +
                           element("tbody", body)));
}

Markup source(std::string_view words) {
  const bool address = words.rfind("https://", 0) == 0 && words.size() < 400 &&
                       words.find_first_of(" \t\n\"'<>\\") == std::string_view::npos &&
                       printable(words, 400) == words;
  return address ? element("a", {{"href", std::string(words)}, {"rel", "noreferrer"}}, text(words))
                 : text(words);
}

}  // namespace macfit::report::html
