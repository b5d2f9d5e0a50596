// Rows as their sources word them: chips, cables, runtimes, formats and contexts.

#include "calibrate/rows.hpp"
#include "measured_rows.hpp"
#include "test.hpp"

using namespace macfit;
using test::resolve;
using test::resolved_format;
using test::row;

namespace {

/// Of the one sample that the row gives; fails the test where it is skipped.
calibrate::Sample sampled(calibrate::MeasuredRow one) {
  const calibrate::Resolution r = resolve({std::move(one)});
  INFO((r.skipped.empty() ? std::string() : r.skipped[0].reason));
  REQUIRE(r.samples.size() == 1);
  return r.samples[0];
}

std::string why_skipped(calibrate::MeasuredRow one) {
  const calibrate::Resolution r = resolve({std::move(one)});
  REQUIRE(r.skipped.size() == 1);
  return r.skipped[0].reason;
}

std::string engine_for(const char* runtime, const char* quant, const char* date = "2026-06-01",
                       const char* source = "somebody/somewhere") {
  calibrate::MeasuredRow one = row("M4 Max", runtime, "Qwen3-8B", quant, "512");
  one.date = date;
  one.source = source;
  const auto engine = calibrate::engine_of(one);
  return engine ? std::string(speed::engine_name(*engine)) : std::string();
}

calibrate::MeasuredRow over(const char* link, const char* backend, const char* split = "pipeline") {
  calibrate::MeasuredRow one = row("M4 Max", "mlx-lm", "Qwen3-8B", "4bit", "512");
  one.nodes = 2;
  one.link = link;
  one.backend = backend;
  one.parallelism = split;
  return one;
}

}  // namespace

TEST_CASE("formats are read by what the runtime means with them", "[calibrate]") {
  CHECK(resolved_format("mlx-lm", "Qwen3-8B", "q4") == "mlx-4bit-g64");
  CHECK(resolved_format("mlx-lm", "Qwen3-8B", "q4 g32") == "mlx-4bit-g32");
  CHECK(resolved_format("mlx-lm", "Qwen3-8B-6bit", "in name") == "mlx-6bit-g64");
  CHECK(resolved_format("exo", "Qwen3-235B-A22B", "8-bit (caption)") == "mlx-8bit-g64");
  CHECK(resolved_format("llama.cpp", "Qwen3-8B", "8-bit") == "Q8_0");
  CHECK(resolved_format("llama.cpp", "Qwen3-8B", "Q4_K - Medium") == "Q4_K_M");
  CHECK(resolved_format("llama.cpp", "Qwen3-8B", "Q4_K_XL") == "Q4_K_M");
  CHECK(resolved_format("Ollama", "Qwen3-8B", "Ollama default Q4") == "Q4_K_M");
  CHECK(resolved_format("mlx", "gpt-oss-120b", "MXFP4-Q8") == "mxfp4-q8");
  CHECK(resolved_format("ds4", "DeepSeek-V4-Flash", "q2") == "ds4-q2");
  // LM Studio runs either; a K mixture is llama.cpp's.
  CHECK(resolved_format("LM Studio", "Qwen3-8B", "Q5_K (Unsloth)") == "Q5_K_M");
  CHECK(resolved_format("LM Studio", "Qwen3-8B", "int8") == "mlx-8bit-g64");
  CHECK(resolved_format("llama.cpp", "Qwen3-8B", "Q3_K - Large") == "Q3_K_L");
  CHECK(resolved_format("llama.cpp", "Qwen3-8B", "Q4_K - Small") == "Q4_K_S");
  CHECK(resolved_format("llama.cpp", "Qwen3-8B", "Q3_K (custom)") == "Q3_K_M");
  CHECK(resolved_format("llama.cpp", "Qwen3-8B", "Q8_K_XL") == "Q8_0");
  CHECK(resolved_format("llama.cpp", "Qwen3-8B", "NVFP4") == "nvfp4");
  CHECK(resolved_format("llama.cpp", "Qwen3-8B-Q6_K.gguf", "") == "Q6_K");
  CHECK(resolved_format("mlx-lm", "Qwen3-8B", "8") == "mlx-8bit-g64");
  CHECK(resolved_format("mlx-lm", "Qwen3-8B", "4.5 bit") == "4.5 bit");
  CHECK(resolved_format("mlx-lm", "Qwen3-8B", "3.6bpw") == "3.6bpw");
  CHECK(resolved_format("mlx-lm", "Qwen3-8B", "4 bit gs32") == "mlx-4bit-g32");
  CHECK(resolved_format("mlx-lm", "Qwen3-8B", "fp16") == "bf16");
  // Published with experts at four bits; a conversion to four keeps them, one to eight does not.
  CHECK(resolved_format("mlx-lm", "Kimi-K2-Thinking", "native") == "int4-experts-mlx");
  CHECK(resolved_format("mlx-lm", "Kimi-K2-Thinking", "8bit") == "mlx-8bit-g64");
  CHECK(resolved_format("mlx-lm", "DeepSeek-V4-Flash", "8bit") == "mxfp4-experts-8bit");
  CHECK(resolved_format("mlx-lm", "DeepSeek-V4-Flash", "2bit") == "mlx-2bit-g64");
  CHECK(resolved_format("ds4", "DeepSeek-V4-Flash", "q4") == "ds4-q4");
  CHECK(resolved_format("ds4", "DeepSeek-V4-Flash", "q8") == "ds4-q8");
  CHECK(resolved_format("ds4", "DeepSeek-V4-Flash", "mxfp4") == "ds4-q4");
  CHECK(resolved_format("ds4", "DeepSeek-V4-Flash", "iq2_xxs") == "ds4-iq2_xxs");
  CHECK(resolved_format("ds4", "DeepSeek-V4-Flash", "81 GB") == "ds4-81 gb");
  for (const char* none : {"q6", "fast"}) {
    CHECK_THAT(resolved_format("ds4", "DeepSeek-V4-Flash", none), test::contains("not known"));
  }
  // No runtime has one or seven bits, and words without any say nothing.
  for (const char* none : {"1bit", "7bit", "int9", "small", "4.5"}) {
    CAPTURE(none);
    CHECK_THAT(resolved_format("mlx-lm", "Qwen3-8B", none), test::contains("not known"));
  }
  CHECK_THAT(resolved_format("llama.cpp", "Qwen3-8B", "small"), test::contains("not known"));
  CHECK_THAT(resolved_format("mlx", "MiniMax-M2.7", "JANGTQ"), test::contains("not known"));
  CHECK_THAT(resolved_format("mlx", "MiniMax-M2.7", "n/s"), test::contains("not stated"));
}

TEST_CASE("contexts say what was in the cache, read and generated", "[calibrate]") {
  const auto tokens = [](const char* runtime, const char* context, const char* phase) {
    const calibrate::Resolution r =
        resolve({row("M4 Max", runtime, "Qwen3-8B", "Q8_0", context, phase)});
    REQUIRE(r.samples.size() == 1);
    const calibrate::Sample& s = r.samples[0];
    return std::vector<double>{s.cached, s.prompt, s.generated};
  };
  CHECK(tokens("llama.cpp", "512p/128g", "decode") == std::vector<double>{0, 512, 128});
  CHECK(tokens("llama.cpp llama-bench", "128", "decode") == std::vector<double>{0, 0, 128});
  CHECK(tokens("llama.cpp llama-bench", "512/128", "decode") == std::vector<double>{0, 0, 128});
  CHECK(tokens("llama.cpp", "tg128", "decode") == std::vector<double>{0, 0, 128});
  CHECK(tokens("llama.cpp", "2048", "tg") == std::vector<double>{0, 2048, 128});
  CHECK(tokens("llama.cpp", "short", "gen") == std::vector<double>{0, 100, 256});
  CHECK(tokens("llama.cpp", "", "decode") == std::vector<double>{0, 300, 256});
  CHECK(tokens("llama.cpp", "21K", "prefill") == std::vector<double>{0, 21504, 0});
  CHECK(tokens("llama.cpp", "11709 tokens", "prefill") == std::vector<double>{0, 11709, 0});
  CHECK(resolve({row("M4 Max", "llama.cpp", "Qwen3-8B", "Q8_0", "short", "prefill")})
            .skipped.at(0)
            .reason == "the length of the prompt is not stated");
}

TEST_CASE("chips are found by the names that people write", "[calibrate]") {
  const std::vector<std::pair<const char*, const char*>> chips = {
      {"M4 Max", "m4-max"},
      {"Apple M3 Ultra", "m3-ultra"},
      {"MacBook Pro M4 Max (16 inch)", "m4-max"},  // not the shorter M4
      {"Ryzen AI Max+ 395", "strix-halo"},
      {"Strix Halo 128GB", "strix-halo"},
      {"DGX Spark", "gb10"},
      {"GB10", "gb10"},
  };
  for (const auto& [name, id] : chips) {
    CAPTURE(name);
    CHECK(sampled(row(name, "llama.cpp", "Qwen3-8B", "Q8_0", "512")).chips.at(0).id == id);
  }
  const auto cores = [](const char* hardware) {
    calibrate::MeasuredRow one = row("M4 Max", "mlx-lm", "Qwen3-8B", "4bit", "512");
    one.hardware = hardware;
    return sampled(one).chips.at(0).cores;
  };
  CHECK(cores("M4 Max 32c") == 32);
  CHECK(cores("M4 Max 32c 36GB") == 32);
  CHECK(cores("M4 Max (32-Core GPU)") == 32);
  CHECK(cores("M4 Max 32-core") == 32);
  CHECK(cores("a MacBook") == 40);  // the bin with the most
  // Machines of a cluster one by one.
  calibrate::MeasuredRow unlike = over("tb5", "ring");
  unlike.chip = "M4 Max + M4 Pro";
  unlike.hardware = "mac-studio-m4-max-128+mac-mini-m4-pro-64";
  const calibrate::Sample sample = sampled(unlike);
  REQUIRE(sample.chips.size() == 2);
  CHECK(sample.chips[0].id == "m4-max");
  CHECK(sample.chips[1].id == "m4-pro");
}

TEST_CASE("cables and backends are found by the names that people write", "[calibrate]") {
  const hardware::Catalog& catalog = hardware::Catalog::embedded();
  const std::vector<std::tuple<const char*, const char*, const char*>> links = {
      {"TB5", "ring over tcp", "tb5-tcp"},
      {"Thunderbolt 5", "JACCL", "tb5-rdma"},
      {"thunderbolt-5", "RDMA", "tb5-rdma"},
      {"Thunderbolt", "tcp", "tb4"},
      {"TB4 cable", "tcp", "tb4"},
      {"Wi-Fi 6", "tcp", "wifi"},
      {"wifi", "tcp", "wifi"},
      {"10GbE", "tcp", "10gbe"},
      {"10 Gbit Ethernet", "tcp", "10gbe"},
      {"1GbE", "tcp", "1gbe"},
      {"ethernet", "tcp", "1gbe"},
      {"QSFP56", "tcp", "qsfp-200g"},
      {"ConnectX-7", "tcp", "qsfp-200g"},
      {"nvlink", "tcp", "nvlink"},
  };
  for (const auto& [cable, backend, id] : links) {
    CAPTURE(cable, backend);
    const speed::Link link = sampled(over(cable, backend)).link;
    const speed::Link expected = speed::link_of(catalog.link(id));
    CHECK(link.kind == expected.kind);
    CHECK(link.transport == expected.transport);
    CHECK(link.bandwidth == expected.bandwidth);
  }
  CHECK(sampled(over("TB5", "")).assumed);  // over TCP, unless somebody says more
  CHECK_FALSE(sampled(over("TB5", "ring")).assumed);
  CHECK(sampled(over("TB5", "jaccl", "tensor parallel")).split == speed::Split::tensor);
  CHECK(sampled(over("TB5", "ring", "by layers")).split == speed::Split::pipeline);
  CHECK_THAT(why_skipped(over("string", "tcp")), test::contains("no figures for such a link"));
  CHECK_THAT(why_skipped(over("TB5", "tcp", "")), test::contains("how the nodes share"));
}

TEST_CASE("a runtime's name and date say which engine it was", "[calibrate]") {
  CHECK(engine_for("mlx_lm 0.31", "4bit") == "mlx");
  CHECK(engine_for("EXO", "4bit") == "exo");
  CHECK(engine_for("ds4", "q4") == "ds4");
  CHECK(engine_for("Ollama", "q4_K_M") == "ollama");
  CHECK(engine_for("Ollama 0.19", "mlx nvfp4") == "mlx");
  CHECK(engine_for("LM Studio", "GGUF") == "llama.cpp");
  CHECK(engine_for("LM Studio", "Q4_0") == "llama.cpp");
  CHECK(engine_for("LM Studio", "q8_0") == "llama.cpp");
  CHECK(engine_for("LM Studio", "IQ4_XS") == "llama.cpp");
  CHECK(engine_for("LM Studio", "4bit") == "mlx");
  CHECK(engine_for("LM Studio (MLX)", "q4_k") == "mlx");
  CHECK(engine_for("llama.cpp", "Q4_0") == "llama.cpp");
  CHECK(engine_for("llama.cpp", "Q4_0", "2024-03-01") == "llama.cpp-2024");
  CHECK(engine_for("llama.cpp (2023)", "Q4_0", "accessed 2026-01") == "llama.cpp-2024");
  CHECK(engine_for("llama.cpp", "Q4_0", "accessed 2024-01") == "llama.cpp");
  CHECK(engine_for("llama.cpp", "Q4_0", "", "ggml-org/llama.cpp discussion #4167") ==
        "llama.cpp-2024");
  CHECK(engine_for("vLLM", "4bit").empty());
  CHECK(engine_for("", "4bit").empty());
}

TEST_CASE("rows of one source are siblings, however they name it", "[calibrate]") {
  const auto source = [](const char* text) {
    calibrate::MeasuredRow one;
    one.source = text;
    return calibrate::source_of(one);
  };
  CHECK(source("Owner/Repo@abc:README.md") == "owner/repo");
  CHECK(source("owner/repo#12 (comment)") == "owner/repo#12");
  CHECK(source("owner/repo issue #12") == "owner/repo#12");
  CHECK(source("discussion #4167 row 3") == "#4167");
  CHECK(source("a blog post (table 2)") == "a blog post");
  CHECK(source("a blog post row 7") == "a blog post");
  CHECK(source("page # of a book: 3") == "page # of a book");
}

TEST_CASE("a row that can't be used says which of its facts is missing", "[calibrate]") {
  const auto with = [](auto change) {
    calibrate::MeasuredRow one = row("M4 Max", "mlx-lm", "Qwen3-8B", "4bit", "512");
    change(one);
    return why_skipped(one);
  };
  CHECK(with([](auto& one) { one.value = 0; }) == "the speed is not positive");
  CHECK(with([](auto& one) { one.phase = "both"; }) == "the phase is neither decode nor prefill");
  CHECK(with([](auto& one) { one.runtime = "n/s"; }) == "the runtime is not stated");
  CHECK(with([](auto& one) { one.runtime = ""; }) == "the runtime is not stated");
  CHECK(with([](auto& one) { one.runtime = "vLLM"; }) ==
        "no constants for such a runtime: \"vLLM\"");
  CHECK(with([](auto& one) { one.chip = "Q9"; }) == "no such chip is known: \"Q9\"");
  CHECK(with([](auto& one) {
          one.phase = "pp";
          one.context = "0";
        }) == "the length of the prompt is not stated");
  CHECK(with([](auto& one) {
          one.phase = "prompt";
          one.generated = 128.0;
        }) == "the length of the prompt is not stated");
}

TEST_CASE("rows are joined once, by id and by what they say", "[calibrate]") {
  calibrate::MeasuredRow first = row("M4 Max", "mlx-lm", "Qwen3-8B", "4bit", "512");
  calibrate::MeasuredRow same_id = row("M4 Pro", "mlx-lm", "Qwen3-8B", "4bit", "512");
  calibrate::MeasuredRow same_words = first;
  same_words.id = "again";
  calibrate::MeasuredRow other = row("M4 Pro", "mlx-lm", "Qwen3-8B", "4bit", "512");
  other.id = "other";
  const auto joined = calibrate::join_measurements({first}, {same_id, same_words, other});
  REQUIRE(joined.size() == 2);
  CHECK(joined[1].id == "other");
}
