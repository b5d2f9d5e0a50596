#!/usr/bin/env bash
# Macs read over ssh (a program that answers in its place), by reports, and a cluster that stands.
# shellcheck source=tests/shell.sh
source "$MACFIT_SOURCE_DIR/tests/shell.sh"
export HOME="$work/home" XDG_CONFIG_HOME="" MACFIT_NODES=""
mkdir -p "$work/home" "$work/bin"
cd "$work"

# What the script prints on a Mac named $1, with the cluster's capture $2.
report() {
  printf 'Last login: today\n\n== macfit uname\nDarwin arm64\n\n== macfit sw_vers\nProductVersion:\t\t26.3.1\n'
  case $1 in
    book*) model=Mac17,7 chip='Apple M5 Max' name='MacBook Pro' cores=40 ram=137438953472 ports=omlx-macbook-m5-max ;;
    *) model=Mac15,14 chip='Apple M3 Ultra' name='Mac Studio' cores=80 ram=549755813888 ports=omlx-studio-m3-ultra ;;
  esac
  printf '\n== macfit sysctl\nhw.model: %s\nhw.memsize: %s\nmachdep.cpu.brand_string: %s\niogpu.wired_limit_mb: 0\n' \
    "$model" "$ram" "$chip"
  printf '\n== macfit system_profiler\n{"SPHardwareDataType": [{"machine_name": "%s"}],\n' "$name"
  printf '"SPDisplaysDataType": [{"sppci_model": "%s", "sppci_cores": "%s"}],\n' "$chip" "$cores"
  tail -n +2 "$MACFIT_SOURCE_DIR/tests/hardware/reports/$ports.json"
  printf '\n== macfit runtimes\nmlx-lm: 0.31.3\nollama: \n== macfit end\n'
}
report book >book.txt
report studio >studio.txt
cat >bin/ssh <<'SSH'
#!/bin/sh
# The options go before --, the host after it; the script comes on standard input.
while [ "$1" != -- ]; do shift; done
grep -q 'part end' || exit 3
case $2 in
  gone.local) echo "ssh: Could not resolve hostname gone.local" >&2; exit 255 ;;
  linux.local) printf '== macfit uname\nLinux x86_64\n' ;;
  *) cat "$REPORTS/${2%%.*}.txt" ;;
esac
SSH
chmod +x bin/ssh
export REPORTS=$work PATH="$work/bin:$PATH"

expect 0 "$macfit" hardware detect --hosts book.local,studio.local -o desk.json
[ ! -s out ] || fail "-o prints to the file alone: $(cat out)"
grep -q 'book did not say free memory' err || fail "what was not read: $(cat err)"
for wanted in '"machine": "macbook-pro-m5-max-128"' '"gpu_cores": 80' '"kind": "thunderbolt-5"' \
  '"host": "studio.local"' '"evidence": "measured"'; do
  grep -qF "$wanted" desk.json || fail "desk.json lacks $wanted: $(cat desk.json)"
done
expect 0 "$macfit" plan --model llama-3.1-70b --nodes desk.json
grep -q 'on desk' out || fail "the plan names the cluster: $(cat out)"
expect 0 "$macfit" hardware detect --hosts book.local
grep -q 'MacBook Pro, Mac17,7, Apple M5 Max, 40 GPU cores, 128 GiB, macOS 26.3.1' out || fail "$(cat out)"
grep -q '1 to Mac Studio, 80 Gb/s; 2 free; 3 free' out || fail "ports: $(cat out)"
grep -q 'mlx-lm 0.31.3' out || fail "runtimes: $(cat out)"

# One Mac twice gets two names.
expect 0 "$macfit" hardware detect --report book.txt --report book.txt --format json --quiet
grep -q '"name": "book-2"' out || fail "names: $(cat out)"
grep -q 'serial_number' <("$macfit" hardware detect --script) || fail "the script drops serial numbers"
if command -v shellcheck >/dev/null; then
  "$macfit" hardware detect --script | shellcheck --shell=sh - || fail "the script"
fi
"$macfit" hardware detect --script | sh >own.txt 2>/dev/null || fail "the script ends well anywhere"
if [ "$(uname)" != Darwin ]; then
  expect 2 "$macfit" hardware detect --report own.txt
  grep -q 'is no Mac: it says' err || fail "$(cat err)"
  expect 2 "$macfit" hardware detect
  grep -q 'this is no Mac' err || fail "$(cat err)"
  expect 2 "$macfit" plan --model llama-3.1-70b --nodes this
  grep -q 'this is no Mac' err || fail "$(cat err)"
fi

expect 2 "$macfit" hardware detect --hosts gone.local,book.local
grep -q "can't read gone.local over ssh: ssh: Could not resolve" err || fail "$(cat err)"
expect 2 "$macfit" hardware detect --hosts linux.local
grep -q 'linux.local is no Mac' err || fail "$(cat err)"
expect 2 "$macfit" hardware detect --hosts=-oProxyCommand=true
grep -q 'expected names as ssh takes them' err || fail "$(cat err)"

# A cluster that stands.
expect 2 "$macfit" plan --model llama-3.1-70b
grep -q -- '--nodes is required' err || fail "$(cat err)"
expect 2 "$macfit" survey
grep -q -- '--nodes is required' err || fail "$(cat err)"
expect 0 "$macfit" hardware use
grep -q 'no cluster is saved' out || fail "$(cat out)"
expect 2 "$macfit" hardware use own.txt
expect 0 "$macfit" hardware use desk.json
grep -q '/.config/macfit/cluster.json' out || fail "$(cat out)"
rm desk.json
expect 0 "$macfit" plan --model llama-3.1-70b
grep -q 'on desk' out || fail "the saved cluster: $(cat out)"
MACFIT_NODES=2x64 expect 0 "$macfit" plan --model llama-3.1-70b
grep -q 'on 2x64' out || fail "MACFIT_NODES: $(cat out)"
expect 0 "$macfit" plan --model llama-3.1-70b --nodes 2x128
grep -q 'on 2x128' out || fail "--nodes goes before what stands: $(cat out)"
expect 0 "$macfit" size --model llama-3.1-8b
grep -q 'desk' out && fail "size without --nodes asks for clusters: $(cat out)"
expect 0 "$macfit" hardware use none
expect 2 "$macfit" plan --model llama-3.1-70b
exit "$failed"
