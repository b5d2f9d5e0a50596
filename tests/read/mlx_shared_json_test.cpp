// Holds config readers against what mlx-lm's own classes and published checkpoints say; skipped
// where the data is absent.

#include "macfit/core/json_reader_json.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "macfit/read/mlx_checkpoint.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::model;
using namespace macfit::read;

namespace {

std::optional<nlohmann::json> config_of(const std::string& name) {
  const auto path = test::shared_data("configs/" + name + ".json");
  if (!path) {
    return std::nullopt;
  }
  std::string text = test::read_text(*path);
  for (std::size_t at; (at = text.find("Infinity")) != std::string::npos;) {
    text.replace(at, 8, "1e300");
  }
  return nlohmann::json::parse(text);
}

}  // namespace

TEST_CASE("MLX configs: bytes of every format as mlx-lm's classes have them", "[read]") {
  const auto path = test::shared_data("mlx_lm_bytes.json");
  if (!path) {
    MACFIT_SKIP("no shared data");
  }
  const auto data = nlohmann::json::parse(test::read_text(*path));
  int equal = 0;
  int other = 0;
  for (const auto& row : data["rows"]) {
    const std::string name = row["config"];
    auto config = config_of(name);
    // mlx-lm's class builds an indexer in all 78 layers of GLM-5.2, the checkpoint has 21.
    if (!config || !row.contains("bytes") || name == "nvidia--GLM-5.2-NVFP4") {
      continue;
    }
    // The text model alone, as mlx-lm converts it.
    config->erase("vision_config");
    config->erase("audio_config");
    config->erase("quantization_config");
    if (config->contains("text_config")) {
      (*config)["text_config"].erase("quantization_config");
    }
    for (const auto& [format, bytes] : row["bytes"].items()) {
      if (format == "bf16" || !bytes.is_number()) {
        continue;
      }
      const Recipe recipe = parse_recipe(format);
      nlohmann::json block = {{"bits", recipe.base.bits}, {"group_size", recipe.base.group}};
      if (recipe.base.mode != Mode::affine) {
        block["mode"] = recipe.name;
      }
      (*config)["quantization"] = block;
      CAPTURE(name, format);
      Model m;
      try {
        m = config_model(config->dump(), "m");
      } catch (const Error& error) {
        UNSCOPED_INFO(name << ": " << error.what());
        ++other;
        continue;
      }
      const bool same = m.stored.value().total().count() == bytes.get<std::int64_t>();
      // The classes' dtypes are not checked by the data: what stays 32-bit differs by that much.
      const double error = std::abs(m.stored->total().as_double() / bytes.get<double>() - 1.0);
      CHECK(error < 2e-4);
      equal += same ? 1 : 0;
      other += same ? 0 : 1;
    }
  }
  CHECK(equal > 20 * other);
}

TEST_CASE("GGUF tensor lists hold as many weights as the configs say", "[read]") {
  const auto folder = test::shared_data("configs");
  if (!folder) {
    MACFIT_SKIP("no shared data");
  }
  int equal = 0;
  int refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    Model m;
    try {
      m = config_model(test::read_text(entry.path()), "m");
    } catch (const Error&) {
      continue;
    }
    const Architecture& a = m.architecture;
    if (!find_gguf_architecture(a)) {
      ++refused;
      continue;
    }
    CAPTURE(entry.path().filename().string(), a.type);
    std::int64_t difference = -count_parameters(a).total;
    for (const GgufTensor& t : gguf_tensors(a)) {
      difference += t.mtp || t.name == "rope_freqs.weight" ? 0 : t.elements();
    }
    // Known differences: a correction bias that mlx-lm drops, keys and values of layers that share
    // others' and are in the file all the same.
    std::int64_t expected = 0;
    for (const std::uint16_t kind : a.layers) {
      const Block& b = a.blocks[kind];
      if (a.type.starts_with("ernie") && b.experts && !b.experts->correction_bias) {
        expected += b.experts->count;
      }
      if (b.attention && b.attention->shared_kv) {
        const Attention& t = *b.attention;
        expected += t.kv_heads * (t.head_dim + t.value_dim) * a.hidden + t.head_dim;
      }
    }
    CHECK(difference == expected);
    ++equal;
  }
  CHECK(equal > refused);
}
