#include "macfit/model/manifest.hpp"

#include "macfit/core/error.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/read/hf_config.hpp"
#include "test.hpp"

namespace macfit::model {
namespace {

std::string manifest(const std::string& more = {}, const std::string& architecture = R"({
    "type": "llama", "hidden": 64, "vocabulary": 1000,
    "blocks": {"full": {"attention": {"heads": 4, "kv_heads": 2, "head_dim": 16},
                        "dense": {"width": 256}}},
    "layers": "2*full"})") {
  return R"({"schema": "macfit.manifest/1", "id": "tiny", "architecture": )" + architecture +
         (more.empty() ? "" : ", " + more) + "}";
}

std::string error_of(const std::string& text) {
  try {
    (void)parse_manifest(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// An architecture with these blocks and layers, all else given.
std::string shapes(const std::string& blocks, const std::string& layers) {
  return R"({"type": "x", "hidden": 64, "vocabulary": 1000, "blocks": )" + blocks +
         R"(, "layers": )" + layers + "}";
}
const std::string dense_block = R"({"dense": {"width": 8}, "norms": 1})";

TEST_CASE("a manifest gives the model it describes", "[model]") {
  const Model model = read_manifest(manifest(
      R"("repository": "me/Tiny", "aliases": ["tiny-1m", "me/Tiny-Instruct"],
         "parameters": 251200,
         "source": {"shapes": "config.json of me/Tiny", "evidence": "exact"},
         "published": {"parameters": 251200, "source": "its card", "rule": "none: of need"},
         "formats": [{"recipe": "8bit"},
                     {"recipe": "Q4_K_M", "bytes": 150000, "source": "the file"},
                     {"recipe": "4bit", "repository": "me/Tiny-4bit", "evidence": "community"}],
         "default_format": "q8", "notes": ["small"])"));
  CHECK(model.id == "tiny");
  CHECK(model.source == Source::manifest);
  CHECK(model.repository == "me/Tiny");
  CHECK(model.aliases == std::vector<std::string>{"tiny-1m", "me/Tiny-Instruct"});
  CHECK(model.architecture_source == "config.json of me/Tiny");
  CHECK(model.evidence == Evidence::exact);
  REQUIRE(model.published_count);
  CHECK(model.published_count->note == "none: of need");
  REQUIRE(model.formats.size() == 3);  // sorted: smallest first
  CHECK(model.formats[0].recipe.name == "mlx-4bit-g64");
  CHECK(model.formats[0].repository == "me/Tiny-4bit");
  CHECK(model.formats[1].recipe.name == "Q4_K_M");
  CHECK(model.formats[1].bytes == Bytes(150000));
  CHECK(model.formats[1].evidence == Evidence::estimated);
  CHECK(model.formats[2].recipe.name == "mlx-8bit-g64");
  CHECK(model.default_recipe == parse_recipe("mlx-8bit-g64"));
  CHECK(model.notes == std::vector<std::string>{"small"});

  const Architecture& a = model.architecture;
  CHECK(a.layers.size() == 2);
  CHECK(a.block_of(1).attention->value_dim == 16);  // as the keys' unless stated
  CHECK(a.block_of(1).norms == 2);
  CHECK(a.extras.vision_parameters == 0);
  CHECK_FALSE(a.tied);
}

TEST_CASE("without a source, a manifest's shapes are an estimate", "[model]") {
  CHECK(read_manifest(manifest()).evidence == Evidence::estimated);
}

TEST_CASE("expectations are kept as written", "[model]") {
  const Manifest m = parse_manifest(manifest(
      R"("expect": [{"nodes": "2x128", "context": "32k", "verdict": "pipeline-shard", "tier": "borderline"},
                    {"nodes": "mini+mini", "context": 1000, "sequences": 2, "quant": "q4", "min_decode": 12.5}])"));
  REQUIRE(m.expect.size() == 2);
  CHECK(m.expect[0].nodes == "2x128");
  CHECK(m.expect[0].context == Tokens(32768));
  CHECK(m.expect[0].verdict == "pipeline-shard");
  CHECK(m.expect[0].tier == "borderline");
  CHECK(m.expect[1].context == Tokens(1000));
  CHECK(m.expect[1].sequences == 2);
  CHECK(m.expect[1].quant == "q4");
  CHECK(m.expect[1].min_decode == 12.5);
  CHECK(parse_manifest(write_manifest(m)).expect == m.expect);
}

TEST_CASE("a manifest may name a file", "[model]") {
  const std::string text = R"({"schema": "macfit.manifest/1", "id": "tiny",
                               "from": {"gguf": "tiny-q4.gguf"}, "notes": ["mine"]})";
  std::optional<ManifestFile> asked;
  const auto resolve = [&](const ManifestFile& file) {
    asked = file;
    Model model = read_manifest(manifest());
    model.id = "other";
    model.evidence = Evidence::exact;
    model.stored = WeightLayout{};
    model.stored->format = "Q4_K_M";
    return model;
  };
  const Manifest m = parse_manifest(text, resolve);
  CHECK(asked == ManifestFile{ManifestFile::Kind::gguf, "tiny-q4.gguf"});
  CHECK(m.model.id == "tiny");
  CHECK(m.model.source == Source::manifest);
  CHECK(m.model.evidence == Evidence::exact);
  REQUIRE(m.model.stored);
  CHECK(m.model.stored->format == "Q4_K_M");
  CHECK(m.model.architecture.layers.size() == 2);
  CHECK(m.model.notes == std::vector<std::string>{"mine"});
  CHECK(parse_manifest(write_manifest(m), resolve).file == m.file);

  CHECK(error_of(text) ==
        "at /from: the file \"tiny-q4.gguf\" can't be read from here: only shapes written into the "
        "manifest can");
}

TEST_CASE("every catalog model survives being written", "[model]") {
  for (Model model : Catalog::embedded().all()) {
    INFO(model.id);
    const std::string text = write_manifest(model);
    const Model back = read_manifest(text);
    model.source = Source::manifest;
    CHECK(back == model);
    CHECK(write_manifest(back) == text);
  }
}

TEST_CASE("what mlx-lm knows of many configs survives a manifest", "[model]") {
  const auto folder = test::shared_data("configs");
  if (!folder) {
    MACFIT_SKIP("no configs beside the checkout");
  }
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    INFO(entry.path().filename().string());
    Model model;
    model.id = "any";
    model.source = Source::manifest;
    model.evidence = Evidence::estimated;
    try {
      model.architecture = read::read_hf_config(test::read_text(entry.path()));
    } catch (const Error&) {
      continue;  // a family that is not known
    }
    CHECK(read_manifest(write_manifest(model)) == model);
  }
}

TEST_CASE("layers are written as short as they can be", "[model]") {
  std::vector<Block> blocks(3);
  blocks[0].name = "a";
  blocks[1].name = "bb";
  blocks[2].name = "c";
  struct Row {
    std::vector<std::uint16_t> layers;
    std::string text;
  };
  const std::vector<Row> rows = {
      {{}, ""},
      {{0}, "a"},
      {{0, 0, 0, 0}, "4*a"},
      {{0, 1, 1, 1}, "a 3*bb"},
      {{0, 0, 1, 0, 0, 1, 0, 0, 1}, "3*(2*a bb)"},
      {{2, 0, 1, 0, 1, 0, 1, 2}, "c 3*(a bb) c"},
      {{0, 1, 0, 2, 0, 1, 0, 2}, "2*(a bb a c)"},
      {{1, 0, 1, 0}, "2*(bb a)"},
  };
  for (const Row& row : rows) {
    CHECK(layers_text(blocks, row.layers) == row.text);
  }
}

TEST_CASE("many layers are written as runs", "[model]") {
  std::vector<Block> blocks(2);
  blocks[0].name = "a";
  blocks[1].name = "b";
  std::vector<std::uint16_t> layers(4000, 0);
  layers[1] = 1;
  CHECK(layers_text(blocks, layers) == "a b 3998*a");
}

TEST_CASE("a layers text may be spelled in several ways", "[model]") {
  const auto count = [](const std::string& layers) {
    const Model model = read_manifest(
        manifest("", shapes("{\"a\": " + dense_block + ", \"b\": " + dense_block + "}", layers)));
    std::string names;
    for (const std::uint16_t layer : model.architecture.layers) {
      names += model.architecture.blocks[layer].name;
    }
    return names;
  };
  CHECK(count(R"("a b")") == "ab");
  CHECK(count(R"("2*a  b")") == "aab");
  CHECK(count(R"("2*(a 2*(b a)) b")") == "ababaababab");
  CHECK(count(R"(["a", "2*b", "a"])") == "abba");
  CHECK(count(R"(" b a ")") == "ba");
}

TEST_CASE("manifest errors name the place and what was expected", "[model]") {
  const auto layers = [](const std::string& json) {
    return error_of(manifest("", shapes("{\"a\": " + dense_block + "}", json)));
  };
  const auto spelled = [&](const std::string& text) { return layers('"' + text + '"'); };
  struct Row {
    std::string found;
    std::string expected;
  };
  const std::vector<Row> rows = {
      {error_of("{}"), "at the top: the key \"schema\" is missing or null"},
      {error_of("[]"), "at the top: expected an object, found an array"},
      {error_of(""), "byte 0: the file is empty; expected JSON"},
      {error_of(R"({"schema": "macfit.manifest/2"})"),
       "at /schema: expected \"macfit.manifest/1\", found the string \"macfit.manifest/2\""},
      {error_of(R"({"schema": "macfit.manifest/1"})"),
       "at the top: the key \"id\" is missing or null"},
      {error_of(R"({"schema": "macfit.manifest/1", "id": "x"})"),
       "at the top: expected \"architecture\" with the shapes, or \"from\" naming a file that has "
       "them"},
      {error_of(manifest(R"("from": {"config": "config.json"})")),
       "at /from: \"from\" and \"architecture\" can't both say what the shapes are"},
      {error_of(manifest(R"("format": [])")),
       "at /format: unknown key \"format\" (did you mean formats or default_format?)"},
      {error_of(manifest(R"("parameters": 251201)")),
       "at /parameters: the shapes make 251,200 parameters, stated are 251,201"},
      {error_of(manifest(R"("active_parameters": 1)")),
       "at /active_parameters: the shapes make 251,200 parameters, stated are 1"},
      {error_of(manifest(R"("aliases": ["TINY"])")),
       "at /aliases/0: the name \"TINY\" stands here twice"},
      {error_of(manifest(R"("aliases": ["a b"])")),
       "at /aliases/0: expected a name without blanks, quotes and backslashes, found the string "
       "\"a "
       "b\""},
      {error_of(manifest(R"("formats": [{}])")),
       "at /formats/0: the key \"recipe\" is missing or null"},
      {error_of(manifest(R"("formats": [{"recipe": "q4", "bytes": 5}])")),
       "at /formats/0: published bytes need a \"source\""},
      {error_of(manifest(R"("formats": [{"recipe": "q4", "bytes": 0, "source": "x"}])")),
       "at /formats/0/bytes: expected a whole number from 1 to 1152921504606846976, found the "
       "number "
       "0"},
      {error_of(manifest(R"("formats": [{"recipe": "q4", "evidence": "exakt"}])")),
       "at /formats/0/evidence: unknown evidence \"exakt\" (did you mean exact? One of exact, "
       "measured, measured-near, community, vendor, extrapolated or estimated.)"},
      {error_of(manifest(R"("source": {"shapes": "x"})")),
       "at /source: the key \"evidence\" is missing or null"},
      {error_of(manifest(R"("published": {"parameters": 1})")),
       "at /published: the key \"source\" is missing or null"},
      {error_of(manifest(R"("notes": [" x"])")),
       "at /notes/0: expected a text without blanks around it, found the string \" x\""},
      {error_of(manifest(R"("notes": ["\u0007"])")),
       "at /notes/0: expected a text without control characters, found the string \"\\u{7}\""},
      {error_of(manifest(R"("expect": [{"nodes": "2x128"}])")),
       "at /expect/0: nothing is expected here: state \"verdict\", \"tier\" or \"min_decode\""},
      {error_of(manifest(R"("expect": [{"tier": "borderline"}])")),
       "at /expect/0: the key \"nodes\" is missing or null"},
      {error_of(R"({"schema": 5})"),
       "at /schema: expected \"macfit.manifest/1\", found the number 5"},
      {error_of(R"({"schema": "macfit.manifest/1", "id": "x", "from": {}})"),
       "at /from: expected one of \"config\", \"gguf\" and \"safetensors\", found 0 of them"},
      {error_of(
           R"({"schema": "macfit.manifest/1", "id": "x", "from": {"gguf": "a", "config": "b"}})"),
       "at /from: expected one of \"config\", \"gguf\" and \"safetensors\", found 2 of them"},
      {error_of(manifest(R"("formats": [{"recipe": 5}])")),
       "at /formats/0/recipe: expected a string, found the number 5"},
      {error_of(manifest(R"("notes": [""])")),
       "at /notes/0: expected a text without blanks around it, found the string \"\""},
      {spelled("a -b"),
       "at /architecture/layers: unknown block \"-b\" (The blocks here: a.)"},
      {spelled("2*"),
       "at /architecture/layers: expected a block's name, found the end, at "
       "character 3"},
      {spelled("a b"),
       "at /architecture/layers: unknown block \"b\" (The blocks here: a.)"},
      {spelled("2 a"),
       "at /architecture/layers: expected \"*\" after a count, as in \"3*a\", at character 2"},
      {spelled("0*a"), "at /architecture/layers: expected a count of 1 or more, at character 3"},
      {spelled("2*(a"), "at /architecture/layers: \"(\" without a \")\" after it, at character 5"},
      {spelled("a)"), "at /architecture/layers: \")\" without a \"(\" before it, at character 2"},
      {spelled("2*()"),
       "at /architecture/layers: expected a block's name, such as \"a\", at character 4"},
      {spelled("a,a"),
       "at /architecture/layers: expected a block's name, found \",\", at character 2"},
      {spelled(""),
       "at /architecture/layers: expected a block's name, such as \"a\", at character 1"},
      {spelled("99999*a"), "at /architecture/layers: more than 4096 layers, at character 5"},
      {spelled("4000*(4000*a)"), "at /architecture/layers: more than 4096 layers, at character 14"},
      {spelled("((((((((((a))))))))))"),
       "at /architecture/layers: groups stand more than 8 deep, at character 10"},
      {layers(R"(["4000*a", "4000*a"])"), "at /architecture/layers/1: more than 4096 layers"},
      {layers("5"),
       "at /architecture/layers: expected a text such as \"3*dense 58*moe\", or a list of such, "
       "found "
       "the number 5"},
      {error_of(manifest(
           "", shapes("{\"a\": " + dense_block + ", \"b\": " + dense_block + "}", R"("2*b")"))),
       "at /architecture/layers: no layer is of the block \"a\""},
      {error_of(manifest("", shapes("{\"4a\": " + dense_block + "}", R"("4a")"))),
       "at /architecture/blocks/4a: \"4a\" can't name a block: expected letters, digits, \"-\" and "
       "\"_\", a letter first"},
      {error_of(manifest("", shapes("{\"A_1\": " + dense_block + "}", R"("2*A_1")"))), "no error"},
      {error_of(manifest("", shapes("{\"\": " + dense_block + "}", R"("a")"))),
       "at /architecture/blocks/: \"\" can't name a block: expected letters, digits, \"-\" and "
       "\"_\", a letter first"},
      {error_of(manifest("", shapes("{\"a.b\": " + dense_block + "}", R"("a")"))),
       "at /architecture/blocks/a.b: \"a.b\" can't name a block: expected letters, digits, \"-\" "
       "and "
       "\"_\", a letter first"},
      {error_of(manifest("", shapes("{}", R"("a")"))),
       "at /architecture/blocks: a model has at least one kind of layer"},
      {error_of(manifest("", R"({"type": "", "hidden": 64, "vocabulary": 9, "blocks": {"a": )" +
                                 dense_block + R"(}, "layers": "a"})")),
       "at /architecture/type: expected a word, found the string \"\""},
      {error_of(manifest("", shapes(R"({"a": {"dense": {}}})", R"("a")"))),
       "at /architecture/blocks/a/dense: the key \"width\" is missing or null"},
      {error_of(manifest("", shapes(R"({"a": {"dense": {"widht": 4, "width": 4}}})", R"("a")"))),
       "at /architecture/blocks/a/dense/widht: unknown key \"widht\" (did you mean width?)"},
      {error_of(manifest(
           "", shapes(R"({"a": {"attention": {"heads": 4, "head_dim": 8, "span": "wide"}}})",
                      R"("a")"))),
       "at /architecture/blocks/a/attention/span: expected full, sliding or chunked, found "
       "\"wide\""},
      {error_of(manifest("", shapes(R"({"a": {"dense": {"width": 8}, "norms": "2"}})", R"("a")"))),
       "at /architecture/blocks/a/norms: expected a whole number from 0 to 1000, found the string "
       "\"2\""},
      {error_of(manifest(
           "", shapes(R"({"a": {"attention": {"heads": 5, "kv_heads": 2, "head_dim": 8}}})",
                      R"("a")"))),
       "at /architecture/blocks/a/attention/heads: 5 is not divisible by kv_heads 2"},
  };
  for (const Row& row : rows) {
    CHECK(row.found == row.expected);
  }
}

TEST_CASE("texts and names of a manifest have an end", "[model]") {
  CHECK(error_of(manifest(R"("notes": [")" + std::string(2000, 'x') + "\"]")) == "no error");
  CHECK_THAT(error_of(manifest(R"("notes": [")" + std::string(2001, 'x') + "\"]")),
             test::contains("at /notes/0: expected a text of at most 2,000 bytes"));
  CHECK(error_of(manifest(R"("aliases": [")" + std::string(200, 'x') + "\"]")) == "no error");
  for (const std::string& alias :
       {std::string(201, 'x'), std::string(R"(a\\b)"), std::string(R"(a\"b)")}) {
    CHECK_THAT(error_of(manifest(R"("aliases": [")" + alias + "\"]")),
               test::contains("at /aliases/0: expected a name without blanks"));
  }
}

TEST_CASE("a model of any name is written under an id", "[model]") {
  const std::pair<std::string, std::string> facts[] = {
      {"GLM-4.5 Air (8 bit)", "glm-4.5-air-8-bit"},
      {"Qwen/Qwen3  8B", "qwen-qwen3-8b"},
      {"..a_b__", "a_b"},
      {" {x}", "x"},
      {"\xC3\xA9t\xC3\xA9", "t"},
      {"!?", "model"},
      {"", "model"},
      {std::string(100, 'a'), std::string(80, 'a')},
  };
  for (const auto& [name, id] : facts) {
    Model model = read_manifest(manifest());
    model.id = name;
    CHECK(read_manifest(write_manifest(model)).id == id);
  }
}

TEST_CASE("a manifest names the file that it was read from", "[model]") {
  for (const auto& [kind, key] : std::vector<std::pair<ManifestFile::Kind, std::string>>{
           {ManifestFile::Kind::config, "config"},
           {ManifestFile::Kind::gguf, "gguf"},
           {ManifestFile::Kind::safetensors, "safetensors"}}) {
    Manifest m{read_manifest(manifest()), ManifestFile{kind, "a/b"}, {}};
    const std::string text = write_manifest(m);
    CHECK_THAT(text, test::contains("\"from\": {\"" + key + "\": \"a/b\"}"));
    // What the file says is not said again.
    CHECK(text.find("architecture") == std::string::npos);
    CHECK(text.find("parameters") == std::string::npos);
    CHECK(parse_manifest(text, [](const ManifestFile&) { return Model(); }).file == m.file);
  }
}

TEST_CASE("stated sizes need shapes to be held against", "[model]") {
  const auto unknown = [](const ManifestFile&) { return Model(); };
  const std::string start =
      R"({"schema": "macfit.manifest/1", "id": "x", "from": {"gguf": "x.gguf"}, )";
  for (const char* key : {"parameters", "active_parameters"}) {
    CHECK_THROWS_WITH(parse_manifest(start + "\"" + key + "\": 5}", unknown),
                      test::contains("there are no shapes here to hold this against"));
  }
  // Where it is the shapes that are wrong, that alone is said.
  const ManifestReading reading =
      inspect_manifest(R"({"schema": "macfit.manifest/1", "id": "x", "parameters": 5})");
  REQUIRE(reading.problems.size() == 1);
  CHECK(reading.problems.front().code == "missing-key");
}

TEST_CASE("an id has no blanks, capitals or slashes", "[model]") {
  const auto with_id = [](const std::string& id) {
    return error_of(R"({"schema": "macfit.manifest/1", "id": ")" + id + "\"}");
  };
  for (const char* id : {"Tiny", "a b", "a/b", "", "-a", "a-"}) {
    CHECK_THAT(with_id(id), test::contains("at /id: expected an id of at most 80"));
  }
}

}  // namespace
}  // namespace macfit::model
