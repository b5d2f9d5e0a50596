#include "macfit/hub/reference.hpp"

#include "macfit/core/error.hpp"
#include "test.hpp"

using macfit::hub::parse_reference;
using macfit::hub::quant_of;
using macfit::hub::Reference;

TEST_CASE("models as hubs name them", "[hub]") {
  const std::vector<std::pair<std::string, Reference>> rows = {
      {"mlx-community/Qwen3-8B-4bit", {"mlx-community", "Qwen3-8B-4bit", "", "", ""}},
      {"zai-org/GLM-4.6-FP8", {"zai-org", "GLM-4.6-FP8", "", "", ""}},
      {"org/repo@main", {"org", "repo", "main", "", ""}},
      {"org/repo@refs/pr/3", {"org", "repo", "refs/pr/3", "", ""}},
      {"unsloth/Qwen3-8B-GGUF:Q4_K_M", {"unsloth", "Qwen3-8B-GGUF", "", "Q4_K_M", ""}},
      {"unsloth/X-GGUF:UD-Q4_K_XL", {"unsloth", "X-GGUF", "", "UD-Q4_K_XL", ""}},
      {"org/repo@v1:Q8_0", {"org", "repo", "v1", "Q8_0", ""}},
      {"hf.co/org/repo", {"org", "repo", "", "", ""}},
      {"hf.co/org/repo-GGUF:Q8_0", {"org", "repo-GGUF", "", "Q8_0", ""}},
      {"https://huggingface.co/org/repo", {"org", "repo", "", "", ""}},
      {"https://huggingface.co/org/repo/", {"org", "repo", "", "", ""}},
      {"https://HuggingFace.co/org/repo?library=mlx", {"org", "repo", "", "", ""}},
      {"https://huggingface.co/org/repo/tree/main", {"org", "repo", "main", "", ""}},
      {"https://huggingface.co/org/repo/tree/v1/sub/folder",
       {"org", "repo", "v1", "", "sub/folder"}},
      {"https://huggingface.co/org/repo/blob/main/a-Q8_0.gguf",
       {"org", "repo", "main", "", "a-Q8_0.gguf"}},
      {"https://hf-mirror.com/org/repo/resolve/main/a.gguf?download=true",
       {"org", "repo", "main", "", "a.gguf"}},
  };
  for (const auto& [text, wanted] : rows) {
    INFO(text);
    const auto found = parse_reference(text);
    REQUIRE(found);
    CHECK(*found == wanted);
  }
}

TEST_CASE("what is no hub's name", "[hub]") {
  for (const char* text :
       {"", "llama-3.1-8b", "llama3.3:70b", "/", "org/", "/repo", "../x/y", "a/b/c", "org/..",
        "org/re po", "org/repo@../x", "org/repo:../x", "org/re\x1bpo", "org/.hidden", "-x/y"}) {
    INFO(text);
    CHECK_FALSE(parse_reference(text));
  }
  for (const char* text :
       {"https://huggingface.co/", "https://huggingface.co/datasets", "https://example.org/a/b",
        "hf.co/org/../x", "hf.co/a b/c", "https://huggingface.co/org/repo/tree/../../x"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_reference(text), macfit::Error);
  }
}

TEST_CASE("quantizations as GGUF files name them", "[hub]") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"Qwen3-8B-Q4_K_M.gguf", "Q4_K_M"},
      {"Qwen3-235B-A22B-UD-Q4_K_XL-00001-of-00003.gguf", "UD-Q4_K_XL"},
      {"Q8_0/model-Q8_0-00001-of-00002.gguf", "Q8_0"},
      {"IQ4_XS/thing.gguf", "IQ4_XS"},
      {"gpt-oss-120b-mxfp4-00001-of-00003.gguf", "MXFP4"},
      {"gpt-oss-20b-MXFP4_MOE.gguf", "MXFP4_MOE"},
      {"model.f16.gguf", "F16"},
      {"model-bf16.gguf", "BF16"},
      {"llama-2-7b.Q4_0.gguf", "Q4_0"},
      {"Qwen3-8B.gguf", ""},
      {"QwQ-32B.gguf", ""},
  };
  for (const auto& [path, wanted] : rows) {
    INFO(path);
    CHECK(quant_of(path) == wanted);
  }
  CHECK(macfit::hub::split_parts("a-00002-of-00030.gguf") == 30);
  CHECK(macfit::hub::split_base("b/a-00002-of-00030.gguf") == "b/a");
  CHECK(macfit::hub::split_parts("a-2-of-3.gguf") == 0);
  CHECK(macfit::hub::split_base("a.gguf") == "a.gguf");
}
