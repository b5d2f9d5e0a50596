#include <fmt/format.h>

#include "macfit/launch/shell.hpp"
#include "setup.hpp"

namespace macfit::launch {
namespace {

constexpr const char* addresses = R"SCRIPT(#!/usr/bin/env bash
# Takes the Thunderbolt bridge down and gives every cable its own subnet, as mlx.distributed_config
# does. Lost at every reboot: run it again then. Needs sudo without a password on the nodes.
# usage: ./addresses.sh [--print]
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# commands NODE: what to run there, a line a command
commands() {
  local i
  printf 'sudo ifconfig bridge0 down\n'
  for i in "${!CABLE_A[@]}"; do
    if [ "${CABLE_A[$i]}" = "$1" ]; then
      printf 'sudo ifconfig %s inet %s netmask 255.255.255.252\n' "${PORT_A[$i]}" "${ADDRESS_A[$i]}"
      printf 'sudo route change %s -interface %s\n' "${ADDRESS_B[$i]}" "${PORT_A[$i]}"
    elif [ "${CABLE_B[$i]}" = "$1" ]; then
      printf 'sudo ifconfig %s inet %s netmask 255.255.255.252\n' "${PORT_B[$i]}" "${ADDRESS_B[$i]}"
      printf 'sudo route change %s -interface %s\n' "${ADDRESS_A[$i]}" "${PORT_B[$i]}"
    fi
  done
}

for node in "${!SSH[@]}"; do
  if [ "${1-}" = --print ]; then
    printf '# %s\n' "${NAMES[$node]}"
    commands "$node"
    continue
  fi
  need "${PORT_A[@]}" "${PORT_B[@]}" "${SSH[@]}"
  printf '%s\n' "${NAMES[$node]}"
  { printf 'set -x\n'; commands "$node"; } | on "$node"
done
)SCRIPT";

constexpr const char* limits_head = R"SCRIPT(#!/usr/bin/env bash
# Raises the GPU limit as the plan needs it. Lost at every reboot: run it again then.
# Needs sudo without a password on the nodes; else type the lines below there.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need "${SSH[@]}"

)SCRIPT";

constexpr const char* preflight = R"SCRIPT(#!/usr/bin/env bash
# Checks every node before an unattended night. Changes nothing. One line a check; exit code 0 if all
# passed (warn: worth a look), 1 if one failed.
# shellcheck disable=SC2153  # settings.sh has them
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need "${SSH[@]}" "$MODEL"

failed=0
# say RESULT NODE TEXT
say() {
  printf '%-4s  %s: %s\n' "$1" "$2" "$3"
  if [ "$1" = fail ]; then failed=$((failed + 1)); fi
}

# The part that runs on the node. It prints RESULT|TEXT lines; `name`s are set before it.
checks() {
  cat <<'CHECKS'
result() { printf '%s|%s\n' "$1" "$2"; }
gb() { awk -v b="$1" 'BEGIN { printf "%.1f GB", b / 1e9 }'; }
if [ "$mac" = 1 ]; then
  version=$(sw_vers -productVersion 2>/dev/null || echo 0)
  wanted=15.0
  if [ "$rdma" = 1 ]; then wanted=26.2; fi
  if printf '%s\n%s\n' "$wanted" "$version" | awk -F. '
      NR == 1 { a = $1; b = $2 + 0 } NR == 2 { exit !($1 > a || ($1 == a && $2 + 0 >= b)) }'; then
    result pass "macOS $version ($wanted or later)"
  else
    result fail "macOS $version: $wanted or later is needed"
  fi

  page=$(sysctl -n hw.pagesize 2>/dev/null || echo 16384)
  used=$(vm_stat 2>/dev/null | awk -v page="$page" -F: '
    /Pages wired down|Anonymous pages|Pages occupied by compressor/ { gsub(/[ .]/, "", $2); sum += $2 }
    END { printf "%.0f", sum * page }')
  total=$(sysctl -n hw.memsize 2>/dev/null || echo 0)
  free=$((total - ${used:-0}))
  if [ "$free" -ge "$demand" ]; then
    result pass "free memory: $(gb "$free"), the plan needs $(gb "$demand")"
  else
    result fail "free memory: $(gb "$free"), the plan needs $(gb "$demand"): end other programs"
  fi

  limit=$(sysctl -n iogpu.wired_limit_mb 2>/dev/null || echo 0)
  if [ "$wired" -gt 0 ] && [ "$limit" -lt "$wired" ]; then
    result fail "GPU limit: iogpu.wired_limit_mb is $limit, the plan needs $wired (lost at reboot: limits.sh)"
  elif [ "$total" -gt 0 ] && [ $((limit * 1048576 + 2147483648)) -gt "$total" ]; then
    result fail "GPU limit: iogpu.wired_limit_mb is $limit of $((total / 1048576)) MiB: macOS is left too little (0 is the default)"
  elif [ "$limit" -gt 0 ] && [ $((limit * 1048576)) -lt "$demand" ]; then
    result fail "GPU limit: iogpu.wired_limit_mb is $limit, less than the plan's $(gb "$demand")"
  else
    result pass "GPU limit: iogpu.wired_limit_mb is $limit"
  fi

  if [ "$cables" = 1 ]; then
    if ifconfig bridge0 2>/dev/null | head -n 1 | grep -q '[<,]UP[,>]'; then
      result fail "Thunderbolt bridge: bridge0 is up (addresses.sh takes it down; lost at reboot)"
    else
      result pass "Thunderbolt bridge: down"
    fi
    for address in $own; do
      if ifconfig 2>/dev/null | grep -qF "inet $address "; then
        result pass "cable address $address is set"
      else
        result fail "cable address $address is not set (addresses.sh)"
      fi
    done
    if [ "$thunderbolt" -gt 3 ]; then
      for interface in $interfaces; do
        number=$(networksetup -listallhardwareports 2>/dev/null | awk -v d="$interface" '
          /^Hardware Port: Thunderbolt [0-9]+$/ { n = $4 } $1 == "Device:" { if ($2 == d) print n; n = "" }')
        speed=$(system_profiler SPThunderboltDataType -json 2>/dev/null | awk -v n="${number:-none}" -F'"' '
          /"current_speed_key"/ { s = $4 } /"receptacle_id_key"/ && $4 == n { print s; exit }')
        rate=$(printf '%s' "$speed" | tr -dc 0-9)
        if [ -z "$rate" ]; then
          result warn "Thunderbolt: nothing is known of the port of $interface"
        elif [ "$thunderbolt" = 5 ] && [ "$rate" -lt 80 ]; then
          result fail "Thunderbolt: the port of $interface does '$speed', which is no Thunderbolt 5: plan with --link tb4"
        else
          result pass "Thunderbolt: the port of $interface does '$speed'"
        fi
      done
    fi
    others=$(ifconfig 2>/dev/null | awk '$1 == "inet" { print $2 }' | grep '^192\.168\.0\.' || true)
    for address in $others; do
      case " $own " in
        *" $address "*) ;;
        *) result fail "$address of this node lies among the cables' addresses: choose others in settings.sh" ;;
      esac
    done
  fi

  if [ "$rdma" = 1 ]; then
    devices=$(ibv_devices 2>/dev/null | grep -c rdma_ || true)
    if [ "${devices:-0}" -gt 0 ]; then
      result pass "RDMA: ibv_devices lists $devices"
    else
      result fail "RDMA: ibv_devices is empty (rdma_ctl enable from Recovery; Thunderbolt 4 has none)"
    fi
    # A wedged port makes ibv_devinfo hang: it gets ten seconds.
    scratch=$(mktemp)
    ibv_devinfo >"$scratch" 2>/dev/null &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 1
    done
    if kill -0 "$pid" 2>/dev/null; then
      kill -9 "$pid" 2>/dev/null || true
      result fail "RDMA: ibv_devinfo hangs: replug the cable or reboot"
    elif grep -q PORT_ACTIVE "$scratch"; then
      result pass "RDMA: $(grep -c PORT_ACTIVE "$scratch") active port(s)"
    else
      result fail "RDMA: no port is active: check the cables"
    fi
    rm -f "$scratch"
  fi

  sleeps=$(pmset -g 2>/dev/null | awk '$1 == "sleep" { print $2; exit }')
  if [ "${sleeps:-1}" = 0 ]; then
    result pass "sleep: disabled"
  else
    result fail "sleep: after ${sleeps:-?} minutes (sudo pmset -a sleep 0)"
  fi
  # Of two names for the same setting each Mac prints one.
  mode=$(pmset -g 2>/dev/null | awk '$1 == "lowpowermode" || $1 == "powermode" { print $2; exit }')
  if [ "${mode:-0}" = 1 ]; then
    result fail "low power mode: on (sudo pmset -a lowpowermode 0)"
  fi
  if [ "$(pmset -g 2>/dev/null | awk '$1 == "autorestart" { print $2; exit }')" = 0 ]; then
    result warn "after a power failure this Mac stays off (sudo pmset -a autorestart 1)"
  fi
  if pmset -g batt 2>/dev/null | grep -q 'Battery Power'; then
    result fail "power: on battery"
  else
    result pass "power: on mains"
  fi
fi

for peer in $peers; do
  if ping -c 1 -t 3 "$peer" >/dev/null 2>&1 || ping -c 1 -W 3 "$peer" >/dev/null 2>&1; then
    result pass "reaches $peer"
  else
    result fail "does not reach $peer"
  fi
done

present=0
case $model in
  /* | ./* | "~"*) if [ -e "$model" ]; then present=1; fi ;;
  *)
    folder=models--$(printf '%s' "$model" | sed 's|/|--|g')
    hub=${HF_HOME:-$HOME/.cache/huggingface}/hub/$folder
    if [ "$runtime" = exo ]; then hub=${EXO_DEFAULT_MODELS_DIR:-${EXO_HOME:-$HOME/.exo}/models}/${folder#models--}; fi
    if [ "$runtime" = llama.cpp ] && [ ! -d "$hub" ]; then hub=${LLAMA_CACHE:-$HOME/Library/Caches/llama.cpp}; fi
    if [ -d "$hub" ] && [ -n "$(find -L "$hub" \( -name '*.safetensors' -o -name '*.gguf' \) 2>/dev/null | head -n 1)" ] &&
      [ -z "$(find "$hub" -name '*.incomplete' 2>/dev/null | head -n 1)" ]; then
      present=1
    fi
    ;;
esac
if [ "$download" = 0 ] && [ "$reads" = 0 ]; then
  result pass "model: nothing to download here"
elif [ "$present" = 1 ]; then
  result pass "model: files of $model are here"
else
  result fail "model: $model is not here yet ($(gb "$download") to download)"
  room=$(df -Pk "$HOME" | awk 'NR == 2 { printf "%.0f", $4 * 1024 }')
  if [ "$room" -ge "$download" ]; then
    result pass "disk: $(gb "$room") free for $(gb "$download")"
  else
    result fail "disk: $(gb "$room") free, $(gb "$download") to download"
  fi
fi

if [ -n "$server" ]; then
  if [ -x "$server" ] || command -v "$server" >/dev/null 2>&1; then
    result pass "program: $server"
  else
    result fail "program: $server is not here (the same path is needed on every node)"
  fi
fi
for port in $ports; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    result warn "port $port is busy: well if run.sh runs, else it would not start"
  fi
done
if [ "$runtime" = exo ]; then
  if [ "$(curl -s -o /dev/null --max-time 10 -w '%{http_code}' http://127.0.0.1:52415/state)" = 200 ]; then
    result pass "EXO runs"
  else
    result fail "EXO does not answer on port 52415: start it"
  fi
fi
# What the server itself runs by, as its first line says; and what release it is, for all nodes alike.
python=$(sed -n '1s/^#! *//p' "$(command -v "$server" || echo /dev/null)" 2>/dev/null | grep -m 1 'python[0-9.]*$' || true)
if [ ! -x "$python" ]; then python=$(dirname "$server")/python3; fi
if [ ! -x "$python" ]; then python=python3; fi
case $runtime in
  mlx-lm) result version "$("$python" -c 'from importlib.metadata import version as v; print("mlx-lm", v("mlx-lm"), "mlx", v("mlx"))' 2>/dev/null || echo unknown)" ;;
  llama.cpp) result version "$({ "$server" --version 2>&1 || true; } | grep -m 1 'version' || echo unknown)" ;;
esac
if [ "$fix" = 1 ]; then
  # Builds before and after the fix both call themselves 0.32.0: the fix can be told a split.
  found=$("$python" -c 'import inspect, mlx_lm
from mlx_lm.models.pipeline import PipelineMixin
print(mlx_lm.__version__, "split" in inspect.signature(PipelineMixin.pipeline).parameters)' 2>/dev/null || echo none)
  if [ "${found#* }" = True ]; then
    result pass "mlx-lm ${found%% *} splits this many layers rightly"
  else
    result fail "mlx-lm ${found%% *} drops layers in this split and answers wrongly: releases from 0.32.0 on have the fix (mlx-lm#1816)"
  fi
fi
exit 0
CHECKS
}

# remote NODE: its names, then the checks
remote() {
  local i own="" peers="" interfaces="" ports="" serves=0 a b
  for i in ${CABLE_A[@]+"${!CABLE_A[@]}"}; do
    a=${ADDRESS_A[$i]} b=${ADDRESS_B[$i]}
    if [ "${CABLE_A[$i]}" = "$1" ]; then own="$own $a" peers="$peers $b" interfaces="$interfaces ${PORT_A[$i]}"; fi
    if [ "${CABLE_B[$i]}" = "$1" ]; then own="$own $b" peers="$peers $a" interfaces="$interfaces ${PORT_B[$i]}"; fi
  done
  if [ -z "$own" ] && [ "$SPLIT" != independent ]; then
    for i in "${!LAN[@]}"; do
      case $i/${LAN[$i]} in
        "$1"/* | */@EDIT-*) ;;
        *) peers="$peers ${LAN[$i]}" ;;
      esac
    done
  fi
  local cables=0
  if [ -n "$own" ]; then cables=1; fi
  for i in "${SERVING[@]}"; do
    if [ "$i" = "$1" ] && [ "$RUNTIME" != exo ]; then serves=1 ports=$(http_port "$1"); fi
  done
  local program=$PROGRAM
  if [ "$RUNTIME" = llama.cpp ] && [ "$SPLIT" != independent ] && [ "$serves" = 0 ]; then
    program=$RPC_NAME
    if [ -n "$SERVER" ]; then program=$(dirname "$SERVER")/$RPC_NAME; fi
  fi
  node_head
  printf 'reads=%q ports=%q interfaces=%q thunderbolt=%q\n' "${READS_MODEL[$1]}" "$ports" "${interfaces# }" "$THUNDERBOLT"
  printf 'mac=%q rdma=%q demand=%q wired=%q cables=%q own=%q peers=%q\n' "${MAC[$1]}" "$RDMA" \
    "${DEMAND_BYTES[$1]}" "${WIRED_MB[$1]}" "$cables" "${own# }" "${peers# }"
  printf 'model=%q runtime=%q download=%q server=%q fix=%q\n' "$MODEL" "$RUNTIME" \
    "${DOWNLOAD_BYTES[$1]}" "$program" "$NEEDS_MLX_LM_FIX"
  checks
}

case $RUNTIME in
  mlx-lm) PROGRAM=${SERVER:-$(command -v mlx_lm.server || echo mlx_lm.server)} ;;
  llama.cpp) PROGRAM=${SERVER:-llama-server} ;;
  *) PROGRAM="" ;;
esac

versions=""
for node in "${!SSH[@]}"; do
  if ! report=$(remote "$node" | on "$node" 2>/dev/null) || [ -z "$report" ]; then
    say fail "${NAMES[$node]}" "ssh ${SSH[$node]} does not answer (settings.sh: SSH; a key, no password)"
    continue
  fi
  say pass "${NAMES[$node]}" "ssh ${SSH[$node]} answers"
  while IFS='|' read -r result text; do
    case $result in
      version)
        versions=${versions:-$text}
        if [ "$text" = "$versions" ]; then
          say pass "${NAMES[$node]}" "release: $text"
        else
          say fail "${NAMES[$node]}" "release: $text, where an earlier node has $versions: they have to be the same"
        fi
        ;;
      pass | fail | warn) say "$result" "${NAMES[$node]}" "$text" ;;
    esac
  done <<<"$report"
done

if [ "$failed" -gt 0 ]; then
  printf '%s check(s) failed\n' "$failed"
  exit 1
fi
printf 'all checks passed\n'
)SCRIPT";

}  // namespace

void add_checks(const Setup& setup, std::vector<File>& files) {
  files.push_back({"preflight.sh", 0755, preflight});
  if (setup.raises_limit()) {
    std::string text = limits_head;
    for (std::size_t i = 0; i < setup.nodes.size(); ++i) {
      const UsedNode& node = setup.nodes[i];
      if (node.wired_mb > 0) {
        text += fmt::format("# {}\necho 'sudo sysctl iogpu.wired_limit_mb={}' | on {}\n", node.name,
                            node.wired_mb, i);
      }
    }
    files.push_back({"limits.sh", 0755, text});
  }
  if (!setup.cables.empty()) {
    files.push_back({"addresses.sh", 0755, addresses});
  }
}

}  // namespace macfit::launch
