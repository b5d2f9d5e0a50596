// The model catalog: names found without parsing what is not asked for.

#include "macfit/model/catalog.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <map>
#include <utility>

#include "macfit/core/embedded.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/manifest.hpp"
#include "macfit/model/tensors.hpp"

namespace macfit::model {
namespace {

constexpr std::string_view extension = ".json";

std::string id_of(std::string_view file_name) {
  if (file_name.size() > extension.size() &&
      same_name(file_name.substr(file_name.size() - extension.size()), extension)) {
    file_name.remove_suffix(extension.size());
  }
  return std::string(file_name);
}

/// "MiniMax-M2.5-4bit" of "mlx-community/MiniMax-M2.5-4bit".
std::string_view tail(std::string_view repository) {
  return repository.substr(repository.rfind('/') + 1);
}

/// True where the text holds a JSON string that is `name` or ends in "/" + `name`: a look without
/// parsing. Quotes are few, so they are looked for, not the name.
bool mentions(std::string_view text, std::string_view name) {
  for (std::size_t quote = text.find('"'); quote != std::string_view::npos;
       quote = text.find('"', quote + 1)) {
    if (quote <= name.size()) {
      continue;
    }
    const char before = text[quote - name.size() - 1];
    if ((before == '"' || before == '/') &&
        same_name(text.substr(quote - name.size(), name.size()), name)) {
      return true;
    }
  }
  return false;
}

/// Every full name of a model beside its id.
std::vector<std::string> other_names(const Model& model) {
  std::vector<std::string> names = model.aliases;
  if (!model.repository.empty()) {
    names.push_back(model.repository);
  }
  for (const PublishedFormat& format : model.formats) {
    if (!format.repository.empty()) {
      names.push_back(format.repository);
    }
  }
  return names;
}

enum class Match : std::uint8_t { none, part, whole };

/// How well `name` names the model; a format's repository chooses that format too.
Match match(Model& model, std::string_view name) {
  const auto grade = [&](std::string_view known) {
    return same_name(known, name)         ? Match::whole
           : same_name(tail(known), name) ? Match::part
                                          : Match::none;
  };
  Match best = std::max(grade(model.id), grade(model.repository));
  for (const std::string& alias : model.aliases) {
    best = std::max(best, grade(alias));
  }
  if (best != Match::none) {
    return best;
  }
  for (const PublishedFormat& format : model.formats) {
    const Match found = grade(format.repository);
    if (found > best) {
      best = found;
      model.default_recipe = format.recipe;
    }
  }
  return best;
}

/// The number after `key` on a line of its own at the manifest's top level, as write_manifest()
/// puts it; 0 where it is not there.
std::int64_t top_level_number(std::string_view text, std::string_view key) {
  const std::string wanted = "\n  \"" + std::string(key) + "\": ";
  const std::size_t at = text.find(wanted);
  std::int64_t value = 0;
  if (at != std::string_view::npos) {
    const char* const start = text.data() + at + wanted.size();
    std::from_chars(start, text.data() + text.size(), value);
  }
  return value;
}

}  // namespace

Catalog Catalog::embedded() {
  Catalog catalog;
  catalog.origin_ = "<embedded>/models/";
  catalog.files_.reserve(embedded::model_file_count);
  for (std::size_t i = 0; i < embedded::model_file_count; ++i) {
    const embedded::File& file = embedded::model_files[i];
    catalog.files_.push_back({id_of(file.name), file.text, {}});
  }
  std::sort(catalog.files_.begin(), catalog.files_.end(),
            [](const File& a, const File& b) { return a.id < b.id; });
  return catalog;
}

Catalog Catalog::from_texts(std::vector<std::pair<std::string, std::string>> files,
                            std::string origin) {
  Catalog catalog;
  catalog.origin_ = std::move(origin);
  for (auto& [name, text] : files) {
    catalog.files_.push_back({id_of(name), {}, std::move(text)});
  }
  std::sort(catalog.files_.begin(), catalog.files_.end(),
            [](const File& a, const File& b) { return a.id < b.id; });
  std::map<std::string, std::string> owner;
  for (const File& file : catalog.files_) {
    const Model model = catalog.parse(file);
    std::vector<std::string> names = other_names(model);
    names.push_back(model.id);
    for (const std::string& name : names) {
      const auto [entry, fresh] = owner.emplace(lower(name), model.id);
      if (!fresh && (entry->second != model.id || name == model.id)) {
        throw Error("the name \"" + printable(name) + "\" also stands in " + entry->second +
                        std::string(extension),
                    Place{catalog.origin_ + file.id + std::string(extension), {}, {}});
      }
    }
  }
  return catalog;
}

std::string_view Catalog::text_of(const File& file) const {
  return file.owned.empty() ? file.text : std::string_view(file.owned);
}

Model Catalog::parse(const File& file) const {
  const std::string name = origin_ + file.id + std::string(extension);
  try {
    Model model = read_manifest(text_of(file));
    if (model.id != file.id) {
      throw Error("expected \"" + printable(file.id) + "\", as the file is named, found \"" +
                      model.id + "\"",
                  Place{name, "/id", {}});
    }
    model.source = Source::catalog;
    return model;
  } catch (const Error& error) {
    throw error.in_file(name);
  }
}

std::optional<Model> Catalog::find(std::string_view name) const {
  name = trim(name);
  if (name.empty()) {
    return std::nullopt;
  }
  const std::string id = lower(name);
  const auto file = std::lower_bound(files_.begin(), files_.end(), id,
                                     [](const File& f, const std::string& i) { return f.id < i; });
  if (file != files_.end() && file->id == id) {
    return parse(*file);
  }
  // Most names come as the files spell them, and looking for those is much faster.
  const std::string quoted = std::string(name) + '"';
  for (const bool as_spelled : {true, false}) {
    std::optional<Model> found;
    for (const File& candidate : files_) {
      const std::string_view text = text_of(candidate);
      if (as_spelled ? text.find(quoted) == std::string_view::npos : !mentions(text, name)) {
        continue;
      }
      Model model = parse(candidate);
      const Match grade = match(model, name);
      if (grade == Match::whole) {
        return model;
      }
      if (grade == Match::part && !found) {
        found = std::move(model);
      }
    }
    if (found) {
      return found;
    }
  }
  return std::nullopt;
}

Model Catalog::get(std::string_view name) const {
  if (auto model = find(name)) {
    return *std::move(model);
  }
  const std::string more =
      "\"macfit models list\" shows all " + std::to_string(files_.size()) + ".";
  // A repository's name is near to other repositories', a short name to ids.
  const bool repository = name.find('/') != std::string_view::npos;
  std::vector<std::string> known = ids();
  if (repository || nearest(name, known, 1).empty()) {
    std::vector<std::string> others;
    for (const File& file : files_) {
      for (std::string& other : other_names(parse(file))) {
        others.push_back(std::move(other));
      }
    }
    if (repository && !nearest(name, others, 1).empty()) {
      known.clear();
    }
    known.insert(known.end(), others.begin(), others.end());
  }
  const bool number = !name.empty() && name.front() >= '0' && name.front() <= '9';
  throw unknown_name("model", name, known, {},
                     more + (number ? " Sizes are written like 230b-q4 or 215gb." : ""));
}

std::vector<std::string> Catalog::ids() const {
  std::vector<std::string> result;
  result.reserve(files_.size());
  for (const File& file : files_) {
    result.push_back(file.id);
  }
  return result;
}

std::vector<Model> Catalog::all() const {
  std::vector<Model> result;
  result.reserve(files_.size());
  for (const File& file : files_) {
    result.push_back(parse(file));
  }
  return result;
}

std::vector<Catalog::Size> Catalog::sizes() const {
  std::vector<Size> result;
  result.reserve(files_.size());
  for (const File& file : files_) {
    Size size{file.id, top_level_number(text_of(file), "parameters"),
              top_level_number(text_of(file), "active_parameters")};
    if (size.parameters <= 0 || size.active_parameters <= 0) {
      const ParameterCount count = count_parameters(parse(file).architecture);
      size.parameters = count.total;
      size.active_parameters = count.active;
    }
    result.push_back(std::move(size));
  }
  std::sort(result.begin(), result.end(), [](const Size& a, const Size& b) {
    return a.parameters != b.parameters ? a.parameters < b.parameters : a.id < b.id;
  });
  return result;
}

}  // namespace macfit::model
