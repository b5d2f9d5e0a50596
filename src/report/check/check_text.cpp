// Findings as lines: for people, GitHub's annotations, JUnit.

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/check/check_report.hpp"

namespace macfit::report {
namespace {

using study::CheckedFile;
using study::Finding;
using study::Severity;

constexpr std::size_t longest = 2000;

std::string message_of(const Finding& finding) {
  const std::string text =
      finding.hint.empty() ? finding.message : finding.message + " (" + finding.hint + ")";
  return finding.silenced.empty() ? text : text + " (silenced: " + finding.silenced + ")";
}

/// As GitHub's runner takes a command's text; `property` for what stands before the "::".
std::string github_escaped(std::string_view text, bool property) {
  std::string result;
  for (const std::string_view line : split(text.substr(0, longest), '\n')) {
    result += line.data() == text.data() ? "" : "%0A";
    for (const char c : printable(line, longest)) {
      if (c == '%') {
        result += "%25";
      } else if (property && c == ':') {
        result += "%3A";
      } else if (property && c == ',') {
        result += "%2C";
      } else {
        result += c;
      }
    }
  }
  return result;
}

std::string_view github_command(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "notice";
    case Severity::warning:
      return "warning";
    case Severity::error:
      break;
  }
  return "error";
}

/// For text and for attributes alike. What XML 1.0 can't hold became visible before.
std::string xml_escaped(std::string_view text) {
  std::string result;
  for (const char c : printable(text, longest)) {
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
        result += "&apos;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

struct Case {
  std::string name;
  std::string kind;  ///< "failure", "error" or empty
  std::vector<const Finding*> findings;
  std::string note;
};

bool within(const Finding& finding, const study::ExpectationResult& expectation) {
  return (finding.code == "change" || finding.code.rfind("expect-", 0) == 0) &&
         (finding.pointer == expectation.pointer ||
          finding.pointer.rfind(expectation.pointer + "/", 0) == 0);
}

std::string line_of(const Finding& finding) {
  return fmt::format("{}:{}: {}: {}\n", finding.line, finding.column,
                     study::severity_name(finding.severity), message_of(finding));
}

/// What can't be planned is an error of the case, never one that passes empty.
Case case_of(const CheckedFile& file, const study::ExpectationResult& expectation) {
  Case one{"expect " + expectation.name, "", {}, ""};
  for (const Finding& finding : file.findings) {
    if (within(finding, expectation)) {
      if (finding.severity == Severity::error) {
        one.findings.push_back(&finding);
        one.kind = "failure";
      } else {
        one.note += line_of(finding);
      }
    }
  }
  if (expectation.found) {
    one.note = expectation.found->summary + (one.note.empty() ? "" : "\n") + one.note;
  } else {
    one.kind = "error";
  }
  return one;
}

std::vector<Case> cases_of(const CheckedFile& file) {
  std::vector<Case> cases;
  Case manifest{"manifest", "", {}, ""};
  for (const Finding& finding : file.findings) {
    const bool expected =
        std::any_of(file.expectations.begin(), file.expectations.end(),
                    [&](const auto& expectation) { return within(finding, expectation); });
    if (expected) {
      continue;
    }
    if (finding.severity == Severity::error) {
      manifest.findings.push_back(&finding);
      manifest.kind = file.readable ? "failure" : "error";
    } else {
      manifest.note += line_of(finding);
    }
  }
  cases.push_back(std::move(manifest));
  for (const study::ExpectationResult& expectation : file.expectations) {
    cases.push_back(case_of(file, expectation));
  }
  return cases;
}

std::string junit_case(const CheckedFile& file, const Case& one) {
  std::string text = fmt::format("    <testcase classname=\"{}\" name=\"{}\"",
                                 xml_escaped(file.path), xml_escaped(one.name));
  if (one.kind.empty() && one.note.empty()) {
    return text + "/>\n";
  }
  text += ">\n";
  if (!one.kind.empty()) {
    const bool told = !one.findings.empty();
    text += fmt::format("      <{} type=\"{}\" message=\"{}\">", one.kind,
                        told ? xml_escaped(one.findings.front()->code) : "expect-invalid",
                        told ? xml_escaped(one.findings.front()->message)
                             : "can't be planned: the manifest's own case says why");
    for (const Finding* finding : one.findings) {
      text +=
          fmt::format("{}:{}:{}: {} [{}]\n", xml_escaped(file.path), finding->line, finding->column,
                      xml_escaped(message_of(*finding)), xml_escaped(finding->code));
    }
    text += fmt::format("</{}>\n", one.kind);
  }
  if (!one.note.empty()) {
    std::string note;
    for (const std::string_view line : split(one.note, '\n')) {
      note += line.empty() ? std::string() : xml_escaped(line) + "\n";
    }
    text += "      <system-out>" + note + "</system-out>\n";
  }
  return text + "    </testcase>\n";
}

std::size_t with_kind(const std::vector<Case>& cases, std::string_view kind) {
  return static_cast<std::size_t>(
      std::count_if(cases.begin(), cases.end(), [&](const Case& one) { return one.kind == kind; }));
}

std::string counted(std::size_t count, const std::string& word) {
  return (count == 0 ? std::string("no") : std::to_string(count)) + " " + word +
         (count == 1 ? "" : "s");
}

}  // namespace

std::string check_concise(const study::CheckReport& report) {
  std::string text;
  for (const CheckedFile& file : report.files) {
    for (const Finding& finding : file.findings) {
      text += fmt::format("{}:{}:{}: {}: {} [{}]\n", printable(file.path, longest), finding.line,
                          finding.column, study::severity_name(finding.severity),
                          printable(message_of(finding), longest), finding.code);
    }
  }
  return text;
}

std::string check_github(const study::CheckReport& report) {
  std::string text;
  for (const CheckedFile& file : report.files) {
    for (const Finding& finding : file.findings) {
      text += fmt::format("::{} file={},line={},col={},title={}::{}\n",
                          github_command(finding.severity), github_escaped(file.path, true),
                          finding.line, finding.column,
                          github_escaped("macfit check: " + finding.code, true),
                          github_escaped(message_of(finding), false));
    }
  }
  return text;
}

std::string check_junit(const study::CheckReport& report) {
  std::string suites;
  std::size_t tests = 0;
  std::size_t failures = 0;
  std::size_t errors = 0;
  for (const CheckedFile& file : report.files) {
    const std::vector<Case> cases = cases_of(file);
    const std::size_t failed = with_kind(cases, "failure");
    const std::size_t broken = with_kind(cases, "error");
    suites += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n",
                          xml_escaped(file.path), cases.size(), failed, broken);
    for (const Case& one : cases) {
      suites += junit_case(file, one);
    }
    suites += "  </testsuite>\n";
    tests += cases.size();
    failures += failed;
    errors += broken;
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"macfit check\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n{}"
      "</testsuites>\n",
      tests, failures, errors, suites);
}

std::string check_summary(const study::CheckReport& report) {
  std::size_t expectations = 0;
  std::size_t held = 0;
  for (const CheckedFile& file : report.files) {
    expectations += file.expectations.size();
    held += static_cast<std::size_t>(
        std::count_if(file.expectations.begin(), file.expectations.end(),
                      [](const auto& expectation) { return expectation.holds; }));
  }
  std::string text = counted(report.checked(), "file") + ": " +
                     counted(report.count(Severity::error), "error") + ", " +
                     counted(report.count(Severity::warning), "warning");
  if (report.silenced() > 0) {
    text += fmt::format(", {} silenced", report.silenced());
  }
  if (expectations > 0) {
    text += fmt::format("; {} of {} expectations hold", held, expectations);
  }
  if (report.has_baseline) {
    text += "; " + counted(report.changes.size(), "change") + " against the baseline";
    std::string kinds;
    for (const study::Effect effect : {study::Effect::worse, study::Effect::removed}) {
      const auto many = std::count_if(report.changes.begin(), report.changes.end(),
                                      [&](const auto& one) { return one.effect == effect; });
      if (many > 0) {
        kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", many, effect_name(effect));
      }
    }
    text += kinds.empty() ? "" : " (" + kinds + ")";
  }
  return text;
}

}  // namespace macfit::report
