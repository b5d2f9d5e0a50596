#include "macfit/launch/launch.hpp"

#include <fmt/format.h>

#include "setup.hpp"

namespace macfit::launch {

Folder make_folder(const plan::Plan& plan, const std::string& model_path) {
  const Setup setup = make_setup(plan, model_path);
  Folder folder;
  add_readme(setup, folder.files);
  add_settings(setup, folder.files);
  add_workers(setup, folder.files);
  add_checks(setup, folder.files);
  add_run(setup, folder.files);
  add_spike(setup, folder.files);
  for (const runtime::TopologyProblem& problem : setup.problems) {
    folder.warnings.push_back(
        fmt::format("{}: {}. {}", problem.code, problem.text, problem.remedy));
  }
  return folder;
}

}  // namespace macfit::launch
