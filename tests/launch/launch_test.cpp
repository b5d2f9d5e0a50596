// The folders of three plans byte for byte (MACFIT_REGOLD=1 writes them anew), and what hostile
// names and impossible plans come to.

#include "macfit/launch/launch.hpp"

#include <cstdlib>

#include "macfit/core/error.hpp"
#include "macfit/core/shell_word.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/launch/shell.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/model/nominal.hpp"
#include "runtimes.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

plan::Request request_of(const std::string& model, const std::string& nodes,
                         const runtime::Runtime& runtime, const std::string& link = {}) {
  plan::Request request;
  request.model = model::Catalog::embedded().get(model);
  request.recipe = model::parse_recipe("mlx-4bit-g64");
  hardware::ClusterOptions options;
  if (!link.empty()) {
    options.link = link;
  }
  request.cluster = hardware::parse_cluster(nodes, options, hardware::Catalog::embedded());
  request.runtimes = {&runtime};
  request.flags = {{"--model", model}, {"--nodes", nodes}};
  return request;
}

launch::Folder folder_of(const plan::Request& request) {
  return launch::make_folder(plan::make_plan(request));
}

const launch::File& file(const launch::Folder& folder, const std::string& path) {
  const auto found = std::find_if(folder.files.begin(), folder.files.end(),
                                  [&](const launch::File& file) { return file.path == path; });
  if (found == folder.files.end()) {
    FAIL("no file " << path);
  }
  return *found;
}

bool has(const launch::Folder& folder, const std::string& path) {
  return std::any_of(folder.files.begin(), folder.files.end(),
                     [&](const launch::File& file) { return file.path == path; });
}

/// Against tests/launch/golden/NAME. Scripts that no plan changes stand in one of them only.
void check_golden(const std::string& name, const launch::Folder& folder, bool fixed_too) {
  const std::vector<std::string> fixed = {"common.sh", "preflight.sh", "addresses.sh"};
  std::string text;
  for (const launch::File& file : folder.files) {
    if (fixed_too || std::find(fixed.begin(), fixed.end(), file.path) == fixed.end()) {
      text +=
          "==> " + file.path + (file.mode == 0755 ? " (executable)" : "") + " <==\n" + file.text;
    }
  }
  const std::filesystem::path path = test::source_path("tests/launch/golden/" + name);
  if (std::getenv("MACFIT_REGOLD") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
  }
  CHECK(text == test::read_text(path));
}

}  // namespace

TEST_CASE("launch folders are what they were", "[launch]") {
  const auto ring = folder_of(request_of("glm-4.5", "2x128", test::mlx_lm()));
  check_golden("mlx_ring.txt", ring, true);
  auto tensor = request_of("minimax-m2.5", "2x128", test::exo(), "tb5-rdma");
  tensor.only = plan::SplitKind::tensor;
  check_golden("exo_tensor.txt", folder_of(tensor), false);
  check_golden("workers.txt", folder_of(request_of("llama-3.1-70b", "2x128", test::mlx_lm())),
               false);
  CHECK(ring.warnings.empty());
}

TEST_CASE("a pipeline's hostfile begins with the node of the last layers", "[launch]") {
  // mlx-lm: rank 0 has the last layers (docs/runtimes.md), so node-2 comes first.
  const auto folder = folder_of(request_of("glm-4.5", "2x128", test::mlx_lm()));
  const std::string& text = file(folder, "hostfile.json").text;
  CHECK(text.find("node-2") < text.find("node-1"));
  CHECK_THAT(text, test::contains("\"backend\": \"ring\""));
}

TEST_CASE("JACCL hostfiles hold a square of devices with null on its diagonal", "[launch]") {
  auto request = request_of("minimax-m2.5", "4x64", test::mlx_lm(), "tb5-rdma");
  request.only = plan::SplitKind::tensor;
  const auto folder = folder_of(request);
  const std::string& text = file(folder, "hostfile.json").text;
  CHECK_THAT(text, test::contains("\"backend\": \"jaccl\""));
  std::size_t nulls = 0;
  std::size_t devices = 0;
  for (std::size_t at = 0; (at = text.find("null", at)) != std::string::npos; ++at) {
    ++nulls;
  }
  for (std::size_t at = 0; (at = text.find("\"rdma_@EDIT-port-", at)) != std::string::npos; ++at) {
    ++devices;
  }
  CHECK(nulls == 4);
  CHECK(devices == 12);  // 6 cables, both ends
  CHECK_THAT(file(folder, "settings.sh").text, test::contains("192.168.0.21"));
}

TEST_CASE("a raised limit is written in whole MiB, node by node", "[launch]") {
  // 128 GiB less 5 % is 130,567,045,325 B, 124,518.4 MiB; 96 GiB less 5 GiB is 93,184 MiB.
  const auto folder = folder_of(request_of("glm-4.5", "1x128+1x96", test::mlx_lm()));
  const std::string& limits = file(folder, "limits.sh").text;
  CHECK_THAT(limits, test::contains("iogpu.wired_limit_mb=124518' | on 0"));
  CHECK_THAT(limits, test::contains("iogpu.wired_limit_mb=93184' | on 1"));
  CHECK_THAT(file(folder, "settings.sh").text, test::contains("WIRED_MB=(124518 93184)"));
}

TEST_CASE("what can't be launched is refused with a way on", "[launch]") {
  plan::Request nominal = request_of("glm-4.5", "2x128", test::mlx_lm());
  nominal.model = model::nominal_model(model::parse_nominal("230b-q4"), model::Catalog::embedded());
  CHECK_THROWS_WITH(folder_of(nominal), test::contains("the nearest real models are"));
  CHECK_THROWS_WITH(folder_of(request_of("kimi-k2", "1x64", test::mlx_lm())),
                    test::contains("nothing to launch"));
}

TEST_CASE("topology problems come along with their remedies", "[launch]") {
  plan::Request request =
      request_of("glm-4.5-air", "m4-max-64+mac-mini-m4-32", test::mlx_lm(), "tb5-rdma");
  request.only = plan::SplitKind::pipeline;
  const auto folder = folder_of(request);
  REQUIRE(folder.warnings.size() == 1);
  CHECK_THAT(folder.warnings.front(), test::contains("tb4-in-ring"));
  CHECK_THAT(folder.warnings.front(), test::contains("--link tb4"));
  CHECK_THAT(file(folder, "README.md").text, test::contains("**tb4-in-ring**"));
}

TEST_CASE("quoting leaves nothing to the shell", "[launch]") {
  struct Row {
    std::string text;
    std::string quoted;
  };
  const std::vector<Row> rows = {
      {"mlx-community/GLM-4.5-4bit", "mlx-community/GLM-4.5-4bit"},
      {"", "''"},
      {"two words", "'two words'"},
      {"$(reboot)", "'$(reboot)'"},
      {"`reboot`", "'`reboot`'"},
      {"it's", "'it'\\''s'"},
      {"a\"b", "'a\"b'"},
      {"a;b|c&d>e*f?g~h#i!j\\k", "'a;b|c&d>e*f?g~h#i!j\\k'"},
      {"x=1", "'x=1'"},
      {"~", "'~'"},
      {"Köln", "'Köln'"},
      {"line\nbreak", "$'line\\012break'"},
      {"right\xE2\x80\xAEtoleft", "$'right\\342\\200\\256toleft'"},
      {"not utf-8 \xFF", "$'not utf-8 \\377'"},
      {"it's\n", "$'it\\047s\\012'"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(shell_word(row.text) == row.quoted);
  }
  CHECK(launch::quote_value("-rf") == "./-rf");
  CHECK(launch::is_host("studio.local"));
  CHECK(launch::is_host("me@studio"));
  for (const char* hostile : {"", "-oProxyCommand=x", "a b", "a;b", "$(x)", "a\nb", "Köln"}) {
    CAPTURE(hostile);
    CHECK_FALSE(launch::is_host(hostile));
  }
  CHECK(launch::is_repository("mlx-community/GLM-4.5-4bit"));
  for (const char* hostile : {"", "one", "a/b/c", "-a/b", "a/-b", "a/b;c", "a/$(b)"}) {
    CAPTURE(hostile);
    CHECK_FALSE(launch::is_repository(hostile));
  }
}

TEST_CASE("hostile names never become commands", "[launch]") {
  const std::vector<std::string> hostile = {"a'b",       "$(touch x)", "`touch x`",     "-oProxy=x",
                                            "a\"; rm b", "a|b|c",      "x\xE2\x80\xAEy"};
  for (const std::string& name : hostile) {
    CAPTURE(name);
    for (const runtime::Runtime* id : {&test::mlx_lm(), &test::exo()}) {
      plan::Request request = request_of("glm-4.5", "2x128", *id);
      request.cluster.nodes[0].name = name;
      request.model.id = name;
      for (model::PublishedFormat& format : request.model.formats) {
        format.repository = name;
      }
      request.flags = {{"--model", name}, {"--nodes", "2x128"}};
      const auto folder = folder_of(request);
      const std::string& settings = file(folder, "settings.sh").text;
      CHECK_THAT(settings, test::contains("SSH=(@EDIT-ssh-"));
      CHECK_THAT(settings, test::contains("MODEL=@EDIT-model@"));
      if (has(folder, "hostfile.json")) {
        CHECK(file(folder, "hostfile.json").text.find(name) == std::string::npos);
      }
      // Comments hold the name as it is printed, on one line; no line of a script begins with it.
      for (const launch::File& one : folder.files) {
        CHECK(one.text.find("\xE2\x80\xAE") == std::string::npos);
      }
    }
  }
}
