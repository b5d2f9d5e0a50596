#include <algorithm>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"

namespace macfit::model {

const std::vector<GgmlTypeInfo>& ggml_types() {
  static const std::vector<GgmlTypeInfo> table = {
      {GgmlType::f32, "f32", 1, 4},
      {GgmlType::f16, "f16", 1, 2},
      {GgmlType::q4_0, "q4_0", 32, 18},
      {GgmlType::q4_1, "q4_1", 32, 20},
      {GgmlType::q5_0, "q5_0", 32, 22},
      {GgmlType::q5_1, "q5_1", 32, 24},
      {GgmlType::q8_0, "q8_0", 32, 34},
      {GgmlType::q8_1, "q8_1", 32, 36},
      {GgmlType::q2_k, "q2_K", 256, 84},
      {GgmlType::q3_k, "q3_K", 256, 110},
      {GgmlType::q4_k, "q4_K", 256, 144},
      {GgmlType::q5_k, "q5_K", 256, 176},
      {GgmlType::q6_k, "q6_K", 256, 210},
      {GgmlType::q8_k, "q8_K", 256, 292},
      {GgmlType::iq2_xxs, "iq2_xxs", 256, 66},
      {GgmlType::iq2_xs, "iq2_xs", 256, 74},
      {GgmlType::iq3_xxs, "iq3_xxs", 256, 98},
      {GgmlType::iq1_s, "iq1_s", 256, 50},
      {GgmlType::iq4_nl, "iq4_nl", 32, 18},
      {GgmlType::iq3_s, "iq3_s", 256, 110},
      {GgmlType::iq2_s, "iq2_s", 256, 82},
      {GgmlType::iq4_xs, "iq4_xs", 256, 136},
      {GgmlType::i8, "i8", 1, 1},
      {GgmlType::i16, "i16", 1, 2},
      {GgmlType::i32, "i32", 1, 4},
      {GgmlType::i64, "i64", 1, 8},
      {GgmlType::f64, "f64", 1, 8},
      {GgmlType::iq1_m, "iq1_m", 256, 56},
      {GgmlType::bf16, "bf16", 1, 2},
      {GgmlType::tq1_0, "tq1_0", 256, 54},
      {GgmlType::tq2_0, "tq2_0", 256, 66},
      {GgmlType::mxfp4, "mxfp4", 32, 17},
      {GgmlType::nvfp4, "nvfp4", 64, 36},
      {GgmlType::q1_0, "q1_0", 128, 18},
      {GgmlType::q2_0, "q2_0", 64, 18},
  };
  return table;
}

std::optional<GgmlType> ggml_type_from_id(std::uint32_t id) noexcept {
  for (const GgmlTypeInfo& info : ggml_types()) {
    if (static_cast<std::uint32_t>(info.type) == id) {
      return info.type;
    }
  }
  return std::nullopt;
}

std::optional<GgmlType> find_ggml_type(std::string_view name) noexcept {
  for (const GgmlTypeInfo& info : ggml_types()) {
    if (same_name(info.name, name)) {
      return info.type;
    }
  }
  return std::nullopt;
}

const GgmlTypeInfo& ggml_type_info(GgmlType type) {
  for (const GgmlTypeInfo& info : ggml_types()) {
    if (info.type == type) {
      return info;
    }
  }
  throw Error("no such GGML type: " + std::to_string(static_cast<int>(type)));
}

Bytes ggml_row_bytes(GgmlType type, std::int64_t elements) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  if (elements < 0 || elements % info.block != 0) {
    throw Error("a row of " + std::to_string(elements) + " elements can't be stored as " +
                std::string(info.name) + ", whose blocks hold " + std::to_string(info.block));
  }
  return Bytes(checked_mul(elements / info.block, info.block_bytes));
}

Bytes ggml_tensor_bytes(GgmlType type, const GgmlShape& ne) {
  Bytes bytes = ggml_row_bytes(type, ne[0]);
  for (const std::int64_t n : ne) {
    if (n <= 0) {
      throw Error("a tensor has a size of " + std::to_string(n));
    }
  }
  return bytes * ne[1] * ne[2] * ne[3];
}

std::int64_t GgufTensor::elements() const {
  return checked_mul(checked_mul(ne[0], ne[1]), checked_mul(ne[2], ne[3]));
}

}  // namespace macfit::model
