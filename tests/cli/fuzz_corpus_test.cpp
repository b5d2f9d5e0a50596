#include "fuzz/targets.hpp"
#include "test.hpp"

using namespace macfit;

TEST_CASE("fuzz corpora: every file ends well", "[cli]") {
  for (const fuzz::Target& target : fuzz::targets) {
    const auto folder = test::source_path("tests/fuzz/corpus") / target.name;
    CAPTURE(folder.string());
    REQUIRE(std::filesystem::is_directory(folder));
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string bytes = test::read_text(entry.path());
      CAPTURE(entry.path().filename().string());
      CHECK_NOTHROW(target.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
      // Cut anywhere, it must end well too.
      for (std::size_t n = 1; n < bytes.size(); n += 1 + bytes.size() / 16) {
        CHECK_NOTHROW(target.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), n));
      }
      ++files;
    }
    CHECK(files > 0);
  }
}
