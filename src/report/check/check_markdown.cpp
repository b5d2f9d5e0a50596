#include <fmt/format.h>

#include "macfit/report/check/check_formats.hpp"
#include "macfit/report/table/csv.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {

std::string check_markdown(const study::CheckReport& report, const Context&) {
  Table findings({{"place"}, {"severity"}, {"code"}, {"message"}});
  Table expectations({{"model"}, {"expected of"}, {"holds"}, {"verdict"}, {"tier"}});
  for (const study::CheckedFile& file : report.files) {
    for (const study::Finding& finding : file.findings) {
      if (finding.code == "change") {
        continue;  // a table of its own
      }
      std::string message = finding.message;
      message += finding.hint.empty() ? "" : " (" + finding.hint + ")";
      message += finding.silenced.empty() ? "" : " (silenced: " + finding.silenced + ")";
      findings.add({fmt::format("{}:{}:{}", file.path, finding.line, finding.column),
                    std::string(study::severity_name(finding.severity)), finding.code, message});
    }
    for (const study::ExpectationResult& one : file.expectations) {
      expectations.add({file.model, one.name, one.holds ? "yes" : "no",
                        one.found ? one.found->verdict : "–",
                        one.found && one.found->has_tier ? one.found->tier_word() : "–"});
    }
  }
  std::string text = "**";
  markdown_text(text, check_summary(report));
  text += "**\n";
  if (!findings.empty()) {
    text += "\n## Findings\n\n" + findings.markdown();
  }
  if (!expectations.empty()) {
    text += "\n## Expectations\n\n" + expectations.markdown();
  }
  // What got worse comes first: it is what a reviewer looks for.
  Table changes({{"model"}, {"expected of"}, {"change"}, {"effect"}});
  for (const bool bad : {true, false}) {
    for (const study::Change& change : report.changes) {
      const bool worse =
          change.effect == study::Effect::worse || change.effect == study::Effect::removed;
      if (worse == bad) {
        changes.add({change.model, change.expectation, change.text,
                     std::string(study::effect_name(change.effect))});
      }
    }
  }
  if (!changes.empty()) {
    text += "\n## Changes\n\n" + changes.markdown();
  }
  return text;
}

}  // namespace macfit::report
