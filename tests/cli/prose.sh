#!/usr/bin/env bash
# Left-overs in what people read: README, documents, change log and every command's help. Marks of
# unfinished text, words that stand twice, and words for which the field has better ones.
# shellcheck disable=SC2016  # backticks of a pattern
# shellcheck source=tests/shell.sh
. "$MACFIT_SOURCE_DIR/tests/shell.sh"

cd "$MACFIT_SOURCE_DIR"
"$macfit" help --man >"$work/help"
for topic in exit-codes sizes nodes formats environment; do "$macfit" help "$topic" >>"$work/help"; done
texts=(README.md CONTRIBUTING.md CHANGELOG.md docs/*.md "$work/help")

# none WHAT PATTERN…: no line of the texts, code blocks aside, matches.
none() {
  local what=$1 found
  shift
  found=$(awk '/^ *```/ { code = !code } !code { print FILENAME ":" FNR ": " $0 }' "${texts[@]}" | grep -E "$@" || true)
  [ -z "$found" ] || fail "$what:"$'\n'"$found"
}
all() {
  none 'unfinished' -w -e 'XX+|TODO|FIXME|TBD|lorem ipsum'
  none 'a word twice' -i -e '(^|[^[:alnum:]_.`-])([[:alpha:]]{2,}) \2([^[:alnum:]_`-]|$)'
  none 'a better word is known' -i -w -e \
    'seller|sellers|reckon|reckons|reckoned|reckoning|whole or not at all|page to pass on|other way round: longest'
  none 'a better word is known' -e 'No talk on standard error|Say what is done|Kept for the person|So many (models|rows)'
}
all

# The patterns find what they are for.
for bad in 'your own results XX outrank them' 'it is is so' 'the seller'"'"'s figure'; do
  printf '%s\n' "$bad" >"$work/bad"
  found=$(
    texts=("$work/bad")
    all
  )
  [ -n "$found" ] || fail "nothing is found in: $bad"
done

exit "$failed"
