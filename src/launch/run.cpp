#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "macfit/launch/shell.hpp"
#include "setup.hpp"

namespace macfit::launch {
namespace {

constexpr const char* head = R"SCRIPT(#!/usr/bin/env bash
# shellcheck disable=SC2016  # what stands in single quotes is expanded on the node
# Starts what macfit planned.
# usage: ./run.sh [start]   the planned placement, until Ctrl-C
#        ./run.sh alone N   the whole model on node N (from 1) alone, where it fits: for spike.sh
#        ./run.sh stop      ends the servers that this script started on the nodes
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need "${SSH[@]}" "$MODEL"
)SCRIPT";

constexpr const char* stop = R"SCRIPT(
stop() {
  local node
  for node in "${!SSH[@]}"; do
    on "$node" <<'STOP' || true
for file in "$HOME"/.macfit-*.pid; do
  if [ -f "$file" ]; then kill "$(cat "$file")" 2>/dev/null || true; rm -f "$file"; fi
done
STOP
  done
}

# keep NAME: a line for a node's script, which writes down what stop() ends
keep() { printf 'echo $$ >"$HOME"/.macfit-%s.pid\n' "$1"; }
)SCRIPT";

constexpr const char* mlx_tools = R"SCRIPT(
SERVER=${SERVER:-$(command -v mlx_lm.server || true)}
[ -n "$SERVER" ] || die "mlx_lm.server is not on this Mac: pip install mlx-lm, or set SERVER in settings.sh"

# flags WORD...: stops where this mlx_lm.server does not know one of them
flags() {
  local word help
  help=$("$SERVER" --help 2>&1 || true)
  for word in "$@"; do
    case $help in
      *"$word"*) ;;
      *) die "$SERVER: this has no $word: the plan needs one that has" ;;
    esac
  done
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

std::string numbered(const Setup& setup, std::string_view stem, std::size_t replica,
                     std::string_view end) {
  return setup.replicas.size() == 1 ? fmt::format("{}{}", stem, end)
                                    : fmt::format("{}-{}{}", stem, replica + 1, end);
}

std::string comma_list(const std::vector<std::int64_t>& values) {
  std::string text;
  for (const std::int64_t value : values) {
    text += (text.empty() ? "" : ",") + std::to_string(value);
  }
  return text;
}

int kv_bits(const Setup& setup) {
  switch (setup.plan->request.workload.kv) {
    case runtime::KvFormat::q8:
      return 8;
    case runtime::KvFormat::q4:
      return 4;
    default:
      return 0;
  }
}

/// What mlx_lm.server is told beside the model.
std::string mlx_flags(const Setup& setup, bool sharded) {
  const runtime::Workload& workload = setup.plan->request.workload;
  std::string flags = "--host 127.0.0.1 --port \"$HTTP_PORT\"";
  if (sharded && setup.placement->split == plan::SplitKind::pipeline) {
    flags += " --pipeline";
  }
  flags += fmt::format(" --prefill-step-size {} --decode-concurrency {} --prompt-concurrency {}",
                       workload.prefill_step, workload.sequences,
                       std::min<std::int64_t>(workload.sequences, 8));
  flags += fmt::format(" --prompt-cache-size {}", setup.cache_entries);
  if (const int bits = kv_bits(setup); bits > 0) {
    flags += fmt::format(" --kv-bits {}", bits);
  }
  return flags;
}

std::string llama_cache_type(runtime::KvFormat format) {
  switch (format) {
    case runtime::KvFormat::bf16:
      return "f16";
    case runtime::KvFormat::f32:
      return "f32";
    case runtime::KvFormat::q8:
      return "q8_0";
    case runtime::KvFormat::q4:
      return "q4_0";
    default:
      return std::string(runtime::kv_format_name(format));
  }
}

/// The last device of llama.cpp holds the output too, counted as one layer; layers that it does
/// not load (MTP) are counted behind it. The plan's own words hold the numbers where it has some.
std::string tensor_split(const Setup& setup, const Replica& replica) {
  const std::string& how = setup.placement->how;
  constexpr std::string_view flag = "--tensor-split ";
  if (const std::size_t at = how.find(flag);
      at != std::string::npos && setup.replicas.size() == 1) {
    const std::string_view numbers = std::string_view(how).substr(at + flag.size());
    return std::string(numbers.substr(0, numbers.find_first_not_of("0123456789,")));
  }
  std::vector<std::int64_t> layers = replica.layers;
  layers.back() += 1 + setup.plan->request.model.architecture.extras.mtp_layers;
  return comma_list(layers);
}

std::string llama_flags(const Setup& setup) {
  const runtime::Workload& workload = setup.plan->request.workload;
  const std::string cache = llama_cache_type(workload.kv);
  return fmt::format(
      "-c {} -np {} -ub 512 -fa on -ctk {} -ctv {} -ngl 999 --fit off --host 127.0.0.1 --port "
      "\"$HTTP_PORT\"",
      setup.context * workload.sequences, workload.sequences, cache, cache);
}

/// "-hf owner/name:Q4_K_M" from a repository, "-m file" from a path.
constexpr const char* llama_tools = R"SCRIPT(
SERVER=${SERVER:-llama-server}
RPC_SERVER=$(dirname "$SERVER")/$RPC_NAME
if [ "$SERVER" = llama-server ]; then RPC_SERVER=$RPC_NAME; fi
export RPC_SERVER
case $MODEL in
  *.gguf) files=(-m "$MODEL") ;;
  *) files=(-hf "$MODEL:$FORMAT") ;;
esac
)SCRIPT";

class Script {
 public:
  explicit Script(const Setup& setup) : setup_(setup) {}

  std::string write() {
    text_ = head;
    if (setup_.launched_by("mlx-lm")) {
      mlx();
    } else if (setup_.launched_by("exo")) {
      exo();
    } else {
      llama();
    }
    text_ += tail;
    return text_;
  }

 private:
  /// A server of its own on each node of `nodes`, in the background, then a wait.
  void workers(std::string_view name, std::string_view body) {
    text_ += fmt::format("\n{}() {{\n  local node\n  for node in \"$@\"; do\n", name);
    text_ += body;
    text_ += fmt::format(
        "    printf '%s: log in %s\\n' \"${{NAMES[$node]}}\" \"worker-$((node + 1)).log\"\n"
        "  done\n  trap stop INT TERM\n  wait\n}}\n");
  }

  void mlx() {
    text_ += stop;
    text_ += mlx_tools;
    std::string body =
        "    { keep worker; printf 'exec caffeinate -ims %q --model %q %s\\n' \"$SERVER\" "
        "\"$MODEL\" \\\n      \"" +
        escaped(mlx_flags(setup_, false)) +
        "\"; } |\n      on \"$node\" >\"worker-$((node + 1)).log\" 2>&1 &\n";
    workers("alone", body);
    std::string known = "--prefill-step-size --decode-concurrency --prompt-cache-size";
    known += kv_bits(setup_) > 0 ? " --kv-bits" : "";
    if (!setup_.sharded()) {
      text_ += "\nstart() {\n  flags " + known + "\n" + node_lines() + "  alone " + all_nodes() +
               "\n}\n";
      return;
    }
    known += setup_.placement->split == plan::SplitKind::pipeline ? " --pipeline" : "";
    // In the background a script's jobs ignore Ctrl-C unless they are jobs of their own.
    const bool several = setup_.replicas.size() > 1;
    text_ += "\nstart() {\n  flags " + known + "\n" + (several ? "  set -m\n" : "");
    for (std::size_t r = 0; r < setup_.replicas.size(); ++r) {
      const std::string file = numbered(setup_, "hostfile", r, ".json");
      const std::string filled = numbered(setup_, "hostfile", r, ".filled.json");
      text_ += fmt::format("  fill {} >{}\n", file, filled);
      std::string program = "\"$SERVER\"";
      if (setup_.told_split()) {
        const std::string script = numbered(setup_, "serve_split", r, ".py");
        text_ += "  mkdir -p \"$HOME/.macfit\"\n";
        for (const std::size_t at : setup_.replicas[r].ranks) {
          text_ += fmt::format(
              "  {{ printf 'mkdir -p \"$HOME/.macfit\" && cat >\"$HOME/.macfit/{0}\" "
              "<<\"PYTHON\"\\n'; cat {0}; printf 'PYTHON\\n'; }} | on {1}\n",
              script, at);
        }
        text_ += fmt::format("  cp {0} \"$HOME/.macfit/{0}\"\n", script);
        program = fmt::format("\"$HOME/.macfit/{}\"", script);
      }
      text_ += fmt::format(
          "  mlx.launch --backend {} --hostfile {} -- \\\n    {} --model \"$MODEL\" {}{}\n",
          runtime::backend_name(setup_.backend), filled, program, mlx_flags(setup_, true),
          several ? " &" : "");
    }
    if (several) {
      text_ += "  trap 'kill -INT $(jobs -p) 2>/dev/null' INT TERM\n  wait\n";
    }
    text_ += "}\n";
  }

  void exo() {
    text_ += R"SCRIPT(
API=http://127.0.0.1:$HTTP_PORT

# post FILE: asks EXO, which must run on every node and on this Mac's port, for a placement
post() {
  fill "$1" | curl --fail-with-body -sS -X POST "$API/place_instance" \
    -H 'Content-Type: application/json' --data-binary @-
  printf '\n'
}

alone() { die "EXO chooses the nodes itself: start it on one node only, then ./run.sh start"; }

stop() { printf 'instances: curl %s/state; delete one: curl -X DELETE %s/instance/ID\n' "$API" "$API"; }

start() {
)SCRIPT";
    for (std::size_t r = 0; r < setup_.replicas.size(); ++r) {
      text_ += fmt::format("  post {}\n", numbered(setup_, "place_instance", r, ".json"));
    }
    text_ += "  curl -sS \"$API/state\" >state.json\n}\n";
  }

  void llama() {
    text_ += stop;
    text_ += fmt::format("FORMAT={}\n", shell_word(setup_.placement->format));
    text_ += fmt::format("RPC_NAME={}", shell_word(setup_.facts().rpc_server));
    text_ += llama_tools;
    const std::string flags = llama_flags(setup_);
    const std::string body =
        "    { keep worker; printf 'exec %q' \"$SERVER\"; printf ' %q' \"${files[@]}\"; printf ' "
        "%s\\n' \\\n      \"" +
        escaped(flags) + "\"; } | on \"$node\" >\"worker-$((node + 1)).log\" 2>&1 &\n";
    workers("alone", body);
    if (!setup_.sharded()) {
      text_ += "\nstart() {\n" + node_lines() + "  alone " + all_nodes() + "\n}\n";
      return;
    }
    text_ += "\nstart() {\n";
    for (const Replica& replica : setup_.replicas) {
      const std::size_t client = replica.ranks.back();
      std::string servers;
      for (std::size_t i = 0; i + 1 < replica.ranks.size(); ++i) {
        const std::size_t at = replica.ranks[i];
        const std::string address = shell_address(at, client);
        servers +=
            fmt::format("{}{}:{}", servers.empty() ? "" : ",", address, setup_.facts().rpc_port);
        text_ += fmt::format(
            "  # {}\n  need \"{}\"\n  {{ keep rpc; printf 'exec %q -H %q -p {}\\n' "
            "\"$RPC_SERVER\" \"{}\"; }} |\n    on {} >rpc-{}.log 2>&1 &\n",
            setup_.nodes[at].name, address, setup_.facts().rpc_port, address, at, at + 1);
      }
      text_ += "  sleep 3\n";
      std::string split = "-sm tensor";
      if (setup_.placement->split == plan::SplitKind::pipeline) {
        split = "--tensor-split " + tensor_split(setup_, replica);
      }
      text_ += fmt::format(
          "  # {}: the client, and the last device\n  {{ keep client; printf 'exec %q' "
          "\"$SERVER\"; printf ' %q' \"${{files[@]}}\"; printf ' %s\\n' \\\n    \"--rpc {} {} "
          "{}\"; "
          "}} | on {} >client-{}.log 2>&1 &\n",
          setup_.nodes[client].name, servers, split, escaped(flags), client, client + 1);
    }
    text_ += "  trap stop INT TERM\n  wait\n}\n";
  }

  /// Inside double quotes: only $HTTP_PORT is to be expanded, and its quotes go.
  [[nodiscard]] static std::string escaped(std::string text) {
    std::string result;
    for (const char c : text) {
      if (c != '"') {
        result += c;
      }
    }
    return result;
  }

  [[nodiscard]] std::string shell_address(std::size_t at, std::size_t from) const {
    return setup_.cable(at, from) != nullptr ? setup_.address(at, from)
                                             : fmt::format("${{LAN[{}]}}", at);
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

std::vector<std::string> command_lines(const Setup& setup) {
  std::vector<std::string> lines;
  const std::string model = quote_value(setup.model);
  const auto port = [&](std::string text) {
    const std::string variable = "\"$HTTP_PORT\"";
    if (const std::size_t at = text.find(variable); at != std::string::npos) {
      text.replace(at, variable.size(), std::to_string(setup.facts().http_port));
    }
    return text;
  };
  for (std::size_t r = 0; r < setup.replicas.size(); ++r) {
    const Replica& replica = setup.replicas[r];
    const UsedNode& first = setup.nodes[replica.ranks.front()];
    if (setup.launched_by("exo")) {
      lines.push_back(fmt::format(
          "curl -X POST http://127.0.0.1:{}/place_instance -H 'Content-Type: application/json' "
          "--data-binary @{}",
          setup.facts().http_port, numbered(setup, "place_instance", r, ".json")));
    } else if (setup.launched_by("mlx-lm") && setup.sharded()) {
      lines.push_back(fmt::format(
          "mlx.launch --backend {} --hostfile {} -- {} --model {} {}",
          runtime::backend_name(setup.backend), numbered(setup, "hostfile", r, ".json"),
          setup.told_split() ? numbered(setup, "serve_split", r, ".py") : "mlx_lm.server", model,
          port(mlx_flags(setup, true))));
    } else if (setup.launched_by("mlx-lm")) {
      lines.push_back(fmt::format("ssh {} mlx_lm.server --model {} {}", shell_word(first.ssh),
                                  model, port(mlx_flags(setup, false))));
    } else if (!setup.sharded()) {
      lines.push_back(fmt::format("ssh {} llama-server -hf {}:{} {}", shell_word(first.ssh), model,
                                  shell_word(setup.placement->format), port(llama_flags(setup))));
    } else {
      const std::size_t client = replica.ranks.back();
      std::string servers;
      for (std::size_t i = 0; i + 1 < replica.ranks.size(); ++i) {
        const std::string address = setup.address(replica.ranks[i], client);
        servers +=
            fmt::format("{}{}:{}", servers.empty() ? "" : ",", address, setup.facts().rpc_port);
        lines.push_back(fmt::format("ssh {} {} -H {} -p {}",
                                    shell_word(setup.nodes[replica.ranks[i]].ssh),
                                    setup.facts().rpc_server, address, setup.facts().rpc_port));
      }
      const bool pipeline = setup.placement->split == plan::SplitKind::pipeline;
      lines.push_back(fmt::format(
          "ssh {} llama-server -hf {}:{} --rpc {} {} {}", shell_word(setup.nodes[client].ssh),
          model, shell_word(setup.placement->format), servers,
          pipeline ? "--tensor-split " + tensor_split(setup, replica) : "-sm tensor",
          port(llama_flags(setup))));
    }
  }
  return lines;
}

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
        files.push_back({numbered(setup, "serve_split", r, ".py"), 0644,
                         fmt::format(serve_split, "[" + comma_list(replica.layers) + "]")});
      }
    }
  }
}

}  // namespace macfit::launch
