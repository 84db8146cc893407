#!/usr/bin/env bash
# Installs what the tests and the demo need and is missing. Quick when everything is there; asks nothing in CI.
#   scripts/needs.sh          all of it
#   scripts/needs.sh demo     only what the demo needs
#   scripts/needs.sh matrix   all of it, and what fetches the other versions of PostgreSQL
#   scripts/needs.sh django   only what Django's own tests need beside the programs; with DJANGO_VERSIONS and
#                             DJANGO_DRIVERS for some of the versions and drivers only
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
if [ "$for_what" = all ] || [ "$for_what" = django ]; then
  wants python3 command -v python3
  wants python3-venv a_venv
fi
if [ "$for_what" = all ]; then
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

packages_into() { # VENV REQUIREMENTS...: files, of which the last is given to pip
  local venv=$1 stamp=$1/installed
  shift
  if cmp -s <(cat "$@") "$stamp"; then return 0; fi
  say "python packages into $venv"
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "${!#}" >&2
  cat "$@" >"$stamp"
}

# Django's source distribution holds its tests, which a wheel does not. It is unpacked, not installed.
django_source() { # VERSION, as in 5.2: leaves it in $target/django/django-VERSION
  local version=$1 shelf=$target/django fresh
  [ -e "$shelf/django-$version/complete" ] && return 0
  say "Django $version's sources into $shelf"
  rm -rf "$shelf"/.fresh-*
  fresh=$(mktemp -d "$shelf/.fresh-XXXXXX")
  "$shelf/psycopg/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
    --dest "$fresh" "django==$version.*" >&2
  mkdir "$fresh/django"
  tar -xzf "$fresh"/*.tar.gz -C "$fresh/django" --strip-components=1
  touch "$fresh/django/complete"
  rm -rf "$shelf/django-$version"
  mv "$fresh/django" "$shelf/django-$version"
  rm -rf "$fresh"
}

if [ "$for_what" = all ]; then
  packages_into "$target/venv" python/tests/requirements.txt python/tests/requirements-django52.txt
  packages_into "$target/venv-django42" python/tests/requirements.txt python/tests/requirements-django42.txt
fi
if [ "$for_what" = django ]; then
  mkdir -p "$target/django"
  # The one with psycopg 3 is always there: what compares the two sides runs in it.
  for driver in psycopg ${DJANGO_DRIVERS:-psycopg2}; do
    packages_into "$target/django/$driver" tests/django/requirements.txt "tests/django/requirements-$driver.txt"
  done
  for version in ${DJANGO_VERSIONS:-4.2 5.2}; do django_source "$version"; done
fi
