#!/usr/bin/env bash
# macfit check as scripts and CI see it: arguments, exit codes, paths and lines, formats that others read.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"

says() {
  grep -qF -- "$1" "$work/out" || fail "no \"$1\" in: $(cat "$work/out")"
}

mkdir -p "$work/top/sub dir/models" "$work/top/other/.hidden"
cd "$work/top"
shapes='"architecture": {"type": "llama", "hidden": 4096, "vocabulary": 128256,
  "blocks": {"full": {"attention": {"heads": 32, "kv_heads": 8, "head_dim": 128},
                      "dense": {"width": 14336}}}, "layers": "32*full"}'
good="{\"schema\": \"macfit.manifest/1\", \"id\": \"good\", $shapes,
\"expect\": [{\"nodes\": \"2x128\", \"verdict\": \"two-independent-workers\"}]}"
printf '%s\n' "$good" >other/good.json
printf '%s\n' "${good/\"id\"/\"idd\"}" >"sub dir/bad,1.json"
printf '%s\n' "$good" >"sub dir/models/named.json"
printf '{"model_type": "llama"}\n' >other/config.json
printf '{"schema": "macfit.cluster/1", "nodes": []}\n' >other/desk.json
printf 'no json\n' >other/.hidden/x.json
printf '{}\n' >other/x.schema.json
# Windows line ends and a byte order mark are fine.
printf '\xef\xbb\xbf%s' "$good" | sed 's/$/\r/' >other/crlf.json

expect 0 "$macfit" check other/good.json
[ ! -s "$work/out" ] || fail "something on standard output although all is well"
expect 0 "$macfit" check -q - <other/good.json
expect 1 "$macfit" check other
says 'the name "good" also stands in other/crlf.json'
! grep -q 'config.json\|desk.json\|hidden\|schema' "$work/out" || fail "a file that is no manifest was checked"
expect 1 "$macfit" check "sub dir/bad,1.json"
says 'sub dir/bad,1.json:1:33: error: unknown key "idd" (did you mean id?) [unknown-key]'
expect 1 "$macfit" check 'sub dir/*.json'
expect 1 "$macfit" check "sub dir/models"
says '[file-name]'
expect 1 "$macfit" check - <"sub dir/bad,1.json"
says '<stdin>:1:33:'
expect 0 "$macfit" check other/good.json ./other/good.json "$PWD/other/good.json"

# A file that can't be read is told with the others' problems; nothing to check is an error.
expect 2 "$macfit" check missing.json "sub dir/bad,1.json"
says 'missing.json:1:1: error: can'\''t open it'
says 'unknown key "idd"'
expect 2 "$macfit" check 'no*.json'
expect 2 "$macfit" check other/.hidden/none
mkdir empty
expect 2 "$macfit" check empty
expect 2 "$macfit" check
expect 2 "$macfit" check other/good.json --format xml
expect 2 "$macfit" check other/good.json --baseline missing.json
expect 2 "$macfit" check other/good.json --baseline other/good.json
expect 2 "$macfit" check other/good.json --output missing/out.json

# Annotations name files from the top of the repository, wherever the check runs.
cd "sub dir"
expect 1 env GITHUB_WORKSPACE="$work/top" "$macfit" check 'bad,1.json' --format github
says '::error file=sub dir/bad%2C1.json,line=1,col=33,title=macfit check%3A unknown-key::unknown key "idd" (did you mean id?)'
expect 1 env GITHUB_WORKSPACE=/elsewhere "$macfit" check "$PWD/bad,1.json" --format github
says '::error file=bad%2C1.json,line=1,'
cd ..

# Strict: a warning fails too.
printf '%s\n' "${good/\"expect\"/\"formats\": [{\"recipe\": \"q4\", \"bytes\": 4600000000, \"source\": \"s\", \"evidence\": \"community\"\}], \"expect\"}" >warn.json
expect 0 "$macfit" check warn.json
says '[bytes-near]'
expect 1 "$macfit" check --strict warn.json

# Baseline: no change, then one.
expect 0 "$macfit" check other/good.json --format json --output before.json
expect 0 "$macfit" check other/good.json --baseline before.json
[ ! -s "$work/out" ] || fail "a change without a change: $(cat "$work/out")"
sed 's/32\*full/64*full/' other/good.json >changed.json
expect 0 "$macfit" check changed.json --baseline before.json
says 'changed.json:4:12: note: 2x128: node-1: '
expect 0 "$macfit" check changed.json --baseline before.json --format json
says '"before_bytes": '

# The gate, over a repository's two states: a format twice as large, an expectation that is gone.
mkdir gate
for model in a b c d e; do
  printf '%s\n' "${good/\"good\"/\"$model\", \"default_format\": \"mlx-4bit-g64\"}" >"gate/$model.json"
done
expect 0 "$macfit" check gate --format json --output gate.json
expect 0 "$macfit" check gate --baseline gate.json --fail-on changed
sed -i.old 's/mlx-4bit-g64/mlx-8bit-g64/' gate/c.json && rm gate/c.json.old
expect 0 "$macfit" check gate --baseline gate.json
expect 0 "$macfit" check gate --baseline gate.json --fail-on removed
expect 1 "$macfit" check gate --baseline gate.json --fail-on worse
says 'gate/c.json:4:12: error: 2x128: node-1: '
expect 1 "$macfit" check gate --baseline gate.json --fail-on worse --format github
says '::error file=gate/c.json,line=4,'
expect 1 "$macfit" check gate --baseline gate.json --fail-on worse --format junit
says '<failure type="change"'
expect 1 "$macfit" check gate --baseline gate.json --fail-on worse --format json
says '"effect": "worse"'
expect 1 "$macfit" check gate --baseline gate.json --fail-on worse --format markdown
says '| worse |'
rm gate/e.json
expect 1 "$macfit" check gate --baseline gate.json --fail-on removed
says 'gate/e.json:1:1: error: 2x128: no longer checked [change]'
expect 1 "$macfit" check gate --baseline gate.json --fail-on removed --format sarif
says '"level": "error"'
expect 2 "$macfit" check gate --fail-on worse
expect 2 "$macfit" check gate --baseline gate.json --fail-on better

# A manifest that names another file: its error is told at "from"; a manifest can't name a manifest.
printf '{"schema": "macfit.manifest/1", "id": "from",\n "from": {"config": "other/config.json"}}\n' >from.json
expect 1 "$macfit" check from.json
says 'from.json:2:10: error: other/config.json: '
printf '{"schema": "macfit.manifest/1", "id": "self", "from": {"config": "self.json"}}\n' >self.json
expect 1 "$macfit" check self.json
says "a manifest can't name another manifest"

nasty='{"schema": "macfit.manifest/1", "id": "a<&>\u0001\u001b]]>\"", "x": 1}'
printf '%s\n' "$nasty" >nasty.json
if command -v python3 >/dev/null; then
  "$macfit" check -q nasty.json warn.json other --format junit >"$work/junit.xml" || true
  python3 - "$work/junit.xml" <<'PYTHON' || fail "JUnit"
import sys
import xml.etree.ElementTree as tree

top = tree.parse(sys.argv[1]).getroot()
assert top.tag == "testsuites", top.tag
suites = top.findall("testsuite")
assert len(suites) >= 4, len(suites)
for name in ("tests", "failures", "errors"):
    assert int(top.get(name)) == sum(int(s.get(name)) for s in suites), name
for suite in suites:
    cases = suite.findall("testcase")
    assert int(suite.get("tests")) == len(cases)
    assert int(suite.get("failures")) == len([c for c in cases if c.find("failure") is not None])
    assert all(c.get("name") and c.get("classname") for c in cases)
    for case in cases:
        for failure in case.findall("failure"):
            assert failure.get("message") and failure.get("type") and failure.text
PYTHON
  "$macfit" check -q nasty.json warn.json other --format sarif >"$work/log.sarif" || true
  python3 -m json.tool "$work/log.sarif" >/dev/null || fail "SARIF is no JSON"
  # Where a validator is installed, the schemas hold for it too.
  if python3 -c 'import jsonschema' 2>/dev/null; then
    "$macfit" check -q nasty.json warn.json other --format json >"$work/check.json" || true
    python3 - "$MACFIT_SOURCE_DIR/docs/schema" "$work/check.json" "$MACFIT_SOURCE_DIR/models" <<'PYTHON' || fail "schemas"
import glob
import json
import sys

import jsonschema

folder, report, models = sys.argv[1:]
schemas = {}
for path in glob.glob(folder + "/*.schema.json"):
    schema = json.load(open(path))
    jsonschema.Draft202012Validator.check_schema(schema)
    schemas[path.rsplit("/", 1)[1].split(".")[0]] = jsonschema.Draft202012Validator(schema)
schemas["check"].validate(json.load(open(report)))
for path in glob.glob(models + "/*.json"):
    schemas["manifest"].validate(json.load(open(path)))
PYTHON
  fi
else
  echo "skipped: python3 is not installed"
fi

# A repository's first check: written once, kept afterwards, and it passes.
mkdir "$work/first"
cd "$work/first"
expect 0 "$macfit" check --init qwen3-32b --nodes 1x64
for file in models/qwen3-32b.json .github/workflows/macfit.yml .pre-commit-config.yaml; do
  [ -f "$file" ] || fail "check --init did not write $file"
done
expect 0 "$macfit" check models/
grep -q '1 of 1 expectations hold' "$work/err" || fail "the first manifest: $(cat "$work/err")"
echo mine >.pre-commit-config.yaml
expect 0 "$macfit" check --init qwen3-32b
grep -q '^kept     .pre-commit-config.yaml' "$work/out" || fail "a file that is there: $(cat "$work/out")"
[ "$(cat .pre-commit-config.yaml)" = mine ] || fail "check --init wrote over a file"
expect 2 "$macfit" check --init qwen3-33b
expect 2 "$macfit" check

# The project's own models, as its CI checks them.
cd "$MACFIT_SOURCE_DIR"
expect 0 "$macfit" check models/
grep -q ' 139 files: no errors' "$work/err" || [ "$(find models -name '*.json' | wc -l)" != 139 ] ||
  fail "not all models were checked: $(cat "$work/err")"

exit "$failed"
