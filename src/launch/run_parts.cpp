// What every run.sh has that starts servers itself: parts of it on the nodes are started, watched
// and ended the same way whatever they are.

#include "setup.hpp"

namespace macfit::launch {
namespace {

constexpr const char* parts = R"SCRIPT(
# known NAME: the head of a part's script on its node, before the line that starts the server by
# exec: stop finds it by its number and its birth, and the Mac does not sleep while it runs.
known() {
  node_head
  printf 'name=%s\n' "$1"
  cat <<'NODE'
mkdir -p "$HOME/.macfit/$id" || exit 1
born=$(LC_ALL=C ps -o lstart= -p $$ | sed 's/ *$//')
printf '%s %s\n' $$ "$born" >"$HOME/.macfit/$id/$name.pid" || exit 1
if command -v caffeinate >/dev/null 2>&1; then caffeinate -ims -w $$ >/dev/null 2>&1 & fi
NODE
}

# end_parts: on a node, ends what this folder started there, by force after ten seconds
end_parts() {
  node_head
  cat <<'NODE'
lives() {
  case $(ps -o stat= -p "$1" 2>/dev/null) in '' | Z*) return 1 ;; esac
  [ "$(LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null | sed 's/ *$//')" = "$2" ]
}
# to_all SIGNAL: left=1 where one of them is still there
to_all() {
  left=0
  for file in "$HOME/.macfit/$id"/*.pid; do
    [ -f "$file" ] || continue
    read -r pid born <"$file"
    if [ -n "$born" ] && lives "$pid" "$born"; then
      kill "$1" "$pid" 2>/dev/null
      left=1
    else
      rm -f "$file"
    fi
  done
}
to_all -TERM
tries=0
while [ "$left" = 1 ] && [ "$tries" -lt 50 ]; do
  sleep 0.2
  to_all -0
  tries=$((tries + 1))
done
if [ "$left" = 1 ]; then
  to_all -KILL
  sleep 0.5
  to_all -0
fi
exit "$left"
NODE
}

stop() {
  local node pids="" pid code=0
  : >stopped
  for node in "${!SSH[@]}"; do
    { end_parts | on "$node" || { say "${NAMES[$node]}: its servers could not be ended"; exit 1; }; } &
    pids="$pids $!"
  done
  for pid in $pids; do wait "$pid" || code=1; done
  return "$code"
}

# Parts that run, side by side: process here, node, log.
PIDS=() NODES=() LOGS=()
part() {
  PIDS=(${PIDS[@]+"${PIDS[@]}"} "$1")
  NODES=(${NODES[@]+"${NODES[@]}"} "$2")
  LOGS=(${LOGS[@]+"${LOGS[@]}"} "$3")
  say "${NAMES[$2]}: log in $3"
}

# able NODE...: nothing is started unless each of them answers, has the program and the model, and
# its ports are free
able() {
  local node said bad=0
  for node in "$@"; do
    if said=$({
      node_head
      printf 'model=%q reads=%q program=%q ports=%q\n' "$MODEL" "${READS_MODEL[$node]}" \
        "${PROGRAMS[$node]}" "${LISTENS[$node]}"
      looks
    } | on "$node" 2>&1); then
      [ -n "$said" ] || continue
    else
      said="ssh ${SSH[$node]} does not answer (SSH in settings.sh; a key, no password) ${said##*$'\n'}"
    fi
    while IFS= read -r line; do say "${NAMES[$node]}: $line"; done <<<"$said"
    bad=1
  done
  [ "$bad" = 0 ] || die "nothing was started: see above; ./preflight.sh checks more"
  if [ "$stopping" = 1 ]; then exit 0; fi
  rm -f stopped
}

looks() {
  cat <<'NODE'
for at in $ports; do
  address=${at%:*} port=${at##*:}
  case $address in
    127.*) ;;
    *)
      if command -v ifconfig >/dev/null 2>&1 && ! ifconfig | grep -qF "inet $address "; then
        echo "the address $address is not set here (after a reboot: ./addresses.sh)"
        continue
      fi
      ;;
  esac
  if (exec 3<>"/dev/tcp/$address/$port") 2>/dev/null; then
    echo "port $port is busy at $address: ./run.sh stop ends an earlier start; else settings.sh names another"
  fi
done
if [ -n "$program" ] && [ ! -x "$program" ] && ! command -v "$program" >/dev/null 2>&1; then
  echo "$program is not here: install it, or name its path in settings.sh (SERVER)"
fi
case $reads$model in
  1/* | 1./*) [ -e "$model" ] || echo "the model $model is not here" ;;
esac
if ! { mkdir -p "$HOME/.macfit/$id" && date >"$HOME/.macfit/$id/room" && [ -s "$HOME/.macfit/$id/room" ]; } 2>/dev/null; then
  echo "can't write in $HOME/.macfit: is its disk full?"
fi
exit 0
NODE
}

# The last line of a log that says something, the launcher's own summary aside.
last_words() { { grep -v '^[[:space:]]*$\|Node with rank [0-9]* \|"GET /health ' "$1" 2>/dev/null || true; } | tail -n 1 | cut -c 1-300; }

# ended PART CODE: says which, why and what to do
ended() {
  local node=${NODES[$1]} log=${LOGS[$1]} code=$2 found
  # mlx.launch ends with 0 whatever its ranks do, but says which of them ended how.
  found=$({ grep -o 'Node with rank [0-9]* exited with code [0-9]*' "$log" 2>/dev/null || true; } | head -n 1)
  if [ -n "$found" ]; then
    code=${found##* } found=${found#Node with rank }
    # shellcheck disable=SC2206  # a list of numbers
    local ranks=(${RANKS[$1]-})
    node=${ranks[${found%% *}]-$node}
  fi
  say "${NAMES[$node]}: its server ended with code $code: $(last_words "$log") (all of it: $log; ./preflight.sh checks the nodes)"
}

# watch: until somebody stops it (code 0) or a part ends (code 1)
stopping=0
trap 'stopping=1' INT TERM HUP
watch() {
  local i code
  while [ "$stopping" = 0 ]; do
    for i in "${!PIDS[@]}"; do
      kill -0 "${PIDS[$i]}" 2>/dev/null && continue
      code=0
      wait "${PIDS[$i]}" || code=$?
      if [ "$stopping" = 1 ] || [ -e stopped ]; then break 2; fi
      if [ "$SPLIT" = independent ] && [ "${#PIDS[@]}" -gt 1 ]; then
        say "the other workers still serve: ./run.sh stop ends them, ./run.sh starts all"
      else
        stop || true
      fi
      ended "$i" "$code"
      exit 1
    done
    sleep 1
  done
  code=0
  stop || code=$?
  # A part may have been on its way to its node.
  for i in 1 2 3 4 5 6 7 8 9 10; do
    runs || break
    sleep 1
    stop || code=$?
  done
  return "$code"
}

# runs: true while a part does
runs() {
  local pid
  for pid in ${PIDS[@]+"${PIDS[@]}"}; do
    if kill -0 "$pid" 2>/dev/null; then return 0; fi
  done
  return 1
}
)SCRIPT";

}  // namespace

std::string_view run_parts() { return parts; }

}  // namespace macfit::launch
