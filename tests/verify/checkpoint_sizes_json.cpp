// Published sizes of checkpoints against the tensors that converters write.

#include <array>
#include <cmath>

#include <fmt/format.h>

#include "checkpoint_recipe.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/tensors.hpp"
#include "model_sources.hpp"
#include "published_file_json.hpp"

namespace macfit::verify {
namespace {

using Json = nlohmann::json;

/// The model of a file: by its own name and by that of a model with the same shapes. A native
/// format belongs to the repository itself, a conversion to whatever has these shapes.
Found model_of(const Sources& sources, const PublishedFile& file, const std::string& same) {
  const std::string base = base_name(file.repository);
  std::string own = file.repository.substr(0, file.repository.find(" ("));
  if (own.ends_with(" GGUF")) {
    own.resize(own.size() - 5);
  }
  std::array<std::string, 3> names = {own, same, base};
  std::string why;
  const auto search = [&](auto find) -> std::optional<Found> {
    for (const std::string& name : names) {
      try {
        auto found = name.empty() ? std::nullopt : find(sources, name);
        if (found) {
          return found;
        }
      } catch (const Error& error) {
        why = error.what();
      }
    }
    return std::nullopt;
  };
  if (is_native(file)) {
    if (auto found = find_model(sources, own)) {
      return *std::move(found);
    }
  }
  if (auto found = search(find_config)) {
    return *std::move(found);
  }
  if (auto found = search(find_catalog)) {
    return *std::move(found);
  }
  throw Error(why.empty() ? fmt::format("architecture not known: no config and no catalog entry "
                                        "for {}",
                                        printable(same.empty() ? base : same))
                          : why);
}

/// A figure in one unit taken for the other: 1 GB for 1 GiB (+7.4 %), 1 kB for 1 KiB (+2.4 %).
std::string unit_slip(double published, double predicted) {
  const double ratio = published / predicted;
  if (std::abs(ratio / 1.073741824 - 1.0) < 0.004) {
    return "GB taken for GiB";
  }
  if (std::abs(ratio / 1.024 - 1.0) < 0.002) {
    return "kB taken for KiB";
  }
  return {};
}

/// Bytes that unquantized numbers take more in 32 bits than in 16.
std::int64_t f32_surplus(const model::Architecture& a) {
  std::int64_t elements = 0;
  for (const std::uint16_t kind : a.layers) {
    for (const model::Tensor& t : model::block_tensors(a, a.blocks[kind])) {
      elements += t.f32 && t.quantized == model::Quantized::never ? t.elements() : 0;
    }
  }
  return 2 * elements;
}

bool rounded_coarsely(std::string_view exactness) {
  return exactness.find("1 gib") != std::string_view::npos ||
         exactness.find("1 mib") != std::string_view::npos;
}

/// Why a row can't be compared at all, or empty.
std::string unusable(const Json& row, const std::string& exactness) {
  for (const char* key : {"suspect", "do_not_use"}) {
    const Json* mark = member(row, key);
    if (mark != nullptr && *mark != false) {
      return std::string(key) + ": " + shown(*mark);
    }
  }
  if (exactness.starts_with("suspect")) {
    return printable(exactness);
  }
  const auto published = whole_of(row, "bytes");
  return published && *published > 0 ? std::string() : "no size in bytes";
}

std::string class_of(const CheckpointBytes& expected, const std::string& exactness, bool exact) {
  std::string name = expected.gguf ? "gguf-file" : "mlx-checkpoint";
  if (!exact) {
    name += exactness.find("plausible") != std::string::npos ? "-plausible" : "-rounded";
  }
  return name;
}

/// What explains that a file is a little larger or smaller than its tensors.
std::string difference_reason(const calibrate::Row& row, const CheckpointBytes& expected,
                              const model::Architecture& architecture) {
  // Small and above: tokenizer and headers, or numbers that a converter kept in 32 bits.
  const double more = row.published - row.predicted;
  std::string reason;
  if (more > 0 && row.published <= row.high && !expected.gguf) {
    reason += fmt::format("; {} more: file headers and tokenizer",
                          format_gb(Bytes(static_cast<std::int64_t>(more))));
  }
  if (more < 0 && -more == static_cast<double>(f32_surplus(architecture))) {
    reason += "; the file keeps in 16 bits what mlx-lm keeps in 32";
  }
  return reason;
}

}  // namespace

void compare_size_row(calibrate::Comparison& comparison, const Sources& sources, const Json& row,
                      const std::string& id) {
  PublishedFile file;
  file.repository = text_of(row, "repo");
  file.quant = text_of(row, "quant");
  file.note = text_of(row, "note");
  const std::string exactness = lower(text_of(row, "exactness"));
  const std::string why = unusable(row, exactness);
  if (!why.empty()) {
    comparison.skip(id, why);
    return;
  }
  const Found found = model_of(sources, file, text_of(row, "params_model"));
  const CheckpointBytes expected = checkpoint_bytes(found, file);
  const auto predicted = expected.bytes.as_double();
  const auto size = static_cast<double>(*whole_of(row, "bytes"));
  const bool exact = exactness.empty() || exactness.starts_with("exact");
  if (!exact && predicted > 0) {
    const std::string slip = unit_slip(size, predicted);
    if (!slip.empty() || rounded_coarsely(exactness)) {
      comparison.skip(
          id,
          fmt::format("not exact ({}): macfit says {}, the list {:.1f} % more{}",
                      printable(text_of(row, "exactness")), format_whole(expected.bytes.count()),
                      100.0 * (size / predicted - 1.0), slip.empty() ? "" : ": " + slip));
      return;
    }
  }
  calibrate::Row result;
  result.id = id;
  result.class_name = class_of(expected, exactness, exact);
  result.published = size;
  result.predicted = predicted;
  result.low = expected.low.as_double();
  result.high = expected.high.as_double();
  result.reason = expected.reason + difference_reason(result, expected, found.architecture);
  comparison.add(std::move(result));
}

}  // namespace macfit::verify
