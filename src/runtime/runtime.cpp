#include "macfit/runtime/runtime.hpp"

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "runtimes.hpp"

namespace macfit::runtime {

std::string_view id_name(Id id) noexcept {
  switch (id) {
    case Id::mlx_lm:
      return "mlx-lm";
    case Id::exo:
      return "exo";
    case Id::llama_cpp:
      return "llama.cpp";
  }
  return "";
}

Support kv_pair(Id id, KvFormat keys, KvFormat values) {
  if (keys == values) {
    return Support::yes();
  }
  if (id == Id::llama_cpp) {
    // ggml's Metal and RPC backends have no flash attention for unlike types (docs/runtimes.md).
    return Support::no(
        "kv-types-differ",
        fmt::format("llama.cpp has no GPU attention for keys in {} and values in {}: attention "
                    "would fall to the client's CPU, so give both the same type",
                    kv_format_name(keys), kv_format_name(values)));
  }
  return Support::no("kv-types-differ",
                     fmt::format("{} stores keys and values in one format, not in {} and {}",
                                 id_name(id), kv_format_name(keys), kv_format_name(values)));
}

const std::vector<Id>& all() {
  static const std::vector<Id> ids = {Id::mlx_lm, Id::exo, Id::llama_cpp};
  return ids;
}

const Runtime& get(Id id) {
  switch (id) {
    case Id::mlx_lm:
      return mlx_lm();
    case Id::exo:
      return exo();
    case Id::llama_cpp:
      return llama_cpp();
  }
  throw Error("no such runtime");
}

Id parse_id(std::string_view name) {
  for (const Id id : {Id::mlx_lm, Id::exo, Id::llama_cpp}) {
    if (same_name(name, id_name(id))) {
      return id;
    }
  }
  throw unknown_name("runtime", name, {"mlx-lm", "exo", "llama.cpp", "all"}, {},
                     "known are mlx-lm, exo, llama.cpp and all");
}

}  // namespace macfit::runtime
