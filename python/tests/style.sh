#!/usr/bin/env bash
# Types and style of the package: VENV
set -euo pipefail
venv=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
"$venv/bin/python" -m mypy
"$venv/bin/ruff" check .
"$venv/bin/ruff" format --check --quiet .
