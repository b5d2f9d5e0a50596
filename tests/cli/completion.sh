#!/usr/bin/env bash
# Completions, man page and help topics: made from the commands' own definitions, accepted by who
# reads them.
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"

"$macfit" completion bash >"$work/bash"
"$macfit" completion zsh >"$work/zsh"
"$macfit" completion fish >"$work/fish"
"$macfit" help --man >"$work/macfit.1"

bash -n "$work/bash" || fail "bash does not parse"
for shell in zsh fish; do
  if command -v "$shell" >/dev/null; then
    "$shell" -n "$work/$shell" || fail "$shell does not parse"
  else
    echo "skipped: $shell is not installed"
  fi
done

# What bash would offer for a line with the cursor at its end; the last word is what is typed.
offers() {
  bash --norc --noprofile -c '
    . "$1"
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _macfit
    printf "%s\n" "${COMPREPLY[@]}"' bash "$work/bash" "$@"
}

# completes WANTED LINE…: WANTED is among the offers.
completes() {
  local wanted=$1 offered
  shift
  offered=$(offers "$@")
  grep -qxF -- "$wanted" <<<"$offered" || fail "no $wanted for: $* (${offered:0:400})"
}

refuses() {
  local unwanted=$1 offered
  shift
  offered=$(offers "$@")
  ! grep -qxF -- "$unwanted" <<<"$offered" || fail "$unwanted for: $*"
}

cd "$work"
mkdir -p folder
touch folder/file.json 'with blank.json'
completes plan macfit ''
completes check macfit che
refuses plan macfit che
completes --model macfit plan --mo
completes -m macfit plan -
completes llama-3.1-70b macfit plan --model llama-3.1-7
completes llama-3.1-70b macfit plan -m llama-3.1-7
completes mac-studio-m4-max-128 macfit plan --model x --nodes mac-studio-m4
completes llama.cpp macfit plan --runtime ll
completes pipeline macfit plan --split p
completes tb5-rdma macfit plan --link tb5
completes comfortable macfit plan --require c
completes sarif macfit check --format s
refuses sarif macfit plan --format s
completes json macfit plan --format j
completes show macfit models sh
completes llama-3.1-70b macfit models show llama-3.1-7
completes --quant macfit models show --q
refuses --against macfit models show --a
completes --output macfit models import --o
completes 'with blank.json' macfit check with
completes folder macfit check fo
completes folder macfit plan --catalog fo
refuses 'with blank.json' macfit plan --catalog with
completes zsh macfit completion z
completes never macfit plan --model show --color n

if command -v fish >/dev/null; then
  fish_offers() {
    fish -c "source fish; complete -C '$1'" 2>/dev/null | cut -f 1
  }
  grep -qx llama.cpp <<<"$(fish_offers 'macfit plan --runtime ll')" || fail "fish: --runtime"
  grep -qx show <<<"$(fish_offers 'macfit models sh')" || fail "fish: models"
  grep -qx llama-3.1-70b <<<"$(fish_offers 'macfit models show llama-3.1-7')" || fail "fish: names"
fi

# Every flag that a command's help names is completed, and every command is in the man page.
for command in plan check 'models show' 'models import' 'hardware show' runtimes launch calibrate explain; do
  # shellcheck disable=SC2086  # a command is words
  for flag in $("$macfit" $command --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
    # shellcheck disable=SC2086
    completes "$flag" macfit $command "$flag"
    grep -qF -- "$(printf '%s' "$flag" | sed 's/-/\\-/g')" macfit.1 || fail "$flag is not in the man page"
  done
  grep -qF "\"macfit $command\"" macfit.1 || fail "$command is not in the man page"
done

checked=0
if command -v mandoc >/dev/null; then
  mandoc -T lint -W error macfit.1 || fail "mandoc"
  checked=1
fi
if command -v groff >/dev/null; then
  groff -man -Tutf8 -P-cbou -ww macfit.1 >page 2>complaints || fail "groff"
  [ ! -s complaints ] || fail "groff: $(cat complaints)"
  grep -q 'NAME' page || fail "no NAME in the man page"
  checked=1
fi
[ "$checked" = 1 ] || echo "skipped: neither mandoc nor groff is installed"

for topic in exit-codes sizes nodes formats environment; do
  [ -n "$("$macfit" help "$topic")" ] || fail "help $topic"
  grep -q "  $topic " <<<"$("$macfit" help)" || fail "help does not list $topic"
done
grep -q '^  plan ' <<<"$("$macfit" help)" || fail "help does not list the commands"
grep -qF -- --quant <<<"$("$macfit" help models show)" || fail "help models show"
code=0
"$macfit" help exit-cods 2>err >out || code=$?
[ "$code" = 2 ] || fail "help of an unknown topic: $code"
grep -q 'did you mean exit-codes' err || fail "$(cat err)"
code=0
"$macfit" completion tcsh 2>err >out || code=$?
[ "$code" = 2 ] || fail "completion of an unknown shell: $code"

exit "$failed"
