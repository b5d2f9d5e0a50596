#include "macfit/launch/launch.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "commands.hpp"
#include "files.hpp"
#include "log.hpp"
#include "macfit/core/error.hpp"
#include "macfit/plan/plan.hpp"
#include "options.hpp"
#include "paths.hpp"

namespace macfit::cli {
namespace {

namespace fs = std::filesystem;

struct LaunchFlags {
  Common common;
  RequestFlags request;
  bool dry_run = false;
  bool force = false;
};

constexpr const char* footer = R"(
Examples:
  macfit launch --model glm-4.5 --nodes 2x128 --output glm
  macfit launch --model llama-3.3-70b --nodes desk.json --runtime exo --dry-run

Writes README.md, settings.sh (what only you know: fill it in), preflight.sh, run.sh, the runtime's
own files, and spike.md with spike.sh to measure. --dry-run prints them instead.
)";

Error failed(const std::string& path, const std::string& what, int code) {
  return Error(what + ": " + std::generic_category().message(code), Place{path, {}, {}});
}

/// A folder that goes away again unless it was given its name.
class Scratch {
 public:
  explicit Scratch(const fs::path& beside) : path_(beside.string() + ".XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw failed(beside.string(), "can't create a folder beside it", errno);
    }
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Writes the folder atomically: beside its place, then renamed into it.
void write_folder(const std::string& output, const launch::Folder& folder, bool force) {
  std::error_code error;
  fs::path target = fs::path(expand_home(output)).lexically_normal();
  if (target.filename().empty()) {
    target = target.parent_path();
  }
  if (fs::is_symlink(target, error)) {
    target = fs::weakly_canonical(target, error);
  }
  const bool exists = fs::exists(fs::symlink_status(target, error));
  if (exists && !fs::is_directory(target, error)) {
    throw Error("it is not a folder", Place{output, {}, {}});
  }
  const bool filled = exists && !fs::is_empty(target, error);
  if (filled && !force) {
    throw Error("the folder is not empty", Place{output, {}, {}},
                "--force replaces what launch writes there; other files are lost too");
  }
  if (filled && !fs::exists(target / "settings.sh", error)) {
    throw Error("the folder was not written by macfit launch", Place{output, {}, {}},
                "--force replaces only folders that were");
  }
  const Scratch scratch(target);
  for (const launch::File& file : folder.files) {
    const std::string path = scratch.path() + "/" + file.path;
    write_file(path, file.text);
    if ((file.mode & 0111U) != 0 && ::chmod(path.c_str(), file.mode) != 0) {
      throw failed(path, "can't make it executable", errno);
    }
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::chmod(scratch.path().c_str(), 0777U & ~mask) != 0) {
    throw failed(output, "can't set its mode", errno);
  }
  const std::string old = scratch.path() + ".old";
  if (exists && ::rename(target.c_str(), old.c_str()) != 0) {
    throw failed(output, "can't move the old folder away", errno);
  }
  if (::rename(scratch.path().c_str(), target.c_str()) != 0) {
    const int code = errno;
    if (exists) {
      (void)::rename(old.c_str(), target.c_str());
    }
    throw failed(output, "can't write it", code);
  }
  fs::remove_all(old, error);
}

int launch_command(const LaunchFlags& flags) {
  if (flags.common.output.empty() && !flags.dry_run) {
    throw Error("--output names the folder to write", {}, "or print it all with --dry-run");
  }
  if (flags.common.output == "-" && !flags.dry_run) {
    throw Error("--output: expected a folder's name, found \"-\"", {},
                "--dry-run prints the files; a folder of that name is ./-");
  }
  const Log log(flags.common);
  const Catalogs catalogs = load_catalogs(flags.common);
  const plan::Plan plan = plan::make_plan(make_request(flags.request, catalogs));
  const launch::Folder folder = launch::make_folder(plan);
  for (const std::string& warning : folder.warnings) {
    log.warn(warning);
  }
  if (flags.dry_run) {
    std::string text;
    for (const launch::File& file : folder.files) {
      text += (text.empty() ? "" : "\n") + std::string("==> ") + file.path +
              ((file.mode & 0111U) != 0 ? " (executable)" : "") + " <==\n" + file.text;
    }
    write_out(text);
    return 0;
  }
  write_folder(flags.common.output, folder, flags.force);
  log.detail("wrote " + std::to_string(folder.files.size()) + " files");
  write_out(plan.verdict.summary + "\nNext: " + flags.common.output + "/README.md\n");
  return 0;
}

}  // namespace

Action add_launch(CLI::App& app) {
  auto flags = std::make_shared<LaunchFlags>();
  add_request(app, flags->request);
  app.add_option("--output,-o", flags->common.output, "The folder to write, atomically")
      ->type_name("DIR");
  app.add_flag("--dry-run", flags->dry_run, "Print the files instead of writing them");
  app.add_flag("--force", flags->force, "Replace a folder that launch wrote before");
  app.add_option("--catalog", flags->common.catalog,
                 "Folder with models/ and hardware/ in place of the built-in catalogs")
      ->type_name("DIR");
  app.add_flag("--quiet,-q", flags->common.quiet, "Print only errors to standard error");
  app.add_flag("--verbose,-v", flags->common.verbose, "Log progress to standard error");
  app.footer(footer);
  return [flags] { return launch_command(*flags); };
}

}  // namespace macfit::cli
