#!/usr/bin/env bash
# The long forms of the real tests: thousands of clients, gigabytes, kills, restarts, ten thousand cancels.
# Writes docs/soak.md with date, commit and figures. Takes about half an hour; not part of test.sh.
#   scripts/soak.sh [PART_OF_A_TEST_NAME...]     with names it prints and leaves docs/soak.md alone
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cargo/bin:$PATH"
scripts/needs.sh
# 2,000 clients are 4,000 sockets of the proxy.
ulimit -n "$(ulimit -H -n)"
[ "$(ulimit -n)" -ge 8192 ] || { echo "soak: needs 8192 open files, has $(ulimit -n)" >&2; exit 1; }
export CONNWARDEN_SOAK=1 CARGO_TERM_COLOR=never
cargo build -q --profile fast -p connwarden

log=$(mktemp)
trap 'rm -f "$log"' EXIT
began=$(date +%s)
status=0
cargo test --profile fast -p connwarden-conformance --test real -- --nocapture --test-threads=1 "$@" 2>&1 | tee "$log" || status=$?
minutes=$((($(date +%s) - began + 59) / 60))
[ $# = 0 ] || exit $status

commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD || commit="$commit and uncommitted changes"
{
  echo "# Soak"
  echo
  echo "The long forms of the real tests (\`scripts/soak.sh\`), last run on $(date -u +%F) at commit $commit:"
  echo "$(grep -oE '[0-9]+ passed; [0-9]+ failed' "$log" | tail -1), in $minutes minutes on $(nproc) processors that server, proxy and clients share."
  echo
  echo "| test | outcome |"
  echo "|---|---|"
  grep -oE 'figure: [^:]+: .*' "$log" | sed -E 's/^figure: ([^:]+): (.*)$/| \1 | \2 |/'
  if [ $status != 0 ]; then
    echo
    echo "Failed:"
    echo
    grep -oE '^test [^ ]+ \.\.\. .*FAILED$|^    [a-z_]+::[a-z_]+$' "$log" | sort -u | sed 's/^ */- /' || true
  fi
} > docs/soak.md.new
mv docs/soak.md.new docs/soak.md
exit $status
