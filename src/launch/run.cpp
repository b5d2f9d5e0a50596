// run.sh: what starts the placement on its nodes, watches it, and ends it. Written for the bash 3.2
// that macOS has: no wait -n, no associative arrays, no empty array under set -u.

#include <algorithm>

#include <fmt/format.h>

#include "flags.hpp"
#include "macfit/core/shell_word.hpp"
#include "setup.hpp"

namespace macfit::launch {
namespace {

constexpr const char* head = R"SCRIPT(#!/usr/bin/env bash
# shellcheck disable=SC2016,SC2034  # what stands in single quotes is expanded on the node
# Starts what macfit planned, and ends it.
# usage: ./run.sh [start]   the planned placement, until Ctrl-C; code 1 when a part of it fails
#        ./run.sh alone N   the whole model on node N (from 1) alone, where it fits: for spike.sh
#        ./run.sh stop      ends the servers that this folder started on the nodes
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need "${SSH[@]}" "$MODEL"

say() { printf '%s\n' "$*" >&2; }
)SCRIPT";

constexpr const char* mlx_tools = R"SCRIPT(
# heeds PORT: where its generation has died (a model that does not load, out of memory), mlx_lm.server
# goes on listening and says so at /health alone (0.32.2): then its part ends.
heeds() {
  printf 'port=%q\n' "$1"
  cat <<'NODE'
if [ "${MLX_RANK-0}" = 0 ]; then
  (
    ill=0
    while sleep 3 && kill -0 $$; do
      case $(curl -s -o /dev/null --max-time 5 -w '%{http_code}' "http://127.0.0.1:$port/health") in
        503) ill=$((ill + 1)) ;;
        *) ill=0 ;;
      esac
      [ "$ill" -lt 2 ] || kill $$
    done
  ) >/dev/null 2>&1 &
fi
NODE
}

SERVER=${SERVER:-$(command -v mlx_lm.server || true)}
case ${1-} in
  stop) ;;
  *) [ -n "$SERVER" ] || die "mlx_lm.server is not on this Mac: pip install mlx-lm, or set SERVER in settings.sh" ;;
esac

# flags WORD...: stops where this mlx_lm.server does not know one of them
flags() {
  local word help
  if [ ! -x "$SERVER" ]; then return; fi
  help=$("$SERVER" --help 2>&1 || true)
  for word in "$@"; do
    case $help in
      *"$word"*) ;;
      *) die "$SERVER: this has no $word: the plan needs one that has" ;;
    esac
  done
}
)SCRIPT";

constexpr const char* mlx_shard = R"SCRIPT(
# The launcher of the same installation, else that on PATH.
MLX_LAUNCH=$(dirname "$SERVER")/mlx.launch
if [ ! -x "$MLX_LAUNCH" ]; then MLX_LAUNCH=mlx.launch; fi

# shard REPLICA HOSTFILE BACKEND NODE...: the nodes rank by rank, under mlx.launch. It starts what it
# is told by exec, so a shell that is on every PATH starts the rank; from an input that has an end
# it would read without a pause, so it gets one that has none.
RANKS=()
shard() {
  local replica=$1 file=$2 backend=$3 log
  shift 3
  log=shard-$((replica + 1)).log
  RANKS[${#RANKS[@]}]="$*"
  "$MLX_LAUNCH" --backend "$backend" --hostfile "$file" --starting-port "$RING_PORT" -- \
    bash -c "$(known "rank-$replica-\$MLX_RANK"; rank "$replica" "$1")" >"$log" 2>&1 <&9 &
  part $! "$1" "$log"
}

# What says nothing and does not end.
silence() {
  rm -f .silence
  mkfifo .silence
  exec 9<>.silence
  rm -f .silence
}
)SCRIPT";

constexpr const char* rank_plain = R"SCRIPT(
rank() {
  heeds "$(http_port "$2")"
  printf 'exec %q --model %q @FLAGS@ </dev/null\n' "$SERVER" "$MODEL" "$(http_port "$2")"
}
)SCRIPT";

/// The python that the server's own first line names: serve_split.py needs the same mlx_lm.
constexpr const char* rank_split = R"SCRIPT(
rank() {
  heeds "$(http_port "$2")"
  printf 'server=%q\n' "$SERVER"
  cat <<'NODE'
python=$(sed -n '1s/^#! *//p' "$server" | grep -m 1 'python[0-9.]*$' || true)
if [ ! -x "$python" ]; then python=$(dirname "$server")/python3; fi
if [ ! -x "$python" ]; then python=python3; fi
NODE
  printf 'cat >"$HOME/.macfit/$id/serve_split-%s-$MLX_RANK.py" <<"PYTHON" || exit 1\n' "$1"
  cat "@SCRIPT@"
  printf 'PYTHON\nexec "$python" "$HOME/.macfit/$id/serve_split-%s-$MLX_RANK.py" --model %q @FLAGS@ </dev/null\n' \
    "$1" "$MODEL" "$(http_port "$2")"
}
)SCRIPT";

constexpr const char* tail = R"SCRIPT(
case ${1:-start} in
  start) start ;;
  stop) stop ;;
  alone)
    case ${2:-1} in
      0 | *[!0-9]*) die "usage: ./run.sh alone N, N from 1" ;;
    esac
    node=$((${2:-1} - 1))
    [ "${ALONE[$node]-0}" = 1 ] || die "${NAMES[$node]-that node} can't hold the whole model"
    alone "$node"
    ;;
  *) die "usage: ./run.sh [start|stop|alone N]" ;;
esac
)SCRIPT";

constexpr const char* serve_split =
    R"PYTHON(# Runs mlx_lm.server with the layers split as planned, which its command line can't say.
import inspect
import sys

from mlx_lm.models import pipeline

SPLIT = {}  # layers by rank; rank 0 has the last ones
original = pipeline.PipelineMixin.pipeline

if "split" not in inspect.signature(original).parameters:
    sys.exit("this mlx-lm can't be told a split: it needs mlx-lm#1816 (releases from 0.32.0 on)")


def planned(self, group, *args, **kwargs):
    return original(self, group, split=SPLIT)


pipeline.PipelineMixin.pipeline = planned

from mlx_lm.server import main  # noqa: E402

main()
)PYTHON";

/// "-hf owner/name:Q4_K_M" from a repository, "-m file" from a path.
constexpr const char* llama_tools = R"SCRIPT(
SERVER=${SERVER:-llama-server}
RPC_SERVER=$(dirname "$SERVER")/$RPC_NAME
if [ "$SERVER" = llama-server ]; then RPC_SERVER=$RPC_NAME; fi
case $MODEL in
  *.gguf) FILES=(-m "$MODEL") ;;
  *) FILES=(-hf "$MODEL:$FORMAT") ;;
esac

# serve NODE WORDS...: llama-server with the model and these
serve() {
  local node=$1
  shift
  printf 'exec %q' "$SERVER"
  printf ' %q' "${FILES[@]}" "$@"
  printf ' </dev/null\n'
}

# reaches ADDRESS:PORT...: a client's script waits for its RPC servers at most 20 seconds
reaches() {
  printf 'servers=%q\n' "$*"
  cat <<'NODE'
for at in $servers; do
  tries=0
  until (exec 3<>"/dev/tcp/${at%:*}/${at##*:}") 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -ge 40 ]; then
      echo "no RPC server answers at $at: see rpc-*.log"
      exit 1
    fi
    sleep 0.5
  done
done
NODE
}
)SCRIPT";

void put(std::string& text, std::string_view word, const std::string& value) {
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += value.size()) {
    text.replace(at, word.size(), value);
  }
}

/// Flags as printf prints them: the port is an argument.
std::string printed(std::string flags) {
  put(flags, "PORT", "%q");
  return flags;
}

/// Flags as words of a shell, the port that of a node.
std::string words(std::string flags, std::size_t node) {
  put(flags, "PORT", fmt::format("\"$(http_port {})\"", node));
  return flags;
}

class Script {
 public:
  explicit Script(const Setup& setup) : setup_(setup) {}

  std::string write() {
    text_ = head;
    if (setup_.launched_by("exo")) {
      text_ += exo_script(setup_);
    } else {
      text_ += run_parts();
      setup_.launched_by("mlx-lm") ? mlx() : llama();
    }
    text_ += tail;
    return text_;
  }

 private:
  /// What each node has to have, and where its part will listen; before the first is started.
  void needs(const std::string& program) {
    std::string programs;
    std::string listens;
    for (std::size_t at = 0; at < setup_.nodes.size(); ++at) {
      const bool serves = is_serving(at) || !setup_.sharded();
      programs += (at > 0 ? " " : "") +
                  (serves || setup_.launched_by("mlx-lm") ? program : "\"$RPC_SERVER\"");
      std::string ports = serves ? fmt::format(" 127.0.0.1:$(http_port {})", at) : std::string();
      if (setup_.sharded()) {
        ports += own_port(at);
      }
      listens += (at > 0 ? " " : "") + std::string("\"") +
                 (ports.empty() ? ports : ports.substr(1)) + "\"";
    }
    text_ += fmt::format("PROGRAMS=({})\nLISTENS=({})\n", programs, listens);
  }

  /// Where a rank listens for its neighbor, the first of JACCL for all, or an RPC server.
  [[nodiscard]] std::string own_port(std::size_t at) const {
    for (const Replica& replica : setup_.replicas) {
      const auto found = std::find(replica.ranks.begin(), replica.ranks.end(), at);
      if (found == replica.ranks.end()) {
        continue;
      }
      const auto rank = static_cast<std::size_t>(found - replica.ranks.begin());
      const std::size_t ranks = replica.ranks.size();
      if (setup_.launched_by("llama.cpp")) {
        return rank + 1 == ranks ? std::string()
                                 : fmt::format(" {}:$RPC_PORT", address(at, replica.ranks.back()));
      }
      if (setup_.backend == runtime::Backend::mlx_ring) {
        return fmt::format(" {}:$((RING_PORT + {}))",
                           address(at, replica.ranks[(rank + ranks - 1) % ranks]), rank);
      }
      return rank == 0 ? fmt::format(" ${{LAN[{}]}}:$RING_PORT", at) : std::string();
    }
    return {};
  }

  [[nodiscard]] bool is_serving(std::size_t at) const {
    return std::any_of(setup_.replicas.begin(), setup_.replicas.end(), [&](const Replica& replica) {
      return at == (setup_.launched_by("llama.cpp") ? replica.ranks.back() : replica.ranks.front());
    });
  }

  /// The whole model on each of some nodes. `command` prints the line that starts it there.
  void alone(const std::string& command) {
    text_ += fmt::format(R"SCRIPT(
alone() {{
  local node
  for node in "$@"; do
    PROGRAMS[node]=$SERVER LISTENS[node]=127.0.0.1:$(http_port "$node") READS_MODEL[node]=1
  done
  able "$@"
  for node in "$@"; do
    {{ known "worker-$node"; {}; }} | on "$node" >"worker-$((node + 1)).log" 2>&1 &
    part $! "$node" "worker-$((node + 1)).log"
  done
  watch
}}
)SCRIPT",
                         command);
  }

  void mlx() {
    text_ += mlx_tools;
    needs("\"$SERVER\"");
    alone(
        fmt::format("heeds \"$(http_port \"$node\")\"; printf 'exec %q --model %q {} "
                    "</dev/null\\n' \"$SERVER\" \"$MODEL\" "
                    "\"$(http_port \"$node\")\"",
                    printed(mlx_flags(setup_, false))));
    if (!setup_.sharded()) {
      text_ += "\nstart() {\n  flags " + mlx_flags_to_check(setup_) + "\n" + node_lines() +
               "  alone " + all_nodes() + "\n}\n";
      return;
    }
    text_ += mlx_shard;
    std::string rank = setup_.told_split() ? rank_split : rank_plain;
    put(rank, "@FLAGS@", printed(mlx_flags(setup_, true)));
    put(rank, "@SCRIPT@",
        setup_.replicas.size() > 1 ? "serve_split-$(($1 + 1)).py" : "serve_split.py");
    text_ += rank;
    text_ += "\nstart() {\n  flags " + mlx_flags_to_check(setup_) + "\n" + node_lines();
    std::string shards;
    for (std::size_t r = 0; r < setup_.replicas.size(); ++r) {
      const std::string filled = numbered(setup_, "hostfile", r, ".filled.json");
      text_ += fmt::format("  fill {} >{}\n", numbered(setup_, "hostfile", r, ".json"), filled);
      shards += fmt::format("  shard {} {} {}{}\n", r, filled,
                            runtime::backend_name(setup_.backend), positions(r));
    }
    text_ += "  able " + all_nodes() + "\n  silence\n" + shards + "  watch\n}\n";
  }

  void llama() {
    text_ += fmt::format("\nFORMAT={}", shell_word(setup_.placement->format));
    text_ += llama_tools;
    needs("\"$SERVER\"");
    std::string flags = llama_flags(setup_);
    put(flags, "PORT", "\"$(http_port \"$node\")\"");
    alone("serve \"$node\" " + flags);
    text_ += "\nstart() {\n" + node_lines();
    if (!setup_.sharded()) {
      text_ += "  alone " + all_nodes() + "\n}\n";
      return;
    }
    text_ += "  able " + all_nodes() + "\n";
    for (const Replica& replica : setup_.replicas) {
      llama_replica(replica);
    }
    text_ += "  watch\n}\n";
  }

  void llama_replica(const Replica& replica) {
    const std::size_t client = replica.ranks.back();
    std::string servers;
    for (std::size_t i = 0; i + 1 < replica.ranks.size(); ++i) {
      const std::size_t at = replica.ranks[i];
      const std::string where = address(at, client);
      servers += (servers.empty() ? "" : " ") + where + ":$RPC_PORT";
      text_ += fmt::format(
          "  {{ known rpc-{0}; printf 'exec %q -H %q -p %q </dev/null\\n' \"$RPC_SERVER\" \"{1}\" "
          "\"$RPC_PORT\"; }} |\n    on {0} >rpc-{2}.log 2>&1 &\n  part $! {0} rpc-{2}.log\n",
          at, where, at + 1);
    }
    std::string listed = servers;
    std::replace(listed.begin(), listed.end(), ' ', ',');
    text_ += fmt::format(
        "  # the client, and the last device\n  {{ known client-{0}; reaches \"{1}\"; serve {0} "
        "--rpc \"{2}\" {3} {4}; }} |\n    on {0} >client-{5}.log 2>&1 &\n  part $! {0} "
        "client-{5}.log\n",
        client, servers, listed, llama_split(setup_, replica), words(llama_flags(setup_), client),
        client + 1);
  }

  /// The address at which `at` is reached from `from`, as settings.sh names it.
  [[nodiscard]] std::string address(std::size_t at, std::size_t from) const {
    for (std::size_t i = 0; i < setup_.cables.size(); ++i) {
      const AddressedCable& cable = setup_.cables[i];
      if (cable.first == at && cable.second == from) {
        return fmt::format("${{ADDRESS_A[{}]}}", i);
      }
      if (cable.second == at && cable.first == from) {
        return fmt::format("${{ADDRESS_B[{}]}}", i);
      }
    }
    return fmt::format("${{LAN[{}]}}", at);
  }

  [[nodiscard]] std::string positions(std::size_t replica) const {
    std::string text;
    for (const std::size_t at : setup_.replicas[replica].ranks) {
      text += " " + std::to_string(at);
    }
    return text;
  }

  [[nodiscard]] std::string all_nodes() const {
    std::string text;
    for (std::size_t i = 0; i < setup_.nodes.size(); ++i) {
      text += (text.empty() ? "" : " ") + std::to_string(i);
    }
    return text;
  }

  [[nodiscard]] std::string node_lines() const {
    std::string text;
    for (std::size_t i = 0; i < setup_.nodes.size(); ++i) {
      text += fmt::format("  # {}: {}\n", i, setup_.nodes[i].name);
    }
    return text;
  }

  const Setup& setup_;
  std::string text_;
};

}  // namespace

void add_run(const Setup& setup, std::vector<File>& files) {
  files.push_back({"run.sh", 0755, Script(setup).write()});
  for (std::size_t r = 0; r < setup.replicas.size(); ++r) {
    const Replica& replica = setup.replicas[r];
    if (setup.launched_by("exo")) {
      files.push_back(
          {numbered(setup, "place_instance", r, ".json"), 0644, place_instance(setup, replica)});
    } else if (setup.launched_by("mlx-lm") && setup.sharded()) {
      files.push_back({numbered(setup, "hostfile", r, ".json"), 0644, hostfile(setup, replica)});
      if (setup.told_split()) {
        files.push_back({numbered(setup, "serve_split", r, ".py"), 0755,
                         "#!/usr/bin/env python3\n" +
                             fmt::format(serve_split, "[" + comma_list(replica.layers) + "]")});
      }
    }
  }
}

}  // namespace macfit::launch
