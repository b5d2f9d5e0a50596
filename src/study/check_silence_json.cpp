// Findings that someone has looked at and lets stand: macfit.silence/1.

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/glob.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/study/check.hpp"

namespace macfit::study {
namespace {

struct Silence {
  std::string pointer;  ///< where it stands in its file
  std::string code;
  std::string files;  ///< a glob; empty: all
  std::string at;     ///< a pointer: that place and what is inside it; empty: all
  std::string reason;

  [[nodiscard]] bool covers(const CheckedFile& file, const Finding& finding) const {
    return finding.code == code && (files.empty() || matches_glob(files, file.path)) &&
           (at.empty() || finding.pointer == at || finding.pointer.starts_with(at + "/"));
  }
};

std::string known_code(const JsonValue& value) {
  std::vector<std::string> known;
  for (const CheckRule& rule : check_rules()) {
    known.emplace_back(rule.code);
  }
  std::string code = value.string();
  if (std::find(known.begin(), known.end(), code) == known.end()) {
    const Error error = unknown_name("code", code, known, {}, "docs/check.md lists them");
    throw value.error(error.message(), error.hint());
  }
  return code;
}

std::string reason_of(const JsonValue& value) {
  std::string reason = value.string();
  if (trim(reason).empty()) {
    throw value.error("a silenced code needs its reason in words");
  }
  return reason;
}

std::vector<Silence> read_silences(std::string_view text) {
  const JsonDocument document = JsonDocument::parse(text);
  JsonObject root = document.root().object();
  (void)root.find("$schema");
  const JsonValue schema = root.at("schema");
  if (schema.string() != "macfit.silence/1") {
    throw schema.expected("\"macfit.silence/1\"");
  }
  std::vector<Silence> silences;
  for (const JsonValue& entry : root.at("silence").array()) {
    JsonObject object = entry.object();
    Silence silence;
    silence.pointer = entry.pointer();
    silence.code = known_code(object.at("code"));
    silence.reason = reason_of(object.at("reason"));
    if (const auto files = object.find("files")) {
      silence.files = files->string();
    }
    if (const auto at = object.find("at")) {
      silence.at = at->string();
      if (!silence.at.starts_with('/')) {
        throw at->expected("a JSON pointer such as \"/formats/2\"");
      }
    }
    object.refuse_unknown();
    silences.push_back(std::move(silence));
  }
  root.refuse_unknown();
  return silences;
}

}  // namespace

std::vector<std::string> silence(CheckReport& report, std::string_view text) {
  std::vector<std::string> idle;
  for (const Silence& silence : read_silences(text)) {
    bool met = false;
    for (CheckedFile& file : report.files) {
      for (Finding& finding : file.findings) {
        if (silence.covers(file, finding)) {
          met = true;
          finding.severity = Severity::note;
          finding.silenced = silence.reason;
        }
      }
    }
    if (!met) {
      idle.push_back(fmt::format("{}: [{}] silences nothing", silence.pointer, silence.code));
    }
  }
  return idle;
}

}  // namespace macfit::study
