#include <memory>

#include "commands.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/glossary.hpp"
#include "macfit/study/check.hpp"
#include "options.hpp"

namespace macfit::cli {

Action add_explain(CLI::App& app) {
  auto common = std::make_shared<Common>();
  auto name = std::make_shared<std::string>();
  app.add_option("name", *name, "A term, a reason or a problem code; none lists all")
      ->type_name("NAME");
  app.add_option("--color", common->color, "When to use color")->type_name("auto|always|never");
  app.footer("\nExamples:\n  macfit explain borderline\n  macfit explain tensor-latency\n");
  return [common, name] {
    const report::Style style = style_for(*common);
    const auto show = [&](const plan::Entry& entry) {
      return report::paint(style, report::Paint::bold, entry.name) + "\n  " +
             wrap(entry.meaning, style.width, 2) + "\n";
    };
    std::string text;
    if (name->empty()) {
      for (const plan::Entry& entry : plan::glossary()) {
        text += show(entry);
      }
    } else if (const auto found = plan::find_entry(*name)) {
      text = show(*found);
    } else {
      for (const study::CheckRule& rule : study::check_rules()) {
        if (same_name(rule.code, *name)) {
          text = show({rule.code, rule.meaning});
        }
      }
      if (text.empty()) {
        std::vector<std::string> known;
        for (const plan::Entry& entry : plan::glossary()) {
          known.emplace_back(entry.name);
        }
        for (const study::CheckRule& rule : study::check_rules()) {
          known.emplace_back(rule.code);
        }
        throw unknown_name("term", *name, known, {}, "macfit explain lists all");
      }
    }
    deliver(*common, report::encode(style, text));
    return 0;
  };
}

}  // namespace macfit::cli
