#include "macfit/launch/launch.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "commands.hpp"
#include "files.hpp"
#include "log.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
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

constexpr const char* launch_footer = R"(
Examples:
  macfit launch --model glm-4.5 --nodes 2x128 --output glm
  macfit launch --model llama-3.3-70b --nodes desk.json --runtime exo --dry-run

Writes README.md, settings.sh (what only you know: fill it in), preflight.sh, run.sh, the runtime's
own files, and spike.md with spike.sh to measure. --dry-run prints them instead.
)";

Error folder_failed(const std::string& path, const std::string& what, int code) {
  return Error(what + ": " + std::generic_category().message(code), Place{path, {}, {}});
}

/// A folder that goes away again unless it was given its name.
class Scratch {
 public:
  explicit Scratch(const fs::path& beside) : path_(beside.string() + ".XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw folder_failed(beside.string(), "can't create a folder beside it", errno);
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

/// Whether `target` may be written anew: everything in it is launch's own or a result. Returns the
/// results' names.
std::vector<std::string> results_in(const fs::path& target, const std::string& output) {
  std::vector<std::string> results;
  std::error_code error;
  for (fs::directory_iterator it(target, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const launch::Old kind = it->is_directory() ? launch::Old::foreign : launch::old_file(name);
    if (kind == launch::Old::foreign) {
      throw Error(fmt::format("{} in it is not of macfit launch", printable(name, 100)),
                  Place{output, {}, {}}, "take it away first, or name another folder");
    }
    if (kind == launch::Old::result) {
      results.push_back(name);
    }
  }
  if (error) {
    throw Error("can't list it: " + error.message(), Place{output, {}, {}});
  }
  return results;
}

/// Where the folder goes; those above it are made.
fs::path target_of(const std::string& output) {
  std::error_code error;
  fs::path target = fs::path(expand_home(output)).lexically_normal();
  if (target.filename().empty()) {
    target = target.parent_path();
  }
  if (fs::is_symlink(target, error)) {
    target = fs::weakly_canonical(target, error);
  }
  if (const fs::path parent = target.parent_path(); !parent.empty()) {
    fs::create_directories(parent, error);
    if (error) {
      throw Error("can't make the folder above it: " + error.message(), Place{output, {}, {}});
    }
  }
  return target;
}

void write_files(const fs::path& folder, const std::vector<launch::File>& files) {
  for (const launch::File& file : files) {
    const std::string path = (folder / file.path).string();
    write_file(path, file.text);
    if ((file.mode & 0111U) != 0 && ::chmod(path.c_str(), file.mode) != 0) {
      throw folder_failed(path, "can't make it executable", errno);
    }
  }
}

/// What a person filled in stays, and so does what was measured.
void carry_over(const fs::path& from, const fs::path& to, const std::vector<std::string>& results,
                launch::Folder& folder) {
  for (launch::File& file : folder.files) {
    if (file.path == "settings.sh") {
      file.text = launch::keep_settings(file.text, read_text((from / file.path).string()));
    }
  }
  std::error_code error;
  for (const std::string& name : results) {
    fs::create_hard_link(from / name, to / name, error);
    if (error) {
      fs::copy_file(from / name, to / name, error);
    }
    if (error) {
      throw Error("can't keep it: " + error.message(), Place{(from / name).string(), {}, {}});
    }
  }
}

/// Swaps two folders at once, where the system can: whatever ends the program leaves the old one or
/// the new one.
bool exchanged(const std::string& a, const std::string& b) {
#if defined(RENAME_EXCHANGE)
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#elif defined(RENAME_SWAP)
  return ::renamex_np(a.c_str(), b.c_str(), RENAME_SWAP) == 0;
#else
  return a == b;
#endif
}

void put_in_place(const std::string& made, const fs::path& target, const std::string& output,
                  bool exists) {
  if (exists && exchanged(made, target.string())) {
    return;  // the old one goes with the scratch folder
  }
  const std::string old = made + ".old";
  if (exists && ::rename(target.c_str(), old.c_str()) != 0) {
    throw folder_failed(output, "can't move the old folder away", errno);
  }
  if (::rename(made.c_str(), target.c_str()) != 0) {
    const int code = errno;
    if (exists) {
      (void)::rename(old.c_str(), target.c_str());
    }
    throw folder_failed(output, "can't write it", code);
  }
  std::error_code ignored;
  fs::remove_all(old, ignored);
}

/// Writes the folder atomically: beside its place, then renamed into it.
void write_folder(const std::string& output, launch::Folder& folder, bool force) {
  std::error_code error;
  const fs::path target = target_of(output);
  const bool exists = fs::exists(fs::symlink_status(target, error));
  if (exists && !fs::is_directory(target, error)) {
    throw Error("it is not a folder", Place{output, {}, {}});
  }
  const bool filled = exists && !fs::is_empty(target, error);
  if (filled && !force) {
    throw Error("the folder is not empty", Place{output, {}, {}},
                "--force writes it anew: what settings.sh holds and what was measured stay");
  }
  if (filled && !fs::exists(target / "settings.sh", error)) {
    throw Error("the folder was not written by macfit launch", Place{output, {}, {}},
                "--force replaces only folders that were");
  }
  const Scratch scratch(target);
  if (filled) {
    carry_over(target, scratch.path(), results_in(target, output), folder);
  }
  write_files(scratch.path(), folder.files);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::chmod(scratch.path().c_str(), 0777U & ~mask) != 0) {
    throw folder_failed(output, "can't set its mode", errno);
  }
  put_in_place(scratch.path(), target, output, exists);
}

/// The file or folder that the model was read from, so that every node finds it by the same path;
/// empty where it has a name.
std::string given_model(const plan::Request& request) {
  const model::Source source = request.model.source;
  if (source != model::Source::gguf && source != model::Source::safetensors &&
      source != model::Source::hf_config) {
    return {};
  }
  for (const auto& [flag, value] : request.flags) {
    if (flag == "--model" && is_path(value)) {
      std::error_code error;
      fs::path path = fs::absolute(expand_home(value), error).lexically_normal();
      // A file of a checkpoint stands for its folder.
      return source != model::Source::gguf && !fs::is_directory(path, error)
                 ? path.parent_path().string()
                 : path.string();
    }
  }
  return {};
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
  launch::Folder folder = launch::make_folder(plan, given_model(plan.request));
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
  write_out(plan.verdict.summary + "\nNext: " + printable(flags.common.output, 4096) +
            "/README.md\n");
  return 0;
}

}  // namespace

Action add_launch(CLI::App& app) {
  auto flags = std::make_shared<LaunchFlags>();
  add_request(app, flags->request);
  app.add_option("--output,-o", flags->common.output, "The folder to write, atomically")
      ->type_name("DIR");
  app.add_flag("--dry-run", flags->dry_run, "Print the files instead of writing them");
  app.add_flag("--force", flags->force,
               "Write anew a folder that launch wrote: settings and results stay");
  app.add_option("--catalog", flags->common.catalog,
                 "Folder with models/ and hardware/ in place of the built-in catalogs")
      ->type_name("DIR");
  app.add_flag("--quiet,-q", flags->common.quiet, "Print only errors to standard error");
  app.add_flag("--verbose,-v", flags->common.verbose, "Log progress to standard error");
  app.footer(launch_footer);
  return [flags] { return launch_command(*flags); };
}

}  // namespace macfit::cli
