#include "check_init.hpp"

#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "files.hpp"
#include "macfit/core/error.hpp"
#include "macfit/model/manifest.hpp"
#include "macfit/study/check.hpp"

namespace macfit::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* workflow = R"(name: macfit
on:
  pull_request:
  push:
    branches: [main]
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: macfit/macfit@v{version}
        with:
          manifests: models/
)";

constexpr const char* hook = R"(repos:
  - repo: https://github.com/macfit/macfit
    rev: v{version}
    hooks:
      - id: macfit-check
        files: ^models/.*\.json$
)";

struct NewFile {
  std::string path;
  std::string text;
};

/// The catalog's manifest, with the tier that its plan has today as what is expected.
NewFile manifest_of(const std::string& model, const std::string& nodes, const Catalogs& catalogs) {
  model::Manifest manifest;
  manifest.model = catalogs.models.get(model);
  model::Expectation expected;
  expected.nodes = nodes;
  expected.tier = std::string(fit::tier_name(fit::Tier::not_practical));
  manifest.expect = {expected};
  study::CheckInput input;
  input.path = "models/" + manifest.model.id + ".json";
  input.text = model::write_manifest(manifest);
  const study::CheckReport report = study::check(
      {input}, {catalogs.hardware, catalogs.version, catalogs.calibration, catalogs.runtimes, {}});
  const std::vector<study::ExpectationResult>& results = report.files.front().expectations;
  if (results.empty() || !results.front().found) {
    const std::vector<study::Finding>& findings = report.files.front().findings;
    throw Error(findings.empty() ? "the model can't be planned there" : findings.front().message,
                {}, "--nodes names the Macs: 2x64");
  }
  const study::Outcome& found = *results.front().found;
  manifest.expect.front().tier = found.tier_word();
  manifest.expect.front().verdict = found.has_tier ? "" : found.verdict;
  return {input.path, model::write_manifest(manifest)};
}

}  // namespace

void write_first_check(const std::string& model, const std::string& nodes,
                       const Catalogs& catalogs) {
  const std::vector<NewFile> files = {
      manifest_of(model, nodes, catalogs),
      {".github/workflows/macfit.yml",
       fmt::format(fmt::runtime(workflow), fmt::arg("version", MACFIT_VERSION))},
      {".pre-commit-config.yaml",
       fmt::format(fmt::runtime(hook), fmt::arg("version", MACFIT_VERSION))},
  };
  std::string told;
  for (const NewFile& file : files) {
    std::error_code error;
    if (fs::exists(file.path, error)) {
      told += fmt::format("kept     {}, which is there already; what would belong in it:\n\n{}\n",
                          file.path, file.text);
      continue;
    }
    if (const fs::path folder = fs::path(file.path).parent_path(); !folder.empty()) {
      fs::create_directories(folder, error);
      if (error) {
        throw Error("can't make the folder: " + error.message(),
                    Place{folder.generic_string(), {}, {}});
      }
    }
    write_file(file.path, file.text);
    told += fmt::format("written  {}\n", file.path);
  }
  write_out(told + "note:    the workflow and the hook take macfit " MACFIT_VERSION
                   ", which has to be released for them to run\n"
                   "next:    macfit check models/\n");
}

}  // namespace macfit::cli
