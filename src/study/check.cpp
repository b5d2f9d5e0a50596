#include "macfit/study/check.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "check_parts.hpp"
#include "macfit/core/text.hpp"

namespace macfit::study {
namespace {

/// No name may stand for two models, and an id for no second file, as in a catalog.
class Names {
 public:
  void add(const model::ManifestReading& reading, const std::string& path, FindingList& findings) {
    const model::Model& model = reading.manifest.model;
    claim(model.id, "/id", model.id, path, true, findings);
    claim(model.repository, "/repository", model.id, path, false, findings);
    for (std::size_t i = 0; i < model.aliases.size(); ++i) {
      claim(model.aliases[i], pointer_join("/aliases", i), model.id, path, false, findings);
    }
    for (std::size_t i = 0; i < model.formats.size() && i < reading.format_pointers.size(); ++i) {
      claim(model.formats[i].repository, reading.format_pointers[i] + "/repository", model.id, path,
            false, findings);
    }
  }

 private:
  struct Owner {
    std::string model;
    std::string path;
  };

  void claim(const std::string& name, const std::string& pointer, const std::string& model,
             const std::string& path, bool id, FindingList& findings) {
    if (name.empty()) {
      return;
    }
    const auto [owner, fresh] = owners_.emplace(lower(name), Owner{model, path});
    if (!fresh && (owner->second.path != path || (id && owner->second.model != model))) {
      findings.add("duplicate-name", pointer,
                   "the name \"" + printable(name) + "\" also stands in " + owner->second.path,
                   "one name, one model: give it to one of them");
    }
  }

  std::map<std::string, Owner> owners_;
};

void check_file_name(const CheckInput& input, const model::ManifestReading& reading,
                     FindingList& findings) {
  const std::string& id = reading.manifest.model.id;
  if (!input.catalog_name.empty() && !id.empty() && id != input.catalog_name) {
    findings.add("file-name", "/id",
                 "expected \"" + printable(input.catalog_name) +
                     "\", as the file is named, found \"" + id + "\"",
                 "a catalog finds a model by its file's name");
  }
}

CheckedFile check_file(const CheckInput& input, const CheckSources& sources, Names& names) {
  CheckedFile file;
  file.path = input.path;
  FindingList findings(input, file);
  if (input.unreadable) {
    file.readable = false;
    findings.add("unreadable", "", input.unreadable->message(), input.unreadable->hint());
    return file;
  }
  const model::ManifestReading reading = model::inspect_manifest(input.text, input.resolve);
  file.model = reading.manifest.model.id;
  for (const model::ManifestProblem& problem : reading.problems) {
    findings.add(problem);
  }
  check_file_name(input, reading, findings);
  names.add(reading, input.path, findings);
  check_truth(reading, sources, findings);
  check_expectations(reading, sources, findings, file);
  std::stable_sort(file.findings.begin(), file.findings.end(),
                   [](const Finding& a, const Finding& b) {
                     return a.line != b.line ? a.line < b.line : a.column < b.column;
                   });
  return file;
}

}  // namespace

std::string_view severity_name(Severity severity) noexcept {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::error:
      break;
  }
  return "error";
}

const std::vector<CheckRule>& check_rules() {
  static const std::vector<CheckRule> rules = {
      {"bytes", "A format's stated bytes differ by more than 1 % from what the shapes make.",
       Severity::error},
      {"bytes-near",
       "Stated bytes that are somebody's figure, not exact, differ by 1 to 5 % from what the "
       "shapes "
       "make.",
       Severity::warning},
      {"change", "A figure of an expectation differs from the baseline's.", Severity::note},
      {"config", "Shapes differ from those of the model's published config.json (--configs).",
       Severity::error},
      {"config-unread", "The published config.json could not be read.", Severity::warning},
      {"duplicate-name", "One id, alias or repository stands for two models.", Severity::error},
      {"expect-decode", "The plan decodes more slowly than expected, or its speed is not known.",
       Severity::error},
      {"expect-invalid", "An expectation can't be planned: a name in it is not known.",
       Severity::error},
      {"expect-tier", "The plan's tier is below the expected one.", Severity::error},
      {"expect-verdict", "The plan's verdict is not the expected one.", Severity::error},
      {"file-name", "In a catalog's folder a manifest is named after its id.", Severity::error},
      {"gb-gib", "A stated size is off by the ratio of GB and GiB, or of kB and KiB.",
       Severity::error},
      {"group-size",
       "A format's group does not divide the inputs of some matrices, which then stay in 16 bits.",
       Severity::warning},
      {"missing-key", "A key that has to be there is missing.", Severity::error},
      {"not-json", "The text is not JSON, or not JSON that macfit takes.", Severity::error},
      {"parameters", "Stated parameters are not what the shapes make.", Severity::error},
      {"published",
       "The published count differs by more than 1 % from what the shapes make, and no known rule "
       "explains it.",
       Severity::error},
      {"shapes", "The shapes contradict each other.", Severity::error},
      {"unknown-key", "A key that a manifest does not have, mostly a misspelled one.",
       Severity::error},
      {"unreadable", "The file could not be read.", Severity::error},
      {"wrong-value", "A value is of a wrong type, out of range, or not one of the known words.",
       Severity::error},
  };
  return rules;
}

std::size_t CheckReport::count(Severity severity) const {
  std::size_t count = 0;
  for (const CheckedFile& file : files) {
    count += static_cast<std::size_t>(
        std::count_if(file.findings.begin(), file.findings.end(),
                      [&](const Finding& finding) { return finding.severity == severity; }));
  }
  return count;
}

std::size_t CheckReport::checked() const {
  return static_cast<std::size_t>(
      std::count_if(files.begin(), files.end(), [](const auto& file) { return !file.gone; }));
}

std::size_t CheckReport::silenced() const {
  std::size_t count = 0;
  for (const CheckedFile& file : files) {
    count += static_cast<std::size_t>(
        std::count_if(file.findings.begin(), file.findings.end(),
                      [](const Finding& finding) { return !finding.silenced.empty(); }));
  }
  return count;
}

std::size_t CheckReport::unreadable() const {
  return static_cast<std::size_t>(std::count_if(
      files.begin(), files.end(), [](const CheckedFile& file) { return !file.readable; }));
}

void FindingList::add(std::string_view code, const std::string& pointer, std::string message,
                      std::string hint) {
  const TextPlace at = place_of_pointer(input_->text, pointer,
                                        code == "unknown-key" ? PointAt::key : PointAt::value);
  put(code, pointer, at, std::move(message), std::move(hint));
}

void FindingList::add(const model::ManifestProblem& problem) {
  const Place& place = problem.error.place();
  // An error of a file that the manifest names: its own places are not places of this text.
  if (!place.file.empty()) {
    add(problem.code, "/from", problem.error.what(), {});
    return;
  }
  const std::string pointer = place.pointer.value_or("");
  if (place.offset) {
    put(problem.code, pointer,
        place_of_offset(input_->text,
                        static_cast<std::size_t>(*place.offset > 0 ? *place.offset - 1 : 0)),
        problem.error.message(), problem.error.hint());
  } else {
    add(problem.code, pointer, problem.error.message(), problem.error.hint());
  }
}

void FindingList::put(std::string_view code, const std::string& pointer, TextPlace place,
                      std::string message, std::string hint) {
  const std::vector<CheckRule>& rules = check_rules();
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const CheckRule& known) { return known.code == code; });
  file_->findings.push_back({pointer, place.line, place.column, std::string(code),
                             rule == rules.end() ? Severity::error : rule->severity,
                             std::move(message), std::move(hint)});
}

CheckReport check(const std::vector<CheckInput>& files, const CheckSources& sources) {
  CheckReport report;
  report.catalog_version = sources.catalog_version;
  Names names;
  for (const CheckInput& input : files) {
    report.files.push_back(check_file(input, sources, names));
  }
  return report;
}

}  // namespace macfit::study
