#include "macfit/read/hf_config.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/tensors.hpp"

namespace macfit::read {
namespace {

const Family* find_family(std::string_view type) {
  for (const auto families :
       {dense_families(), sparse_families(), latent_families(), hybrid_families(), plain_families(),
        routed_families(), state_families(), windowed_families()}) {
    for (const Family& family : families) {
      if (family.type == type) {
        return &family;
      }
    }
  }
  return nullptr;
}

/// What the families' own checks let pass; pointers into the architecture would point nowhere here.
void check(const model::Architecture& a, const ConfigNode& root) {
  try {
    validate(a);
  } catch (const Error& error) {
    throw root.error(fmt::format("the shapes contradict each other: {}: {}",
                                 error.place().pointer.value_or(""), error.message()));
  }
  (void)model::count_parameters(a);  // refuses sizes whose products overflow
}

/// Llama 3 rope scaling has a factor for each pair of rotated elements.
std::int64_t rope_factors(const Config& config, const model::Architecture& a) {
  const ConfigNode* scaling = config.find({"rope_scaling", "rope_parameters"});
  if (scaling == nullptr || !scaling->is(ConfigNode::Kind::object)) {
    return 0;
  }
  for (const std::string_view key : {"rope_type", "type"}) {
    const ConfigNode* type = scaling->find(key);
    if (type == nullptr || !type->is(ConfigNode::Kind::string) || type->string() != "llama3") {
      continue;
    }
    for (const model::Block& block : a.blocks) {
      if (block.attention) {
        return block.attention->head_dim / 2;
      }
    }
  }
  return 0;
}

void finish(model::Architecture& a, const Config& config, const ConfigNode& root) {
  a.rope_factors = rope_factors(config, a);
  check(a, root);
}

/// The keys that nobody asked for, quoted; at most five.
std::string unread_names(const Config& config) {
  std::vector<std::string> names;
  for (const ConfigNode* node : unread_keys(config.text())) {
    names.push_back("\"" + printable(node->pointer().substr(node->pointer().rfind('/') + 1), 60) +
                    "\"");
  }
  names.resize(std::min<std::size_t>(names.size(), 5));
  return names.empty() ? std::string() : join_words(names, "and");
}

/// Types whose class does what its keys don't tell: packed ternary weights, a second pass with a
/// window of its own, rotated activations (mlx_lm/models).
constexpr std::array<std::string_view, 3> untold = {"bitnet", "iquestloopcoder",
                                                    "prism_hadamard_qwen35"};

/// Reads a model_type of no family by its keys, or says that it is not known and why they don't do.
ConfigReading unknown_type(const ConfigNode& root, const Config& config, const ConfigNode& type) {
  ConfigReading reading;
  std::string why;
  if (std::find(untold.begin(), untold.end(), type.string()) != untold.end()) {
    why = "its keys don't tell what its class does";
  } else {
    try {
      reading.architecture = by_keys(config);
      finish(reading.architecture, config, root);
      if (const std::string keys = unread_names(config); !keys.empty()) {
        why = "its keys don't tell either: " + keys + " is not understood";
      }
    } catch (const Error& error) {
      why = "its keys don't tell either: " + std::string(error.what());
    }
  }
  if (!why.empty()) {
    throw unknown_name("model_type", type.string(), known_model_types(),
                       Place{{}, type.pointer(), std::nullopt},
                       why +
                           "; the model's safetensors or GGUF file tells its weights without it, "
                           "and a size such as 30b-a3b-q4 plans by memory alone");
  }
  reading.evidence = Evidence::estimated;
  reading.notes.push_back(fmt::format("the model_type \"{}\" is not known: read as {} by its keys",
                                      printable(type.string(), 60),
                                      kind_by_keys(reading.architecture)));
  return reading;
}

}  // namespace

std::vector<std::string> known_model_types() {
  std::vector<std::string> types;
  for (const auto families :
       {dense_families(), sparse_families(), latent_families(), hybrid_families(), plain_families(),
        routed_families(), state_families(), windowed_families()}) {
    for (const Family& family : families) {
      types.emplace_back(family.type);
    }
  }
  std::sort(types.begin(), types.end());
  return types;
}

ConfigReading read_config(std::string_view json_text) {
  const ConfigNode root = parse_config(json_text);
  const ConfigNode* type = root.find("model_type");
  if (type == nullptr) {
    throw root.error("\"model_type\" is missing",
                     "is this a Hugging Face config.json of a language model?");
  }
  constexpr std::size_t longest_type = 100;  // a name, also where no family has it
  if (const std::size_t size = type->string().size(); size > longest_type) {
    throw type->error("a model_type of " + std::to_string(size) + " bytes is no name");
  }
  const ConfigNode* text = root.find("text_config");
  if (text != nullptr && !text->is(ConfigNode::Kind::object)) {
    throw text->expected("an object");
  }
  const Config config(root, text != nullptr ? *text : root);
  const Family* family = find_family(type->string());
  if (family == nullptr) {
    return unknown_type(root, config, *type);
  }
  ConfigReading reading;
  try {
    reading.architecture = family->read(config);
    finish(reading.architecture, config, root);
  } catch (const Error& error) {
    if (error.place().pointer) {
      throw;
    }
    throw root.error("the sizes don't make a model: " + error.message());
  }
  if (const std::string keys = unread_names(config); !keys.empty()) {
    reading.evidence = Evidence::estimated;
    reading.notes.push_back("config.json holds keys that are not read and may change sizes: " +
                            keys);
  }
  return reading;
}

model::Architecture read_hf_config(std::string_view json_text) {
  return read_config(json_text).architecture;
}

}  // namespace macfit::read
