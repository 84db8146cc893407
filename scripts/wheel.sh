#!/usr/bin/env bash
# Builds the wheel of the Python package, the program `connwarden` in it.
#   scripts/wheel.sh           for other machines (glibc 2.28 and later), into target/wheels; takes minutes
#   scripts/wheel.sh --fast    for this machine and the tests: the program as the tests have built it
# PYTHON names the interpreter whose maturin is used; without it the tests' own (scripts/needs.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
python=${PYTHON:-$target/venv/bin/python}
export CARGO_TARGET_DIR=$target
maturin() { (cd python && PATH="$(dirname "$python"):$PATH" "$python" -m maturin "$@"); }
programs=python/connwarden.data/scripts
out=$target/wheels
rm -rf "$programs" "$out"
mkdir -p "$programs"
trap 'rm -rf python/connwarden.data' EXIT

if [ "${1:-}" = --fast ]; then
  [ -x "$target/fast/connwarden" ] || cargo build -q --profile fast -p connwarden
  cp "$target/fast/connwarden" "$programs/"
  maturin build -q --profile wheel-fast --auditwheel skip --out "$out"
else
  "$python" -m pip install --quiet --disable-pip-version-check ziglang cargo-zigbuild
  triple=$(rustc -vV | sed -n 's/^host: //p')
  # Names stay for backtraces; line tables would be two thirds of what everybody downloads.
  PATH="$(dirname "$python"):$PATH" CARGO_PROFILE_RELEASE_STRIP=debuginfo \
    cargo zigbuild -q --release -p connwarden --target "$triple.2.28"
  cp "$target/$triple/release/connwarden" "$programs/"
  maturin build -q --profile wheel --strip \
    --zig --compatibility manylinux_2_28 --target "$triple" --out "$out"
fi
ls "$out"/*.whl
