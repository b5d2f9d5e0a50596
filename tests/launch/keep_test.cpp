// What of an older folder stays when launch writes it anew.

#include "macfit/core/error.hpp"
#include "macfit/launch/launch.hpp"
#include "test.hpp"

namespace launch = macfit::launch;

namespace {

constexpr const char* fresh =
    "# words\nNAMES=(a b)\n\n# How\nSSH=(a b)\nLAN=(@EDIT-lan-1@ "
    "@EDIT-lan-2@)\nPORT_A=(@EDIT-port-1a@)\n"
    "MODEL=org/model-4bit\nSERVER=\"\"\nHTTP_PORT=8080\n\nPLANNED='m q4 mlx-lm'\nRUNTIME=mlx-lm\n"
    "DEMAND_BYTES=(1 2)\nCABLE_A=(1)\n";

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("settings that were filled in stay, the plan's own do not", "[launch]") {
  std::string older = with(fresh, "SSH=(a b)", "SSH=(local 'user@b')");
  older = with(older, "@EDIT-lan-1@ @EDIT-lan-2@", "10.0.0.1\n     10.0.0.2");
  older = with(older, "PORT_A=(@EDIT-port-1a@)", "PORT_A=(en3)  # left");
  older = with(older, "org/model-4bit", "/models/m");
  older = with(older, "DEMAND_BYTES=(1 2)", "DEMAND_BYTES=(7 8)");
  std::string wanted = with(older, "DEMAND_BYTES=(7 8)", "DEMAND_BYTES=(1 2)");
  CHECK(launch::keep_settings(fresh, older) == wanted);
  CHECK(launch::keep_settings(fresh, fresh) == fresh);
  // Another model, another cable: what was filled in for the old ones goes.
  wanted = with(wanted, "/models/m", "org/model-4bit");
  CHECK(launch::keep_settings(fresh, with(older, "'m q4", "'other q4")) == wanted);
  wanted = with(wanted, "PORT_A=(en3)  # left", "PORT_A=(@EDIT-port-1a@)");
  CHECK(launch::keep_settings(fresh, with(with(older, "'m q4", "'other q4"), "CABLE_A=(1)",
                                          "CABLE_A=(0)")) == wanted);
  CHECK_THROWS_WITH(launch::keep_settings(fresh, with(older, "NAMES=(a b)", "NAMES=(a c)")),
                    macfit::test::contains("other nodes"));
  CHECK_THROWS(launch::keep_settings(fresh, "nonsense"));
}

TEST_CASE("files of a folder are told apart", "[launch]") {
  using launch::Old;
  struct Row {
    const char* name;
    Old kind;
  };
  for (const Row& row : {Row{"run.sh", Old::written},
                         {"settings.sh", Old::written},
                         {"workers.json", Old::written},
                         {"hostfile.json", Old::written},
                         {"hostfile-2.filled.json", Old::written},
                         {"serve_split-1.py", Old::written},
                         {"place_instance.json", Old::written},
                         {"stopped", Old::written},
                         {"results.jsonl", Old::result},
                         {"jobs.results.jsonl", Old::result},
                         {"jobs.results.jsonl.status.json", Old::result},
                         {"worker-1.log", Old::result},
                         {"run.log", Old::result},
                         {"state.json", Old::result},
                         {"jobs.jsonl", Old::foreign},
                         {"notes.txt", Old::foreign},
                         {"hostfile.txt", Old::foreign},
                         {"", Old::foreign}}) {
    CAPTURE(row.name);
    CHECK(launch::old_file(row.name) == row.kind);
  }
}
