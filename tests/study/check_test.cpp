#include "macfit/study/check.hpp"

#include "macfit/report/check/check_report.hpp"
#include "test.hpp"

using namespace macfit;
using study::CheckInput;
using study::CheckReport;
using study::Finding;
using study::Severity;

namespace {

constexpr const char* shapes = R"("architecture": {
    "type": "llama", "hidden": 4096, "vocabulary": 128256, "context": 131072,
    "blocks": {"full": {"attention": {"heads": 32, "kv_heads": 8, "head_dim": 128},
                        "dense": {"width": 14336}}},
    "layers": "32*full"})";

std::string manifest(const std::string& more, const std::string& id = "m") {
  return R"({"schema": "macfit.manifest/1", "id": ")" + id + "\",\n" + more + "}";
}

CheckReport check(const std::vector<std::string>& texts) {
  std::vector<CheckInput> inputs;
  for (const std::string& text : texts) {
    inputs.push_back({"m" + std::to_string(inputs.size()) + ".json", text, {}, {}, {}});
  }
  return study::check(inputs, {hardware::Catalog::embedded(), "embedded", nullptr, {}, {}});
}

std::vector<std::string> codes(const CheckReport& report) {
  std::vector<std::string> result;
  for (const study::CheckedFile& file : report.files) {
    for (const Finding& finding : file.findings) {
      result.push_back(finding.code + " " + finding.pointer);
    }
  }
  return result;
}

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("check names every problem of a file in one run, each with its place", "[study]") {
  const CheckReport report = check({R"({
  "schema": "macfit.manifest/1",
  "id": "Bad Id",
  "alises": ["x"],
  "source": {"shapes": "somewhere", "evidence": "exakt"},
  "architecture": {
    "type": "llama", "hidden": "wide", "vocabulary": 128256,
    "blocks": {
      "full": {
        "attention": {"heads": 32, "kv_heads": 8, "winow": 3},
        "dense": {"width": 14336.5}
      }
    },
    "layers": "32*full"
  },
  "formats": [{"recipe": "q99"}, {"repository": "a/b"}]
})"});
  struct Place {
    std::size_t line;
    std::size_t column;
    const char* code;
    const char* said;
  };
  const std::vector<Place> places = {
      {3, 9, "wrong-value", "\"Bad Id\""},     {4, 3, "unknown-key", "\"alises\""},
      {5, 49, "wrong-value", "\"exakt\""},     {7, 32, "wrong-value", "expected a whole number"},
      {10, 22, "missing-key", "\"head_dim\""}, {10, 51, "unknown-key", "\"winow\""},
      {11, 28, "wrong-value", "14336.5"},      {16, 26, "wrong-value", "q99"},
      {16, 34, "missing-key", "\"recipe\""},
  };
  REQUIRE(report.files.size() == 1);
  const std::vector<Finding>& findings = report.files[0].findings;
  for (std::size_t i = 0; i < std::min(findings.size(), places.size()); ++i) {
    CAPTURE(i, findings[i].message);
    CHECK(findings[i].line == places[i].line);
    CHECK(findings[i].column == places[i].column);
    CHECK(findings[i].code == places[i].code);
    CHECK_THAT(findings[i].message, test::contains(places[i].said));
  }
  CHECK(findings.size() == places.size());
}

TEST_CASE("check names a misspelled key, not the one that it leaves missing", "[study]") {
  const CheckReport report = check({manifest(R"("architecure": {})"),
                                    manifest(std::string(shapes) + ", \"notes\": []", "other"),
                                    R"({"schema": "macfit.manifest/1", "idd": "x"})"});
  CHECK(codes(report) == Codes{"unknown-key /architecure", "missing-key ", "unknown-key /idd"});
  CHECK(report.files[0].findings[0].hint == "did you mean architecture?");
}

TEST_CASE("check lets stand what a file silences, with its reason", "[study]") {
  const auto report_of = [] {
    return check({manifest(std::string(shapes) + ", \"idd\": 1, \"notez\": 2"),
                  manifest(std::string(shapes) + ", \"idd\": 1", "other")});
  };
  const auto silences = [](const std::string& entries) {
    return R"({"schema": "macfit.silence/1", "silence": [)" + entries + "]}";
  };
  CheckReport report = report_of();
  REQUIRE(report.count(Severity::error) == 3);
  const std::vector<std::string> idle = study::silence(
      report, silences(R"({"code": "unknown-key", "files": "m0*", "at": "/idd", "reason": "ours"},
                          {"code": "bytes-near", "reason": "old"})"));
  CHECK(report.count(Severity::error) == 2);
  CHECK(report.silenced() == 1);
  CHECK(report.files[0].findings[0].silenced == "ours");
  CHECK(idle == std::vector<std::string>{"/silence/1: [bytes-near] silences nothing"});
  CHECK(report::check_concise(report).find("note: unknown key") != std::string::npos);
  CHECK(report::check_concise(report).find("(silenced: ours) [unknown-key]") != std::string::npos);
  CHECK(report::check_summary(report).find("2 errors, no warnings, 1 silenced") !=
        std::string::npos);
  CHECK(report::check_sarif(report).find(R"("justification": "ours")") != std::string::npos);

  report = report_of();
  CHECK(study::silence(report, silences(R"({"code": "unknown-key", "reason": "all"})")).empty());
  CHECK(report.count(Severity::error) == 0);
  for (const char* wrong :
       {R"({"code": "unknown-kez", "reason": "x"})", R"({"code": "unknown-key"})",
        R"({"code": "unknown-key", "reason": " "})",
        R"({"code": "unknown-key", "reason": "x", "at": "idd"})",
        R"({"code": "unknown-key", "reason": "x", "file": "a"})"}) {
    INFO(wrong);
    CHECK_THROWS_AS(study::silence(report, silences(wrong)), Error);
  }
}

TEST_CASE("check: what is not JSON or another format is one finding", "[study]") {
  CHECK(codes(check({"{\"schema\": "})) == Codes{"not-json "});
  CHECK(codes(check({""})) == Codes{"not-json "});
  CHECK(codes(check({R"({"a": 1, "a": 2})"})) == Codes{"not-json /a"});
  CHECK(codes(check({"[]"})) == Codes{"wrong-value "});
  CHECK(codes(check({R"({"schema": "macfit.cluster/1", "nodes": []})"})) ==
        Codes{"wrong-value /schema"});
  CHECK(codes(check({"\xff\xfe"})) == Codes{"not-json "});
}

TEST_CASE("check holds stated sizes against the shapes", "[study]") {
  // The shapes are Llama 3.1 8B's: 8,030,261,248 parameters, 4,517,404,672 bytes at 4 bit.
  const auto with = [](const std::string& more) {
    return codes(check({manifest(std::string(shapes) + ", " + more)}));
  };
  const auto bytes = [&](const std::string& count, const std::string& evidence) {
    return with(R"("formats": [{"recipe": "bf16"}, {"recipe": "q4", "bytes": )" + count +
                R"(, "source": "s", "evidence": ")" + evidence + "\"}]");
  };
  CHECK(with(R"("parameters": 8030261248)").empty());
  CHECK(with(R"("parameters": 8030261249)") == Codes{"parameters /parameters"});
  CHECK(bytes("4517404672", "exact").empty());
  CHECK(bytes("4560000000", "exact").empty());
  CHECK(bytes("4600000000", "exact") == Codes{"bytes /formats/1/bytes"});
  CHECK(bytes("4600000000", "community") == Codes{"bytes-near /formats/1/bytes"});
  CHECK(bytes("5000000000", "community") == Codes{"bytes /formats/1/bytes"});
  // 4,517,404,672 x 2^30 / 10^9, and the other way round.
  CHECK(bytes("4850526322", "community") == Codes{"gb-gib /formats/1/bytes"});
  CHECK(bytes("4207160000", "exact") == Codes{"gb-gib /formats/1/bytes"});
  CHECK(with(R"("published": {"parameters": 8030261248, "source": "s"})").empty());
  CHECK(with(R"("published": {"parameters": 8130261248, "source": "s"})") ==
        Codes{"published /published/parameters"});
}

TEST_CASE("check: shapes that contradict each other are all named", "[study]") {
  const CheckReport report = check({manifest(R"("architecture": {
    "type": "llama", "hidden": 100, "vocabulary": 1000,
    "blocks": {"full": {"attention": {"heads": 32, "kv_heads": 7, "head_dim": 64},
                        "experts": {"count": 4, "per_token": 8, "width": 64}}},
    "layers": "2*full"})")});
  CHECK(codes(report) == Codes{"shapes /architecture/blocks/full/attention/heads",
                               "shapes /architecture/blocks/full/experts/per_token"});
}

TEST_CASE("check: a group that divides nothing leaves the model in 16 bits", "[study]") {
  const CheckReport report = check({manifest(R"("architecture": {
    "type": "llama", "hidden": 1000, "vocabulary": 1000,
    "blocks": {"full": {"attention": {"heads": 8, "head_dim": 64}, "dense": {"width": 2048}}},
    "layers": "2*full"}, "formats": [{"recipe": "mlx-4bit-g64"}])")});
  CHECK(codes(report) == Codes{"group-size /formats/0/recipe"});
  CHECK(report.count(Severity::error) == 0);
  CHECK(report.count(Severity::warning) == 1);
}

TEST_CASE("check: one name for two models is named where it comes again", "[study]") {
  const std::string alias = std::string(shapes) + R"(, "aliases": ["org/Name"])";
  const CheckReport report = check(
      {manifest(alias, "a"), manifest(R"("repository": "ORG/name", )" + std::string(shapes), "b"),
       manifest(shapes, "a")});
  CHECK(codes(report) == Codes{"duplicate-name /repository", "duplicate-name /id"});
  CHECK_THAT(report.files[1].findings[0].message, test::contains("m0.json"));
}

TEST_CASE("check holds shapes against the published config", "[study]") {
  const auto with = [](const std::string& layers, const std::string& heads) {
    const std::string config =
        R"({"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": )" + layers +
        R"(, "num_attention_heads": 32, "num_key_value_heads": )" + heads +
        R"(, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": false})";
    const std::vector<CheckInput> files = {
        {"m.json", manifest(R"("aliases": ["org/Name"], )" + std::string(shapes)), {}, {}, {}}};
    return codes(study::check(
        files, {hardware::Catalog::embedded(), "", nullptr, {}, [&](const std::string& name) {
                  return name == "org--Name" ? std::optional(config) : std::nullopt;
                }}));
  };
  CHECK(with("32", "8").empty());
  CHECK(with("33", "8") == Codes{"config /architecture/layers"});
  CHECK(with("32", "4") == Codes{"config /architecture"});
  CHECK(with("\"many\"", "8") == Codes{"config-unread /architecture"});
}

TEST_CASE("check: in a catalog's folder a file is named after its id", "[study]") {
  const std::vector<CheckInput> files = {{"models/a.json", manifest(shapes, "b"), {}, "a", {}}};
  CHECK(codes(study::check(files, {hardware::Catalog::embedded(), "", nullptr, {}, {}})) ==
        Codes{"file-name /id"});
}

TEST_CASE("check holds plans against what a manifest expects", "[study]") {
  const auto expect = [](const std::string& more) {
    return check({manifest(std::string(shapes) + ",\n\"expect\": [{" + more + "}]")});
  };
  const CheckReport good = expect(
      R"("nodes": "2x128", "verdict": "two-independent-workers", "tier": "borderline", "min_decode": 1)");
  CHECK(codes(good).empty());
  REQUIRE(good.files[0].expectations.size() == 1);
  const study::ExpectationResult& result = good.files[0].expectations[0];
  CHECK(result.holds);
  CHECK(result.line == 7);
  REQUIRE(result.found);
  CHECK(result.found->tier == fit::Tier::comfortable);
  CHECK(result.found->nodes.size() == 2);
  CHECK(result.found->decode);

  const std::vector<std::pair<const char*, const char*>> facts = {
      {R"("nodes": "2x128", "verdict": "pipeline-shard")", "expect-verdict /expect/0/verdict"},
      {R"("nodes": "1x8", "quant": "bf16", "tier": "borderline")", "expect-tier /expect/0/tier"},
      {R"("nodes": "1x128", "min_decode": 100000)", "expect-decode /expect/0/min_decode"},
      {R"("nodes": "1x8", "quant": "bf16", "min_decode": 1)", "expect-decode /expect/0/min_decode"},
      {R"("nodes": "2x127", "tier": "borderline")", "expect-invalid /expect/0/nodes"},
      {R"("nodes": "2x128", "tier": "comfy")", "expect-invalid /expect/0/tier"},
      {R"("nodes": "2x128", "verdict": "singel-worker")", "expect-invalid /expect/0/verdict"},
      {R"("nodes": "2x128", "tier": "borderline", "quant": "q99")",
       "expect-invalid /expect/0/quant"},
      {R"("nodes": "2x128", "tier": "borderline", "kv": "q99")", "expect-invalid /expect/0/kv"},
      {R"("nodes": "2x128", "tier": "borderline", "link": "tb9")", "expect-invalid /expect/0/link"},
      {R"("nodes": "2x128", "tier": "borderline", "runtime": "mlxlm")",
       "expect-invalid /expect/0/runtime"},
      {R"("nodes": "2x128", "tier": "borderline", "context": "0")",
       "wrong-value /expect/0/context"},
      {R"("nodes": "2x128")", "wrong-value /expect/0"},
  };
  for (const auto& [more, code] : facts) {
    CAPTURE(more);
    CHECK(codes(expect(more)) == Codes{code});
  }
}

TEST_CASE("check tells what a change did since a baseline", "[study]") {
  const auto at = [](const std::string& layers) {
    return check({manifest(R"("architecture": {
    "type": "llama", "hidden": 8192, "vocabulary": 128256, "context": 131072,
    "blocks": {"full": {"attention": {"heads": 64, "kv_heads": 8, "head_dim": 128},
                        "dense": {"width": 28672}}},
    "layers": ")" + layers +
                           R"(*full"}, "expect": [{"nodes": "1x64", "tier": "not-practical"}])")});
  };
  const std::string before = report::check_json(at("80"));

  CheckReport same = at("80");
  study::compare_with_baseline(same, before);
  CHECK(same.changes.empty());
  CHECK(same.has_baseline);

  CheckReport grown = at("100");
  study::compare_with_baseline(grown, before);
  const std::string text = report::check_concise(grown);
  CAPTURE(text);
  CHECK_THAT(text, test::contains("note: 1x64: comfortable → borderline [change]"));
  CHECK_THAT(text, test::contains("node-1: "));
  CHECK_THAT(text, test::contains(" GB, crosses "));
  CHECK(grown.count(Severity::error) == 0);
  bool bytes = false;
  for (const study::Change& change : grown.changes) {
    bytes = bytes || (change.what == "demand" && change.before_bytes && change.after_bytes &&
                      *change.before_bytes < *change.after_bytes);
  }
  CHECK(bytes);

  CheckReport gone = check({manifest(shapes)});
  study::compare_with_baseline(gone, before);
  REQUIRE(gone.changes.size() == 1);
  CHECK_THAT(gone.changes[0].text, test::contains("no longer checked"));

  // What each gate makes of them: more bytes and a lower tier are worse, fewer are not.
  struct Gate {
    const char* fail_on;
    const char* layers;  // "" the expectation is gone
    bool fails;
  };
  for (const Gate& gate : std::vector<Gate>{{"", "100", false},
                                            {"worse", "100", true},
                                            {"removed", "100", false},
                                            {"changed", "100", true},
                                            {"worse", "60", false},
                                            {"changed", "60", true},
                                            {"worse", "80", false},
                                            {"changed", "80", false},
                                            {"worse", "", true},
                                            {"removed", "", true},
                                            {"removed,worse", "60", false}}) {
    CAPTURE(gate.fail_on, gate.layers);
    CheckReport now = *gate.layers == '\0' ? check({manifest(shapes)}) : at(gate.layers);
    const std::string_view name = gate.fail_on;
    study::compare_with_baseline(now, before,
                                 name.empty() ? study::FailOn{} : study::parse_fail_on(name));
    CHECK((now.count(Severity::error) > 0) == gate.fails);
    CHECK(now.checked() == 1);
  }
  CHECK_THROWS_AS(study::parse_fail_on("worst"), Error);

  // A file that is gone is told under its old name, and counts as no file.
  CheckReport none = check(std::vector<std::string>{});
  study::compare_with_baseline(none, before, study::parse_fail_on("removed"));
  REQUIRE(none.files.size() == 1);
  CHECK(none.files[0].gone);
  CHECK(none.checked() == 0);
  CHECK(none.count(Severity::error) == 1);
  CHECK_THAT(report::check_concise(none), test::contains("1x64: no longer checked [change]"));

  CheckReport any = at("80");
  for (const char* bad : {"", "[]", "{}", R"({"schema": "macfit.plan/1"})",
                          R"({"schema": "macfit.check/1", "files": [{}]})"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(study::compare_with_baseline(any, bad), Error);
  }
}

TEST_CASE("every code that a check gives is a rule", "[study]") {
  const std::vector<study::CheckRule>& rules = study::check_rules();
  CHECK(std::is_sorted(rules.begin(), rules.end(),
                       [](const auto& a, const auto& b) { return a.code < b.code; }));
  for (const study::CheckRule& rule : rules) {
    CHECK_FALSE(rule.meaning.empty());
  }
}
