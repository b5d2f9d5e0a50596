#include "macfit/hardware/catalog.hpp"

#include <set>

#include "macfit/core/embedded.hpp"
#include "macfit/core/error.hpp"
#include "test.hpp"

using namespace macfit;
using namespace macfit::hardware;

namespace {

std::string embedded_text(std::string_view name) {
  for (std::size_t i = 0; i < embedded::hardware_file_count; ++i) {
    if (embedded::hardware_files[i].name == name) {
      return std::string(embedded::hardware_files[i].text);
    }
  }
  FAIL("no embedded file " << name);
  return {};
}

/// The error of a catalog with one text replaced in one file.
std::string error_of(const std::string& name, const std::string& from, const std::string& to) {
  std::string text = embedded_text(name);
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  try {
    (void)Catalog::from_texts({{"dir/" + name, text}});
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

template <class T>
void check_figure(const std::optional<Figure<T>>& figure) {
  if (figure) {
    CHECK(figure->low <= figure->value);
    CHECK(figure->value <= figure->high);
    CHECK(T{} < figure->low);
    CHECK_FALSE(figure->source.empty());
  }
}

}  // namespace

TEST_CASE("chip facts", "[hardware]") {
  // Vendor bandwidth in GB/s: llama.cpp discussion #4167; M5 Ultra and M6: sunkcost, citing Apple.
  struct Row {
    const char* chip;
    int cores;
    std::int64_t ram;
    double gb_per_s;
    double tflops;  // of the largest bin: huggingface.js hardware.ts
    Ability rdma;
  };
  constexpr auto no = Ability::no;
  constexpr auto yes = Ability::yes;
  for (const Row& row : {
           Row{"m1", 8, 16, 68, 2.6, no},
           Row{"m1-pro", 16, 32, 200, 5.2, no},
           Row{"m1-max", 32, 64, 400, 10.4, no},
           Row{"m1-ultra", 64, 128, 800, 21, no},
           Row{"m2", 10, 24, 100, 3.6, no},
           Row{"m2-pro", 19, 32, 200, 6.8, no},
           Row{"m2-max", 38, 96, 400, 13.49, no},
           Row{"m2-ultra", 76, 192, 800, 27.2, no},
           Row{"m3", 10, 24, 100, 4.1, no},
           Row{"m3-pro", 18, 36, 150, 7.4, no},
           Row{"m3-max", 30, 96, 300, 14.2, no},
           Row{"m3-max", 40, 128, 400, 14.2, no},
           Row{"m3-ultra", 80, 512, 819, 28.4, yes},
           Row{"m4", 10, 32, 120, 4.6, no},
           Row{"m4-pro", 20, 64, 273, 9.2, yes},
           Row{"m4-max", 32, 36, 410, 18.4, yes},
           Row{"m4-max", 40, 128, 546, 18.4, yes},
           Row{"m5", 10, 32, 153, 5.7, no},
           Row{"m5-pro", 20, 64, 307, 11.4, yes},
           Row{"m5-max", 32, 36, 460, 22.8, yes},
           Row{"m5-max", 40, 128, 614, 22.8, yes},
           Row{"m5-ultra", 80, 512, 1200, 45.6, yes},
           Row{"m6", 12, 16, 153, 6.2, no},
           Row{"m6", 12, 32, 170, 6.2, no},
       }) {
    CAPTURE(row.chip, row.cores, row.ram);
    const Chip& chip = Catalog::embedded().chip(row.chip);
    const ChipBin* bin = chip.find_bin(row.cores, Bytes(row.ram * gib));
    REQUIRE(bin != nullptr);
    REQUIRE(bin->bandwidth);
    CHECK(bin->bandwidth->value.value() == test::Approx(row.gb_per_s * 1e9));
    CHECK(bin->bandwidth->evidence == Evidence::vendor);
    REQUIRE(chip.tflops);
    CHECK(chip.tflops->value == row.tflops);
    CHECK(chip.rdma == row.rdma);
    CHECK(chip.generation == row.chip[1] - '0');
    CHECK((chip.neural_accelerators == yes) == (chip.generation >= 5));
  }
}

TEST_CASE("an iPhone's chip in a Mac counts with the M chips of its time", "[hardware]") {
  const Chip& chip = Catalog::embedded().chip("a18-pro");
  CHECK(chip.apple());
  CHECK(chip.generation == 4);
  CHECK(chip.find_bin(5, Bytes(8 * gib))->bandwidth->value.value() == test::Approx(60e9));  // Apple
  CHECK_FALSE(chip.tflops);
  CHECK(chip.thunderbolt == Thunderbolt::none);
  CHECK(chip.rdma == Ability::no);
}

TEST_CASE("STREAM runs and FP16 figures", "[hardware]") {
  const Catalog& catalog = Catalog::embedded();
  for (const auto& [id, gb_per_s] : std::vector<std::pair<const char*, double>>{
           {"m1", 60}, {"m2", 91}, {"m3", 92}, {"m4", 100}, {"m4-pro", 248}, {"m3-ultra", 738}}) {
    CAPTURE(id);
    const ChipBin& largest = catalog.chip(id).bins.back();
    REQUIRE(largest.stream);
    CHECK(largest.stream->value.value() == test::Approx(gb_per_s * 1e9));
    CHECK(largest.stream->value < largest.bandwidth->value);
  }
  CHECK_FALSE(catalog.chip("m3-ultra").bins.front().stream);  // measured on 80 cores
  CHECK_FALSE(catalog.chip("m4-max").bins.back().stream);
  CHECK(catalog.chip("m3-ultra").fp16_tflops->value == 26);  // EXO blog
  CHECK(catalog.chip("gb10").fp16_tflops->value == 100);
  CHECK_FALSE(catalog.chip("gb10").tflops);
  CHECK(catalog.chip("m5").prefill_gain->low == 3.33);  // Apple, M5 over M4
  CHECK(catalog.chip("m5").prefill_gain->high == 4.06);
}

TEST_CASE("machine facts", "[hardware]") {
  struct Row {
    const char* id;
    const char* chip;
    int cores;
    double usd;  // 0: no list price found
    int ports;   // -1: not read in a source
    MachineStatus status;
  };
  constexpr auto current = MachineStatus::current;
  constexpr auto previous = MachineStatus::previous;
  for (const Row& row : {
           Row{"mac-studio-m4-max-128", "m4-max", 40, 3499, 4, previous},
           Row{"mac-studio-m4-max-36", "m4-max", 32, 1999, 4, previous},
           Row{"mac-studio-m3-ultra-96", "m3-ultra", 60, 3999, 6, previous},
           Row{"mac-studio-m3-ultra-512", "m3-ultra", 80, 9499, 6, previous},
           Row{"mac-mini-m4-16", "m4", 10, 599, 3, previous},
           Row{"mac-mini-m4-pro-64", "m4-pro", 16, 1999, 3, previous},
           Row{"mac-mini-m6-16", "m6", 12, 899, 3, current},
           Row{"mac-mini-m5-pro-64", "m5-pro", 16, 2699, 3, current},
           Row{"mac-studio-m5-max-128", "m5-max", 40, 5099, 4, current},
           Row{"mac-studio-m5-ultra-256", "m5-ultra", 80, 10799, 6, current},
           Row{"mac-studio-m5-ultra-512", "m5-ultra", 80, 0, 6, MachineStatus::announced},
           Row{"macbook-neo-8", "a18-pro", 5, 599, 0, current},
           Row{"macbook-air-m5-16", "m5", 10, 1099, 2, current},
           Row{"imac-m4-16", "m4", 8, 1299, 4, current},
           Row{"macbook-pro-m4-max-128", "m4-max", 40, 0, 3, previous},
           Row{"macbook-pro-m5-max-128", "m5-max", 40, 0, 3, current},
           Row{"macbook-pro-m3-max-96", "m3-max", 30, 0, 3, previous},
           Row{"mac-studio-m2-ultra-192", "m2-ultra", 76, 0, 6, previous},
           Row{"mac-studio-m1-ultra-128", "m1-ultra", 64, 0, 6, previous},
           Row{"mac-pro-m2-ultra-192", "m2-ultra", 76, 0, -1, previous},
           Row{"dgx-spark-128", "gb10", 0, 4699, -1, current},
       }) {
    CAPTURE(row.id);
    const Machine& machine = Catalog::embedded().machine(row.id);
    CHECK(machine.id == row.id);
    CHECK(machine.chip == row.chip);
    CHECK(machine.gpu_cores == row.cores);
    CHECK(machine.price.has_value() == (row.usd > 0));
    if (machine.price) {
      CHECK(machine.price->usd == row.usd);
      CHECK_FALSE(machine.price->date.empty());
    }
    CHECK(machine.thunderbolt_ports.value_or(-1) == row.ports);
    CHECK(machine.status == row.status);
  }
  const Machine& ultra = Catalog::embedded().machine("mac-studio-m3-ultra-512");
  CHECK(ultra.rdma_ports == 5);  // exo #1293: not the one beside Ethernet
  CHECK(ultra.ethernet == Ethernet::ten_gigabit);
  CHECK(ultra.name == "Mac Studio (2025), M3 Ultra, 512 GB");
  CHECK(ultra.status_note == "withdrawn March 2026");
}

TEST_CASE("watts as the seller states them", "[hardware]") {
  struct Row {
    const char* machine;
    double idle;
    double most;
  };
  // support.apple.com/102027 for Mac Studio of 2022 and 2023.
  const std::vector<Row> rows = {
      {"mac-studio-m2-ultra-192", 10, 295}, {"mac-studio-m2-max-96", 9, 145},
      {"mac-studio-m1-ultra-64", 13, 215},  {"mac-studio-m4-max-128", 6, 145},
      {"mac-studio-m3-ultra-512", 9, 270},  {"mac-mini-m4-pro-64", 5, 140},
  };
  for (const Row& row : rows) {
    INFO(row.machine);
    const auto& power = hardware::Catalog::embedded().machine(row.machine).power;
    REQUIRE(power);
    CHECK(power->idle == row.idle);
    CHECK(power->most == row.most);
    CHECK(!power->source.empty());
  }
  CHECK(!hardware::Catalog::embedded().machine("macbook-pro-m4-max-128").power);
  const auto cluster = hardware::parse_cluster("1x128", {}, hardware::Catalog::embedded());
  CHECK(cluster.nodes.front().power->most == 145);
}

TEST_CASE("every entry is whole", "[hardware]") {
  const Catalog& catalog = Catalog::embedded();
  std::set<std::string> names;
  for (const Chip& chip : catalog.chips()) {
    CAPTURE(chip.id);
    CHECK(names.insert(chip.id).second);
    CHECK_FALSE(chip.memory_source.empty());
    check_figure(chip.tflops);
    check_figure(chip.fp16_tflops);
    check_figure(chip.prefill_gain);
    check_figure(chip.gpu_visible);
    CHECK(chip.apple() != chip.gpu_visible.has_value());
    for (const ChipBin& bin : chip.bins) {
      CHECK_FALSE(bin.ram.empty());
      CHECK(bin.bandwidth.has_value());
      check_figure(bin.bandwidth);
      check_figure(bin.stream);
    }
    CHECK((chip.rdma == Ability::yes) == (chip.thunderbolt == Thunderbolt::tb5));
  }
  for (const Machine& machine : catalog.machines()) {
    CAPTURE(machine.id);
    CHECK(names.insert(machine.id).second);
    CHECK(catalog.find_machine(machine.id) == &machine);
    CHECK_FALSE(machine.source.empty());
    CHECK_FALSE(machine.ports_source.empty());
    CHECK(catalog.bandwidth(machine).has_value());
    CHECK(machine.mac == catalog.chip(machine.chip).apple());
    CHECK((machine.rdma == Ability::yes) == (machine.thunderbolt == Thunderbolt::tb5));
    if (machine.rdma_ports) {
      CHECK(*machine.rdma_ports <= machine.thunderbolt_ports.value_or(0));
    }
    const Machine* standard = catalog.machine_with_chip(machine.chip, machine.ram);
    REQUIRE(standard != nullptr);
    CHECK(catalog.find_machine(machine.chip + "-" + std::to_string(machine.ram.count() / gib)) ==
          standard);
    // A bare size of every machine's memory is known.
    CHECK_NOTHROW(catalog.machine_with_ram(machine.ram));
  }
  for (const LinkType& link : catalog.links()) {
    CAPTURE(link.id);
    CHECK(names.insert(link.id).second);
    check_figure(link.raw);
    check_figure(link.bandwidth);
    check_figure(link.latency);
  }
}

TEST_CASE("names, aliases and sizes", "[hardware]") {
  const Catalog& catalog = Catalog::embedded();
  CHECK(catalog.find_chip("M4 Max") == catalog.find_chip("m4-max"));
  CHECK(catalog.find_chip("m4max") == catalog.find_chip("m4-max"));
  CHECK(catalog.find_chip("m9") == nullptr);
  CHECK(catalog.find_link("TB4-TCP") == catalog.find_link("tb4"));
  CHECK(catalog.find_link("nothing") == nullptr);
  CHECK(catalog.find_machine("") == nullptr);
  CHECK(catalog.find_machine("-") == nullptr);
  CHECK(catalog.find_machine("127") == nullptr);
  CHECK(catalog.find_machine("m4-max-127") == nullptr);
  CHECK_THROWS_WITH(catalog.chip("m4-mx"), test::contains("did you mean m4-max"));
  CHECK_THROWS_WITH(catalog.link("tb5-rmda"), test::contains("did you mean tb5-rdma"));
  CHECK_THROWS_WITH(catalog.machine_with_ram(Bytes(gib + 1)),
                    test::contains("no machine with 1.00 GiB is known"));
  CHECK(catalog.machine_with_chip("m9", Bytes(16 * gib)) == nullptr);
  std::vector<std::int64_t> sizes;
  for (const Bytes size : catalog.ram_sizes()) {
    sizes.push_back(size.count() / gib);
  }
  CHECK(sizes == std::vector<std::int64_t>{8, 16, 18, 24, 32, 36, 48, 64, 96, 128, 192, 256, 512});
}

TEST_CASE("TFLOPS scale by GPU cores", "[hardware]") {
  const Chip& chip = Catalog::embedded().chip("m4-max");
  CHECK(chip.tflops_of(40)->value == 18.4);
  CHECK(chip.tflops_of(40)->evidence == Evidence::community);
  CHECK(chip.tflops_of(32)->value == test::Approx(14.72));
  CHECK(chip.tflops_of(32)->evidence == Evidence::estimated);
  CHECK_FALSE(chip.tflops_of(0));
  CHECK_FALSE(Chip{}.tflops_of(40));
  CHECK(chip.find_bin(0, Bytes(36 * gib))->gpu_cores == 32);
  CHECK(chip.find_bin(40, Bytes(36 * gib)) == nullptr);
}

TEST_CASE("a hardware catalog of one's own", "[hardware]") {
  std::string text = embedded_text("links.json");
  const std::string from =
      "\"value\": 2.05, \"low\": 2.0, \"high\": 9.07, \"evidence\": \"estimated\"";
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), "\"value\": 5.5, \"evidence\": \"measured\"");
  const Catalog own = Catalog::from_texts({{"/somewhere/links.json", text}});
  CHECK(own.link("tb5-tcp").bandwidth->value.value() == test::Approx(5.5e9));
  CHECK(own.link("tb5-tcp").bandwidth->low == own.link("tb5-tcp").bandwidth->high);
  CHECK(own.machines().size() == Catalog::embedded().machines().size());
}

TEST_CASE("a port that no source confirms is not taken for granted", "[hardware]") {
  const auto catalog = [](const std::string& file, const std::string& after,
                          const std::string& from, const std::string& to) {
    std::string text = embedded_text(file);
    const std::size_t at = text.find(from, text.find(after));
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    return Catalog::from_texts({{file, text}});
  };
  const auto codes = [](const Catalog& own, const char* link) {
    ClusterOptions options;
    options.link = link;
    std::string result;
    for (const Problem& problem : parse_cluster("2xmac-studio-m4-max-128", options, own).problems) {
      result += problem.code;
    }
    return result;
  };
  const std::string machine = "\"id\": \"mac-studio-m4-max\"";
  const std::string chip = "\"id\": \"m4-max\"";
  const Catalog unread = catalog("machines.json", machine, "\"thunderbolt\": \"thunderbolt-5\"",
                                 "\"thunderbolt\": null");
  CHECK(codes(unread, "tb5-rdma") == "rdma-not-confirmed");
  CHECK(codes(unread, "tb5-tcp") == "link-not-confirmed");
  const Cluster cluster = parse_cluster("2xmac-studio-m4-max-128", {}, unread);
  CHECK(cluster.links.at(0).type.id == "10gbe");  // what is confirmed
  CHECK_FALSE(cluster.links[0].rdma.has_value());
  CHECK(codes(catalog("chips.json", chip, "\"rdma\": true", "\"rdma\": false"), "tb5-rdma") ==
        "rdma-needs-thunderbolt-5");
  CHECK(codes(catalog("chips.json", chip, "\"rdma\": true", "\"rdma\": null"), "tb5-rdma") ==
        "rdma-not-confirmed");
  CHECK(codes(catalog("machines.json", machine, "\"ethernet\": \"10gbe\"", "\"ethernet\": null"),
              "1gbe") == "link-not-confirmed");
}

TEST_CASE("a broken catalog is refused with its place", "[hardware]") {
  const std::string chips = "chips.json";
  const std::string machines = "machines.json";
  for (const auto& [name, from, to, wanted] :
       std::vector<std::tuple<std::string, std::string, std::string, std::string>>{
           {chips, "macfit.chips/1", "macfit.chips/2", "at /schema: expected \"macfit.chips/1\""},
           {chips, "\"value\": 68", "\"value\": 0", "/bandwidth_gb_per_s/value: expected a number"},
           {chips, "\"value\": 68", "\"value\": -68", "expected a number"},
           {chips, "\"value\": 68", "\"value\": null", "\"value\" is missing or null"},
           {chips, "\"source\": \"bw\"", "\"source\": \"bww\"", "unknown source \"bww\""},
           {chips, "\"evidence\": \"vendor\"", "\"evidence\": \"hearsay\"", "expected exact, mea"},
           {chips, "\"gpu_cores\": 7,", "\"gpu_coers\": 7,", "gpu_coers"},
           {chips, "\"gpu_cores\": 7,", "\"gpu_cores\": 9,", "bins ascend by GPU cores"},
           {chips, "\"ram_gib\": [8, 16]", "\"ram_gib\": [16, 8]", "memory sizes ascend"},
           {chips, "\"id\": \"m1-pro\"", "\"id\": \"m1\"", "the name \"m1\" stands twice"},
           {chips, "\"thunderbolt\": \"thunderbolt-3\"", "\"thunderbolt\": \"thunderbolt-9\"",
            "unknown Thunderbolt generation \"thunderbolt-9\""},
           {chips, "\"low\": 3.33", "\"low\": 4.5", "/prefill_gain/low: expected a number"},
           {machines, "\"chip\": \"m4\"", "\"chip\": \"m44\"", "unknown chip \"m44\""},
           {machines, "\"gib\": 16", "\"gib\": 17", "no bin with these GPU cores and this memory"},
           {machines, "\"8\": \"mac-mini-m2-8\"", "\"8\": \"mac-mini-m2-16\"",
            "at /default_by_gib/8: expected the id of a machine with that much memory"},
           {machines, "\"status\": \"current\"", "\"status\": \"sold\"", "unknown status \"sold\""},
           {machines, "\"ethernet\": \"1gbe\"", "\"ethernet\": \"5gbe\"",
            "unknown Ethernet speed \"5gbe\""},
           {"links.json", "\"kind\": \"wifi\"", "\"kind\": \"wire\"", "unknown link kind \"wire\""},
           {"gpu_limits.json", "\"gib\": 24", "\"gib\": 15", "rows ascend by memory"},
           {"gpu_limits.json", "[81, 100]", "[71, 100]", "their fractions never fall"},
           {"gpu_limits.json", "[81, 100]", "[101, 100]", "/fraction/1: expected a whole number"},
           {"gpu_limits.json", "{\n", "", "gpu_limits.json: "},
       }) {
    CAPTURE(name, from, to);
    CHECK_THAT(error_of(name, from, to), test::contains(wanted));
    CHECK_THAT(error_of(name, from, to), test::contains("dir/" + name));
  }
  CHECK_THROWS_WITH(Catalog::from_texts({{"chip.json", "{}"}}),
                    test::contains("unknown hardware catalog file \"chip.json\""));
}
