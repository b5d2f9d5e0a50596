// Which runtimes are known: files, compiled in or given, each read when its runtime is asked for.

#include "macfit/runtime/catalog.hpp"

#include <algorithm>
#include <array>
#include <list>
#include <mutex>
#include <string>

#include "macfit/core/embedded.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "runtimes.hpp"

namespace macfit::runtime {

namespace {

std::unique_ptr<const Runtime> make(const std::shared_ptr<const Facts>& facts) {
  std::vector<std::string> names;
  for (const Rules& rules : known_rules) {
    if (rules.name == facts->rules) {
      return rules.make(facts);
    }
    names.emplace_back(rules.name);
  }
  Error error = unknown_name("rules", facts->rules, names, {}, "known are " + join_words(names));
  throw Error(error.message(), macfit::Place{facts->place, "/rules", {}}, error.hint());
}

/// "mlx-lm" of "mlx-lm.json".
std::string_view stem_of(std::string_view file) { return file.substr(0, file.rfind(".json")); }

}  // namespace

/// The files, and of each the runtimes that it states, read when first asked for.
struct Catalog::Content {
  struct Source {
    std::string name;  ///< "mlx-lm"
    std::string place;
    std::string owned;  ///< the text, unless it is compiled in
    std::string_view text;
    std::once_flag read;
    std::vector<std::shared_ptr<const Facts>> facts;  ///< newest first
    std::vector<std::unique_ptr<const Runtime>> runtimes;
  };
  std::list<Source> sources;

  void add(std::string name, std::string place, std::string_view text, bool own) {
    Source& source = sources.emplace_back();
    source.name = std::move(name);
    source.place = std::move(place);
    if (own) {
      source.owned = text;
      source.text = source.owned;
    } else {
      source.text = text;
    }
  }

  Source* find(std::string_view name) {
    for (Source& source : sources) {
      if (same_name(source.name, name)) {
        read(source);
        return &source;
      }
    }
    return nullptr;
  }

  void read(Source& source) {
    std::call_once(source.read, [&] {
      source.facts = read_facts(source.text, source.place, [&](std::string_view spelled) {
        const std::size_t at = spelled.find('@');
        if (spelled.substr(0, at) != source.name) {
          if (const Source* base = find(spelled.substr(0, at))) {
            for (const auto& facts : base->facts) {
              if (at == std::string_view::npos ||
                  facts->release.version == spelled.substr(at + 1)) {
                return facts;
              }
            }
          }
        }
        throw Error("what it is built on, \"" + printable(spelled) + "\", is not known",
                    macfit::Place{source.place, "/releases", {}});
      });
      for (const auto& facts : source.facts) {
        if (facts->name != source.name) {
          throw Error("the file of " + source.name + " states the runtime \"" +
                          printable(facts->name) + "\"",
                      macfit::Place{source.place, "/name", {}});
        }
        source.runtimes.push_back(make(facts));
      }
    });
  }

  /// Every file, by preference.
  std::vector<Source*> by_preference() {
    std::vector<Source*> all;
    for (Source& source : sources) {
      read(source);
      all.push_back(&source);
    }
    std::stable_sort(all.begin(), all.end(), [](const Source* a, const Source* b) {
      return a->facts.front()->preference < b->facts.front()->preference;
    });
    return all;
  }
};

Catalog::Catalog() : Catalog(embedded()) {}

Catalog::Catalog(std::shared_ptr<Content> content) : content_(std::move(content)) {}

const Catalog& Catalog::embedded() {
  static const Catalog catalog([] {
    auto content = std::make_shared<Content>();
    for (std::size_t i = 0; i < embedded::runtime_file_count; ++i) {
      const embedded::File& file = embedded::runtime_files[i];
      content->add(std::string(stem_of(file.name)), "runtimes/" + std::string(file.name), file.text,
                   false);
    }
    return content;
  }());
  return catalog;
}

Catalog Catalog::from_texts(std::vector<std::pair<std::string, std::string>> files,
                            const std::string& origin) {
  auto content = std::make_shared<Content>();
  for (const auto& [name, text] : files) {
    content->add(std::string(stem_of(name)), origin + name, text, true);
  }
  if (content->sources.empty()) {
    throw Error("there is no runtime in it", macfit::Place{origin, {}, {}});
  }
  (void)content->by_preference();  // what is malformed is said now
  return Catalog(std::move(content));
}

std::vector<const Runtime*> Catalog::all() const {
  std::vector<const Runtime*> newest;
  for (const Content::Source* source : content_->by_preference()) {
    newest.push_back(source->runtimes.front().get());
  }
  return newest;
}

std::vector<const Runtime*> Catalog::releases(std::string_view name) const {
  std::vector<const Runtime*> found;
  if (const Content::Source* source = content_->find(name)) {
    for (const auto& runtime : source->runtimes) {
      found.push_back(runtime.get());
    }
  }
  return found;
}

const Runtime& Catalog::get(std::string_view name) const {
  const std::size_t at = name.find('@');
  const std::string_view asked = trim(name.substr(0, at));
  const std::vector<const Runtime*> found = releases(asked);
  if (found.empty()) {
    std::vector<std::string> known;
    for (const Runtime* runtime : all()) {
      known.push_back(runtime->name());
    }
    known.emplace_back("all");
    throw unknown_name("runtime", asked, known, {}, "known are " + join_words(known));
  }
  if (at == std::string_view::npos) {
    return *found.front();
  }
  const std::string_view release = trim(name.substr(at + 1));
  std::vector<std::string> known;
  for (const Runtime* runtime : found) {
    if (same_name(runtime->release(), release)) {
      return *runtime;
    }
    known.push_back(runtime->release());
  }
  throw unknown_name("release of " + found.front()->name(), release, known, {},
                     "known are " + join_words(known));
}

std::vector<const Runtime*> Catalog::parse(std::string_view name) const {
  return same_name(name, "all") ? all() : std::vector<const Runtime*>{&get(name)};
}

}  // namespace macfit::runtime
