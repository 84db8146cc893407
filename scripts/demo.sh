#!/usr/bin/env bash
# Shows the main job: 200 clients against a PostgreSQL that takes 20, without and with the proxy.
# Installs what is missing, builds, starts throwaway servers, cleans up behind itself.
#   scripts/demo.sh [--clients N] [--seconds N]
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cargo/bin:$PATH"
scripts/needs.sh demo
echo "Building ..." >&2
cargo build -q --profile fast -p connwarden -p connwarden-testbed --bins
# 200 clients are 400 sockets.
ulimit -n "$(ulimit -H -n)" 2>/dev/null || true
exec "${CARGO_TARGET_DIR:-target}/fast/testbed" demo "$@"
