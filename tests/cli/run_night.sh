#!/usr/bin/env bash
# macfit run against a server that misbehaves in every way known, in a folder whose run.sh starts
# it, and with runner and servers killed at random.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"

if ! command -v python3 >/dev/null; then
  echo 'skipped: python3 is not installed'
  exit 0
fi
if [ "$("$macfit" help | grep -c '^ *run ')" = 0 ]; then
  echo 'skipped: built without MACFIT_NETWORK'
  exit 0
fi
tests=$MACFIT_SOURCE_DIR/tests/cli
servers=""
trap 'kill -9 $servers 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

# serve FLAGS...: a server of its own; its port goes to $port.
serve() {
  rm -f port
  python3 "$tests/faulty_server.py" "$@" >port 2>server.err &
  servers="$servers $!"
  for _ in $(seq 100); do
    [ -s port ] && break
    sleep 0.1
  done
  port=$(cat port)
  url=http://127.0.0.1:$port
}

# jobs PROMPT...: a list of them, its results gone
jobs() {
  local n=0 prompt
  rm -f jobs.* && : >jobs.jsonl
  for prompt in "$@"; do
    n=$((n + 1))
    printf '{"id": "%s", "prompt": "%s"}\n' "$n" "$prompt" >>jobs.jsonl
  done
}

# lines FILE: how many it has
lines() { awk 'END { print NR }' "$1"; }

# shorten FILE BYTES: takes so many off its end
shorten() {
  python3 -c 'import os, sys; os.truncate(sys.argv[1], os.path.getsize(sys.argv[1]) - int(sys.argv[2]))' "$1" "$2"
}

# Not on every Mac; there ctest's own limit has to do.
# shellcheck disable=SC2317  # reached where there is no such command
command -v timeout >/dev/null || timeout() { shift && "$@"; }

# holds FILE WORDS...: fails unless the file has them
holds() {
  grep -qF -- "$2" "$1" || fail "no '$2' in: $(cat "$1")"
}

serve
good=$url

# All is well: results in OpenAI's form, each of its own job, and nothing is done twice.
jobs one two three
expect 0 "$macfit" run --worker "$url" --jobs jobs.jsonl
holds out '3 of 3 jobs done'
[ "$(lines jobs.results.jsonl)" = 3 ] || fail "$(cat jobs.results.jsonl)"
holds jobs.results.jsonl '"custom_id":"2"'
holds jobs.results.jsonl '"content": "owt"'
expect 0 "$macfit" run --worker "$url" --jobs jobs.jsonl
holds out '3 before this run'
[ "$(lines jobs.results.jsonl)" = 3 ] || fail "done twice: $(cat jobs.results.jsonl)"
expect 0 "$macfit" run --jobs jobs.jsonl --status
holds out '3 of 3 jobs done'

# A line torn by the end of an earlier run is taken off and its job done again; one whole but for
# its end is kept.
jobs one two three
"$macfit" run --worker "$url" --jobs jobs.jsonl -q >/dev/null
shorten jobs.results.jsonl 20
expect 0 "$macfit" run --worker "$url" --jobs jobs.jsonl
holds out '2 before this run'
holds err 'of a result that was not whole are taken off'
shorten jobs.results.jsonl 1
expect 0 "$macfit" run --worker "$url" --jobs jobs.jsonl
holds out '3 before this run'
{ echo 'my notes'; cat jobs.results.jsonl; } >torn && cp torn jobs.results.jsonl
expect 2 "$macfit" run --worker "$url" --jobs jobs.jsonl
holds err 'jobs.results.jsonl:1: this is no result'

# A job that goes wrong once is done at the second try; one that always does is set aside, with why.
while read -r what limit words; do
  jobs fine "once:$what" "do:$what" "fine too"
  expect 1 timeout 300 "$macfit" run --worker "$url" --jobs jobs.jsonl --job-timeout "$limit" --pause 0.05s --at-once 2
  holds out '4 of 4 jobs done, 1 of them set aside'
  holds jobs.results.jsonl "$words"
  [ "$(lines jobs.results.jsonl)" = 4 ] || fail "$what: $(cat jobs.results.jsonl)"
done <<'FAULTS'
500 60s told to say 500
cut 60s "code":"cut"
silent-cut 60s "code":"cut"
garbage 60s the answer is no JSON
empty 60s the answer is empty
no-choices 60s the answer has no
error-200 60s out of memory
endless 60s the answer is larger than is taken
endless-head 60s the answer is larger than is taken
bomb 60s the answer is compressed (gzip)
slow 1s "code":"timeout"
drip 1s "code":"timeout"
FAULTS

# What would be rejected again is not tried again.
jobs fine do:400 do:413 fine
expect 1 "$macfit" run --worker "$url" --jobs jobs.jsonl --format json
[ "$(grep -c '"attempts":1,' jobs.results.jsonl)" = 4 ] || fail "$(cat jobs.results.jsonl)"
holds out '"schema": "macfit.run/1"'

# A redirect is not followed, and ends the night before a job is lost to it.
jobs do:redirect fine
expect 1 "$macfit" run --worker "$url" --jobs jobs.jsonl
holds out 'every job would fail'
[ ! -s jobs.results.jsonl ] || fail "$(cat jobs.results.jsonl)"

# When everything fails it is not the jobs: none is set aside.
words=()
for _ in $(seq 30); do words+=(do:400); done
jobs "${words[@]}"
expect 1 "$macfit" run --worker "$url" --jobs jobs.jsonl
holds out '20 jobs in a row failed, so it is not the jobs'
[ ! -s jobs.results.jsonl ] || fail "$(cat jobs.results.jsonl)"

# A key goes to the server and nowhere else.
serve --key 'secret-7'
jobs one
expect 2 "$macfit" run --worker "$url" --jobs jobs.jsonl
holds err 'MACFIT_API_KEY'
MACFIT_API_KEY=secret-7 expect 0 "$macfit" run --worker "$url" --jobs jobs.jsonl -v
! grep -rq secret-7 jobs.* out err || fail "the key was written down: $(grep -r secret-7 jobs.* out err)"
MACFIT_API_KEY=wrong-key expect 2 "$macfit" run --worker "$url" --jobs jobs.jsonl --results other
! grep -q wrong-key err || fail "the key was said: $(cat err)"

# The time is up: nothing is in flight any more, and what is left is done by the next start.
serve --delay 0.3
words=()
for i in $(seq 30); do words+=("job $i"); done
jobs "${words[@]}"
expect 1 timeout 20 "$macfit" run --worker "$url" --jobs jobs.jsonl --hours 2s
holds out 'the time was up'
before=$(lines jobs.results.jsonl)
if [ "$before" -le 1 ] || [ "$before" -ge 30 ]; then fail "$before results"; fi

# Ctrl-C lets what is in flight end.
"$macfit" run --worker "$url" --jobs jobs.jsonl --at-once 4 >out 2>err &
runner=$!
sleep 1
expect 0 "$macfit" run --jobs jobs.jsonl --status
holds out ' of 30 '
expect 2 "$macfit" run --worker "$url" --jobs jobs.jsonl
holds err 'another macfit run is writing these results'
kill -INT "$runner"
code=0
wait "$runner" || code=$?
[ "$code" = 1 ] || fail "Ctrl-C ends with $code"
expect 0 "$macfit" run --worker "$url" --jobs jobs.jsonl --at-once 30
[ "$(sort -u jobs.results.jsonl | awk 'END { print NR }')" = 30 ] || fail "$(lines jobs.results.jsonl) results"

# A full disk: said, with what is safe.
jobs "${words[@]}"
code=0
(ulimit -f 2 && trap '' XFSZ && exec "$macfit" run --worker "$good" --jobs jobs.jsonl -q) >out 2>err || code=$?
[ "$code" = 2 ] || fail "a full disk ends with $code: $(cat out err)"
holds err "can't write a result"
[ "$(tail -c 1 jobs.results.jsonl)" = "" ] || fail 'a torn line was left'
expect 0 "$macfit" run --worker "$good" --jobs jobs.jsonl
[ "$(sort -u jobs.results.jsonl | awk 'END { print NR }')" = 30 ] || fail "$(lines jobs.results.jsonl) results"

# Nobody there, somebody else there, and what is no address.
expect 2 timeout 30 "$macfit" run --worker http://127.0.0.1:1 --jobs jobs.jsonl --results other
holds err 'gives no completion'
serve --all --faults 404=1
expect 2 timeout 30 "$macfit" run --worker "$url" --jobs jobs.jsonl --results other
holds err 'HTTP 404'
for address in 127.0.0.1:8080 ftp://x 'http://user:pass@x' http://x/path ''; do
  expect 2 "$macfit" run --worker "$address" --jobs jobs.jsonl
done

# A soak and its verdict.
expect 0 "$macfit" run --worker "$good" --soak 2s --at-once 2
holds out 'Soak passed'
serve --faults 400=0.2
expect 1 "$macfit" run --worker "$url" --soak 2s
holds out 'Soak not passed'

# A folder: started, killed in the middle, started again, ended; a job that kills is set aside.
mkdir folder
cat >folder/settings.sh <<SETTINGS
NAMES=(node-1 node-2)
SSH=(local local)
MODEL=m
HTTP_PORT=($(python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))'))
SERVING=(0 1)
SEQUENCES=2
SETTINGS
cat >folder/run.sh <<'RUN'
. ./settings.sh
if [ "${1-start}" = stop ]; then
  kill $(cat pids) 2>/dev/null
  exit 0
fi
: >pids
echo start >>starts
for port in "${HTTP_PORT[@]}"; do
  python3 "$TESTS/faulty_server.py" --port "$port" --delay 0.02 &
  echo $! >>pids
done
while :; do
  for pid in $(cat pids); do kill -0 "$pid" 2>/dev/null || exit 3; done
  sleep 0.1
done
RUN
export TESTS=$tests
words=()
for i in $(seq 200); do words+=("job $i"); done
words[20]="do:die"
jobs "${words[@]}"
expect 1 timeout 120 "$macfit" run folder --jobs jobs.jsonl --restarts 5 --pause 0.1s
[ "$(lines jobs.results.jsonl)" = 200 ] || fail "$(lines jobs.results.jsonl) results: $(cat out err)"
[ "$(grep -c '"error":{' jobs.results.jsonl)" = 1 ] || fail "$(grep '"error":{' jobs.results.jsonl)"
holds jobs.results.jsonl '"code":"kills-worker"'
holds out '3 restarts'
[ "$(lines folder/starts)" = 4 ] || fail "started $(lines folder/starts) times"
while read -r pid; do
  # What its own parent has not taken notice of yet counts as gone.
  for _ in $(seq 50); do
    case $(ps -o stat= -p "$pid") in '' | Z*) continue 2 ;; esac
    sleep 0.1
  done
  fail "server $pid is still there"
done <folder/pids

# A folder that does not start says why, and so does one that is not filled in.
printf 'echo "no such model: m" >&2; exit 5\n' >folder/run.sh
expect 2 timeout 30 "$macfit" run folder --jobs jobs.jsonl --results other
holds err 'ended with code 5: no such model: m'
sed -i.old 's/MODEL=m/MODEL=@EDIT-model@/' folder/settings.sh
expect 2 "$macfit" run folder --jobs jobs.jsonl --results other
holds err 'fill in @EDIT-model@ first'

# Killed at random.
python3 "$tests/run_chaos.py" 1 2 3 || fail 'chaos'

exit "$failed"
