#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "macfit/fit/tier.hpp"

namespace macfit::report::html {

// Pages that need nothing but themselves: no script, no image, no font, one style block whose hash
// the page's Content-Security-Policy names. Text gets into a page only through `text` and attribute
// values, which escape it, and elements only through `element`, which closes them.

/// The text without a meaning in HTML: & < > " ' as references; control characters, bidirectional
/// controls and bytes that are not UTF-8 as printable() shows them; cut at `limit` bytes.
[[nodiscard]] std::string escape(std::string_view text, std::size_t limit = 4000);

/// A well-formed piece of a page.
class Markup {
 public:
  Markup() = default;
  Markup& operator+=(const Markup& more) {
    html_ += more.html_;
    return *this;
  }
  friend Markup operator+(Markup a, const Markup& b) { return a += b; }
  [[nodiscard]] bool empty() const noexcept { return html_.empty(); }
  [[nodiscard]] const std::string& html() const noexcept { return html_; }

 private:
  explicit Markup(std::string html) : html_(std::move(html)) {}
  friend struct Maker;
  std::string html_;
};

/// Names are macfit's own; values may be anything.
struct Attribute {
  std::string_view name;
  std::string value;
};
using Attributes = std::vector<Attribute>;

[[nodiscard]] Markup text(std::string_view words);
[[nodiscard]] Markup element(std::string_view tag, const Attributes& attributes,
                             const Markup& inside);
[[nodiscard]] Markup element(std::string_view tag, const Markup& inside);
/// An element with nothing but text in it.
[[nodiscard]] Markup element(std::string_view tag, std::string_view words);

/// A whole page: `title` in the browser's bar, `main` between the skip link and the footer.
[[nodiscard]] std::string page(std::string_view title, const Markup& main);
/// The one style block, and the name of its SHA-256 as the policy writes it.
[[nodiscard]] std::string_view style_text() noexcept;
[[nodiscard]] std::string_view style_hash() noexcept;

/// A heading of the second rank with what belongs under it.
[[nodiscard]] Markup section(std::string_view id, std::string_view heading, const Markup& inside);
[[nodiscard]] Markup paragraph(std::string_view words);
[[nodiscard]] Markup list(const std::vector<Markup>& items);
/// A line to type, selected whole by one click.
[[nodiscard]] Markup command(std::string_view line);
/// A tier by sign, word and color; `words` in place of the tier's name where given.
[[nodiscard]] Markup badge(fit::Tier tier, std::string_view words = {});

/// A word that no line ends in, such as a format's name.
[[nodiscard]] Markup whole(std::string_view word);
/// "3.37 (2.26–4.15), estimated": a line may end before the interval and after it, not within.
[[nodiscard]] Markup figure(std::string_view words);

struct Fact {
  std::string name;
  Markup value;
  std::string more;  ///< in small print under it; may be empty
};
/// Figures side by side.
[[nodiscard]] Markup facts(const std::vector<Fact>& facts);

struct Column {
  std::string header;
  bool number = false;
};
/// A table with its caption; the first cell of each row is the row's header. Scrolls by itself
/// where it is wider than the page. As many cells a row as columns.
[[nodiscard]] Markup table(std::string_view caption, const std::vector<Column>& columns,
                           const std::vector<std::vector<Markup>>& rows);

/// A source as text, or as a link where it is an https address without blanks.
[[nodiscard]] Markup source(std::string_view words);

}  // namespace macfit::report::html
