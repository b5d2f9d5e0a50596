// Reports that people published, M1 to M5 and macOS 11 to 27, and what is read from them.
#include "macfit/hardware/detect.hpp"

#include "macfit/core/error.hpp"
#include "macfit/hardware/cluster.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::hardware;

namespace {

struct Report {
  std::string source;
  std::string text;
  std::string model;
  std::string model_name;
  std::string chip;
  int gpu_cores;   // 0: not said
  int gib_of_ram;  // 0: not said
  std::string macos;
};

const std::vector<Report> reports = {
    {"github.com/ashfurrow/xcode-hardware-performance/pull/142",
     "  Model Name:              MacBook Air\n  Model Identifier:        MacBookAir10,1\n"
     "  Chip:                    Apple M1\n"
     "  Total Number of Cores:   8 (4 performance and 4 efficiency)\n"
     "  Memory:                  8 GB\n  System Firmware Version: 6723.81.1\n",
     "MacBookAir10,1", "MacBook Air", "Apple M1", 0, 8, ""},
    {"github.com/devMEremenko/XcodeBenchmark/issues/44",
     "System Version: 11.0.1\nXcode 12.2\nHardware Overview\n      Model Name: MacBook Air\n"
     "      Model Identifier: MacBookAir10,1\n"
     "      Total Number of Cores: 8 (4 performance and 4 efficiency)\n      Memory: 16 GB\n",
     "MacBookAir10,1", "MacBook Air", "", 0, 16, ""},
    {"github.com/zerjioang/flights, README",
     "      System Version: macOS 13.3.1 (a) (22E772610a)\n      Kernel Version: Darwin 22.4.0\n\n"
     "Hardware:\n\n    Hardware Overview:\n\n      Model Name: MacBook Pro\n"
     "      Model Identifier: MacBookPro18,3\n      Chip: Apple M1 Pro\n"
     "      Total Number of Cores: 8 (6 performance and 2 efficiency)\n      Memory: 16 GB\n",
     "MacBookPro18,3", "MacBook Pro", "Apple M1 Pro", 0, 16, "13.3.1"},
    {"github.com/mondoohq/mql/issues/1380",
     "Hardware:\n\n    Hardware Overview:\n\n      Model Name: MacBook Pro\n"
     "      Model Identifier: MacBookPro18,3\n      Model Number: MKGQ3LL/A\n"
     "      Chip: Apple M1 Pro\n      Total Number of Cores: 10 (8 performance and 2 efficiency)\n"
     "      Memory: 16 GB\n      System Firmware Version: 8422.121.1\n"
     "      Activation Lock Status: Disabled\n",
     "MacBookPro18,3", "MacBook Pro", "Apple M1 Pro", 0, 16, ""},
    {"a fork of github.com/timsneath/time, README",
     "Software:\n\n    System Software Overview:\n\n      System Version: macOS 14.5 (23F79)\n"
     "      Kernel Version: Darwin 23.5.0\n      Boot Volume: Macintosh HD\n\nHardware:\n\n"
     "    Hardware Overview:\n\n      Model Name: MacBook Pro\n"
     "      Model Identifier: MacBookPro18,1\n      Model Number: Z14W000LWN/A\n"
     "      Chip: Apple M1 Pro\n      Total Number of Cores: 10 (8 performance and 2 efficiency)\n"
     "      Memory: 32 GB\n      System Firmware Version: 10151.121.1\n",
     "MacBookPro18,1", "MacBook Pro", "Apple M1 Pro", 0, 32, "14.5"},
    {"github.com/philipturner/applegpuinfo/issues/2",
     " Model Identifier:\tMacBookPro18,4\n  Model Number:\tG15HBLL/A\n"
     "Total Number of Cores:\t10 (8 performance and 2 efficiency)\n\nGPU name: Apple M1 Max\n"
     "GPU core count: 32\nGPU clock frequency: 1.296 GHz\nGPU bandwidth: 409.6 GB/s\n"
     "GPU FLOPS: 10.617 TFLOPS\nGPU system level cache: 48 MB\nGPU memory: 32 GB\n"
     "GPU family: Apple 7\n",
     "MacBookPro18,4", "", "Apple M1 Max", 32, 32, ""},
    {"github.com/philipturner/applegpuinfo/issues/1",
     "GPU name: Apple M1 Ultra\nGPU core count: 48\nGPU bandwidth: 819.2 GB/s\n"
     "GPU system level cache: 96 MB\nGPU memory: 64 GB\nGPU family: Apple 7\n",
     "", "", "Apple M1 Ultra", 48, 64, ""},
    {"github.com/philipturner/applegpuinfo/issues/7",
     "GPU name: Apple M1 Pro\nGPU vendor: Apple\nGPU core count: 14\nGPU memory: 16 GB\n", "", "",
     "Apple M1 Pro", 14, 16, ""},
    {"github.com/exelban/stats/issues/1324, a French Mac",
     "      Model Name: MacBook Pro\n      Model Identifier: Mac14,6\n"
     "      Model Number: MNWA3FN/A\n      Chip: Apple M2 Max\n"
     "      Total Number of Cores: 12 (8 performance and 4 efficiency)\n      Memory: 32 GB\n"
     "      System Firmware Version: 8419.80.7\n      Serial Number (system): ----------\n",
     "Mac14,6", "MacBook Pro", "Apple M2 Max", 0, 32, ""},
    {"github.com/exelban/stats/issues/1337",
     "Hardware:\n\n    Hardware Overview:\n\n      Model Name: MacBook Pro\n"
     "      Model Identifier: Mac14,9\n      Model Number: MPHH3LL/A\n      Chip: Apple M2 Pro\n"
     "      Total Number of Cores: 10 (6 performance and 4 efficiency)\n      Memory: 16 GB\n",
     "Mac14,9", "MacBook Pro", "Apple M2 Pro", 0, 16, ""},
    {"github.com/reilleya/openMotor/issues/283, macOS 27",
     "Hardware Overview:\n\n  Model Name:\tMacBook Air\n  Model Identifier:\tMac14,2\n"
     "  Model Number:\tZ15T0005GLL/A\n  Chip:\tApple M2\n"
     "  Total Number of Cores:\t8 (4 Performance and 4 Efficiency)\n  Memory:\t16 GB\n"
     "  System Firmware Version:\t20457.1.29\n",
     "Mac14,2", "MacBook Air", "Apple M2", 0, 16, ""},
    {"github.com/philipturner/applegpuinfo/issues/10",
     "GPU name: Apple M2 Max\nGPU vendor: Apple\nGPU core count: 38\n"
     "GPU clock frequency: 1.398 GHz\nGPU memory: 96 GB\nGPU family: Apple 8\n",
     "", "", "Apple M2 Max", 38, 96, ""},
    {"a Japanese page on installing Go, 2024-04-17, in a public repository",
     "~/Documents$ system_profiler -json SPHardwareDataType\n\n{\n  \"SPHardwareDataType\" : [\n"
     "    {\n      \"_name\" : \"hardware_overview\",\n"
     "      \"activation_lock_status\" : \"activation_lock_disabled\",\n"
     "      \"boot_rom_version\" : \"10151.61.4\",\n      \"chip_type\" : \"Apple M2\",\n"
     "      \"machine_model\" : \"Mac14,7\",\n      \"machine_name\" : \"MacBook Pro\",\n"
     "      \"number_processors\" : \"proc 8:4:4\",\n      \"physical_memory\" : \"16 GB\"\n    }\n"
     "  ]\n}%\n",
     "Mac14,7", "MacBook Pro", "Apple M2", 0, 16, ""},
    {"a Japanese page on RaiaEngine, in a public repository",
     "使用したMacの環境は以下のとおりです。\n\n- マシン: Mac mini\n- チップ: Apple M1\n"
     "- メモリ: 16GB\n- OS: macOS Ventura バージョン 13.2\n",
     "", "Mac mini", "Apple M1", 0, 16, "13.2"},
    {"a Japanese load test, in a public repository",
     "* MacBook Pro 14インチ (2023)\n* チップ: Apple M2 Max\n* メモリ: 64 GB\n"
     "* OS: macOS 15.0.1 (24A348)\n",
     "", "", "Apple M2 Max", 0, 64, "15.0.1"},
    {"a plan and its log of commands run 2026-09-05, in a public repository",
     "    $ sysctl hw.model hw.memsize\n    hw.model: Mac14,12\n    hw.memsize: 34359738368\n\n"
     "    $ sysctl iogpu.wired_limit_mb\n    iogpu.wired_limit_mb: 0          # 0 means default\n\n"
     "    $ sw_vers\n    ProductVersion: 26.5.1   BuildVersion: 25F80\n",
     "Mac14,12", "", "", 0, 32, "26.5.1"},
    {"tests of a program that reads system_profiler, in a public repository",
     R"({"SPDisplaysDataType" : [ { "_name" : "Apple M2 Pro", "spdisplays_vendor" : "sppci_vendor_Apple",
       "sppci_bus" : "spdisplays_builtin", "sppci_cores" : "19", "sppci_model" : "Apple M2 Pro" } ],
       "SPHardwareDataType" : [ { "_name" : "hardware_overview", "boot_rom_version" : "20457.1.29",
       "chip_type" : "Apple M2 Pro", "machine_model" : "Mac14,10", "machine_name" : "MacBook Pro",
       "number_processors" : "proc 12:0:8:4", "physical_memory" : "16 GB" } ]})",
     "Mac14,10", "MacBook Pro", "Apple M2 Pro", 19, 16, ""},
    {"github.com/mondoohq/mql/pull/6231",
     "macos.hardware: {\n  machineModel: \"Mac15,8\"\n  machineName: \"MacBook Pro\"\n"
     "  physicalMemory: \"64 GB\"\n  numberProcessors: \"proc 16:12:4\"\n"
     "  chipType: \"Apple M3 Max\"\n}\n",
     "Mac15,8", "MacBook Pro", "Apple M3 Max", 0, 64, ""},
    {"github.com/philipturner/applegpuinfo/issues/4",
     "GPU name: Apple M3 Max\nGPU vendor: Apple\nGPU core count: 40\nGPU memory: 64 GB\n", "", "",
     "Apple M3 Max", 40, 64, ""},
    {"notes of experiments on image filters, in a public repository",
     "All experiments are done of machine with the following configurations:\n\n{\n"
     "      \"_name\" : \"hardware_overview\",\n      \"chip_type\" : \"Apple M4\",\n"
     "      \"machine_model\" : \"Mac16,12\",\n      \"machine_name\" : \"MacBook Air\",\n"
     "      \"number_processors\" : \"proc 10:4:6\",\n      \"physical_memory\" : \"16 GB\",\n"
     "    }\n\n\nApproach 1:\n",
     "Mac16,12", "MacBook Air", "Apple M4", 0, 16, ""},
    {"github.com/Lospi/MetalDuck/issues/19",
     "- **Chip:** Apple M4 Pro\n- **CPU Cores:** 14 (10P   4E)\n- **GPU Cores:** 20\n"
     "- **Memory:** 24 GB\n- **macOS:** Version 26.4 (Build 25E246)\n",
     "", "", "Apple M4 Pro", 20, 24, "26.4"},
    {"github.com/philipturner/applegpuinfo/issues/13",
     "GPU name: Apple M4 Pro\nGPU vendor: Apple\nGPU core count: 16\nGPU memory: 24 GB\n", "", "",
     "Apple M4 Pro", 16, 24, ""},
    {"github.com/philipturner/applegpuinfo/issues/12",
     "Target: arm64-apple-macosx15.0\n\nBuild of product 'gpuinfo' complete! (26.90s)\n"
     "GPU name: Apple M4 Max\nGPU vendor: Apple\nGPU core count: 40\nGPU memory: 128 GB\n",
     "", "", "Apple M4 Max", 40, 128, ""},
    {"github.com/devMEremenko/XcodeBenchmark/issues/664: between a log's lines, without its chip",
     "** BUILD SUCCEEDED ** [100.536 sec]\nSystem Version: 26.4\nXcode 26.4.1\nHardware Overview\n"
     "2026-04-28 08:52:35.280 system_profiler[29046:41174793] hw.cpufamily: 0x17d5b93a\n"
     "Model Name: Mac Studio\n"
     "2026-04-28 08:52:35.413 system_profiler[29049:41174813] hw.cpufamily: 0x17d5b93a\n"
     "Model Identifier: Mac16,9\n"
     "Total Number of Cores: 16 (12 Performance and 4 Efficiency)\n"
     "2026-04-28 08:52:36.288 system_profiler[29073:41174923] hw.cpufamily: 0x17d5b93a\n"
     "Memory: 128 GB\n",
     "Mac16,9", "Mac Studio", "", 0, 128, ""},
    {"github.com/philipturner/applegpuinfo/issues/11",
     "MacBook Air, M1, 2020, 8GB ram\n\nGPU name: Apple M1\nGPU vendor: Apple\nGPU core count: 8\n"
     "GPU clock frequency: 1.278 GHz\nGPU memory: 8 GB\nGPU family: Apple 7\n",
     "", "", "Apple M1", 8, 8, ""},
    {"github.com/nirs/vmnet-helper/pull/287",
     "  Model Name:\tMacBook Pro\n  Model Identifier:\tMac17,2\n  Chip:\tApple M5\n"
     "  Total Number of Cores:\t10 (4 Super and 6 Efficiency)\n  Memory:\t32 GB\n",
     "Mac17,2", "MacBook Pro", "Apple M5", 0, 32, ""},
};

std::string report_file(const std::string& name) {
  return test::read_text(test::source_path("tests/hardware/reports/" + name));
}

std::string section(const std::string& name, const std::string& text) {
  return "\n== macfit " + name + "\n" + text + "\n";
}

/// What the script prints on a Mac; `ports` is a published capture.
std::string script_output(const std::string& model, const std::string& model_name,
                          const std::string& chip, int cores, std::int64_t gib_of_ram,
                          const std::string& ports) {
  std::string profiler = "{\"SPHardwareDataType\": [{\"machine_name\": \"" + model_name +
                         "\", \"machine_model\": \"" + model + "\", \"chip_type\": \"" + chip +
                         "\"}], \"SPDisplaysDataType\": [{\"sppci_model\": \"" + chip +
                         "\", \"sppci_cores\": \"" + std::to_string(cores) + "\"}]";
  if (!ports.empty()) {
    const std::string text = report_file(ports);
    profiler += "," + text.substr(text.find('{') + 1);
  } else {
    profiler += "}";
  }
  return "Welcome to this Mac\n" + section("uname", "Darwin arm64") +
         section("sw_vers",
                 "ProductName:\t\tmacOS\nProductVersion:\t\t26.3.1\nBuildVersion:\t\t25D71") +
         section("sysctl",
                 "hw.model: " + model + "\nhw.memsize: " + std::to_string(gib_of_ram * gib) +
                     "\nmachdep.cpu.brand_string: " + chip + "\niogpu.wired_limit_mb: 0") +
         section("system_profiler", profiler);
}

DetectedMac mac(const std::string& name, const std::string& report) {
  return {name, name + ".local", read_report(report)};
}

Detection detect(const std::vector<DetectedMac>& macs) {
  return detected_cluster(macs, "desk", Catalog::embedded());
}

Cluster cluster_of(const Detection& detection) {
  return read_cluster_file(detection.cluster_file, {}, Catalog::embedded(), "desk.json");
}

std::string error_of(const std::string& report) {
  try {
    (void)detect({{"this-mac", "", read_report(report)}});
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("published reports of Macs", "[hardware]") {
  REQUIRE(reports.size() >= 20);
  for (const Report& report : reports) {
    INFO(report.source);
    const MacFacts facts = read_report(report.text);
    CHECK(facts.model == report.model);
    CHECK(facts.model_name == report.model_name);
    CHECK(facts.chip == report.chip);
    CHECK(facts.gpu_cores.value_or(0) == report.gpu_cores);
    CHECK(facts.ram.value_or(Bytes(0)) == Bytes(report.gib_of_ram * gib));
    CHECK(facts.macos == report.macos);
    if (report.chip.empty()) {
      CHECK_THAT(error_of(report.text), test::contains("did not say its chip"));
      continue;
    }
    const Cluster cluster = cluster_of(detect({mac("a", report.text)}));
    CHECK(cluster.nodes[0].chip_name == report.chip.substr(6));
    CHECK(cluster.nodes[0].ram == Bytes(report.gib_of_ram * gib));
    if (report.gpu_cores != 0) {
      CHECK(cluster.nodes[0].gpu_cores == report.gpu_cores);
    }
  }
}

TEST_CASE("a Mac with an iPhone's chip is read as one", "[hardware]") {
  const Cluster cluster = cluster_of(
      detect({mac("neo", "  Model Name: MacBook Neo\n  Chip: Apple A18 Pro\n  Memory: 8 GB\n")}));
  CHECK(cluster.nodes[0].chip_name == "A18 Pro");
  CHECK(cluster.nodes[0].ram == Bytes(8 * gib));
}

TEST_CASE("what is no Mac with Apple silicon is told so", "[hardware]") {
  struct Row {
    std::string source;
    std::string text;
    std::string words;
  };
  const auto row = GENERATE(values<Row>({
      {"a conversation on upgrades, in a public repository, German macOS",
       "Modellname: Mac mini\n\n  Modell-Identifizierung: Macmini7,1\n\n"
       "  Prozessortyp: Dual-Core Intel Core i5\n\n  Prozessorgeschwindigkeit: 1,4 GHz\n\n"
       "  Gesamtanzahl der Kerne: 2\n\n  L3-Cache: 3 MB\n\n  Speicher: 4 GB\n",
       "is a Mac with Intel (Dual-Core Intel Core i5)"},
      {"a student project's README, in a public repository, German macOS 12.0.1",
       "### Hardware-Übersicht\n    Modellname: MacBook Pro\n"
       "    Modell-Identifizierung: MacBookPro15,1\n    Prozessortyp: Intel Core i7\n"
       "    Prozessorgeschwindigkeit: 2,2 GHz\n    Anzahl der Prozessoren: 1\n"
       "    Gesamtanzahl der Kerne: 6\n    Speicher: 16 GB\n",
       "is a Mac with Intel (Intel Core i7)"},
      {"tests of mondoohq/mql",
       R"json({"SPHardwareDataType" : [{"_name" : "hardware_overview", "chip_type" : "Apple M4 Max (Virtual)",
          "machine_model" : "VirtualMac2,1", "machine_name" : "Apple Virtual Machine 1",
          "number_processors" : 2, "physical_memory" : "4 GB"}]})json",
       "is a virtual machine (Apple M4 Max (Virtual))"},
      {"the script on Linux", "\n== macfit uname\nLinux x86_64\n\n== macfit end\n",
       "is no Mac: it says \"Linux x86_64\""},
      {"a chip that no catalog has", "Chip: Apple M9 Max\nMemory: 64 GB\n",
       "unknown chip \"M9 Max\""},
      {"nothing", "", "did not say its chip and memory"},
      {"memory missing", "Chip: Apple M4 Max\n", "did not say its memory"},
  }));
  INFO(row.source);
  CHECK_THAT(error_of(row.text), test::contains(row.words));
}

TEST_CASE("two Macs and the cable between them", "[hardware]") {
  // omlx's capture. The Envoy Ultra on the Studio's port 4 is a drive, not a Mac.
  const DetectedMac book = mac("book", script_output("Mac17,7", "MacBook Pro", "Apple M5 Max", 40,
                                                     128, "omlx-macbook-m5-max.json"));
  const DetectedMac studio = mac("studio", script_output("Mac15,14", "Mac Studio", "Apple M3 Ultra",
                                                         80, 512, "omlx-studio-m3-ultra.json"));
  REQUIRE(book.facts.ports);
  CHECK(book.facts.ports->size() == 3);
  CHECK(book.facts.ports->front().receptacle == 1);
  CHECK(book.facts.ports->front().connected);
  CHECK(book.facts.ports->front().gigabits == 80);
  CHECK(book.facts.ports->front().device == "Mac Studio");
  CHECK(book.facts.ports->back().gigabits == 120);
  REQUIRE(studio.facts.ports);
  CHECK(studio.facts.ports->size() == 6);
  CHECK((*studio.facts.ports)[3].device == "Envoy Ultra");
  CHECK((*studio.facts.ports)[3].peer_domain.empty());

  const Cluster cluster = cluster_of(detect({book, studio}));
  CHECK(cluster.nodes[0].machine == "macbook-pro-m5-max-128");
  CHECK(cluster.nodes[1].machine == "mac-studio-m3-ultra-512");
  CHECK(cluster.nodes[0].macos->text() == "26.3");
  REQUIRE(cluster.links.size() == 1);
  CHECK(cluster.links[0].type.id == "tb5-tcp");

  SECTION("RDMA on at both ends") {
    DetectedMac left = book;
    DetectedMac right = studio;
    left.facts.rdma_enabled = right.facts.rdma_enabled = true;
    CHECK(cluster_of(detect({left, right})).links[0].type.id == "tb5-rdma");
  }
  SECTION("a third Mac without a cable") {
    const DetectedMac mini = mac("mini", script_output("Mac16,11", "Mac mini", "Apple M4 Pro", 20,
                                                       64, "osaurus-m5-max-rdma-off.json"));
    const Detection detection = detect({book, studio, mini});
    const Cluster three = cluster_of(detection);
    CHECK(three.link_between(0, 1)->type.id == "tb5-tcp");
    CHECK(three.link_between(1, 2)->type.id == "1gbe");
    CHECK(three.link_between(0, 2)->type.id == "wifi");  // a MacBook has no Ethernet
    CHECK(three.nodes[2].gpu_cores == 20);               // as sold by default it has 16
    bool told = false;
    for (const std::string& note : detection.notes) {
      told = told || note.find("no Thunderbolt cable joins book and mini") != std::string::npos;
    }
    CHECK(told);
  }
}

TEST_CASE("RDMA off at one end", "[hardware]") {
  // osaurus's capture: two M5 Max MacBook Pros, one with RDMA off.
  std::string off =
      script_output("Mac17,6", "MacBook Pro", "Apple M5 Max", 40, 128,
                    "osaurus-m5-max-rdma-off.json") +
      section("rdma_ctl", "disabled") +
      section("ibv_devices",
              "    device          \t   node GUID\n    ------          \t----------------");
  std::string on =
      script_output("Mac17,6", "MacBook Pro", "Apple M5 Max", 40, 128,
                    "osaurus-m5-max-rdma-on.json") +
      section("ibv_devices",
              "    device          \t   node GUID\n    ------          \t----------------\n"
              "    rdma_en1        \t0000000000000001\n"
              "    rdma_en6        \t0000000000000002\n"
              "    rdma_en2        \t0000000000000003") +
      section("ibv_devinfo",
              "hca_id:\trdma_en1\n\ttransport:\t\t\tThunderbolt (100)\n\t\tport:\t1\n"
              "\t\t\tstate:\t\t\tPORT_DOWN (1)\n\nhca_id:\trdma_en2\n"
              "\t\t\tstate:\t\t\tPORT_ACTIVE (4)");
  const DetectedMac left = mac("left", off);
  const DetectedMac right = mac("right", on);
  CHECK(left.facts.rdma_enabled == false);
  CHECK(left.facts.rdma_devices.empty());
  CHECK(right.facts.rdma_enabled == true);
  CHECK(right.facts.rdma_devices == std::vector<std::string>{"rdma_en1", "rdma_en6", "rdma_en2"});
  CHECK(right.facts.rdma_active == std::vector<std::string>{"rdma_en2"});
  CHECK(cluster_of(detect({left, right})).links[0].type.id == "tb5-tcp");
}

TEST_CASE("the parts of a report", "[hardware]") {
  MacFacts facts;
  // MLX's documentation of JACCL: an M3 Ultra.
  read_ibv_devices(
      "    device          \t   node GUID\n    ------          \t----------------\n"
      "    rdma_en2        \t8096a9d9edbaac05\n    rdma_en3        \t8196a9d9edbaac05\n",
      facts);
  CHECK(facts.rdma_devices.size() == 2);
  CHECK(facts.rdma_enabled == true);
  read_rdma_ctl("RDMA is disabled\n", facts);
  CHECK(facts.rdma_enabled == false);
  read_vm_stat(
      "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
      "Pages free:                               45231.\n"
      "Pages active:                            892341.\n"
      "Pages inactive:                          234521.\n"
      "Pages speculative:                        12345.\n"
      "Pages wired down:                        456789.\n",
      facts);
  CHECK(facts.free_memory == Bytes((45231LL + 234521 + 12345) * 16384));
  read_df(
      "Filesystem   1024-blocks      Used Available Capacity iused ifree %iused  Mounted on\n"
      "/dev/disk3s5   971350180 843055432  80530636    92% 1234 5678    0%   "
      "/System/Volumes/Data\n",
      facts);
  CHECK(facts.free_disk == Bytes(80530636LL * 1024));
  read_sysctl("iogpu.wired_limit_mb: 114688\n", facts);
  CHECK(facts.wired_limit == Bytes(114688LL * mib));
  read_runtimes(
      "mlx-lm: 0.31.3\nmlx: 0.32.2\nexo: 1.0.68\nllama.cpp: 6730 (d00cbea6)\n"
      "ollama: 0.32.1\nlm-studio: \nother: 1.2\n",
      facts);
  REQUIRE(facts.runtimes.size() == 5);
  CHECK(facts.runtimes[3].name == "llama.cpp");
  CHECK(facts.runtimes[3].version == "6730");
}

TEST_CASE("a wired limit that is set is a measured one", "[hardware]") {
  std::string report = script_output("Mac16,9", "Mac Studio", "Apple M4 Max", 40, 128, "");
  report.replace(report.find("wired_limit_mb: 0"), 17, "wired_limit_mb: 120000");
  const Cluster cluster = cluster_of(detect({mac("studio", report)}));
  CHECK(cluster.nodes[0].machine == "mac-studio-m4-max-128");
  CHECK(cluster.nodes[0].gpu_limit.stated);
  CHECK(cluster.nodes[0].gpu_limit.bytes == Bytes(120'000LL * mib));
  CHECK(cluster.nodes[0].gpu_limit.evidence == Evidence::measured);
}

TEST_CASE("a Mac that the catalog has no machine for", "[hardware]") {
  const Detection detection = detect({mac("air", reports[0].text)});
  const Cluster cluster = cluster_of(detection);
  CHECK(cluster.nodes[0].chip == "m1");
  REQUIRE(detection.notes.size() == 2);
  CHECK_THAT(detection.notes[0], test::contains("no MacBook Air with M1 and 8 GB"));
  CHECK_THAT(detection.notes[1], test::contains("did not say GPU cores, the macOS version"));
}

TEST_CASE("hostile reports are read and come to nothing", "[hardware]") {
  std::string deep = "{\"SPThunderboltDataType\": " + std::string(200'000, '[');
  for (const std::string& text :
       {std::string(1'000'000, ':'), std::string("== macfit "), std::string("\n== macfit \n"), deep,
        std::string("hw.memsize: 99999999999999999999\niogpu.wired_limit_mb: -5\n"),
        std::string("Pages free: 9223372036854775807.\n(page size of 16384 bytes)\n"),
        std::string("Memory: 99999999999 GB\nChip: Apple M\n"),
        std::string("{\"SPHardwareDataType\": [{\"chip_type\": \"Apple M4\\u001b[31m\"}]}")}) {
    const MacFacts facts = read_report(text);
    CHECK_FALSE(facts.ram);
    CHECK(facts.chip.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("a cluster file's measured nodes", "[hardware]") {
  const auto error = [](const std::string& node) {
    try {
      (void)read_cluster_file(R"({"schema": "macfit.cluster/1", "nodes": [)" + node + "]}", {},
                              Catalog::embedded());
    } catch (const Error& problem) {
      return std::string(problem.what());
    }
    return std::string("no error");
  };
  CHECK(
      error(
          R"({"machine": "m4-pro-64", "gpu_cores": 20, "host": "a", "evidence": "measured", "detected": {}})") ==
      "no error");
  CHECK_THAT(error(R"({"machine": "m4-pro-64", "gpu_cores": 18})"),
             test::contains("/nodes/0/gpu_cores: M4 Pro with 64 GB is not sold with 18 GPU cores"));
  CHECK_THAT(error(R"({"machine": "64", "evidence": "exact"})"),
             test::contains("/nodes/0/evidence"));
  CHECK_THAT(error(R"({"machine": "64", "detected": 3})"), test::contains("/nodes/0/detected"));
}
