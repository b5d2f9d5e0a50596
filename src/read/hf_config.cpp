#include "macfit/read/hf_config.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hf_parts.hpp"
#include "macfit/model/tensors.hpp"

namespace macfit::read {
namespace {

const Family* find_family(std::string_view type) {
  for (const auto families :
       {dense_families(), sparse_families(), latent_families(), hybrid_families()}) {
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

}  // namespace

std::vector<std::string> known_model_types() {
  std::vector<std::string> types;
  for (const auto families :
       {dense_families(), sparse_families(), latent_families(), hybrid_families()}) {
    for (const Family& family : families) {
      types.emplace_back(family.type);
    }
  }
  std::sort(types.begin(), types.end());
  return types;
}

model::Architecture read_hf_config(std::string_view json_text) {
  const ConfigNode root = parse_config(json_text);
  const ConfigNode* type = root.find("model_type");
  if (type == nullptr) {
    throw root.error("\"model_type\" is missing",
                     "is this a Hugging Face config.json of a language model?");
  }
  const Family* family = find_family(type->string());
  if (family == nullptr) {
    throw unknown_name("model_type", type->string(), known_model_types(),
                       Place{{}, type->pointer(), std::nullopt},
                       "the model's safetensors or GGUF file tells its weights without it");
  }
  const ConfigNode* text = root.find("text_config");
  if (text != nullptr && !text->is(ConfigNode::Kind::object)) {
    throw text->expected("an object");
  }
  try {
    const Config config(root, text != nullptr ? *text : root);
    model::Architecture a = family->read(config);
    a.rope_factors = rope_factors(config, a);
    check(a, root);
    return a;
  } catch (const Error& error) {
    if (error.place().pointer) {
      throw;
    }
    throw root.error("the sizes don't make a model: " + error.message());
  }
}

}  // namespace macfit::read
