#include "cli_test.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "cli/options.hpp"

namespace macfit::test {

plan::Plan make(const std::vector<std::string>& flags) {
  CLI::App app;
  cli::RequestFlags request;
  cli::add_request(app, request);
  std::vector<std::string> reversed(flags.rbegin(), flags.rend());
  app.parse(reversed);
  return plan::make_plan(cli::make_request(request, cli::load_catalogs({})));
}

Ran run(const std::string& command, const std::string& program) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path();
  std::string name = (folder / "macfit-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const std::string script = "cd '" + name +
                             "' && unset MACFIT_NODES && export LC_ALL=C.UTF-8 COLUMNS=100 "
                             "MACFIT_OFFLINE=1 XDG_CONFIG_HOME=/nowhere && { '" +
                             program + "' " + command + "\n} >'" + name + "/out' 2>'" + name +
                             "/err'";
  const int status = std::system(script.c_str());
  Ran ran;
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  ran.out = read_text(name + "/out");
  ran.error = read_text(name + "/err");
  std::filesystem::remove_all(name);
  return ran;
}

}  // namespace macfit::test
