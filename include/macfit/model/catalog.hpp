#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/model/model.hpp"

namespace macfit::model {

/// The known models, one manifest each. A value without shared state: copy it, use it from any
/// thread. Manifests are parsed when asked for, as a program wants one model, not all of them.
class Catalog {
 public:
  /// A model's size without its shapes.
  struct Size {
    std::string id;
    std::int64_t parameters = 0;
    std::int64_t active_parameters = 0;
  };

  /// The catalog that this library was built with.
  [[nodiscard]] static Catalog embedded();

  /// A catalog from files: (file name, text), "llama-3.1-70b.json" holding the id of its name.
  /// Throws Error where two files claim one name or a file name is not its id. `origin` is what
  /// errors call the place ("models/").
  [[nodiscard]] static Catalog from_texts(std::vector<std::pair<std::string, std::string>> files,
                                          std::string origin = {});

  /// The model of this id, alias, repository or repository's last part, case-insensitive. Where the
  /// name is the repository of one of the model's formats, that format is its default_recipe.
  [[nodiscard]] std::optional<Model> find(std::string_view name) const;

  /// As find(); throws Error naming the nearest known names.
  [[nodiscard]] Model get(std::string_view name) const;

  /// Sorted; no manifest is parsed for it.
  [[nodiscard]] std::vector<std::string> ids() const;

  /// Sorted by id.
  [[nodiscard]] std::vector<Model> all() const;

  /// Sorted by parameters, then id; read without parsing shapes where the manifest states its size.
  [[nodiscard]] std::vector<Size> sizes() const;

 private:
  struct File {
    std::string id;
    std::string_view text;  ///< of the binary, or of `owned`
    std::string owned;
  };

  [[nodiscard]] Model parse(const File& file) const;
  [[nodiscard]] std::string_view text_of(const File& file) const;

  std::vector<File> files_;  ///< sorted by id
  std::string origin_;
};

}  // namespace macfit::model
