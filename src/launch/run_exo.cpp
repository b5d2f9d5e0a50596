// run.sh under EXO, which runs on every node already: it answers a request for a placement at once,
// before anything is placed, so run.sh asks first, waits, and compares with the plan.

#include <algorithm>

#include <fmt/format.h>

#include "flags.hpp"
#include "setup.hpp"

namespace macfit::launch {
namespace {

constexpr const char* exo_template = R"SCRIPT(
if [ "${1-}" != alone ] && ! command -v jq >/dev/null 2>&1; then
  die "jq is needed to read what EXO answers: macOS 15 and later have it"
fi

# api METHOD PATH [BODY]: what EXO answers on the serving node; code 1 where it refuses
api() {
  {
    node_head
    printf 'curl -sS --max-time 60 --fail-with-body -X %q ' "$1"
    if [ -n "${3-}" ]; then printf -- '-H "Content-Type: application/json" --data-binary @- '; fi
    printf 'http://127.0.0.1:%q%q' "$(http_port "${SERVING[0]}")" "$2"
    if [ -n "${3-}" ]; then printf ' <<"BODY"\n%s\nBODY\n' "$3"; else printf '\n'; fi
  } | on "${SERVING[0]}"
}

alone() { die "EXO chooses the nodes itself: start it on one node only, then ./run.sh start"; }

stop() {
  local id code=0
  if [ ! -f exo.instances ]; then return 0; fi
  while IFS= read -r id; do
    api DELETE "/instance/$id" </dev/null >/dev/null || { say "EXO did not delete the instance $id"; code=1; }
  done <exo.instances
  rm -f exo.instances
  return "$code"
}

# give_up WORDS...: what was placed goes again
give_up() {
  stop || true
  die "$*"
}

# place FILE NODES LAYERS: asks whether EXO would place it so, lets it, waits until its runners are
# ready, and compares with the plan
place() {
  local request previews before state id tries=0 found
  request=$(fill "$1")
  previews=$(api GET "/instance/previews?model_id=$(jq -rn --arg m "$MODEL" '$m | @uri')") ||
    die "EXO on ${NAMES[${SERVING[0]}]} does not answer, or has no card for $MODEL (POST /models/add): $previews"
  jq -e --argjson want "$request" --argjson n "$2" 'any(.previews[];
      .sharding == $want.sharding and .instance_meta == $want.instance_meta and .error == null and
      ([.instance[].shardAssignments.nodeToRunner | length] | first) == $n)' <<<"$previews" >/dev/null ||
    die "EXO would not place it as planned on $2 node(s): $(jq -r '[.previews[].error | select(. != null)] | unique | join("; ")' <<<"$previews")"
  before=$(api GET /state | jq -c '.instances | keys') || die "EXO does not say what it runs"
  api POST /place_instance "$request" >/dev/null || die "EXO refuses the placement"
  until [ -n "${id-}" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 60 ] || die "EXO placed nothing in a minute: its own log says why"
    sleep "${POLL_SECONDS:-1}"
    state=$(api GET /state) || continue
    id=$(jq -r --argjson before "$before" --arg m "$MODEL" '[.instances | to_entries[] |
      select((.key as $k | $before | index($k)) == null and .value[].shardAssignments.modelId == $m) | .key] |
      first // empty' <<<"$state")
  done
  printf '%s\n' "$id" >>exo.instances
  jq -r --arg id "$id" '. as $s | .instances[$id][].shardAssignments | . as $a | .nodeToRunner | to_entries[] |
    ($a.runnerToShard[.value][]) as $shard |
    "\($s.nodeIdentities[.key].friendlyName // .key): layers \($shard.startLayer) to \($shard.endLayer - 1)"' <<<"$state" >&2
  found=$(jq -r --arg id "$id" '.instances[$id][].shardAssignments.nodeToRunner | length' <<<"$state")
  [ "$found" = "$2" ] || give_up "EXO took $found node(s), the plan $2: nothing was left running"
  if [ -n "$3" ]; then
    found=$(jq -r --arg id "$id" '[.instances[$id][].shardAssignments.runnerToShard[][] | .endLayer - .startLayer] |
      sort | map(tostring) | join(" ")' <<<"$state")
    [ "$found" = "$3" ] || say "EXO split the layers into $found, the plan into $3: the plan's figures of memory do not hold"
  fi
  tries=0
  while :; do
    found=$(jq -r --arg id "$id" '.runners as $r | [.instances[$id][].shardAssignments.runnerToShard | keys[] | $r[.] // {} |
      to_entries[0] | if .key == "RunnerFailed" then "failed: \(.value.errorMessage // "its log says why")"
      elif .key == "RunnerReady" or .key == "RunnerRunning" then empty else "waits" end] | unique | join("; ")' <<<"$state")
    case $found in
      '') break ;;
      *failed*) give_up "a runner of EXO $found" ;;
    esac
    tries=$((tries + 1))
    [ "$tries" -le "${READY_TRIES:-1800}" ] || give_up "EXO's runners are not ready after ${READY_TRIES:-1800} tries"
    sleep "${POLL_SECONDS:-1}"
    state=$(api GET /state) || give_up "EXO does not answer any more"
  done
  printf '%s\n' "$state" >state.json
}

start() {
  rm -f exo.instances
)SCRIPT";

/// Layers of each node, fewest first, as place() compares them; empty under tensor.
std::string sorted_layers(const Replica& replica) {
  std::vector<std::int64_t> layers = replica.layers;
  std::sort(layers.begin(), layers.end());
  std::string text;
  for (const std::int64_t count : layers) {
    text += (text.empty() ? "" : " ") + std::to_string(count);
  }
  return text;
}

}  // namespace

std::string exo_script(const Setup& setup) {
  std::string text = exo_template;
  for (std::size_t r = 0; r < setup.replicas.size(); ++r) {
    text += fmt::format("  place {} {} \"{}\"\n", numbered(setup, "place_instance", r, ".json"),
                        setup.replicas[r].ranks.size(), sorted_layers(setup.replicas[r]));
  }
  return text + "}\n";
}

}  // namespace macfit::launch
