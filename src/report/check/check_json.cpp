// Findings for machines: macfit.check/1 and SARIF.

#include "../estimate_json.hpp"
#include "macfit/core/dump_json.hpp"
#include "macfit/report/check/check_report.hpp"
#include "macfit/report/plan/plan_report.hpp"

namespace macfit::report {
namespace {

using Json = nlohmann::ordered_json;
using study::Finding;
using study::Severity;

Json finding_json(const Finding& finding) {
  return {{"line", finding.line},
          {"column", finding.column},
          {"pointer", finding.pointer},
          {"code", finding.code},
          {"severity", study::severity_name(finding.severity)},
          {"message", finding.message},
          {"hint", or_null(finding.hint)},
          {"silenced", or_null(finding.silenced)}};
}

Json asked_json(const model::Expectation& asked) {
  return {{"nodes", asked.nodes},
          {"context_tokens", asked.context ? Json(asked.context->count()) : Json(nullptr)},
          {"sequences", or_null(asked.sequences)},
          {"quant", or_null(asked.quant)},
          {"runtime", or_null(asked.runtime)},
          {"kv", or_null(asked.kv)},
          {"link", or_null(asked.link)},
          {"verdict", or_null(asked.verdict)},
          {"tier", or_null(asked.tier)},
          {"min_decode", or_null(asked.min_decode)}};
}

Json outcome_json(const study::Outcome& outcome) {
  Json nodes = Json::array();
  for (const study::NodeDemand& node : outcome.nodes) {
    nodes.push_back({{"name", node.name},
                     {"replica", node.replica},
                     {"demand_bytes", node.demand.count()},
                     {"effective_bytes", node.effective.count()}});
  }
  Json decode = nullptr;
  if (outcome.decode) {
    decode = {{"value", outcome.decode->value},
              {"low", outcome.decode->low},
              {"high", outcome.decode->high},
              {"evidence", outcome.decode->evidence}};
  }
  return {{"verdict", outcome.verdict},
          {"tier", or_null(outcome.tier_word())},
          {"fits", outcome.fits},
          {"summary", outcome.summary},
          {"runtime", or_null(outcome.runtime)},
          {"split", or_null(outcome.split)},
          {"format", or_null(outcome.format)},
          {"decode_tokens_per_second", decode},
          {"nodes", nodes}};
}

Json file_json(const study::CheckedFile& file) {
  Json findings = Json::array();
  for (const Finding& finding : file.findings) {
    findings.push_back(finding_json(finding));
  }
  Json expectations = Json::array();
  for (const study::ExpectationResult& result : file.expectations) {
    expectations.push_back({{"name", result.name},
                            {"line", result.line},
                            {"column", result.column},
                            {"pointer", result.pointer},
                            {"holds", result.holds},
                            {"expected", asked_json(result.asked)},
                            {"found", result.found ? outcome_json(*result.found) : Json(nullptr)}});
  }
  return {{"path", file.path},
          {"model", or_null(file.model)},
          {"readable", file.readable},
          {"findings", findings},
          {"expectations", expectations}};
}

// SARIF

/// A path as a URI reference: RFC 3986 leaves few characters as they are.
std::string uri_of(const std::string& path) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string uri = path.rfind('/', 0) == 0 ? "file://" : "";
  for (const char c : path) {
    if (plain.find(c) != std::string_view::npos) {
      uri += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      uri += '%';
      uri += digits[byte >> 4U];
      uri += digits[byte & 0xFU];
    }
  }
  return uri;
}

/// The same finding after lines have moved: FNV-1a over what does not move.
std::string fingerprint(const study::CheckedFile& file, const Finding& finding) {
  std::uint64_t hash = 14695981039346656037U;
  for (const std::string* part : {&file.path, &finding.code, &finding.pointer}) {
    for (const char c : *part + '\n') {
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    }
  }
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; hash >>= 4U) {
    text[i] = "0123456789abcdef"[hash & 0xFU];
  }
  return text;
}

Json result_json(const study::CheckedFile& file, const Finding& finding) {
  const std::vector<study::CheckRule>& rules = study::check_rules();
  std::size_t rule = 0;
  while (rule < rules.size() && rules[rule].code != finding.code) {
    ++rule;
  }
  Json location = {{"physicalLocation",
                    {{"artifactLocation", {{"uri", uri_of(file.path)}}},
                     {"region", {{"startLine", finding.line}, {"startColumn", finding.column}}}}}};
  if (!finding.pointer.empty()) {
    location["logicalLocations"] =
        Json::array({{{"fullyQualifiedName", finding.pointer}, {"kind", "value"}}});
  }
  Json result;
  result["ruleId"] = finding.code;
  if (rule < rules.size()) {
    result["ruleIndex"] = rule;
  }
  result["level"] = study::severity_name(finding.severity);
  result["message"]["text"] =
      finding.hint.empty() ? finding.message : finding.message + " (" + finding.hint + ")";
  result["locations"] = Json::array({location});
  if (!finding.silenced.empty()) {
    result["suppressions"] =
        Json::array({{{"kind", "external"}, {"justification", finding.silenced}}});
  }
  result["partialFingerprints"]["macfit/v1"] = fingerprint(file, finding);
  return result;
}

}  // namespace

std::string check_json(const study::CheckReport& report) {
  std::size_t expectations = 0;
  std::size_t failed = 0;
  Json files = Json::array();
  for (const study::CheckedFile& file : report.files) {
    if (file.gone) {
      continue;  // its change is in `changes`
    }
    files.push_back(file_json(file));
    expectations += file.expectations.size();
    for (const study::ExpectationResult& result : file.expectations) {
      failed += result.holds ? 0U : 1U;
    }
  }
  Json changes = nullptr;
  if (report.has_baseline) {
    changes = Json::array();
    for (const study::Change& change : report.changes) {
      changes.push_back({{"model", or_null(change.model)},
                         {"expectation", change.expectation},
                         {"node", or_null(change.node)},
                         {"what", change.what},
                         {"effect", study::effect_name(change.effect)},
                         {"before", or_null(change.before)},
                         {"after", or_null(change.after)},
                         {"before_bytes", or_null(change.before_bytes)},
                         {"after_bytes", or_null(change.after_bytes)},
                         {"before_tokens_per_second", or_null(change.before_rate)},
                         {"after_tokens_per_second", or_null(change.after_rate)},
                         {"text", change.text}});
    }
  }
  Json result;
  result["schema"] = "macfit.check/1";
  result["tool"] = {
      {"name", "macfit"}, {"version", tool_version()}, {"catalog", report.catalog_version}};
  result["summary"] = {{"files", report.checked()},
                       {"unreadable", report.unreadable()},
                       {"errors", report.count(Severity::error)},
                       {"warnings", report.count(Severity::warning)},
                       {"notes", report.count(Severity::note)},
                       {"expectations", expectations},
                       {"failed_expectations", failed}};
  result["files"] = files;
  result["changes"] = changes;
  return dump_document(result);
}

std::string check_sarif(const study::CheckReport& report) {
  Json rules = Json::array();
  for (const study::CheckRule& rule : study::check_rules()) {
    rules.push_back(
        {{"id", rule.code},
         {"name", rule.code},
         {"shortDescription", {{"text", rule.meaning}}},
         {"fullDescription", {{"text", rule.meaning}}},
         {"help",
          {{"text", std::string(rule.meaning) + " See docs/check.md, or type: macfit explain " +
                        std::string(rule.code)}}},
         {"defaultConfiguration", {{"level", study::severity_name(rule.severity)}}}});
  }
  Json results = Json::array();
  for (const study::CheckedFile& file : report.files) {
    for (const Finding& finding : file.findings) {
      results.push_back(result_json(file, finding));
    }
  }
  Json run;
  run["tool"]["driver"] = {{"name", "macfit"},
                           {"version", tool_version()},
                           {"informationUri", "https://github.com/macfit/macfit"},
                           {"rules", rules}};
  run["invocations"] = Json::array({{{"executionSuccessful", report.unreadable() == 0}}});
  run["columnKind"] = "unicodeCodePoints";
  run["results"] = results;
  return dump_document({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                        {"version", "2.1.0"},
                        {"runs", Json::array({run})}});
}

}  // namespace macfit::report
