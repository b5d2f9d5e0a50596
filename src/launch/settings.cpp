#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "setup.hpp"

namespace macfit::launch {
namespace {

constexpr int first_ring_port = 32323;  // mlx.launch's own

constexpr const char* common = R"SCRIPT(#!/usr/bin/env bash
# What the scripts of this folder share. Read by them, not run.
set -euo pipefail
# In bash 5.2 a "&" of what replaces would stand for what is replaced.
shopt -u patsub_replacement 2>/dev/null || true
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=/dev/null
. ./settings.sh
# What the nodes keep for this folder stands in ~/.macfit/$ID of theirs.
ID=$(printf '%s' "$PWD" | cksum)
ID=${ID%% *}

die() {
  printf '%s\n' "$*" >&2
  exit 2
}

# What goes into files and onto command lines of ssh is checked first.
for host in "${SSH[@]}"; do
  case $host in
    -* | *[!A-Za-z0-9._@-]*)
      die "settings.sh: SSH holds '$host': write a host name that ssh takes (or local) there" ;;
  esac
done
for value in "${LAN[@]}" "${HTTP_PORT[@]}" ${PORT_A[@]+"${PORT_A[@]}"} ${PORT_B[@]+"${PORT_B[@]}"} \
  ${ADDRESS_A[@]+"${ADDRESS_A[@]}"} ${ADDRESS_B[@]+"${ADDRESS_B[@]}"}; do
  case $value in
    @EDIT-*@ | *[!A-Za-z0-9._:-]*) [ "${value#@EDIT-}" != "$value" ] ||
      die "settings.sh: '$value' is neither an address nor the name of an interface" ;;
  esac
done

# on NODE: runs the script on standard input there. Nodes are counted from 0.
on() {
  if [ "${SSH[$1]}" = local ]; then
    bash -s
  else
    ssh -o BatchMode=yes -o ConnectTimeout=5 -o ServerAliveInterval=15 -- "${SSH[$1]}" bash -s
  fi
}

# node_head: what a script on a node begins with. Over ssh, Homebrew's folders are on no PATH.
node_head() {
  # shellcheck disable=SC2016  # expanded there
  printf 'PATH=$PATH:/opt/homebrew/bin:/usr/local/bin:$HOME/.local/bin id=%q\n' "$ID"
}

# http_port NODE: HTTP_PORT, or the node's own where it is a list
http_port() {
  # Some releases of bash take the length of what is no list for unset.
  local all=("${HTTP_PORT[@]}")
  if [ "${#all[@]}" -gt 1 ]; then printf '%s' "${all[$1]}"; else printf '%s' "${all[0]}"; fi
}

# need WORDS...: stops if one of them is still to be filled in.
need() {
  local word
  for word in "$@"; do
    case $word in
      *@EDIT-*) die "fill in $word in settings.sh first" ;;
    esac
  done
}

# fill FILE: its text with what settings.sh says put in.
fill() {
  local text i from to
  text=$(cat "$1")
  for i in "${!SSH[@]}"; do
    # mlx.launch takes no host but this address for the Mac that it runs on.
    to=${SSH[$i]}
    if [ "$to" = local ]; then to=127.0.0.1; fi
    from="\"ssh\": \"${SSH_IN_FILES[$i]}\"" to="\"ssh\": \"$to\""
    text=${text//"$from"/$to}
    from="@EDIT-lan-$((i + 1))@" to=${LAN[$i]}
    text=${text//"$from"/$to}
  done
  for i in ${PORT_A[@]+"${!PORT_A[@]}"}; do
    from="\"${ADDRESS_A_IN_FILES[$i]}\"" to="\"${ADDRESS_A[$i]}\""
    text=${text//"$from"/$to}
    from="\"${ADDRESS_B_IN_FILES[$i]}\"" to="\"${ADDRESS_B[$i]}\""
    text=${text//"$from"/$to}
    from="@EDIT-port-$((i + 1))a@" to=${PORT_A[$i]}
    text=${text//"$from"/$to}
    from="@EDIT-port-$((i + 1))b@" to=${PORT_B[$i]}
    text=${text//"$from"/$to}
  done
  text=${text//@EDIT-model@/$MODEL}
  case $text in
    *@EDIT-*) die "$1: settings.sh still has EDIT in it: $(printf '%s\n' "$text" | grep -o '@EDIT-[a-z0-9-]*@' | sort -u | tr '\n' ' ')" ;;
  esac
  printf '%s\n' "$text"
}
)SCRIPT";

/// The generation of the cables; 0: there are none.
int thunderbolt(const Setup& setup) {
  int least = 0;
  for (const AddressedCable& cable : setup.cables) {
    const hardware::Link* link =
        setup.cluster().link_between(setup.nodes[cable.first].node, setup.nodes[cable.second].node);
    const int generation = link->type.kind == hardware::LinkKind::thunderbolt_5   ? 5
                           : link->type.kind == hardware::LinkKind::thunderbolt_4 ? 4
                                                                                  : 3;
    least = least == 0 ? generation : std::min(least, generation);
  }
  return least;
}

class Writer {
 public:
  explicit Writer(const Setup& setup) : setup_(setup) {}

  std::string write() {
    text_ =
        "#!/usr/bin/env bash\n# shellcheck disable=SC2034  # read by the scripts beside it\n"
        "# What macfit planned, and what only you know. Replace every @EDIT-...@, then run "
        "preflight.sh.\n";
    said();
    planned();
    return text_;
  }

 private:
  void line(const std::string& name, const std::string& value) {
    text_ += name + "=" + value + "\n";
  }
  void comment(const std::string& words) { text_ += "\n# " + words + "\n"; }

  void list(const std::string& name, const std::function<std::string(const UsedNode&)>& value) {
    std::string words;
    for (const UsedNode& node : setup_.nodes) {
      words += (words.empty() ? "" : " ") + value(node);
    }
    line(name, "(" + words + ")");
  }
  void cables(const std::string& name,
              const std::function<std::string(const AddressedCable&, std::size_t)>& value) {
    std::string words;
    for (std::size_t i = 0; i < setup_.cables.size(); ++i) {
      words += (words.empty() ? "" : " ") + value(setup_.cables[i], i);
    }
    line(name, "(" + words + ")");
  }

  void said() {
    list("NAMES", [](const UsedNode& node) { return shell_word(node.name); });
    comment("How ssh reaches each node, without asking for a password; local is this Mac.");
    list("SSH", [](const UsedNode& node) { return shell_word(node.ssh); });
    comment("An address of each node that all others reach: ssh NODE ipconfig getifaddr en0");
    std::size_t at = 0;
    list("LAN", [&](const UsedNode&) { return mark(fmt::format("lan-{}", ++at)); });
    comment("The Thunderbolt interface at both ends of each cable, such as en3: ssh NODE");
    text_ +=
        "# networksetup -listallhardwareports; mlx.distributed_config --dot shows the cables\n";
    for (std::size_t i = 0; i < setup_.cables.size(); ++i) {
      text_ +=
          fmt::format("# cable {}: {} to {}\n", i + 1, setup_.nodes[setup_.cables[i].first].name,
                      setup_.nodes[setup_.cables[i].second].name);
    }
    cables("PORT_A", [](const AddressedCable&, std::size_t i) {
      return mark(fmt::format("port-{}a", i + 1));
    });
    cables("PORT_B", [](const AddressedCable&, std::size_t i) {
      return mark(fmt::format("port-{}b", i + 1));
    });
    comment(setup_.model_given ? "The given model: a path that every node which reads it has."
            : setup_.model_known
                ? "The published repository of this format; a folder on every node does as well."
                : "No published repository of this format is known: name one, or a path that every "
                  "node has.");
    line("MODEL", shell_word(setup_.model));
    comment("Where the runtime's program is on every node; empty: where this Mac has it.");
    line("SERVER", "\"\"");
    comment(
        "The port that the server listens on, at the address 127.0.0.1 of its node; a list has "
        "one for each node.");
    line("HTTP_PORT", std::to_string(setup_.facts().http_port));
    if (setup_.sharded() && setup_.launched_by("mlx-lm")) {
      comment("Ranks listen for each other from this port on.");
      line("RING_PORT", std::to_string(first_ring_port));
    } else if (setup_.sharded() && setup_.launched_by("llama.cpp")) {
      comment("The port of the RPC servers.");
      line("RPC_PORT", std::to_string(setup_.facts().rpc_port));
    }
    if (!setup_.cables.empty()) {
      comment("The cables' addresses, a subnet of its own for each: others where yours are taken.");
      cables("ADDRESS_A",
             [](const AddressedCable& cable, std::size_t) { return cable.first_address; });
      cables("ADDRESS_B",
             [](const AddressedCable& cable, std::size_t) { return cable.second_address; });
    }
  }

  void planned() {
    comment("As planned: nothing to change below.");
    line("PLANNED", shell_word(setup_.planned()));
    line("RUNTIME", shell_word(setup_.placement->runtime->name()));
    line("SPLIT", shell_word(plan::split_name(setup_.placement->split)));
    list("SSH_IN_FILES", [](const UsedNode& node) { return shell_word(node.ssh); });
    list("REPLICA", [](const UsedNode& node) { return std::to_string(node.replica); });
    std::string first;
    for (const Replica& replica : setup_.replicas) {
      // The node that serves: rank 0, and llama.cpp's client, its last device.
      const bool last = setup_.launched_by("llama.cpp");
      first += (first.empty() ? "" : " ") +
               std::to_string(last ? replica.ranks.back() : replica.ranks.front());
    }
    line("SERVING", "(" + first + ")");
    line("CONTEXT", std::to_string(setup_.context));
    line("SEQUENCES", std::to_string(setup_.plan->request.workload.sequences));
    list("DEMAND_BYTES", [](const UsedNode& node) { return std::to_string(node.demand.count()); });
    list("DOWNLOAD_BYTES",
         [&](const UsedNode& node) { return std::to_string(node.download.count()); });
    list("READS_MODEL", [&](const UsedNode& node) {
      const bool client_only = setup_.sharded() && setup_.launched_by("llama.cpp");
      return std::string(!client_only || node.download > Bytes{} ? "1" : "0");
    });
    list("WIRED_MB", [](const UsedNode& node) { return std::to_string(node.wired_mb); });
    list("MAC", [&](const UsedNode& node) {
      return std::string(setup_.cluster().nodes[node.node].mac ? "1" : "0");
    });
    list("ALONE", [](const UsedNode& node) { return std::string(node.alone ? "1" : "0"); });
    line("RDMA", setup_.rdma() ? "1" : "0");
    line("THUNDERBOLT", std::to_string(thunderbolt(setup_)));
    if (setup_.launched_by("llama.cpp")) {
      line("RPC_NAME", shell_word(setup_.facts().rpc_server));
    }
    const auto layers =
        static_cast<std::int64_t>(setup_.plan->request.model.architecture.layers.size());
    std::int64_t uneven = 0;
    for (const Replica& replica : setup_.replicas) {
      const auto ranks = static_cast<std::int64_t>(replica.ranks.size());
      uneven =
          std::max<std::int64_t>(uneven, !replica.layers.empty() && layers % ranks != 0 ? 1 : 0);
    }
    // mlx-lm up to 0.32.0 drops layers then, and can't be told a split.
    line("NEEDS_MLX_LM_FIX",
         setup_.launched_by("mlx-lm") && (uneven != 0 || setup_.told_split()) ? "1" : "0");
    cables("CABLE_A",
           [](const AddressedCable& cable, std::size_t) { return std::to_string(cable.first); });
    cables("CABLE_B",
           [](const AddressedCable& cable, std::size_t) { return std::to_string(cable.second); });
    cables("ADDRESS_A_IN_FILES",
           [](const AddressedCable& cable, std::size_t) { return cable.first_address; });
    cables("ADDRESS_B_IN_FILES",
           [](const AddressedCable& cable, std::size_t) { return cable.second_address; });
    if (setup_.cables.empty()) {
      text_ += "ADDRESS_A=()\nADDRESS_B=()\n";
    }
  }

  const Setup& setup_;
  std::string text_;
};

}  // namespace

void add_settings(const Setup& setup, std::vector<File>& files) {
  files.push_back({"settings.sh", 0644, Writer(setup).write()});
  files.push_back({"common.sh", 0644, common});
}

}  // namespace macfit::launch
