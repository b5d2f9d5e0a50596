#include <fmt/format.h>

#include "macfit/report/check/check_formats.hpp"
#include "macfit/report/table/csv.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

/// All but changes, which have a table of their own.
Table findings_table(const study::CheckReport& report) {
  Table table({{"place"}, {"severity"}, {"code"}, {"message"}});
  for (const study::CheckedFile& file : report.files) {
    for (const study::Finding& finding : file.findings) {
      if (finding.code == "change") {
        continue;
      }
      std::string message = finding.message;
      message += finding.hint.empty() ? "" : " (" + finding.hint + ")";
      message += finding.silenced.empty() ? "" : " (silenced: " + finding.silenced + ")";
      table.add({fmt::format("{}:{}:{}", file.path, finding.line, finding.column),
                 std::string(study::severity_name(finding.severity)), finding.code, message});
    }
  }
  return table;
}

Table expectations_table(const study::CheckReport& report) {
  Table table({{"model"}, {"expected of"}, {"holds"}, {"verdict"}, {"tier"}});
  for (const study::CheckedFile& file : report.files) {
    for (const study::ExpectationResult& one : file.expectations) {
      table.add({file.model, one.name, one.holds ? "yes" : "no",
                 one.found ? one.found->verdict : "–",
                 one.found && one.found->has_tier ? one.found->tier_word() : "–"});
    }
  }
  return table;
}

/// What got worse comes first: it is what a reviewer looks for.
Table changes_table(const study::CheckReport& report) {
  Table table({{"model"}, {"expected of"}, {"change"}, {"effect"}});
  for (const bool bad : {true, false}) {
    for (const study::Change& change : report.changes) {
      const bool worse =
          change.effect == study::Effect::worse || change.effect == study::Effect::removed;
      if (worse == bad) {
        table.add({change.model, change.expectation, change.text,
                   std::string(study::effect_name(change.effect))});
      }
    }
  }
  return table;
}

}  // namespace

std::string check_markdown(const study::CheckReport& report, const Context&) {
  std::string text = "**";
  markdown_text(text, check_summary(report));
  text += "**\n";
  const auto section = [&](const char* title, const Table& table) {
    if (!table.empty()) {
      text += fmt::format("\n## {}\n\n", title) + table.markdown();
    }
  };
  section("Findings", findings_table(report));
  section("Expectations", expectations_table(report));
  section("Changes", changes_table(report));
  return text;
}

}  // namespace macfit::report
