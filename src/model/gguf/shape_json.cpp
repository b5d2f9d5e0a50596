#include <string>

#include "macfit/core/json_reader_json.hpp"
#include "macfit/model/gguf/shape.hpp"

namespace macfit::model {
namespace {

constexpr std::int64_t large = std::int64_t{1} << 40;

class ShapeKeys {
 public:
  explicit ShapeKeys(JsonObject object) : object_(std::move(object)) {}

  std::int64_t number(std::string_view key) {
    const auto value = object_.find(key);
    return value ? value->whole(0, large) : 0;
  }
  std::vector<std::int64_t> numbers(std::string_view key) {
    std::vector<std::int64_t> result;
    if (const auto value = object_.find(key)) {
      if (!value->is_array()) {
        return {value->whole(0, large)};
      }
      for (const JsonValue& entry : value->array()) {
        result.push_back(entry.whole(0, large));
      }
    }
    return result;
  }
  /// True and false, or anything else that says yes.
  std::optional<bool> flag(std::string_view key) {
    const auto value = object_.find(key);
    if (!value) {
      return std::nullopt;
    }
    if (value->is_boolean()) {
      return value->boolean();
    }
    return value->is_number() ? value->whole(0, large) != 0 : true;
  }
  std::string text(std::string_view key) { return object_.at(key).string(); }

 private:
  JsonObject object_;
};

}  // namespace

Architecture architecture_from_gguf_shape(const JsonValue& value) {
  ShapeKeys keys(value.object());
  GgufShape s;
  s.arch = keys.text("arch");
  s.layers = keys.number("n_layer");
  s.mtp_layers = keys.number("n_nextn");
  s.hidden = keys.number("n_embd");
  s.vocabulary = keys.number("n_vocab");
  s.context = keys.number("n_ctx_train");
  s.tied = keys.flag("tied").value_or(false);
  s.heads = keys.numbers("n_head");
  s.kv_heads = keys.numbers("n_head_kv");
  s.feed_forward = keys.numbers("n_ff");
  s.key_length = keys.number("key_length");
  s.value_length = keys.number("value_length");
  if (const std::int64_t head = keys.number("head_dim"); head > 0) {
    s.key_length = s.key_length > 0 ? s.key_length : head;
    s.value_length = s.value_length > 0 ? s.value_length : head;
  }
  s.rotary = keys.number("n_rot");
  s.rope_factors = keys.number("rope_freqs");
  s.window = keys.number("n_swa");
  s.sliding_pattern = keys.number("swa_pattern");
  s.key_length_mla = keys.number("key_length_mla");
  s.value_length_mla = keys.number("value_length_mla");
  s.query_rank = keys.number("q_lora");
  s.kv_rank = keys.number("kv_lora");
  s.qkv_bias = keys.flag("qkv_bias");
  s.head_norm = keys.flag("qk_norm");
  s.experts = keys.number("n_expert");
  s.experts_used = keys.number("n_expert_used");
  s.experts_shared = keys.number("n_expert_shared");
  s.expert_feed_forward = keys.number("n_ff_exp");
  s.shared_feed_forward = keys.number("n_ff_shexp");
  s.dense_lead = keys.number("dense_lead");
  s.gating = keys.number("gating");
  s.correction_bias = keys.flag("exp_bias");
  s.ssm_conv = keys.number("ssm_conv");
  s.ssm_state = keys.number("ssm_state");
  s.ssm_groups = keys.number("ssm_groups");
  s.ssm_rank = keys.number("ssm_dt_rank");
  s.ssm_inner = keys.number("ssm_inner");
  s.full_interval = keys.number("full_interval");
  try {
    return architecture_from_gguf_shape(s);
  } catch (const Error& error) {
    throw Error(error.message(), Place{{}, value.pointer(), {}}, error.hint());
  }
}

Architecture architecture_from_gguf_shape(std::string_view json_text) {
  const JsonDocument document = JsonDocument::parse(json_text);
  return architecture_from_gguf_shape(document.root());
}

}  // namespace macfit::model
