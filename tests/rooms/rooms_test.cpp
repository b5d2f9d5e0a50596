#include "rooms.hpp"

#include <set>

#include "test.hpp"

using macfit::test::rooms::mirror_objections;
using macfit::test::rooms::objections;
using macfit::test::rooms::without_comments_and_literals;

namespace {

struct Row {
  std::string path;
  std::string text;
};

std::vector<std::string> files_of_the_tree() {
  const std::set<std::filesystem::path> holds_code{".hpp", ".cpp", ".cmake", ".sh"};
  std::vector<std::string> paths;
  const auto top = macfit::test::source_path("");
  for (const auto* directory : {"include", "src", "tests", "bench", "cmake"}) {
    if (!std::filesystem::exists(top / directory)) {
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top / directory)) {
      if (entry.is_regular_file() && (holds_code.count(entry.path().extension()) > 0 ||
                                      entry.path().filename() == "CMakeLists.txt")) {
        paths.push_back(std::filesystem::relative(entry.path(), top).generic_string());
      }
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

TEST_CASE("the tree keeps to its rooms", "[rooms]") {
  const auto paths = files_of_the_tree();
  REQUIRE_FALSE(paths.empty());
  for (const auto& path : paths) {
    for (const auto& objection :
         objections(path, macfit::test::read_text(macfit::test::source_path(path)))) {
      FAIL_CHECK(objection);
    }
  }
  for (const auto& objection : mirror_objections(paths)) {
    FAIL_CHECK(objection);
  }
}

TEST_CASE("what the rooms forbid is found", "[rooms]") {
  const auto row = GENERATE(values<Row>({
      // A room further down, by either way of naming it.
      {"src/fit/budget.cpp", "#include \"macfit/plan/plan.hpp\"\n"},
      {"include/macfit/model/model.hpp", "#  include <macfit/cli/app.hpp>\n"},
      {"src/fit/budget.cpp", "#include \"../plan/helper.hpp\"\n"},
      {"src/fit/detail/budget.cpp", "#include \"../../speed/helper.hpp\"\n"},
      {"src/core/text.cpp", "#include \"macfit/nowhere/x.hpp\"\n"},
      {"src/nowhere/x.cpp", "\n"},
      // Libraries outside their rooms.
      {"src/report/text.cpp", "#include <CLI/CLI.hpp>\n"},
      {"src/report/text.cpp", "#include <spdlog/spdlog.h>\n"},
      {"src/report/text.cpp", "#include <nlohmann/json.hpp>\n"},
      {"src/cli/run_jobs.cpp", "#include <curl/curl.h>\n"},
      {"include/macfit/cli/app.hpp", "#include <nlohmann/json_fwd.hpp>\n"},
      // Input, output, clocks and chance in a pure room.
      {"src/plan/plan.cpp", "  std::cout << 1;\n"},
      {"src/plan/plan.cpp", "  std::ifstream stream(path);\n"},
      {"src/plan/plan.cpp", "  fmt::print(\"x\");\n"},
      {"src/core/text.cpp", "  auto* f = fopen(path, \"r\");\n"},
      {"src/core/text.cpp", "  if (getenv(\"HOME\")) {\n"},
      {"src/study/night.cpp", "  const auto now = std::time(nullptr);\n"},
      {"src/study/night.cpp", "  return time(nullptr);\n"},
      {"src/study/night.cpp", "  auto now = std::chrono::system_clock::now();\n"},
      {"src/study/sweep.cpp", "  x = rand() % 6;\n"},
      {"src/study/sweep.cpp", "  std::exit(1);\n"},
      // Variables that outlive their function.
      {"src/model/model.cpp", "int counter = 0;\n"},
      {"src/model/model.cpp", "std::string last;\n"},
      {"src/model/model.cpp", "std::map<int, std::string> cache{};\n"},
      {"src/model/model.cpp", "int table[4];\n"},
      {"src/model/model.cpp", "  static int counter = 0;\n"},
      {"src/model/model.cpp", "  static std::vector<int> cache;\n"},
      {"src/model/model.cpp", "thread_local int depth = 0;\n"},
      {"src/model/model.cpp", "const char* name = \"x\";\n"},
      // Which runtime it is, outside the room that owns them.
      {"src/plan/search.cpp", "  if (runtime.name() == \"exo\") {\n"},
      {"src/report/text.cpp", "  return \"llama.cpp\";\n"},
      // Length.
      {"src/report/text.cpp", std::string(621, '\n')},
      {"tests/plan/plan_test.cpp", std::string(621, '\n')},
  }));
  INFO(row.path << ": " << row.text.substr(0, 80));
  CHECK(objections(row.path, row.text).size() == 1);
}

TEST_CASE("what the rooms allow is let be", "[rooms]") {
  const auto row = GENERATE(values<Row>({
      {"src/plan/plan.cpp",
       "#include \"macfit/plan/plan.hpp\"\n#include \"macfit/core/text.hpp\"\n"},
      {"src/plan/plan.cpp",
       "#include \"../fit/helper.hpp\"\n#include \"helper.hpp\"\n#include <vector>\n"},
      {"src/plan/plan.cpp", "// #include \"macfit/cli/app.hpp\"\n/*\n#include <CLI/CLI.hpp>\n*/\n"},
      {"src/cli/app.cpp", "#include <CLI/CLI.hpp>\n#include <spdlog/spdlog.h>\nint counter = 0;\n"},
      {"src/model/manifest_json.cpp", "#include <nlohmann/json.hpp>\n"},
      {"src/hub/curl.cpp", "#include <curl/curl.h>\n"},
      {"src/runtime/exo.cpp", "  return \"exo\";\n"},
      {"src/plan/search.cpp", "  std::string runtime;  // \"mlx-lm\"\n"},
      {"tests/core/text_test.cpp",
       "#include \"macfit/cli/app.hpp\"\n#include <nlohmann/json.hpp>\n"},
      {"src/model/gguf_reader.cpp", "  std::ifstream stream(path);\n"},
      {"src/hardware/catalog_json.cpp", "  std::ifstream stream(path);\n"},
      {"src/report/text.cpp", "  std::cout << 1;\n"},
      {"src/plan/plan.cpp", "  // std::cout, getenv\n  text = \"std::cout\"; /* rand() */\n"},
      {"src/plan/plan.cpp", "  text = R\"x(\nint counter = 0;\n  std::cout)x\";\n"},
      {"src/speed/decode.cpp",
       "double time(double bytes);\n  total += prefill_time(1) + link.time(2) + own::time(3);\n"},
      {"src/core/bytes.cpp",
       "constexpr std::int64_t gib = 1'073'741'824;\ninline constexpr int x{3};\n"},
      {"src/core/bytes.cpp",
       "const std::array<const char*, 2> names{\"a\", \"b\"};\nconst char* const one = \"x\";\n"},
      {"src/core/bytes.cpp",
       "using Table = std::map<int, int>;\nstruct Row {\n  int x = 0;\n};\nenum class A { x };\n"},
      {"src/core/bytes.cpp",
       "static std::string show(int x) {\n  static const int y = 3;\n  int z = 0;\n}\n"},
      {"src/core/bytes.cpp",
       "std::string show(int x, int y = 3);\nBytes operator+(Bytes a, Bytes b) { return a; }\n"},
      {"src/core/bytes.cpp",
       "template <typename T>\nconcept Number = true;\nextern const int rows[];\n"},
      {"include/macfit/core/bytes.hpp",
       "  static Bytes zero();\n  static constexpr int bits = 64;\n"},
      {"src/report/text.cpp", std::string(620, '\n')},
  }));
  INFO(row.path << ": " << row.text.substr(0, 80));
  CHECK(objections(row.path, row.text) == std::vector<std::string>{});
}

TEST_CASE("an objection names the file, the line and the rule", "[rooms]") {
  CHECK(objections("src/fit/a.cpp", "\n#include \"macfit/plan/plan.hpp\"\n") ==
        std::vector<std::string>{
            "src/fit/a.cpp:2: the room fit must not include plan, which comes after it"});
}

TEST_CASE("include, src and tests mirror each other", "[rooms]") {
  const std::vector<std::string> whole{"include/macfit/fit/a.hpp", "src/fit/a.cpp",
                                       "tests/fit/a_test.cpp", "tests/fuzz/fuzz_a.cpp",
                                       "tests/test.hpp"};
  CHECK(mirror_objections(whole) == std::vector<std::string>{});
  for (std::size_t missing = 0; missing < 3; ++missing) {
    auto paths = whole;
    paths.erase(paths.begin() + static_cast<std::ptrdiff_t>(missing));
    INFO("without " << whole[missing]);
    CHECK_FALSE(mirror_objections(paths).empty());
  }
}

TEST_CASE("comments and literals are blanked, lines kept", "[rooms]") {
  CHECK(without_comments_and_literals("a // b\nc \"d\\\"e\" 'f' 1'000 /* g\nh */ i") ==
        "a     \nc            1'000     \n     i");
  CHECK(without_comments_and_literals("R\"x(\")\")x\" y") == "R          y");
}
