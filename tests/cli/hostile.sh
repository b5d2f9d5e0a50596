#!/usr/bin/env bash
# Hostile names wherever macfit reads one, neutral in every format it writes: hostile.py.
set -euo pipefail

if ! command -v python3 >/dev/null; then
  echo 'skipped: python3 is not installed'
  exit 0
fi
exec python3 "$MACFIT_SOURCE_DIR/tests/cli/hostile.py" "$@"
