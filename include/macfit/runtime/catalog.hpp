#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/runtime/runtime.hpp"

namespace macfit::runtime {

/// The known runtimes, each at the releases that are known of it. A cheap value: copies hold the
/// same runtimes, which live as long as one of them does. Safe from any thread; a file is read when
/// its runtime is first asked for.
class Catalog {
 public:
  /// The catalog that this library was built with.
  Catalog();
  [[nodiscard]] static const Catalog& embedded();
  /// A catalog from files: (file name, text), "mlx-lm.json" holding the runtime of its name. Throws
  /// Error (file and JSON pointer) on anything malformed, unknown or dangling. `origin` is what
  /// errors call the place ("runtimes/").
  [[nodiscard]] static Catalog from_texts(std::vector<std::pair<std::string, std::string>> files,
                                          const std::string& origin = {});

  /// The newest release of each, in order of preference.
  [[nodiscard]] std::vector<const Runtime*> all() const;
  /// "mlx-lm": its newest release; "mlx-lm@0.31.3": that one. Throws Error naming the known ones.
  [[nodiscard]] const Runtime& get(std::string_view name) const;
  /// The same, or all() for "all".
  [[nodiscard]] std::vector<const Runtime*> parse(std::string_view name) const;
  /// Every known release of one, newest first.
  [[nodiscard]] std::vector<const Runtime*> releases(std::string_view name) const;

 private:
  struct Content;
  explicit Catalog(std::shared_ptr<Content> content);
  std::shared_ptr<Content> content_;  ///< reads on demand, once, whoever asks
};

}  // namespace macfit::runtime
