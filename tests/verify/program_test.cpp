#include "cli/cli_test.hpp"
#include "test.hpp"

using namespace macfit;

namespace {

/// A folder that goes when the test does.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "macfit-verify-test") {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_ / "configs");
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

test::Ran verify(const std::string& flags) { return test::run(flags, MACFIT_VERIFY_BINARY); }

}  // namespace

TEST_CASE("macfit_verify: exit codes and formats", "[verify]") {
  const Folder folder;
  (void)folder.write("configs/org--Tiny.json", R"({"model_type": "llama", "hidden_size": 64,
      "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
      "intermediate_size": 128, "vocab_size": 1000})");
  const std::string good = folder.write("good.json", R"({"models": [
      {"name": "org--Tiny", "published_total": 276032},
      {"name": "../configs/org--Tiny", "published_total": 276032}]})");
  const auto json = verify("--against " + good + " --format json");
  CHECK(json.code == 0);
  CHECK(json.error.empty());
  CHECK_THAT(json.out, test::contains("\"schema\": \"macfit.validation/1\""));
  CHECK_THAT(json.out, test::contains("\"rows\": 2"));
  CHECK_THAT(json.out, test::contains("\"predicted\": 1"));
  CHECK_THAT(json.out, test::contains("\"error\": 0.0"));
  const auto text = verify("--against " + good);
  CHECK(text.code == 0);
  CHECK_THAT(text.out, test::contains("parameters: 1 of 2 published figures compared"));
  // Another folder of configs: then nothing is known of the model.
  const auto other = verify("--against " + good + " --configs " + folder.path("."));
  CHECK(other.code == 0);
  CHECK_THAT(other.out, test::contains("Skipped: 2"));

  CHECK(verify("").code == 2);
  CHECK(verify("--against " + folder.path("absent.json")).code == 2);
  CHECK(verify("--against " + folder.path("configs")).code == 2);
  CHECK(verify("--against " + good + " --configs " + folder.path("no")).code == 2);
  CHECK(verify("--against " + good + " --format xml").code == 2);
  const auto bad = verify("--against " + folder.write("bad.json", "{"));
  CHECK(bad.code == 2);
  CHECK_THAT(bad.error, test::contains("bad.json"));
}
