#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "setup.hpp"

namespace macfit::launch {
namespace {

constexpr const char* spike_script = R"SCRIPT(
# say WORDS...: to the person, not into the results
say() { printf '%s\n' "$*" >&2; }

# ask NODE WORDS TOKENS: a prompt of about so many words, an answer of at most so many tokens; prints
# "PROMPT_TOKENS ANSWER_TOKENS SECONDS". Every prompt begins differently, so that no cache answers.
ask() {
  local answer prompt
  prompt=$(awk -v n="$2" -v seed="$RANDOM$RANDOM" 'BEGIN {
    split("the of and to in is that it was for on are as with his they at be this from", w, " ")
    srand(seed); printf "%s", seed
    for (i = 1; i < n; i++) printf " %s", w[1 + int(rand() * 20)] }')
  answer=$({
    node_head
    printf 'curl -sS --max-time 3600 -w "\\n%%{time_total}\\n" -H "Content-Type: application/json" '
    printf -- '--data-binary @- http://127.0.0.1:%s/v1/chat/completions <<"BODY"\n' "$(http_port "$1")"
    printf '{"model":%s,"messages":[{"role":"user","content":"%s. Count on in words."}],' "$SERVED" "$prompt"
    printf '"max_tokens":%s,"temperature":0,"stream":false}\nBODY\n' "$3"
  } | on "$1") || return 1
  printf '%s' "$answer" | awk '
    match($0, /"prompt_tokens": *[0-9]+/) { p = substr($0, RSTART, RLENGTH); sub(/.*: */, "", p) }
    match($0, /"completion_tokens": *[0-9]+/) { c = substr($0, RSTART, RLENGTH); sub(/.*: */, "", c) }
    { last = $0 }
    END { if (p == "" || c == "") exit 1; print p, c, last }'
}

# warm NODE...: a first answer that is not measured: weights are read and kernels compiled by it
warm() {
  local node
  for node in "$@"; do
    ask "$node" 16 1 >/dev/null ||
      die "no answer from ${NAMES[$node]} (port $(http_port "$node")): ./run.sh first, in another terminal"
  done
}

# line RUN MACHINE NODES SPLIT PHASE TOKENS SECONDS CONTEXT CONCURRENT
line() {
  local link=$LINK
  if [ "$3" = 1 ]; then link=null; fi
  printf '%s,"machine":%s,"nodes":%s,"split":"%s","phase":"%s","tokens":%s,"seconds":%s,"context":%s,"run":"%s","concurrent":%s,"link":%s,"date":"%s"}\n' \
    "$HEAD" "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$1" "$9" "$link" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>results.jsonl
}

# measure RUN NODE MACHINE NODES SPLIT CONCURRENT WORDS: prefill by a one-token answer, decode by
# what a longer answer takes more
measure() {
  local short long p1 c1 s1 p2 c2 s2
  short=$(ask "$2" "$7" 1) || { say "$1: no answer from ${NAMES[$2]}"; return 1; }
  long=$(ask "$2" "$7" 129) || { say "$1: no answer from ${NAMES[$2]}"; return 1; }
  read -r p1 c1 s1 <<<"$short"
  read -r p2 c2 s2 <<<"$long"
  line "$1" "$3" "$4" "$5" prefill "$p1" "$s1" "$p1" "$6"
  # The second prompt is a little longer or shorter than the first.
  s2=$(awk -v t="$s2" -v s="$s1" -v p="$p2" -v q="$p1" 'BEGIN { printf "%.3f", t - s * p / q }')
  if [ "$c2" -gt 1 ] && awk -v s="$s2" 'BEGIN { exit !(s > 0) }'; then
    line "$1" "$3" "$4" "$5" decode "$((c2 - c1))" "$s2" "$p2" "$6"
  fi
  say "$1 ${NAMES[$2]}: $p1 tokens read in $s1 s, $((c2 - c1)) written in $s2 s"
}

# round RUN: every server of the placement at the same time, every prompt length
round() {
  local words i failed=0 pids pid
  for words in $PROMPTS; do
    pids=""
    for i in "${!SERVING[@]}"; do
      measure "$1" "${SERVING[$i]}" "${GROUP_MACHINES[$i]}" "$GROUP_NODES" "$SPLIT" "${#SERVING[@]}" "$words" &
      pids="$pids $!"
    done
    for pid in $pids; do wait "$pid" || failed=1; done
  done
  return "$failed"
}

# alone RUN NODE...: nodes with a whole model each, at the same time
alone() {
  local run=$1 words node failed=0 pids pid
  shift
  for words in $PROMPTS; do
    pids=""
    for node in "$@"; do
      measure "$run" "$node" "${MACHINES[$node]}" 1 independent "$#" "$words" &
      pids="$pids $!"
    done
    for pid in $pids; do wait "$pid" || failed=1; done
  done
  return "$failed"
}

case ${1-} in
  baseline)
    node=$((${2:-1} - 1))
    warm "$node"
    alone baseline "$node"
    ;;
  workers)
    nodes=""
    for node in "${!ALONE[@]}"; do
      if [ "${ALONE[$node]}" = 1 ]; then nodes="$nodes $node"; fi
    done
    [ -n "$nodes" ] || die "no node can hold the whole model"
    # shellcheck disable=SC2086  # a list of numbers
    warm $nodes
    # shellcheck disable=SC2086
    alone workers $nodes
    ;;
  plan)
    warm "${SERVING[@]}"
    round plan
    ;;
  soak)
    warm "${SERVING[@]}"
    end=$(($(date +%s) + ${2:-8} * 3600))
    failures=0 rounds=0 in_a_row=0
    while [ "$(date +%s)" -lt "$end" ] && [ "$in_a_row" -lt 3 ]; do
      rounds=$((rounds + 1)) in_a_row=$((in_a_row + 1))
      if round soak; then in_a_row=0; else failures=$((failures + 1)); fi
    done
    say "soak: $rounds rounds, $failures with a failure"
    if [ "$in_a_row" -ge 3 ]; then say "three in a row: it ends here"; fi
    [ "$failures" -eq 0 ]
    ;;
  *) die "usage: ./spike.sh baseline N | workers | plan | soak HOURS" ;;
esac
)SCRIPT";

/// The largest published format that would leave a node comfortable, for a baseline.
std::string smaller_format(const Setup& setup) {
  Bytes largest{};
  for (const UsedNode& used : setup.nodes) {
    largest = std::max(largest, setup.cluster().nodes[used.node].effective_whole(false));
  }
  constexpr double comfortable = 0.8;  // of it for weights
  const model::PublishedFormat* best = nullptr;
  for (const model::PublishedFormat& format : setup.plan->request.model.formats) {
    if (format.bytes && format.bytes->as_double() <= comfortable * largest.as_double() &&
        (best == nullptr || *format.bytes > *best->bytes)) {
      best = &format;
    }
  }
  return best == nullptr ? std::string() : best->recipe.name;
}

std::string prompts(const Setup& setup) {
  std::string text;
  for (const std::int64_t words : {512, 4096, 16384}) {
    if (words * 2 <= setup.context || text.empty()) {
      text += (text.empty() ? "" : " ") + std::to_string(words);
    }
  }
  return text;
}

std::string plan_text(const Setup& setup) {
  const bool any_alone = std::any_of(setup.nodes.begin(), setup.nodes.end(),
                                     [](const UsedNode& node) { return node.alone; });
  const std::string model = printable(setup.plan->request.model.id);
  std::string text = fmt::format(
      "# Measure before you trust: {} ({}) under {}\n\n"
      "The plan's speeds are estimates. These runs settle the question on your own machines. Each "
      "appends to `results.jsonl` (format `macfit.spike/1`), which `macfit calibrate` reads. Keep "
      "the machines otherwise idle and run `./preflight.sh` first.\n\n",
      model, printable(setup.placement->format), setup.placement->runtime->name());
  int step = 0;
  if (setup.launched_by("exo")) {
    text += fmt::format(
        "{}. **The plan.** `./run.sh`, and when the instance is ready `./spike.sh plan`. EXO "
        "chooses nodes itself: for a baseline start it on one node only, then "
        "`./spike.sh baseline 1`.\n",
        ++step);
  } else {
    if (any_alone) {
      std::size_t first = 0;
      while (!setup.nodes[first].alone) {
        ++first;
      }
      text += fmt::format(
          "{}. **Baseline: one node.** `./run.sh alone {}` in one terminal, `./spike.sh baseline "
          "{}` in another, then `./run.sh stop`.\n",
          ++step, first + 1, first + 1);
    } else {
      const std::string format = smaller_format(setup);
      text += fmt::format(
          "{}. **Baseline: one node.** No node holds this model whole. {}\n", ++step,
          format.empty()
              ? "Skip this step; a smaller model of the family would measure another thing."
              : fmt::format(
                    "To have something to compare with, plan and launch `--quant {}`, which "
                    "one node holds, and measure that; it is another format, so compare "
                    "jobs, not tokens.",
                    format));
    }
    if (setup.sharded()) {
      text += fmt::format(
          "{}. **Independent workers, the same jobs.** {}\n", ++step,
          any_alone ? "`./run.sh alone N` for each node that can (one terminal each), then "
                      "`./spike.sh workers`. Stop them after."
                    : "Not possible with this format; with the smaller one as above.");
      text += fmt::format("{}. **The shard.** `./run.sh`, then `./spike.sh plan`.\n", ++step);
    } else {
      text += fmt::format(
          "{}. **The workers together.** `./run.sh`, then `./spike.sh plan`. Their sum should be "
          "close to {} times the baseline.\n",
          ++step, setup.nodes.size());
    }
  }
  text += fmt::format(
      "{}. **Soak.** Leave the plan running and start `./spike.sh soak 8` in the evening. It ends "
      "with the number of failed rounds; exit code 0 proves a night end to end. In the morning run "
      "`./preflight.sh` again: what changed overnight is what would have failed later.\n\n",
      ++step);
  text +=
      "How to decide: count jobs an hour, not tokens a second. Where workers can run at all, a "
      "shard has to beat their sum to be worth its risk; where they can't, it has to finish the "
      "night's jobs and survive the soak.\n\n"
      "A line of `results.jsonl`: `phase` is `prefill` (`tokens` read in `seconds`) or `decode` "
      "(`tokens` written in `seconds`, with `context` tokens before them); `nodes` is those of one "
      "replica, `concurrent` how many servers were busy at the same time.\n";
  return text;
}

}  // namespace

void add_spike(const Setup& setup, std::vector<File>& files) {
  files.push_back({"spike.md", 0644, plan_text(setup)});
  std::string text =
      "#!/usr/bin/env bash\n"
      "# Measures the servers that run.sh started, as spike.md says, into results.jsonl.\n"
      "# usage: ./spike.sh baseline N | workers | plan | soak HOURS\n"
      "# shellcheck source=/dev/null\n. \"$(dirname \"${BASH_SOURCE[0]}\")/common.sh\"\nneed "
      "\"${SSH[@]}\" \"$MODEL\"\n\n";
  text += "HEAD=" + shell_word(spike_head(setup)) + "\n";
  std::string machines;
  for (std::size_t i = 0; i < setup.nodes.size(); ++i) {
    machines += (i > 0 ? " " : "") + shell_word(machine_json(setup, {i}));
  }
  text += "MACHINES=(" + machines + ")\n";
  std::string groups;
  for (const Replica& replica : setup.replicas) {
    groups += (groups.empty() ? "" : " ") + shell_word(machine_json(setup, replica.ranks));
  }
  text += "GROUP_MACHINES=(" + groups + ")\n";
  text += fmt::format("GROUP_NODES={}\n", setup.replicas.front().ranks.size());
  text += "LINK=" + shell_word(link_json(setup)) + "\n";
  text += !setup.facts().served_model.empty()
              ? fmt::format("SERVED='\"{}\"'  # the one it was started with\n",
                            setup.facts().served_model)
              : std::string("SERVED=\"\\\"$MODEL\\\"\"\n");
  text += "PROMPTS=${PROMPTS:-" + prompts(setup) + "}  # words; a token or so each\n";
  text += spike_script;
  files.push_back({"spike.sh", 0755, text});
}

}  // namespace macfit::launch
