#include "verify.hpp"

#include <filesystem>
#include <optional>
#include <system_error>

#include "files.hpp"
#include "macfit/core/error.hpp"
#include "macfit/report/validation_report.hpp"
#include "macfit/study/verify.hpp"
#include "progress.hpp"

namespace macfit::cli {
namespace {

namespace fs = std::filesystem;

/// A name out of a file must not lead out of the folder.
bool plain_name(const std::string& name) {
  constexpr std::size_t longest = 200;
  return !name.empty() && name.size() <= longest && name[0] != '.' &&
         name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

}  // namespace

void add_verify(CLI::App& app, VerifyFlags& flags) {
  app.add_option("--against", flags.against,
                 "Published figures: parameter counts, checkpoint sizes, bytes of mlx-lm or "
                 "llama.cpp")
      ->required()
      ->type_name("FILE");
  app.add_option("--configs", flags.configs,
                 "Folder with a config.json for each model, as org--Name.json (default: configs "
                 "beside FILE)")
      ->type_name("DIR");
  app.footer(
      "\nExamples:\n  macfit models verify --against weight_sizes.json\n"
      "  macfit models verify --against models.json --format json | jq .classes\n");
}

Configs configs_in(const std::string& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw Error("there is no such folder", Place{folder, {}, {}},
                "--configs wants a folder of config.json files named org--Name.json");
  }
  return [folder](const std::string& name) -> std::optional<std::string> {
    const fs::path path = fs::path(folder) / (name + ".json");
    std::error_code unreadable;
    if (!plain_name(name) || !fs::exists(path, unreadable)) {
      return std::nullopt;
    }
    return read_text(path.string());
  };
}

void run_verify(const Common& common, const VerifyFlags& flags) {
  study::VerifySources sources;
  sources.catalog = load_catalogs(common).models;
  const std::string beside = (fs::path(flags.against).parent_path() / "configs").string();
  std::error_code ignored;
  if (!flags.configs.empty() || fs::is_directory(beside, ignored)) {
    sources.config = configs_in(flags.configs.empty() ? beside : flags.configs);
  } else {
    sources.config = [](const std::string&) { return std::nullopt; };
  }
  const std::string text = read_text(flags.against);
  const study::Validation validation = waiting(common, "comparing", [&] {
    try {
      return study::verify(text, sources);
    } catch (const Error& error) {
      throw error.in_file(flags.against);
    }
  });
  deliver(common, common.format == "json" ? report::validation_json(validation)
                                          : report::validation_text(validation, style_for(common)));
}

}  // namespace macfit::cli
