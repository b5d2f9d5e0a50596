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
      findings.add(
          {fmt::format("{}:{}:{}", file.path, finding.line, finding.column),
           std::string(study::severity_name(finding.severity)), finding.code,
           finding.hint.empty() ? finding.message : finding.message + " (" + finding.hint + ")"});
    }
    for (const study::ExpectationResult& one : file.expectations) {
      expectations.add({file.model, one.name, one.holds ? "yes" : "no",
                        one.found ? one.found->verdict : "–",
                        one.found ? std::string(fit::tier_name(one.found->tier)) : "–"});
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
  if (!report.changes.empty()) {
    text += "\n## Changes\n\n";
    for (const study::Change& change : report.changes) {
      text += "- ";
      markdown_text(text, change.model + ", " + change.expectation + ": " + change.text);
      text += '\n';
    }
  }
  return text;
}

}  // namespace macfit::report
