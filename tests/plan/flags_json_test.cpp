// Requests as they are typed, without a command line around them.

#include "macfit/plan/flags_json.hpp"

#include "macfit/core/json_reader_json.hpp"
#include "macfit/plan/plan.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::plan;
using macfit::test::contains;

namespace {

Request ask(std::string_view json) {
  static const Catalogs catalogs = embedded_catalogs();
  const JsonDocument document = JsonDocument::parse(json);
  JsonObject object = document.root().object();
  const RequestFlags flags = read_flags(object, {});
  object.refuse_unknown();
  return make_request(flags, catalogs, catalog_finder(catalogs));
}

}  // namespace

TEST_CASE("flags in JSON make a request of values", "[plan]") {
  const Request request = ask(
      R"({"model": "llama-3.3-70b", "nodes": "2x128", "quant": "q8", "context": 65536,
          "sequences": 4, "kv": ["q8", "q4"], "runtime": "mlx", "split": "tensor",
          "goal": "answer", "wired_limit": "120GiB", "reserve": "2GiB", "beside": "qwen3-8b"})");
  CHECK(request.model.id == "llama-3.3-70b");
  CHECK(request.workload.context == Tokens(65536));
  CHECK(request.workload.sequences == 4);
  CHECK(request.workload.kv == runtime::KvFormat::q8);
  CHECK(request.workload.kv_values == runtime::KvFormat::q4);
  REQUIRE(request.runtimes.size() == 1);
  CHECK(request.only == SplitKind::tensor);
  CHECK(request.goal == Goal::answer);
  REQUIRE(request.cluster.nodes.size() == 2);
  CHECK(request.cluster.nodes[0].gpu_limit.bytes == Bytes(120 * gib));
  CHECK(request.cluster.nodes[0].reserve == Bytes(2 * gib));
  CHECK(request.beside.size() == 1);
  CHECK_FALSE(request.alternatives.empty());
  CHECK(command_of(request) ==
        "macfit plan --model llama-3.3-70b --quant q8 --nodes 2x128 --context 65536 --sequences 4 "
        "--kv q8,q4 --runtime mlx --split tensor --goal answer --wired-limit 120GiB --reserve 2GiB "
        "--beside qwen3-8b");
  CHECK_FALSE(ask(R"({"model": "230b-q4", "nodes": "1x64"})").nearest.empty());
}

TEST_CASE("what is wrong with a flag names it", "[plan]") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {R"({"model": "llama-3.3-70", "nodes": "2x128"})", "llama-3.3-70b"},
      {R"({"model": "llama-3.3-70b", "nodes": "2y128"})", "--nodes \"2y128\""},
      {R"({"model": "llama-3.3-70b", "nodes": "2x128", "quant": "q99"})", "--quant: "},
      {R"({"model": "llama-3.3-70b", "nodes": "2x128", "wired-limit": "120"})",
       "--wired-limit: expected a size with its unit, such as 120GiB"},
      {R"({"model": "llama-3.3-70b", "nodes": "2x128", "link": "tb9"})", "--link: "},
      {R"({"model": "llama-3.3-70b", "nodes": "2x128", "beside": "x,y=1"})", "--beside: "},
      {R"({"model": "llama-3.3-70b", "nodes": "2x128", "contxt": 1})", "contxt"},
      {R"({"model": "llama-3.3-70b", "nodes": "2x128", "context": true})",
       "expected a text or a number"}};
  for (const auto& [json, said] : rows) {
    CAPTURE(json);
    CHECK_THROWS_WITH(ask(json), contains(std::string(said)));
  }
}
