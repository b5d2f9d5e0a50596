#include <memory>

#include "commands.hpp"
#include "explanations.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "options.hpp"

namespace macfit::cli {

Action add_explain(CLI::App& app) {
  auto common = std::make_shared<Common>();
  auto name = std::make_shared<std::string>();
  app.add_option("name", *name, "A word of any output: a term, a code, a column; none lists all")
      ->type_name("NAME");
  app.add_option("--color", common->color, "When to use color")->type_name("auto|always|never");
  app.footer("\nExamples:\n  macfit explain borderline\n  macfit explain tensor-latency\n");
  return [common, name] {
    const report::Style style = style_for(*common);
    const auto show = [&](const Explanation& one) {
      return report::paint(style, report::Paint::bold, one.name) + "\n  " +
             wrap(one.meaning, style.width, 2) + "\n";
    };
    std::string text;
    if (name->empty()) {
      for (const Explanation& one : explanations()) {
        text += show(one);
      }
    } else if (const auto found = explain(*name, load_catalogs(*common))) {
      text = show(*found);
    } else {
      std::vector<std::string> known;
      for (const Explanation& one : explanations()) {
        known.push_back(one.name);
      }
      throw unknown_name("word", *name, known, {}, "macfit explain lists all");
    }
    deliver(*common, report::encode(style, text));
    return 0;
  };
}

}  // namespace macfit::cli
