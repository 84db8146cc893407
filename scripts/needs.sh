#!/usr/bin/env bash
# Installs what the tests and the demo need and is missing. Quick when everything is there; asks nothing in CI.
#   scripts/needs.sh          all of it
#   scripts/needs.sh demo     only what the demo needs
#   scripts/needs.sh matrix   all of it, and what fetches the other versions of PostgreSQL
set -euo pipefail
cd "$(dirname "$0")/.."
for_what=${1:-all}
fetches=false
if [ "$for_what" = matrix ]; then for_what=all fetches=true; fi
target=${CARGO_TARGET_DIR:-target}

say() { echo "needs: $*" >&2; }
die() { say "$*"; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  command -v sudo >/dev/null || die "cannot run '$*': neither root nor sudo"
  if [ "${CI:-}" = true ]; then sudo -n "$@"; else sudo "$@"; fi
}

packages=()
wants() { # PACKAGE, then a command that succeeds where it is not needed
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || packages+=("$package")
}
a_postgres() { compgen -G '/usr/lib/postgresql/*/bin/postgres' || [ -x "${PG_BIN:-/nonexistent}/postgres" ] || command -v postgres; }
a_linker() { command -v cc; }
a_venv() { python3 -c 'import venv, ensurepip'; }

wants postgresql-15 a_postgres
wants build-essential a_linker
wants util-linux command -v setpriv
if [ "$for_what" = all ]; then
  wants python3 command -v python3
  wants python3-venv a_venv
  wants strace command -v strace
  wants tmux command -v tmux
  wants valgrind command -v valgrind
  if $fetches; then wants npm command -v npm; fi
fi

if [ ${#packages[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || die "install these by hand, there is no apt-get here: ${packages[*]}"
  say "installing ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -qq
  # The package's own cluster is neither wanted nor started.
  if [[ " ${packages[*]} " == *" postgresql-15 "* ]]; then
    if apt-cache show postgresql-15 >/dev/null 2>&1; then :; else packages=("${packages[@]/postgresql-15/postgresql}"); fi
    as_root mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
      echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
fi

if ! command -v cargo >/dev/null; then
  [ -x "$HOME/.cargo/bin/cargo" ] || die "Rust is missing: https://rustup.rs"
fi

# A place for Python packages: NAME REQUIREMENTS [PACKAGE...]
place_for() {
  local venv=$target/$1 wanted
  wanted=$(printf '%s\n' "${@:2}"; cat "$2")
  if [ "$wanted" != "$(cat "$venv/installed" 2>/dev/null)" ]; then
    say "python packages into $venv"
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$2" "${@:3}" >&2
    echo "$wanted" >"$venv/installed"
  fi
}
if [ "$for_what" = all ]; then
  place_for venv python/tests/requirements.txt "django>=5.2,<5.3"
  place_for venv-django42 python/tests/requirements.txt "django>=4.2,<4.3"
fi
