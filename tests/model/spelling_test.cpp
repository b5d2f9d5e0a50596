#include "macfit/model/spelling.hpp"

#include <string>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/nominal.hpp"
#include "test.hpp"

namespace macfit::model {
namespace {

struct Row {
  std::string name;
  std::string wanted;  ///< an id, or "!" and a part of the message
  std::string format;
};

std::vector<Row> rows() {
  const std::string text =
      test::read_text(std::string(MACFIT_SOURCE_DIR) + "/tests/model/pasted_names.txt");
  std::vector<Row> all;
  for (const std::string_view line : split(text, '\n')) {
    const std::vector<std::string_view> cells = split(line, '|');
    if (!line.empty() && line[0] != '#') {
      REQUIRE(cells.size() == 4);
      all.push_back(
          {std::string(trim(cells[1])), std::string(trim(cells[2])), std::string(trim(cells[3]))});
    }
  }
  return all;
}

}  // namespace

TEST_CASE("names as hubs, Ollama, LM Studio and people spell them", "[model]") {
  const Catalog catalog = Catalog::embedded();
  std::size_t count = 0;
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    ++count;
    std::string found;
    std::string format;
    try {
      const NamedModel named = find_model(row.name, catalog);
      found = named.model.id;
      format = named.recipe.name;
    } catch (const Error& error) {
      found = std::string("!") + error.what();
    }
    if (row.wanted[0] == '!') {
      CHECK_THAT(found, test::contains(row.wanted.substr(1)));
      CHECK(found[0] == '!');
    } else {
      CHECK(found == row.wanted);
      if (!row.format.empty()) {
        CHECK(format == row.format);
      }
    }
  }
  CHECK(count >= 300);
}

TEST_CASE("a pasted name says how it was read", "[model]") {
  const Catalog catalog = Catalog::embedded();
  const NamedModel tag = find_model("llama3.3:70b", catalog);
  REQUIRE(!tag.model.notes.empty());
  CHECK(tag.model.notes.front() ==
        "\"llama3.3:70b\" is read as llama-3.3-70b. Its format is Q4_K_M, which most of Ollama's "
        "tags stand for where a name states none; --quant names another.");
  const NamedModel asked = find_model("llama3.3:70b", catalog, parse_recipe("q8"));
  CHECK(asked.recipe.name == "mlx-8bit-g64");
  CHECK(asked.model.notes.front() == "\"llama3.3:70b\" is read as llama-3.3-70b.");
  CHECK(find_model("llama-3.3-70b", catalog).model.notes == catalog.get("llama-3.3-70b").notes);
}

TEST_CASE("no suggestion stands twice, and none is absurd", "[model]") {
  CHECK(nearest("gpt2", {"git", "gpt-2"}, 3) == std::vector<std::string>{"gpt-2"});
  CHECK(nearest("qwen3-8", {"qwen3-8b", "Qwen3-8B"}, 3).size() == 1);
}

}  // namespace macfit::model
