#include "macfit/model/catalog.hpp"

#include <map>
#include <set>
#include <thread>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/manifest.hpp"
#include "macfit/model/nominal.hpp"
#include "test.hpp"

namespace macfit::model {
namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;

std::string tiny(const std::string& id, const std::string& more = {}) {
  return R"({"schema": "macfit.manifest/1", "id": ")" + id + R"(", )" + more + R"(
    "architecture": {"type": "llama", "hidden": 64, "vocabulary": 1000,
      "blocks": {"full": {"attention": {"heads": 4, "head_dim": 16}, "dense": {"width": 256}}},
      "layers": "2*full"}})";
}

std::string error_of(const Texts& texts) {
  try {
    (void)Catalog::from_texts(texts, "models/");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string get_error(const std::string& name) {
  try {
    (void)Catalog::embedded().get(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("a model is found by every name it has", "[model]") {
  const Catalog catalog = Catalog::embedded();
  struct Row {
    const char* name;
    const char* id;
    const char* recipe;
  };
  const Row rows[] = {
      {"minimax-m2.5", "minimax-m2.5", "mlx-4bit-g64"},
      {"MiniMax-M2.5", "minimax-m2.5", "mlx-4bit-g64"},
      {" minimax-m2.5 ", "minimax-m2.5", "mlx-4bit-g64"},
      {"MiniMaxAI/MiniMax-M2.5", "minimax-m2.5", "mlx-4bit-g64"},
      {"minimaxai/minimax-m2.5", "minimax-m2.5", "mlx-4bit-g64"},
      {"mlx-community/MiniMax-M2.5-6bit", "minimax-m2.5", "mlx-6bit-g64"},
      {"MiniMax-M2.5-8bit", "minimax-m2.5", "mlx-8bit-g64"},
      {"mlx-community/minimax-m2.5-8BIT", "minimax-m2.5", "mlx-8bit-g64"},
      {"meta-llama/Llama-3.1-70B-Instruct", "llama-3.1-70b", "mlx-4bit-g64"},
      {"Meta-Llama-3.1-70B-Instruct", "llama-3.1-70b", "mlx-4bit-g64"},
      {"mlx-community/Meta-Llama-3.1-70B-Instruct-4bit", "llama-3.1-70b", "mlx-4bit-g64"},
      {"openai/gpt-oss-120b", "gpt-oss-120b", "mxfp4-experts"},
      {"gpt-oss-120b-MXFP4-Q8", "gpt-oss-120b", "mxfp4-q8"},
      {"Qwen/Qwen3-235B-A22B-Instruct-2507", "qwen3-235b-a22b-2507", "mlx-4bit-g64"},
      {"deepseek-r1", "deepseek-r1", "mlx-4bit-g64"},
      {"deepseek-ai/DeepSeek-R1-0528", "deepseek-r1", "mlx-4bit-g64"},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const auto model = catalog.find(row.name);
    REQUIRE(model);
    CHECK(model->id == row.id);
    REQUIRE(model->default_recipe);
    CHECK(model->default_recipe->name == row.recipe);
    CHECK(model->source == Source::catalog);
  }
  for (const char* name :
       {"", " ", "llama", "MiniMaxAI", "mlx-community", "70b", "4bit", "\"", "/"}) {
    INFO(name);
    CHECK_FALSE(catalog.find(name));
  }
}

TEST_CASE("an unknown model's error names the nearest and where to look", "[model]") {
  CHECK(get_error("lama-3.1-70b") ==
        "unknown model \"lama-3.1-70b\" (did you mean llama-3.1-70b, llama-3.3-70b or llama-3-70b? "
        "\"macfit models list\" shows all " +
            std::to_string(Catalog::embedded().ids().size()) + ".)");
  CHECK_THAT(get_error("gpt-oss"), test::contains("did you mean gpt-oss-20b or gpt-oss-120b?"));
  CHECK_THAT(get_error("mlx-comunity/GLM-4.5-Air-8bit"),
             test::contains("did you mean mlx-community/GLM-4.5-Air-8bit"));
  CHECK_THAT(get_error("\x1b[31mred"), test::contains("\\u{1B}"));
}

TEST_CASE("the catalog is sound", "[model]") {
  const Catalog catalog = Catalog::embedded();
  const std::vector<std::string> ids = catalog.ids();
  CHECK(ids.size() >= 75);
  CHECK(std::is_sorted(ids.begin(), ids.end()));
  std::map<std::string, std::string> names;
  for (const Model& model : catalog.all()) {
    INFO(model.id);
    CHECK_FALSE(looks_nominal(model.id));
    CHECK_FALSE(model.repository.empty());
    CHECK_FALSE(model.architecture_source.empty());
    CHECK(model.evidence <= Evidence::community);
    CHECK(model.architecture.context > 0);
    CHECK(model.default_recipe);
    std::set<std::string> recipes;
    for (const PublishedFormat& format : model.formats) {
      recipes.insert(format.recipe.name);
      CHECK((!format.repository.empty() || !format.source.empty()));
    }
    CHECK(recipes.size() >= 2);
    std::vector<std::string> own = model.aliases;
    own.push_back(model.id);
    own.push_back(model.repository);
    for (const PublishedFormat& format : model.formats) {
      if (!format.repository.empty() && !same_name(format.repository, model.repository)) {
        own.push_back(format.repository);
      }
    }
    for (const std::string& name : own) {
      INFO(name);
      const auto [at, fresh] = names.emplace(lower(name), model.id);
      CHECK((fresh || at->second == model.id));
      const auto found = catalog.find(name);
      REQUIRE(found);
      CHECK(found->id == model.id);
    }
  }
}

TEST_CASE("a checkpoint called exact is what the shapes make, to the byte", "[model]") {
  int checked = 0;
  for (const Model& model : Catalog::embedded().all()) {
    for (const PublishedFormat& format : model.formats) {
      if (format.evidence == Evidence::exact && format.bytes) {
        INFO(model.id << " " << format.recipe.name);
        CHECK(checkpoint_bytes(model.architecture, format.recipe) == format.bytes);
        ++checked;
      }
    }
  }
  CHECK(checked >= 25);
}

TEST_CASE("golden weights and caches", "[model]") {
  const Catalog catalog = Catalog::embedded();
  struct Row {
    const char* id;
    const char* recipe;
    std::int64_t weights;
    std::int64_t kv_per_token;
  };
  // Published totals of mlx-community repositories; cache rules: docs/models.md.
  const Row rows[] = {
      {"minimax-m2.5", "mlx-4bit-g64", 128'666'664'960, 253'952},
      {"minimax-m2.5", "mlx-6bit-g64", 185'826'705'408, 253'952},
      {"minimax-m2.5", "mlx-8bit-g64", 242'986'745'856, 253'952},
      {"llama-3.1-70b", "mlx-4bit-g64", 39'688'355'840, 327'680},
      {"llama-3.1-nemotron-70b", "mlx-8bit-g64", 74'964'549'632, 327'680},
      {"qwen3-235b-a22b", "mlx-4bit-g64", 132'265'958'400, 192'512},
      {"deepseek-v3.1", "bf16", 1'342'052'868'096, 70'272},
      {"kimi-k2", "mlx-4bit-g64", 577'593'561'088, 70'272},
      {"deepseek-v3.2", "mlx-4bit-g64", 378'085'857'792, 85'888},
      {"gpt-oss-120b", "mxfp4-experts", 65'248'815'744, 36'864},
      {"gemma-3-27b", "mlx-4bit-g64", 15'194'704'384, 81'920},
  };
  for (const Row& row : rows) {
    INFO(row.id << " " << row.recipe);
    const Model model = catalog.get(row.id);
    CHECK(weights_of(model, parse_recipe(row.recipe)).total().count() == row.weights);
    CHECK(kv_bytes_per_token(model.architecture).count() == row.kv_per_token);
  }
}

TEST_CASE("every model can be weighed in the format that it is planned with", "[model]") {
  for (const Model& model : Catalog::embedded().all()) {
    INFO(model.id);
    const WeightLayout layout = weights_of(model, *model.default_recipe);
    CHECK(layout.layers.size() == model.architecture.layers.size());
    CHECK(layout.total() > Bytes(0));
    CHECK(layout.evidence == model.evidence);
    Bytes sum = layout.global();
    for (const LayerBytes& layer : layout.layers) {
      sum += layer.total;
    }
    CHECK(sum == layout.total());
  }
}

TEST_CASE("weights under a flat number of bits, and of llama.cpp's mixtures", "[model]") {
  const Model model = Catalog::embedded().get("llama-3.1-70b");
  const WeightLayout flat = weights_of(model, parse_recipe("4.5bpw"));
  CHECK(flat.evidence == Evidence::estimated);
  CHECK(flat.layers.size() == 80);
  CHECK(std::abs(flat.total().count() - 70'553'706'496 * 9 / 16) < 1000);
  const WeightLayout mixture = weights_of(model, parse_recipe("Q4_K_M"));
  CHECK(mixture.format == "Q4_K_M");
  CHECK(mixture.total().count() > flat.total().count());

  Bytes sum;
  for (const Bytes& part : flat.by_class) {
    sum += part;
  }
  CHECK(sum == flat.total());
}

TEST_CASE("a model whose shapes are doubtful has no exact weights", "[model]") {
  const Model model = Catalog::embedded().get("grok-2");
  CHECK(model.evidence == Evidence::community);
  CHECK(weights_of(model, parse_recipe("mlx-4bit-g64")).evidence == Evidence::community);
}

TEST_CASE("each kind of format weighs a model of experts by its own rule", "[model]") {
  const Model model = Catalog::embedded().get("qwen3-30b-a3b");
  const Experts experts = model.architecture.blocks.front().experts.value();
  const auto share = static_cast<double>(experts.per_token) / static_cast<double>(experts.count);
  // One number of bits for all: each token uses its share of the experts.
  const WeightLayout flat = weights_of(model, parse_recipe("4.5bpw"));
  const LayerBytes& layer = flat.layers.front();
  const double one_layer =
      3.0 * static_cast<double>(experts.count * experts.width * model.architecture.hidden);
  CHECK(layer.experts.as_double() == test::Approx(one_layer * 4.5 / 8));
  CHECK(layer.experts_active.as_double() == test::Approx(one_layer * 4.5 / 8 * share));
  CHECK(layer.experts < layer.total);
  CHECK(weights_of(model, parse_recipe("mixed_3_6")).layers ==
        weight_layout(model.architecture, parse_recipe("mixed_3_6")).layers);
}

TEST_CASE("weights of unknown shapes are those that are stored", "[model]") {
  Model model;
  model.id = "m";
  CHECK(parameters_of(model).total == 0);
  CHECK_THROWS_WITH(
      weights_of(model, parse_recipe("q4")),
      test::contains("the shapes of m are not known, only its weights as stored: they"));
  model.stored = WeightLayout{};
  model.stored->format = "bf16";
  model.stored->embedding = Bytes(7);
  CHECK_THROWS_WITH(weights_of(model, parse_recipe("q4")),
                    test::contains("as stored (bf16): they"));
  CHECK(weights_of(model, parse_recipe("bf16")).total() == Bytes(7));
  // What the file calls itself, and the format that it is planned with.
  model.default_recipe = parse_recipe("q4");
  CHECK(weights_of(model, parse_recipe("q4")).total() == Bytes(7));
  CHECK_THROWS_AS(weights_of(model, parse_recipe("q8")), Error);
}

TEST_CASE("stored weights are taken as stored", "[model]") {
  Model model = Catalog::embedded().get("llama-3.1-8b");
  model.stored = WeightLayout{};
  model.stored->format = "mlx-4bit-g64";
  model.stored->embedding = Bytes(7);
  CHECK(weights_of(model, parse_recipe("q4")).total() == Bytes(7));
  CHECK(weights_of(model, parse_recipe("q8")).total() > Bytes(8'000'000'000));
  model.architecture = {};
  CHECK(weights_of(model, parse_recipe("q4")).total() == Bytes(7));
  CHECK_THROWS_WITH(weights_of(model, parse_recipe("q8")),
                    "the shapes of llama-3.1-8b are not known, only its weights as stored "
                    "(mlx-4bit-g64): they can't be computed as mlx-8bit-g64 (name the config.json "
                    "beside the weights)");
  CHECK(parameters_of(model).total == 0);
}

TEST_CASE("sizes are those of the shapes", "[model]") {
  const Catalog catalog = Catalog::embedded();
  const std::vector<Catalog::Size> sizes = catalog.sizes();
  CHECK(sizes.size() == catalog.ids().size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const ParameterCount count = parameters_of(catalog.get(sizes[i].id));
    CHECK(sizes[i].parameters == count.total);
    CHECK(sizes[i].active_parameters == count.active);
    CHECK((i == 0 || sizes[i - 1].parameters <= sizes[i].parameters));
  }
  const Catalog own = Catalog::from_texts({{"tiny.json", tiny("tiny")}});
  REQUIRE(own.sizes().size() == 1);
  CHECK(own.sizes()[0].parameters == 259'392);  // not stated: counted
}

TEST_CASE("a catalog of one's own", "[model]") {
  const Catalog catalog =
      Catalog::from_texts({{"tiny.json", tiny("tiny", R"("repository": "me/Tiny",)")},
                           {"other.json", tiny("other", R"("aliases": ["me/Other"], "formats": [
          {"recipe": "q8", "repository": "me/Other-8bit"}],)")}});
  CHECK(catalog.ids() == std::vector<std::string>{"other", "tiny"});
  CHECK(catalog.get("ME/TINY").id == "tiny");
  CHECK(catalog.get("other-8bit").default_recipe == parse_recipe("q8"));
  CHECK_FALSE(catalog.get("other").default_recipe);
  CHECK_THROWS_WITH(
      catalog.get("tini"),
      "unknown model \"tini\" (did you mean tiny? \"macfit models list\" shows all 2.)");
  CHECK(Catalog::from_texts({}).all().empty());
}

TEST_CASE("a catalog's errors name the file", "[model]") {
  struct Row {
    std::string found;
    std::string expected;
  };
  const std::vector<Row> rows = {
      {error_of({{"tiny.json", tiny("other")}}),
       "models/tiny.json: at /id: expected \"tiny\", as the file is named, found \"other\""},
      {error_of({{"tiny.json", "{"}}),
       "models/tiny.json: byte 2: not valid JSON: parse error at line 1, column 2: syntax error "
       "while "
       "parsing object key - unexpected end of input; expected string literal"},
      {error_of({{"a.json", tiny("a", R"("repository": "me/X",)")},
                 {"b.json", tiny("b", R"("aliases": ["ME/x"],)")}}),
       "models/b.json: the name \"ME/x\" also stands in a.json"},
      {error_of({{"a.json", tiny("a", R"("aliases": ["b"],)")}, {"b.json", tiny("b")}}),
       "models/b.json: the name \"b\" also stands in a.json"},
      {error_of({{"a.json", tiny("a")}, {"a.json", tiny("a")}}),
       "models/a.json: the name \"a\" also stands in a.json"},
      {error_of({{"a.json", tiny("a", R"("repository": "me/X", "aliases": ["me/X"],)")}}),
       "no error"},
  };
  for (const Row& row : rows) {
    CHECK(row.found == row.expected);
  }
}

TEST_CASE("copies of a catalog are used from several threads", "[model]") {
  const Catalog owned = Catalog::from_texts({{"tiny.json", tiny("tiny")}});
  const Catalog embedded = Catalog::embedded();
  std::vector<std::string> found(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < found.size(); ++i) {
    threads.emplace_back([&, i, copy = owned] {
      found[i] = copy.get("TINY").id + embedded.get("openai/gpt-oss-20b").id;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(found == std::vector<std::string>(4, "tinygpt-oss-20b"));
}

}  // namespace
}  // namespace macfit::model
