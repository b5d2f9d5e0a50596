// Results that come a line each: llama-bench -o jsonl, spike.sh and macfit run.

#include "macfit/calibrate/calibrate.hpp"
#include "macfit/core/error.hpp"
#include "test.hpp"

namespace calibrate = macfit::calibrate;

namespace {

// As llama-bench -o jsonl of 0c1e57098 prints them, cut to what is read and some of the rest.
constexpr const char* bench =
    R"({"build_commit": "0c1e57098", "build_number": 6890, "cpu_info": "Apple M4 Max", "gpu_info": "Apple M4 Max", "backends": "MTL,BLAS", "model_filename": "models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "model_type": "llama 8B Q4_K - Medium", "n_prompt": 512, "n_gen": 0, "n_depth": 0, "test_time": "2026-10-02T10:00:00Z", "avg_ns": 640000000, "avg_ts": 800.0, "samples_ts": [ 801.0, 799.0 ]}
{"build_commit": "0c1e57098", "build_number": 6890, "cpu_info": "Apple M4 Max", "gpu_info": "Apple M4 Max", "backends": "MTL,BLAS", "model_filename": "models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "model_type": "llama 8B Q4_K - Medium", "n_prompt": 0, "n_gen": 128, "n_depth": 4096, "test_time": "2026-10-02T10:01:00Z", "avg_ns": 1828571428, "avg_ts": 70.0, "samples_ts": [ 70.0 ]}
)";

constexpr const char* spike =
    R"({"schema":"macfit.spike/1","model":"llama-3.1-70b","format":"mlx-4bit-g64","runtime":"mlx-lm","machine":"m4-max-128","nodes":1,"split":"independent","phase":"decode","tokens":128,"seconds":10,"context":500,"run":"night","concurrent":2,"link":null,"date":"2026-10-02T10:02:00Z"}
)";

}  // namespace

TEST_CASE("llama-bench's lines are read like its list", "[calibrate]") {
  const auto rows = calibrate::read_measurements(bench, "bench.jsonl", {"", "", "m4-max-128"});
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].phase == "prefill");
  CHECK(rows[0].value == 800.0);
  CHECK(rows[0].chip == "Apple M4 Max");
  CHECK(rows[1].phase == "decode");
  CHECK(rows[1].cached == 4096.0);
  CHECK(rows[1].generated == 128.0);
  CHECK(rows[1].hardware == "m4-max-128");
  CHECK(rows[0].id != rows[1].id);
  // What several tools appended to one file.
  CHECK(calibrate::read_measurements(std::string(spike) + bench, "x").size() == 3);
  CHECK(calibrate::read_measurements(std::string(bench) + spike, "x").size() == 3);
  const std::string cut = std::string(bench).substr(0, std::string(bench).size() - 20);
  CHECK_THROWS_WITH(calibrate::read_measurements(cut, "x"), macfit::test::contains("line 2"));
}
