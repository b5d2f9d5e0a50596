// Files of published figures: told by their content, read leniently, compared row by row.

#include "published_file_json.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"

namespace macfit::verify {
namespace {

using Json = nlohmann::json;

constexpr double most_whole = 9007199254740992.0;  // 2^53

struct Kind {
  const char* subject;
  CompareRow compare;
  const char* name_key;
};

/// What a row is, told by what it holds; none where it is nothing known.
const Kind* kind_of(const Json& row) {
  static constexpr Kind mlx = {"weights+kv", compare_mlx_row, "config"};
  static constexpr Kind quantized = {"weights", compare_quantized_row, "kind"};
  static constexpr Kind size = {"weights", compare_size_row, "repo"};
  static constexpr Kind model = {"parameters", compare_model_row, "name"};
  const auto has = [&](const char* key) { return row.is_object() && row.contains(key); };
  if (has("config") && (has("bytes") || has("parameters") || has("mlx_lm") || has("caches") ||
                        has("kv_bytes_per_token") || has("tensor"))) {
    return &mlx;
  }
  if (has("base_config") && (has("quantization") || has("quantization_config"))) {
    return &quantized;
  }
  if (has("repo") && has("bytes")) {
    return &size;
  }
  if (has("published_total") || has("params_text") || has("num_hidden_layers")) {
    return &model;
  }
  return nullptr;
}

/// Names of rows, unique within the file: a repository may be listed in several formats.
class Names {
 public:
  explicit Names(const Json& rows) {
    for (const Json& row : rows) {
      ++count_[plain(row)];
    }
  }

  [[nodiscard]] std::string of(const Json& row, std::size_t index) {
    std::string name = plain(row);
    if (name.empty()) {
      return "row " + std::to_string(index + 1);
    }
    if (count_[name] > 1) {
      const std::string quant = text_of(row, "quant");
      name += quant.empty() ? " (row " + std::to_string(index + 1) + ")" : " " + quant;
    }
    const std::size_t seen = ++used_[name];
    return seen == 1 ? name : name + " (row " + std::to_string(index + 1) + ")";
  }

 private:
  static std::string plain(const Json& row) {
    const Kind* kind = kind_of(row);
    for (const char* key : {kind != nullptr ? kind->name_key : "name", "name", "repo", "config"}) {
      if (std::string text = text_of(row, key); !text.empty()) {
        return printable(text);
      }
    }
    return {};
  }

  std::map<std::string, std::size_t> count_;
  std::map<std::string, std::size_t> used_;
};

/// Adds the parts of a subject that are not in it yet: "weights" and "weights+kv" is "weights+kv".
void join_subject(std::string& subject, std::string_view more) {
  for (const std::string_view part : split(more, '+')) {
    const std::vector<std::string_view> parts = split(subject, '+');
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) {
      subject += subject.empty() ? std::string(part) : "+" + std::string(part);
    }
  }
}

/// False where no row is of a known kind.
bool compare_rows(calibrate::Comparison& comparison, const Sources& sources, const Json& rows,
                  std::string& subject) {
  bool any = false;
  for (const Json& row : rows) {
    any = any || kind_of(row) != nullptr;
  }
  if (!any) {
    return false;
  }
  Names names(rows);
  std::size_t index = 0;
  for (const Json& row : rows) {
    const std::string id = names.of(row, index++);
    const Kind* kind = kind_of(row);
    if (kind == nullptr) {
      comparison.skip(id, "the row has no figure of a known kind");
      continue;
    }
    join_subject(subject, kind->subject);
    const std::size_t before = comparison.rows();
    comparison.guarded(id, [&] { kind->compare(comparison, sources, row, id); });
    if (comparison.rows() == before) {
      comparison.skip(id, "the row has no figure");
    }
  }
  return true;
}

}  // namespace

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) {
    return nullptr;
  }
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const Json& list_of(const Json& object, const char* key) {
  static const Json empty = Json::array();
  const Json* value = member(object, key);
  return value != nullptr && value->is_array() ? *value : empty;
}

const Json& object_of(const Json& object, const char* key) {
  static const Json empty = Json::object();
  const Json* value = member(object, key);
  return value != nullptr && value->is_object() ? *value : empty;
}

std::string text_of(const Json& object, const char* key) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::optional<std::int64_t> whole_of(const Json& value) {
  if (!value.is_number()) {
    return std::nullopt;
  }
  const auto number = value.get<double>();
  if (!(std::abs(number) <= most_whole) || number != std::floor(number)) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(number);
}

std::optional<std::int64_t> whole_of(const Json& object, const char* key) {
  const Json* value = member(object, key);
  return value != nullptr ? whole_of(*value) : std::nullopt;
}

std::optional<double> number_of(const Json& object, const char* key) {
  const Json* value = member(object, key);
  if (value == nullptr || !value->is_number() || !std::isfinite(value->get<double>())) {
    return std::nullopt;
  }
  return value->get<double>();
}

std::int64_t need_whole(const Json& object, const char* key, std::int64_t low, std::int64_t high) {
  const std::optional<std::int64_t> value = whole_of(object, key);
  if (!value || *value < low || *value > high) {
    throw Error("\"" + std::string(key) + "\" should be a whole number from " +
                std::to_string(low) + " to " + std::to_string(high));
  }
  return *value;
}

std::string shown(const Json& value) {
  if (value.is_string()) {
    return printable(value.get<std::string>());
  }
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace), 60);
}

calibrate::Validation compare_published(std::string_view json_text, const Sources& given) {
  const JsonDocument document = JsonDocument::parse(json_text);
  const Json& root = document.root().raw();
  Sources sources = given;
  if (std::string release = text_of(object_of(root, "versions"), "mlx-lm"); !release.empty()) {
    sources.mlx_lm = std::move(release);
  }
  calibrate::Comparison comparison;
  std::string subject;
  bool known = false;
  if (root.is_array()) {
    known = compare_rows(comparison, sources, root, subject);
  }
  for (const char* key : {"models", "rows"}) {
    const Json* rows = member(root, key);
    if (rows != nullptr && rows->is_array()) {
      known = compare_rows(comparison, sources, *rows, subject) || known;
    }
  }
  if (compare_llama(comparison, root)) {
    join_subject(subject, "weights+kv+placement+compute");
    known = true;
  }
  if (compare_vectors(comparison, sources, root)) {
    join_subject(subject, "weights+kv+placement");
    known = true;
  }
  for (const Json& row : list_of(root, "not_verified")) {
    const std::string name = text_of(row, "hf_repo");
    comparison.skip(name.empty() ? "not_verified" : printable(name),
                    "listed as not verified: no shapes to reckon with");
  }
  if (!known) {
    throw document.root().error(
        "there are no published figures in it that macfit can compare",
        "known are parameter counts (\"models\" with published_total), checkpoint sizes (\"rows\" "
        "with repo and bytes), mlx-lm's figures (\"rows\" with config and bytes, or with "
        "base_config), llama.cpp's "
        "(\"models\" with shape and weights) and MLX's worked figures");
  }
  return std::move(comparison).finish(subject);
}

}  // namespace macfit::verify
