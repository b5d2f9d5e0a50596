#include "config_node.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "macfit/core/text.hpp"

namespace macfit::read {
namespace {

constexpr std::array<std::string_view, 6> kind_names = {"null",     "true or false", "a number",
                                                        "a string", "an array",      "an object"};

std::string quoted(const Keys& keys) {
  std::vector<std::string> names;
  for (const std::string_view key : keys) {
    names.push_back(fmt::format("\"{}\"", key));
  }
  return join_words(names, "or");
}

// Fields that tools spell differently, transformers 5 among them when it saves a model again.
constexpr std::array<Keys, 8> same_field = {{
    {"num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"},
    {"num_experts_per_tok", "num_experts_per_token", "top_k_experts", "experts_per_token",
     "moe_topk", "moe_top_k", "moe_k"},
    {"n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert"},
    {"num_attention_heads", "n_head", "n_heads", "num_heads"},
    {"num_key_value_heads", "num_kv_heads", "n_head_kv", "num_attention_groups"},
    {"hidden_size", "d_model", "n_embed", "n_embd", "hidden_dim", "model_dim"},
    {"num_hidden_layers", "n_layer", "n_layers", "num_layers"},
    {"vocab_size", "padded_vocab_size", "num_vocab"},
}};

/// What only a mixture of experts has.
constexpr std::array<std::string_view, 5> mixture_widths = {
    "moe_intermediate_size", "expert_hidden_dim", "expert_intermediate_size",
    "expert_ffn_hidden_size", "num_experts_per_tok"};

bool holds(const Keys& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

const ConfigNode* ConfigNode::find(std::string_view key) const {
  if (kind_ != Kind::object) {
    throw expected("an object");
  }
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i] == key) {
      elements_[i].asked_for_ = true;
      return elements_[i].is(Kind::null) ? nullptr : &elements_[i];
    }
  }
  return nullptr;
}

const std::vector<ConfigNode>& ConfigNode::array() const {
  if (kind_ != Kind::array) {
    throw expected("an array");
  }
  return elements_;
}

const std::string& ConfigNode::string() const {
  if (kind_ != Kind::string) {
    throw expected("a string");
  }
  return string_;
}

bool ConfigNode::boolean() const {
  if (kind_ != Kind::boolean) {
    throw expected("true or false");
  }
  return boolean_;
}

double ConfigNode::number() const {
  if (kind_ != Kind::number) {
    throw expected("a number");
  }
  return number_;
}

std::int64_t ConfigNode::whole(std::int64_t low, std::int64_t high) const {
  if (kind_ != Kind::number || number_ != std::floor(number_) ||
      number_ < static_cast<double>(low) || number_ > static_cast<double>(high)) {
    const bool too_large = kind_ == Kind::number && number_ > static_cast<double>(high);
    throw expected(high >= largest_size && !too_large
                       ? fmt::format("a whole number of at least {}", low)
                       : fmt::format("a whole number from {} to {}", low, high));
  }
  return static_cast<std::int64_t>(number_);
}

Error ConfigNode::error(std::string message, std::string hint) const {
  return Error(std::move(message), Place{{}, pointer_, std::nullopt}, std::move(hint));
}

Error ConfigNode::expected(std::string_view what) const {
  std::string found(kind_names[static_cast<std::size_t>(kind_)]);
  if (kind_ == Kind::number) {
    found = fmt::format("the number {}", number_);
  } else if (kind_ == Kind::string) {
    found = fmt::format("the string \"{}\"", printable(string_, 60));
  } else if (kind_ == Kind::boolean) {
    found = boolean_ ? "true" : "false";
  }
  return error(fmt::format("expected {}, found {}", what, found));
}

const ConfigNode* Config::find(const Keys& keys) const {
  for (const std::string_view key : keys) {
    if (const ConfigNode* node = text_->find(key)) {
      return node;
    }
  }
  for (const Keys& spellings : same_field) {
    if (std::none_of(keys.begin(), keys.end(),
                     [&](std::string_view key) { return holds(spellings, key); })) {
      continue;
    }
    for (const std::string_view key : spellings) {
      if (const ConfigNode* node = text_->find(key)) {
        return node;
      }
    }
  }
  return nullptr;
}

const ConfigNode& Config::at(const Keys& keys) const {
  if (const ConfigNode* node = find(keys)) {
    return *node;
  }
  throw text_->error(fmt::format("{} is missing", quoted(keys)));
}

std::int64_t Config::size(const Keys& keys) const { return at(keys).whole(1, largest_size); }

std::int64_t Config::size_or(std::int64_t fallback, const Keys& keys) const {
  const ConfigNode* node = find(keys);
  return node != nullptr ? node->whole(1, largest_size) : fallback;
}

std::int64_t Config::count_or(std::int64_t fallback, const Keys& keys) const {
  const ConfigNode* node = find(keys);
  return node != nullptr ? node->whole(0, largest_size) : fallback;
}

bool Config::flag(std::string_view key, bool fallback) const {
  const ConfigNode* node = find({key});
  return node != nullptr ? node->boolean() : fallback;
}

const std::vector<ConfigNode>* Config::per_layer(const Keys& keys, std::int64_t layers) const {
  const ConfigNode* node = find(keys);
  if (node == nullptr) {
    return nullptr;
  }
  const std::int64_t extra =
      count_or(0, {"num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers"});
  const std::size_t size = node->array().size();
  if (std::cmp_not_equal(size, layers) && std::cmp_not_equal(size, layers + extra)) {
    throw node->error(fmt::format("it has {} entries, and the model has {} layers",
                                  node->array().size(), layers));
  }
  return &node->array();
}

std::int64_t Config::layers() const { return at({"num_hidden_layers"}).whole(1, most_layers); }

std::int64_t Config::experts() const {
  if (const ConfigNode* count = find({"num_experts"})) {
    return count->whole(0, largest_size);
  }
  for (const std::string_view key : mixture_widths) {
    const ConfigNode* node = find({key});
    if (node != nullptr && node->is(ConfigNode::Kind::number) && node->number() > 0.0) {
      throw node->error("a mixture of experts without a count of them: \"num_experts\" is missing");
    }
  }
  return 0;
}

const ConfigNode* Config::of_layer(std::int64_t layer) const {
  const ConfigNode* list = find({"per_layer_config"});
  if (list == nullptr) {
    return nullptr;
  }
  // Keys have leading zeros so that they sort; how many depends on the number of layers.
  for (const char* form : {"{}", "{:02}", "{:03}"}) {
    if (const ConfigNode* node = list->find(fmt::format(fmt::runtime(form), layer))) {
      return node;
    }
  }
  return nullptr;
}

}  // namespace macfit::read
