#!/usr/bin/env bash
# Compares macfit with mlx-lm's own classes, installed from the package registry into a throw-away
# environment (MLX_LM_VERSION: that release), and prints a line for every model type. Needs Python
# 3.10 or newer. Arguments: names of configs (default: all).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
program=${MACFIT_VERIFY_BINARY:-}
python=${PYTHON:-python3}

if [ -z "$program" ]; then
  for preset in release dev; do
    if [ -x "$top/build/$preset/macfit_verify" ]; then
      program=$top/build/$preset/macfit_verify
      break
    fi
  done
fi
if [ -z "$program" ]; then
  echo "run_mlx.sh: macfit_verify is not built: ./dev build, or set MACFIT_VERIFY_BINARY" >&2
  exit 2
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
package=mlx
if [ "$(uname -s)" != Darwin ]; then
  package='mlx[cpu]'
fi
echo "run_mlx.sh: installing mlx and mlx-lm into a throw-away environment" >&2
"$python" -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check "$package" "mlx-lm${MLX_LM_VERSION:+==$MLX_LM_VERSION}"
"$scratch/venv/bin/pip" list --disable-pip-version-check 2>/dev/null | grep -i '^mlx' >&2 || true
truth=$scratch/mlx_lm.json
"$scratch/venv/bin/python" "$here/mlx_lm_truth.py" "$truth" "$@"
"$program" --against "$truth" --configs "$here/configs" --format json --output "$scratch/verified.json"
"$scratch/venv/bin/python" "$here/mlx_lm_truth.py" --table "$scratch/verified.json"
