#!/usr/bin/env bash
# Models by their names on a hub that lives in this test.
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 0; }
PYTHONDONTWRITEBYTECODE=1 exec python3 "$MACFIT_SOURCE_DIR/tests/hub/hub.py"
