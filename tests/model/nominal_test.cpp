#include "macfit/model/nominal.hpp"

#include <cmath>
#include <numeric>

#include "macfit/core/error.hpp"
#include "macfit/model/catalog.hpp"
#include "test.hpp"

namespace macfit::model {
namespace {

Model nominal(const std::string& name) {
  static const Catalog catalog = Catalog::embedded();
  return nominal_model(parse_nominal(name), catalog);
}

WeightLayout weights(const std::string& name) {
  const Model model = nominal(name);
  return weights_of(model, *model.default_recipe);
}

std::string error_of(const std::string& name) {
  try {
    (void)nominal(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("nominal names", "[model]") {
  struct Row {
    const char* name;
    std::int64_t parameters;
    std::int64_t active;
    std::int64_t weights;
    const char* recipe;
  };
  const Row rows[] = {
      {"230b-q4", 230'000'000'000, 0, 0, "mlx-4bit-g64"},
      {"230B-Q4", 230'000'000'000, 0, 0, "mlx-4bit-g64"},
      {" 230b-q4 ", 230'000'000'000, 0, 0, "mlx-4bit-g64"},
      {"400b-a17b-q8", 400'000'000'000, 17'000'000'000, 0, "mlx-8bit-g64"},
      {"400b-a17b", 400'000'000'000, 17'000'000'000, 0, ""},
      {"70b-4.5bpw", 70'000'000'000, 0, 0, "4.5bpw"},
      {"1000b-mxfp4", 1'000'000'000'000, 0, 0, "mxfp4"},
      {"8b", 8'000'000'000, 0, 0, ""},
      {"8b-mlx-4bit-g32", 8'000'000'000, 0, 0, "mlx-4bit-g32"},
      {"8b-Q4_K_M", 8'000'000'000, 0, 0, "Q4_K_M"},
      {"1.5t-q4", 1'500'000'000'000, 0, 0, "mlx-4bit-g64"},
      {"1t-a32b-q3", 1'000'000'000'000, 32'000'000'000, 0, "mlx-3bit-g64"},
      {"0.6b", 600'000'000, 0, 0, ""},
      {".5b", 500'000'000, 0, 0, ""},
      {"5.b", 5'000'000'000, 0, 0, ""},
      {"600m", 600'000'000, 0, 0, ""},
      {"70.553706496b", 70'553'706'496, 0, 0, ""},
      {"8.030261248000b", 8'030'261'248, 0, 0, ""},
      {"8b-a8b", 8'000'000'000, 0, 0, ""},  // all of it active: dense
      {"2b-a600m", 2'000'000'000, 600'000'000, 0, ""},
      {"215gb", 0, 0, 215'000'000'000, ""},
      {"215gb-q8", 0, 0, 215'000'000'000, "mlx-8bit-g64"},
      {"215GB-a10b-q8", 0, 10'000'000'000, 215'000'000'000, "mlx-8bit-g64"},
      {"1.5tb", 0, 0, 1'500'000'000'000, ""},
      {"128gib", 0, 0, 137'438'953'472, ""},
      {"0.5gib", 0, 0, 536'870'912, ""},
      {"1.75gib", 0, 0, 1'879'048'192, ""},
      {"37.25gb", 0, 0, 37'250'000'000, ""},
      {"900mb", 0, 0, 900'000'000, ""},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    CHECK(looks_nominal(row.name));
    const NominalName name = parse_nominal(row.name);
    CHECK(name.parameters == row.parameters);
    CHECK(name.active_parameters == row.active);
    CHECK(name.weights.value_or(Bytes(0)).count() == row.weights);
    CHECK((name.recipe ? name.recipe->name : "") == row.recipe);
  }
}

TEST_CASE("what looks like a size is read as one, to say what is wrong with it", "[model]") {
  for (const char* name : {"1e30b", "1e+3b", "1 000b", "1_000b", "7,5b", "a17b", "a.5b", "-5b"}) {
    INFO(name);
    CHECK(looks_nominal(name));
    CHECK_THROWS_AS(parse_nominal(name), Error);
  }
  CHECK_FALSE(looks_nominal("1111111111111111111111111111111111111111b"));
  CHECK_FALSE(looks_nominal("1xb"));
}

TEST_CASE("what is no nominal name", "[model]") {
  for (const char* name : {"llama-3.1-70b", "gpt-oss-120b", "01-ai/Yi-34B", "b", "gb", "70", "7.5",
                           "./8b", "8b.json", "mixtral-8x7b", "a", "q4", "", "-", "phi-4", "10k"}) {
    INFO(name);
    CHECK_FALSE(looks_nominal(name));
  }
  const std::string form =
      " (sizes are written like 230b-q4, 400b-a17b-q8, 70b-4.5bpw, 1.5t or 215gb)";
  struct Row {
    const char* name;
    std::string problem;
  };
  const Row rows[] = {
      {"0b-q4", "expected more than 0"},
      {"0.0b", "expected more than 0"},
      {"-5b", "a size has no sign"},
      {"+5b", "a size has no sign"},
      {"230b-", "expected a format after the last \"-\""},
      {"1e30b", "\"1e30\" is not a plain number such as 230 or 1.5"},
      {"1,5t", "\"1,5\" is not a plain number such as 230 or 1.5"},
      {"1.2.3b", "\"1.2.3\" is not a plain number such as 230 or 1.5"},
      {".b", "\".\" is not a plain number such as 230 or 1.5"},
      {"a17b", "active parameters need the total before them, as in 400b-a17b"},
      {"10b-a20b", "20.00B active parameters of 10.00B in all"},
      {"10b-a0b", "expected more than 0"},
      {"10b-a20gb", "expected active parameters like a17b, found \"a20gb\""},
      {"999999t", "more than 100,000B parameters"},
      {"99999999999999999999b", "more than 100,000B parameters"},
      {"9999tb", "more than 400,000 GB"},
      {"0.0000000001b", "\"0.0000000001\" is no whole number of parameters"},
      {"0.5m", "expected 1m parameters or more"},
      {"0.5mb", "expected 1 MB or more"},
  };
  for (const Row& row : rows) {
    CHECK(looks_nominal(row.name));
    CHECK(error_of(row.name) ==
          "\"" + std::string(row.name) + "\" is not a model's size: " + row.problem + form);
  }
  CHECK_THAT(error_of(""), test::contains("it is empty"));
  CHECK_THAT(error_of("70"), test::contains("expected a number with b or t"));
  CHECK_THAT(error_of("230b-q"), test::contains("unknown format \"q\""));
  CHECK_THAT(error_of("230b-q9"), test::contains("unknown format \"q9\" (did you mean q"));
  CHECK_THAT(error_of("230b-q7"), test::contains("MLX has no 7 bit format"));
  CHECK_THAT(error_of("7b-chat"), test::contains("unknown format \"chat\""));
  CHECK_THAT(error_of("7b-chat"), test::contains("after a size stands a format"));
  CHECK(error_of("215gb-a500b") ==
        "\"215gb-a500b\": 500.0B active parameters, and weights of 215.0 GB hold 382.2B in "
        "mlx-4bit-g64");
}

TEST_CASE("a nominal model weighs what its name says", "[model]") {
  CHECK(weights("230b-q4").total() == Bytes(129'375'000'000));
  CHECK(weights("70b-q4").total() == Bytes(39'375'000'000));
  CHECK(weights("70b-4.5bpw").total() == Bytes(39'375'000'000));
  CHECK(weights("1000b-mxfp4").total() == Bytes(531'250'000'000));
  CHECK(weights("400b-a17b-q8").total() == Bytes(425'000'000'000));
  CHECK(weights("8b").total() == Bytes(4'500'000'000));
  CHECK(weights("8b-bf16").total() == Bytes(16'000'000'000));
  CHECK(weights("1.5t-q4").total() == Bytes(843'750'000'000));
  CHECK(weights("215gb").total() == Bytes(215'000'000'000));
  CHECK(weights("215gb-q8").total() == Bytes(215'000'000'000));
  CHECK(weights("1tb-q3").total() == Bytes(1'000'000'000'000));

  // A size in bytes stays that size under llama.cpp's reading of the same format, and not under
  // another format.
  const Model stated = nominal("215gb-q8");
  CHECK(weights_of(stated, parse_recipe("Q8_0")).total() == Bytes(215'000'000'000));
  CHECK(std::abs(weights_of(stated, parse_recipe("q4")).total().count() - 113'823'529'412) < 2);
}

TEST_CASE("a nominal model says what it is", "[model]") {
  const Model model = nominal("230b-q4");
  CHECK(model.id == "230b-q4");
  CHECK(model.source == Source::nominal);
  CHECK(model.evidence == Evidence::estimated);
  REQUIRE(model.nominal);
  CHECK(model.nominal->dense);
  CHECK(model.nominal->parameters == 230'000'000'000);
  CHECK(model.nominal->active_parameters == 230'000'000'000);
  CHECK(model.nominal->nearest ==
        std::vector<std::string>{"falcon-180b", "llama-3.1-405b", "mistral-medium-3.5-128b"});
  CHECK(model.architecture_source == "interpolated: llama-3.1-70b and llama-3.1-405b");
  REQUIRE(model.notes.size() == 1);
  CHECK_THAT(model.notes[0], test::contains("estimated from llama-3.1-70b and llama-3.1-405b"));
  CHECK(model.architecture.context == 0);
  CHECK_NOTHROW(validate(model.architecture));
  const ParameterCount count = parameters_of(model);
  CHECK(count.total == 230'000'000'000);
  CHECK(count.active == 230'000'000'000);
  CHECK(count.embedding == count.head);

  const Model moe = nominal("400b-a17b-q8");
  CHECK_FALSE(moe.nominal->dense);
  CHECK(moe.nominal->active_parameters == 17'000'000'000);
  REQUIRE(moe.nominal->nearest.size() == 3);
  CHECK(moe.nominal->nearest[0] == "llama-4-maverick");
  CHECK(moe.architecture.blocks[0].experts);
  CHECK(parameters_of(moe).active == 17'000'000'000);
}

TEST_CASE("at a real model's size a nominal model has much its shape", "[model]") {
  const Architecture& a = nominal("70.553706496b").architecture;
  CHECK(a.layers.size() == 84);  // 80, as a multiple of 12
  CHECK(a.hidden == 8192);
  CHECK(a.blocks[0].attention->heads == 64);
  CHECK(a.blocks[0].attention->kv_heads == 8);
  CHECK(a.blocks[0].attention->head_dim == 128);
  CHECK(a.blocks[0].dense->width == 28672);
}

TEST_CASE("the parts of a nominal model sum to it", "[model]") {
  for (const char* name :
       {"1m", "8b", "13b-q3", "230b-q4", "230b-q8", "1000b-mxfp4", "400b-a17b-q8", "30b-a3b",
        "30b-a29b", "30b-a1b", "2b-a1m", "215gb", "215gb-q8", "100gb-a5b", "100t-bf16"}) {
    INFO(name);
    const Model model = nominal(name);
    const WeightLayout w = weights_of(model, *model.default_recipe);
    Bytes layers;
    Bytes experts;
    Bytes active;
    for (const LayerBytes& layer : w.layers) {
      layers += layer.total;
      experts += layer.experts;
      active += layer.experts_active;
      CHECK(layer.experts <= layer.total);
      CHECK(layer.experts_active <= layer.experts);
      CHECK(layer.largest_tensor <= layer.total);
      CHECK(layer.total.count() - w.layers.back().total.count() <= 1);
    }
    CHECK(w.layers.size() == model.architecture.layers.size());
    CHECK(layers + w.global() == w.total());
    Bytes classes;
    for (const Bytes& part : w.by_class) {
      CHECK(part >= Bytes(0));
      classes += part;
    }
    CHECK(classes == w.total());
    CHECK(w.evidence == Evidence::estimated);
    // What one token reads is the active parameters' share.
    const double share = (w.total() - experts + active).as_double() / w.total().as_double();
    const double stated = static_cast<double>(model.nominal->active_parameters) /
                          static_cast<double>(model.nominal->parameters);
    CHECK(std::abs(share - stated) < 1e-6 + 1e-3 * stated);
  }
}

TEST_CASE("a bigger nominal model never needs less", "[model]") {
  static const Catalog catalog = Catalog::embedded();
  for (const bool experts : {false, true}) {
    std::int64_t kv = 0;
    std::int64_t weight = 0;
    Architecture last;
    for (double size = 0.01; size < 20'000; size *= 1.003) {
      NominalName name;
      name.text = "any";
      name.parameters = std::llround(size * 1e9);
      name.active_parameters = experts ? name.parameters / 20 : 0;
      const Model model = nominal_model(name, catalog);
      const Architecture& a = model.architecture;
      const std::int64_t now = kv_bytes_per_token(a).count();
      const std::int64_t total = weights_of(model, *model.default_recipe).total().count();
      INFO(size);
      REQUIRE(now >= kv);
      REQUIRE(total >= weight);
      if (!last.layers.empty()) {
        REQUIRE(a.layers.size() >= last.layers.size());
        REQUIRE(a.hidden >= last.hidden);
        REQUIRE(a.vocabulary >= last.vocabulary);
        REQUIRE(a.blocks[0].attention->heads >= last.blocks[0].attention->heads);
        REQUIRE(a.blocks[0].attention->kv_heads >= last.blocks[0].attention->kv_heads);
        REQUIRE(a.blocks[0].attention->head_dim >= last.blocks[0].attention->head_dim);
      }
      REQUIRE(a.blocks[0].attention->heads % a.blocks[0].attention->kv_heads == 0);
      REQUIRE(a.layers.size() % 12 == 0);
      kv = now;
      weight = total;
      last = a;
    }
  }
}

TEST_CASE("more bits never weigh less", "[model]") {
  for (const char* size : {"8b", "230b", "400b-a17b"}) {
    std::int64_t last = 0;
    for (const char* recipe :
         {"q2", "q3", "mxfp4", "q4", "4bit-gs32", "q5", "q6", "mxfp8", "q8", "bf16"}) {
      const std::int64_t total = weights_of(nominal(size), parse_recipe(recipe)).total().count();
      CHECK(total > last);
      last = total;
    }
  }
}

TEST_CASE("the models between which shapes are interpolated are in the catalog", "[model]") {
  const Catalog catalog = Catalog::embedded();
  for (const char* id :
       {"qwen3-0.6b", "qwen3-4b", "qwen3-8b", "qwen3-14b", "qwen3-32b", "llama-3.1-70b",
        "llama-3.1-405b", "qwen3-30b-a3b", "glm-4.5-air", "minimax-m2.5", "glm-4.5", "ling-1t"}) {
    INFO(id);
    CHECK(catalog.find(id));
  }
  // A catalog of one's own need not have them.
  const NominalName name = parse_nominal("230b-q4");
  const Model model = nominal_model(name, Catalog::from_texts({}));
  CHECK(model.architecture == nominal("230b-q4").architecture);
  CHECK(model.nominal->nearest.empty());
}

}  // namespace
TEST_CASE("what a person types is a model and the format to plan it in", "[model]") {
  struct Row {
    const char* name;
    const char* asked;
    const char* id;
    const char* recipe;
  };
  const Catalog catalog = Catalog::embedded();
  const std::vector<Row> rows = {
      {"glm-4.5", "", "glm-4.5", "mlx-4bit-g64"},
      {"GLM-4.5", "q8", "glm-4.5", "mlx-8bit-g64"},
      {"gpt-oss-120b", "", "gpt-oss-120b", "mxfp4-experts"},
      {"230b", "", "230b", "mlx-4bit-g64"},
      {"230b", "q8", "230b", "mlx-8bit-g64"},
      {"230b-q4", "q8", "230b-q4", "mlx-8bit-g64"},
      {"215gb", "q8", "215gb", "mlx-8bit-g64"},
      {"215gb-q4", "q8", "215gb-q4", "mlx-4bit-g64"},  // weights are stated in their own format
  };
  for (const Row& row : rows) {
    CAPTURE(row.name, row.asked);
    const std::optional<Recipe> asked =
        *row.asked == '\0' ? std::nullopt : std::optional(parse_recipe(row.asked));
    const NamedModel found = find_model(row.name, catalog, asked);
    CHECK(found.model.id == row.id);
    CHECK(found.recipe == parse_recipe(row.recipe));
  }
  CHECK_THROWS_WITH(find_model("glm-4.55", catalog), macfit::test::contains("glm-4.5"));
  CHECK_THROWS_WITH(find_model("0b", catalog), macfit::test::contains("not a model's size"));
}

}  // namespace macfit::model
