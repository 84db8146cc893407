#!/usr/bin/env bash
# Everything that CI runs. Ends with one line, `N passed, N failed`; fails if anything did.
#   scripts/test.sh [PART...]     parts: style rust conformance python django cost tidy; all of these without one
#   scripts/test.sh --all         these, the versions of PostgreSQL (part: matrix), and more of Django's own tests with two
#                                 versions and two drivers (part: django-all, in place of django)
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cargo/bin:$PATH"
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
target=${CARGO_TARGET_DIR:-target}
usual="style rust conformance python django cost tidy"
if [ "${1:-}" = --all ]; then set -- ${usual/django/django-all} matrix; fi
parts=" ${*:-$usual} "
passed=0
failed=0
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

needs=all
if [[ $parts == *" matrix "* ]]; then needs=matrix; fi
scripts/needs.sh $needs || { echo "0 passed, 1 failed"; exit 1; }

part() { [[ $parts == *" $1 "* ]]; }

# One check that counts as one: NAME COMMAND...
check() {
  local name=$1
  shift
  echo "=== $name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "=== $name FAILED"; fi
}

# A run that counts its tests itself: NAME COMMAND...
count() {
  local name=$1 status ok bad log=$logs/log
  shift
  echo "=== $name"
  "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  ok=$(grep -oE '(^|[^0-9])[0-9]+ passed' "$log" | grep -oE '[0-9]+' | paste -sd+ | bc_or_zero)
  bad=$(grep -oE '(^|[ ,])[0-9]+ (failed|error|errors)\b' "$log" | grep -oE '[0-9]+' | paste -sd+ | bc_or_zero)
  # A run that fails without a failed test, as when it does not build, is one failure.
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  passed=$((passed + ok))
  failed=$((failed + bad))
  [ "$status" = 0 ] || echo "=== $name FAILED"
}
bc_or_zero() { local sum; read -r sum || true; echo $((${sum:-0})); }

profile=(--profile fast)
if part style; then
  check "cargo fmt" cargo fmt --all --check
  check "cargo clippy" cargo clippy -q --workspace --all-targets "${profile[@]}" -- -D warnings
  check "cargo clippy, planted faults" cargo clippy -q -p connwarden-engine --all-targets --features planted "${profile[@]}" -- -D warnings
fi
# The tests run the program that was built with their profile. One selection of packages for the build and for the run:
# another one has other features, and builds everything anew.
if part rust || part conformance || part python || part django || part django-all || part cost || part tidy; then
  check "cargo build" cargo build -q --workspace --all-targets "${profile[@]}"
fi
if part rust; then
  count "unit, integration and conformance tests" cargo test -q --workspace "${profile[@]}" --no-fail-fast
  # Another choice of features: the engine, what it imports, and its tests are built once more for it. The hunt itself takes
  # some seconds.
  count "planted faults" cargo test -q -p connwarden-engine "${profile[@]}" --features planted --test it sim::hunt
elif part conformance; then
  count "conformance" cargo test -p connwarden-conformance "${profile[@]}" --no-fail-fast
fi
if part matrix; then
  count "versions of PostgreSQL" scripts/matrix.sh
fi
if part python; then
  export TESTBED; TESTBED=$(cd "$target" && pwd)/fast/testbed
  count "python" "$target/venv/bin/python" -m pytest -q -p no:cacheprovider tests/py tests/django
  check "types and style of the package" python/tests/style.sh "$target/venv"
  # What is tested is what is shipped: the wheel, installed.
  check "wheel" scripts/wheel.sh --fast
  for place in venv venv-django42; do
    check "wheel into $place" "$target/$place/bin/python" -m pip install -q --disable-pip-version-check --force-reinstall --no-deps \
      "$target"/wheels/connwarden-*.whl
    count "package, $("$target/$place/bin/python" -m django --version)" \
      "$target/$place/bin/python" -m pytest -q -p no:cacheprovider python/tests
  done
fi
if part django; then
  count "Django's own tests, directly and through the proxy" scripts/django.sh
fi
if part django-all; then
  count "Django's own tests, all of them" scripts/django.sh --all
fi
# What a query costs, counted rather than timed: a busy machine changes nothing. bench/README.md says what to do where a
# figure is meant to change.
if part cost; then
  bench() { local what=$1; shift; "$target/fast/bench" "$what" --proxy "connwarden=$target/fast/connwarden" --no-pin "$@"; }
  check "system calls of a query" bench syscalls --max 4.5
  check "instructions of a query" bench callgrind --figures bench/figures/instructions.json
fi
if part tidy; then
  check "tidy" "$target/fast/xtask" tidy
  check "generated documents" "$target/fast/xtask" gen --check
  count "examples" scripts/checks/examples.sh "$target/fast/connwarden"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
