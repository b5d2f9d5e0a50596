#include "check_files.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <glob.h>
#include <set>

#include "files.hpp"
#include "macfit/core/text.hpp"
#include "macfit/read/read_model.hpp"
#include "paths.hpp"

namespace macfit::cli {
namespace {

namespace fs = std::filesystem;

struct Named {
  std::string path;
  bool in_folder = false;  ///< found, not named by the user
};

std::vector<Named> files_of_folder(const std::string& folder) {
  std::vector<Named> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (name.rfind('.', 0) == 0) {
      entry.disable_recursion_pending();
    } else if (entry->path().extension() == ".json" && name.find(".schema.") == std::string::npos &&
               !entry->is_directory(ignored)) {
      files.push_back({entry->path().lexically_normal().string(), true});
    }
  }
  if (error) {
    throw Error("can't read the folder: " + error.message(), Place{folder, {}, {}});
  }
  std::sort(files.begin(), files.end(),
            [](const Named& a, const Named& b) { return a.path < b.path; });
  return files;
}

std::vector<Named> files_of_glob(const std::string& pattern) {
  glob_t found{};
  std::vector<Named> files;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      files.push_back({found.gl_pathv[i], false});
    }
  }
  ::globfree(&found);
  if (files.empty()) {
    throw Error("no file matches", Place{pattern, {}, {}});
  }
  return files;
}

std::vector<Named> files_of(const std::string& given) {
  const std::string argument = expand_home(given);
  std::error_code ignored;
  if (argument == "-") {
    return {{argument, false}};
  }
  if (fs::is_directory(argument, ignored)) {
    return files_of_folder(argument);
  }
  if (!fs::exists(argument, ignored) && argument.find_first_of("*?[") != std::string::npos) {
    std::vector<Named> files;
    for (const Named& match : files_of_glob(argument)) {
      const std::vector<Named> more = fs::is_directory(match.path, ignored)
                                          ? files_of_folder(match.path)
                                          : std::vector<Named>{match};
      files.insert(files.end(), more.begin(), more.end());
    }
    return files;
  }
  return {{argument, false}};
}

/// In a folder stand other files too: of a checkpoint, or of another format of macfit.
bool is_other_file(std::string_view text) {
  if (text.find("\"macfit.manifest/") != std::string_view::npos) {
    return false;
  }
  for (const std::string_view mark :
       {"\"model_type\"", "\"architectures\"", "\"weight_map\"", "\"macfit."}) {
    if (text.find(mark) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

std::optional<std::string> below(const fs::path& path, const fs::path& top) {
  const fs::path relative = path.lexically_relative(top);
  if (relative.empty() || relative.begin()->string() == "..") {
    return std::nullopt;
  }
  return relative.generic_string();
}

/// As annotations need it: from the top of the repository.
std::string from_top(const std::string& path) {
  std::error_code ignored;
  const fs::path whole = fs::absolute(path, ignored).lexically_normal();
  const char* workspace = std::getenv("GITHUB_WORKSPACE");
  if (workspace != nullptr && *workspace != '\0') {
    if (const auto found = below(whole, fs::path(workspace).lexically_normal())) {
      return *found;
    }
  }
  return below(whole, fs::current_path(ignored)).value_or(path);
}

/// The id that a catalog would want of the file: it reads the folder models/.
std::string catalog_name(const std::string& path) {
  std::error_code ignored;
  const fs::path whole = fs::absolute(path, ignored).lexically_normal();
  return whole.parent_path().filename() == "models" ? whole.stem().string() : std::string();
}

}  // namespace

std::vector<study::CheckInput> read_check_files(const std::vector<std::string>& arguments, bool top,
                                                const Log& log) {
  std::vector<study::CheckInput> inputs;
  std::set<std::string> seen;
  for (const std::string& argument : arguments) {
    const std::size_t before = inputs.size();
    bool again = false;
    for (const Named& file : files_of(argument)) {
      std::error_code ignored;
      const bool standard = file.path == "-";
      if (!seen.insert(standard ? "-" : fs::weakly_canonical(file.path, ignored).string()).second) {
        again = true;
        continue;
      }
      study::CheckInput input;
      input.path = standard ? "<stdin>" : top ? from_top(file.path) : file.path;
      try {
        note_input(file.path);
        input.text = read_text(file.path);
      } catch (const Error& error) {
        input.unreadable = error;
      }
      if (file.in_folder && is_other_file(input.text)) {
        log.detail(file.path + ": not a manifest, left out");
        continue;
      }
      if (!standard) {
        input.catalog_name = catalog_name(file.path);
        input.resolve = read::files_beside(file.path);
      }
      inputs.push_back(std::move(input));
    }
    if (inputs.size() == before && !again) {
      throw Error("there is no manifest in it", Place{argument, {}, {}});
    }
  }
  return inputs;
}

}  // namespace macfit::cli
