// What a manifest states, held against its own shapes and a published config.

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "check_parts.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/layout.hpp"
#include "macfit/model/tensors.hpp"
#include "macfit/read/hf_config.hpp"
#include "published_rules.hpp"

namespace macfit::study {
namespace {

constexpr double most_off = 0.01;
/// Somebody's figure may be of a whole repository, or of a mixture with other exceptions.
constexpr double most_off_hearsay = 0.05;

bool hearsay(Evidence evidence) {
  return evidence == Evidence::community || evidence == Evidence::extrapolated ||
         evidence == Evidence::estimated;
}

struct Slip {
  double ratio;
  std::string_view name;
};
/// Units that are taken for each other.
constexpr std::array<Slip, 4> slips = {{
    {1.073741824, "GB taken for GiB, or the other way round"},
    {1.048576, "MB taken for MiB, or the other way round"},
    {1.024, "kB taken for KiB, or the other way round"},
    {1.099511627776, "TB taken for TiB, or the other way round"},
}};

std::optional<Slip> slip_of(double ratio) {
  for (const Slip& slip : slips) {
    for (const double wanted : {slip.ratio, 1.0 / slip.ratio}) {
      if (std::fabs(ratio / wanted - 1.0) < 0.004) {
        return slip;
      }
    }
  }
  return std::nullopt;
}

/// Sizes that a checkpoint in this format can have: the text alone, or with the parts that its
/// publisher kept beside it, in 16 bits.
std::vector<Bytes> possible_bytes(const model::Model& model, const model::Recipe& recipe) {
  const Bytes text = model::weights_of(model, recipe).total();
  std::vector<Bytes> sizes = {text};
  if (recipe.kind != model::Recipe::Kind::gguf && recipe.kind != model::Recipe::Kind::nominal) {
    if (const auto whole = model::checkpoint_bytes(model.architecture, recipe)) {
      sizes.push_back(*whole);
    }
  }
  const model::Extras& extras = model.architecture.extras;
  const Bytes vision(2 * extras.vision_parameters.value_or(0));
  const Bytes mtp(2 * extras.mtp_parameters.value_or(0));
  for (const Bytes more : {vision, mtp, vision + mtp}) {
    sizes.push_back(text + more);
  }
  // Publishers of GGUF files keep the MTP layer, which llama.cpp counts as one more, or leave it.
  const auto packed = static_cast<std::int64_t>(
      static_cast<double>(extras.mtp_parameters.value_or(0)) * model::nominal_bits(recipe) / 8.0);
  sizes.push_back(text + Bytes(packed));
  if (Bytes(packed) < text) {
    sizes.push_back(text - Bytes(packed));
  }
  return sizes;
}

double off(Bytes stated, Bytes computed) {
  return std::fabs(stated.as_double() / computed.as_double() - 1.0);
}

void check_bytes(const model::Model& model, const model::PublishedFormat& format,
                 const std::string& pointer, FindingList& findings) {
  if (!format.bytes) {
    return;
  }
  const std::vector<Bytes> sizes = possible_bytes(model, format.recipe);
  const Bytes nearest = *std::min_element(sizes.begin(), sizes.end(), [&](Bytes a, Bytes b) {
    return off(*format.bytes, a) < off(*format.bytes, b);
  });
  if (nearest <= Bytes(0) || off(*format.bytes, nearest) <= most_off) {
    return;
  }
  const double ratio = format.bytes->as_double() / nearest.as_double();
  const std::string said = fmt::format("{} bytes stated for {}, the shapes make {} ({:+.1f} %)",
                                       format_whole(format.bytes->count()), format.recipe.name,
                                       format_whole(nearest.count()), 100.0 * (ratio - 1.0));
  if (const auto slip = slip_of(ratio)) {
    findings.add("gb-gib", pointer + "/bytes", said,
                 fmt::format("the ratio is {:.4f}: {}", ratio, slip->name));
  } else {
    const bool loose = hearsay(format.evidence) && off(*format.bytes, nearest) <= most_off_hearsay;
    findings.add(loose ? "bytes-near" : "bytes", pointer + "/bytes", said,
                 "1 % is left for headers and tokenizers; is it another format?");
  }
}

/// Matrices that a group does not divide stay as they are: the format is not what it seems.
void check_groups(const model::Model& model, const model::PublishedFormat& format,
                  const std::string& pointer, FindingList& findings) {
  const int group = format.recipe.base.group;
  if (format.recipe.kind == model::Recipe::Kind::gguf || group <= 0) {
    return;
  }
  std::set<std::string> odd;
  std::int64_t elements = 0;
  std::int64_t all = 0;
  const auto look = [&](const std::vector<model::Tensor>& tensors, std::int64_t times) {
    for (const model::Tensor& tensor : tensors) {
      const std::int64_t size = checked_mul(tensor.elements(), times);
      all = checked_add(all, size);
      if (tensor.quantized == model::Quantized::base && tensor.columns % group != 0) {
        odd.insert(fmt::format("{} ({})", tensor.name, tensor.columns));
        elements = checked_add(elements, size);
      }
    }
  };
  const model::Architecture& a = model.architecture;
  look(model::global_tensors(a), 1);
  for (std::size_t block = 0; block < a.blocks.size(); ++block) {
    look(model::block_tensors(a, a.blocks[block]),
         std::count(a.layers.begin(), a.layers.end(), static_cast<std::uint16_t>(block)));
  }
  // A stray small matrix costs nothing to speak of.
  if (static_cast<double>(elements) > most_off * static_cast<double>(all)) {
    std::vector<std::string> names(odd.begin(), odd.end());
    names.resize(std::min<std::size_t>(names.size(), 4));
    findings.add("group-size", pointer + "/recipe",
                 fmt::format("groups of {} do not divide the inputs of {}: {:.0f} % of the model "
                             "stays in 16 bits",
                             group, join_words(names),
                             100.0 * static_cast<double>(elements) / static_cast<double>(all)));
  }
}

void check_published(const model::Model& model, FindingList& findings) {
  const model::Extras& extras = model.architecture.extras;
  if (!model.published_count || !extras.mtp_parameters || !extras.vision_parameters) {
    return;
  }
  const std::int64_t published = model.published_count->parameters;
  const CountedParts parts{model::count_parameters(model.architecture).total,
                           *extras.mtp_parameters, *extras.vision_parameters};
  const PublishedTotal total = explain_total(model.architecture, parts, published);
  const double ratio = static_cast<double>(published) / static_cast<double>(total.parameters);
  if (std::fabs(ratio - 1.0) > most_off) {
    findings.add(
        "published", "/published/parameters",
        fmt::format("{} parameters are published, the shapes make {} ({:+.1f} %)",
                    format_whole(published), format_whole(total.parameters), 100.0 * (ratio - 1.0)),
        "a shape is wrong, or a part is missing from \"extras\"");
  }
}

void compare_with_config(const model::Architecture& stated, const std::string& name,
                         const std::string& text, FindingList& findings) {
  model::Architecture published;
  try {
    published = read::read_hf_config(text);
  } catch (const Error& error) {
    findings.add("config-unread", "/architecture", name + ".json: " + error.message());
    return;
  }
  const auto compare = [&](const char* key, const char* what, std::int64_t mine,
                           std::int64_t theirs) {
    if (mine != theirs) {
      findings.add("config", std::string("/architecture") + key,
                   fmt::format("{} {}, {} in {}.json", format_whole(mine), what,
                               format_whole(theirs), name));
    }
    return mine == theirs;
  };
  bool alike = compare("/layers", "layers", static_cast<std::int64_t>(stated.layers.size()),
                       static_cast<std::int64_t>(published.layers.size()));
  alike = compare("/hidden", "hidden", stated.hidden, published.hidden) && alike;
  alike = compare("/vocabulary", "vocabulary", stated.vocabulary, published.vocabulary) && alike;
  if (alike) {
    compare("", "parameters by the shapes", model::count_parameters(stated).total,
            model::count_parameters(published).total);
  }
}

/// The config is looked for by every repository name that the manifest knows.
void check_config(const model::Model& model, const CheckSources& sources, FindingList& findings) {
  if (!sources.config) {
    return;
  }
  std::vector<std::string> names = {model.repository};
  names.insert(names.end(), model.aliases.begin(), model.aliases.end());
  for (std::string& name : names) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) {
      continue;
    }
    name.replace(slash, 1, "--");
    std::optional<std::string> text;
    try {
      text = sources.config(name);
    } catch (const Error& error) {
      findings.add("config-unread", "/architecture", name + ": " + error.what());
      return;
    }
    if (text) {
      compare_with_config(model.architecture, name, *text, findings);
      return;
    }
  }
}

}  // namespace

void check_truth(const model::ManifestReading& reading, const CheckSources& sources,
                 FindingList& findings) {
  const model::Model& model = reading.manifest.model;
  if (model.architecture.layers.empty()) {
    return;
  }
  check_published(model, findings);
  if (!reading.manifest.file) {
    check_config(model, sources, findings);
  }
  for (std::size_t i = 0; i < reading.format_pointers.size(); ++i) {
    try {
      check_bytes(model, model.formats[i], reading.format_pointers[i], findings);
      check_groups(model, model.formats[i], reading.format_pointers[i], findings);
    } catch (const Error& error) {
      findings.add("wrong-value", reading.format_pointers[i], error.message(), error.hint());
    }
  }
}

}  // namespace macfit::study
