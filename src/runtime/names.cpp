#include "macfit/runtime/names.hpp"

#include <array>
#include <string_view>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::runtime {

RuntimeReading read_runtime(const std::string& name) {
  struct Spelling {
    std::string_view typed;
    std::string_view meant;
    std::string_view note;
  };
  static constexpr std::array<Spelling, 8> spellings = {{
      {"mlx", "mlx-lm", ""},
      {"mlx_lm", "mlx-lm", ""},
      {"mlxlm", "mlx-lm", ""},
      {"llamacpp", "llama.cpp", ""},
      {"llama-cpp", "llama.cpp", ""},
      {"llama_cpp", "llama.cpp", ""},
      {"llama-server", "llama.cpp", ""},
      {"ollama", "llama.cpp",
       "Ollama is planned as llama.cpp, whose engine it runs on one Mac; a split over several "
       "needs "
       "llama.cpp itself."},
  }};
  for (const Spelling& spelling : spellings) {
    if (same_name(name, spelling.typed)) {
      return {std::string(spelling.meant), std::string(spelling.note)};
    }
  }
  if (same_name(name, "lmstudio") || same_name(name, "lm-studio")) {
    throw Error("LM Studio runs MLX models by mlx-lm and GGUF files by llama.cpp", {},
                "type mlx-lm or llama.cpp");
  }
  return {name, {}};
}

}  // namespace macfit::runtime
