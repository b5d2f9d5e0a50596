#include "standing.hpp"

#include <filesystem>

#include "files.hpp"
#include "folders.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hardware/cluster.hpp"

namespace macfit::cli {
namespace {

namespace fs = std::filesystem;

/// Throws Error where there is no home.
std::string saved_path() {
  const std::string folder = config_folder();
  if (folder.empty()) {
    throw Error("there is no folder for settings: neither XDG_CONFIG_HOME nor HOME is set");
  }
  return folder + "/cluster.json";
}

}  // namespace

Standing standing_nodes() {
  constexpr const char* variable = "MACFIT_NODES";
  if (std::string nodes = environment(variable); !nodes.empty()) {
    return {std::move(nodes), variable};
  }
  std::error_code ignored;
  const std::string folder = config_folder();
  const std::string path = folder + "/cluster.json";
  if (!folder.empty() && fs::is_regular_file(path, ignored)) {
    return {path, path};
  }
  return {};
}

std::string standing_words() {
  const Standing standing = standing_nodes();
  if (standing.nodes.empty()) {
    return "no cluster is saved: macfit hardware use desk.json saves one";
  }
  return standing.nodes == standing.from
             ? printable(standing.nodes, 400) + " serves where --nodes is left out"
             : standing.from + " names " + printable(standing.nodes, 200) +
                   ", which serves where --nodes is left out";
}

std::string save_cluster(const std::string& path, const hardware::Catalog& catalog) {
  const std::string text = read_text(path, std::size_t{1} << 20U);
  (void)hardware::read_cluster_file(text, {}, catalog, path);
  std::string saved = saved_path();
  std::error_code error;
  fs::create_directories(fs::path(saved).parent_path(), error);
  if (error) {
    throw Error("can't make the folder: " + error.message(),
                Place{fs::path(saved).parent_path().string(), {}, {}});
  }
  write_file(saved, text);
  return saved;
}

void forget_cluster() {
  std::error_code error;
  fs::remove(saved_path(), error);
  if (error) {
    throw Error("can't remove it: " + error.message(), Place{saved_path(), {}, {}});
  }
}

}  // namespace macfit::cli
