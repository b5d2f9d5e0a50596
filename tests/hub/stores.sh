#!/usr/bin/env bash
# Models in the stores of other programs.
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 0; }
PYTHONDONTWRITEBYTECODE=1 exec python3 "$MACFIT_SOURCE_DIR/tests/hub/stores.py"
