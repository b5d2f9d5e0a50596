// Whatever an output prints can be looked up: columns, keys, codes and the words of closed sets.

#include <set>

#include <nlohmann/json.hpp>

#include "cli/explanations.hpp"
#include "cli_test.hpp"
#include "macfit/core/text.hpp"

using namespace macfit;
using nlohmann::json;

namespace {

/// Keys whose values are a person's own words, names, paths, or plain structure.
const std::set<std::string> plain = {
    "schema",       "tool",    "name",    "version",  "catalog", "id",    "text",
    "code",         "command", "summary", "spec",     "between", "kind",  "first",
    "count",        "machine", "macos",   "expected", "found",   "path",  "line",
    "column",       "pointer", "message", "hint",     "file",    "files", "findings",
    "expectations", "holds",   "asked",   "total",    "date",    "title", "nearest"};

void collect(const json& value, std::set<std::string>& words) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      if (plain.count(key) == 0) {
        words.insert(key);
      }
      const bool closed = key == "kind" || key == "code" || key == "tier" || key == "evidence" ||
                          key == "split" || key == "runtime" || key == "layout" ||
                          key == "format" || key == "gpu_limit" || key == "transport" ||
                          key == "kv_format" || key == "verdict";
      if (closed && member.is_string()) {
        words.insert(member.get<std::string>());
      }
      collect(member, words);
    }
  } else if (value.is_array()) {
    for (const json& member : value) {
      collect(member, words);
    }
  }
}

}  // namespace

TEST_CASE("every word that an output prints can be explained", "[cli]") {
  std::set<std::string> words;
  const std::string nodes[] = {"1x16", "2x64", "2x128", "1x128+1x64", "4x64"};
  const std::string models[] = {"llama-3.1-8b",  "glm-4.5",     "gpt-oss-120b",
                                "deepseek-v3.1", "gemma-3-27b", "minimax-m2.5"};
  for (const std::string& where : nodes) {
    for (const std::string& model : models) {
      for (const char* more : {"", " --context 128k --kv q8", " --link tb5-rdma --runtime exo",
                               " --runtime llama.cpp --quant q4", " --split tensor"}) {
        const auto ran = test::run("plan -m " + model + " -n " + where + more + " --format json");
        if (ran.code == 0) {
          collect(json::parse(ran.out), words);
        }
      }
    }
  }
  for (const char* command :
       {"survey -n 2x64 --models 'glm*'", "sweep --model 'glm*' --nodes 2x64,2x128",
        "night -m llama-3.1-8b -n 2x64 --prompt-tokens 2000 --output-tokens 500 --nights 20",
        "breakeven -n 2x64 --quant q4 --context 8k", "plan -m glm-4.5 -n 2x128",
        "size -m glm-4.5 -n 2x128", "size -n 1x64", "size -m llama-3.1-8b --max-nodes 1"}) {
    const auto ran = test::run(std::string(command) + " --format csv");
    REQUIRE(ran.code == 0);
    const std::string header = ran.out.substr(0, ran.out.find_first_of("\r\n"));
    for (const std::string_view column : split(header, ',')) {
      words.emplace(column);
    }
  }
  const cli::Catalogs catalogs = cli::load_catalogs({});
  std::vector<std::string> missing;
  for (const std::string& word : words) {
    if (!cli::explain(word, catalogs)) {
      missing.push_back(word);
    }
  }
  CAPTURE(missing);
  CHECK(missing.empty());
  CHECK(words.size() > 120);
}

TEST_CASE("a word is found however it is spelled, and one that no output prints is not", "[cli]") {
  const cli::Catalogs catalogs = cli::load_catalogs({});
  for (const char* word : {"KV cache bytes", "kv-cache-bytes", "kv_cache_bytes", "Borderline",
                           "two-independent-workers", "Q4_K_M", "mlx-4bit-g64", "mlx-lm", "glm-4.5",
                           "m4-max", "mac-studio-m4-max-128", "tb5-rdma"}) {
    CAPTURE(word);
    const auto found = cli::explain(word, catalogs);
    REQUIRE(found);
    CHECK_FALSE(found->meaning.empty());
  }
  CHECK_FALSE(cli::explain("flux", catalogs));
  CHECK_FALSE(cli::explain("", catalogs));
}
