#!/usr/bin/env bash
# Pages of --format html: the same bytes every time, written whole, and, where Chromium is
# installed, opened without a word on its console.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"

cd "$work"
cat >desk.json <<'JSON'
{"schema": "macfit.cluster/1", "name": "</title><script>alert(1)</script>",
 "nodes": [{"name": "a\"><img src=x onerror=alert(1)>", "machine": "mac-studio-m4-max-128"},
           {"name": "<svg/onload=alert(1)>", "machine": "mac-studio-m4-max-128"}]}
JSON

pages=()
while read -r name command; do
  # shellcheck disable=SC2086  # flags are words
  "$macfit" $command --format html --output "$name.html" 2>err || fail "$command: $(cat err)"
  # shellcheck disable=SC2086
  "$macfit" $command --format html >again 2>err || fail "$command: $(cat err)"
  cmp -s "$name.html" again || fail "$name: not the same bytes twice"
  grep -q "^<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; " "$name.html" ||
    fail "$name: no policy"
  if grep -qi '<script\|<img\| style="\|@import' "$name.html"; then fail "$name: not inert"; fi
  grep -qF "macfit ${command%% *}" "$name.html" || fail "$name: no command"
  pages+=("$work/$name.html")
done <<'CASES'
shard plan --model glm-4.5 --nodes 2x128
hostile plan --model glm-4.5 --nodes desk.json
against plan --model kimi-k2 --nodes 1x64 --against 2x512
night night --model llama-3.3-70b --nodes 2x128 --prompt-tokens 2000 --output-tokens 500 --nights 200
breakeven breakeven --nodes 2x128 --quant q4 --context 8k
survey survey --nodes 2x128 --models glm*,llama-3*
sweep sweep --model glm-4.5,minimax-m2.5 --nodes 2x128,4x64 --context 8k..64k*2 --threads 2
CASES

browser=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$browser" ]; then
  echo "chromium is not installed: pages are not opened"
  exit "$failed"
fi

# Prints what the browser's console says about a page.
console() {
  "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" \
    --enable-logging=stderr --dump-dom "file://$1" 2>&1 >dom | grep 'CONSOLE' || true
}

# A page whose style is not the one that its policy names must be told: else nothing below counts.
sed 's/<style>/<style>\/**\//' shard.html >broken.html
[ -n "$(console "$work/broken.html")" ] || fail "the browser takes a style that the policy forbids"
for page in "${pages[@]}"; do
  said=$(console "$page")
  [ -z "$said" ] || fail "$page: $said"
  grep -q '<h1' dom || fail "$page: the browser shows no heading"
done
exit "$failed"
