#!/usr/bin/env bash
# Django's own database tests, directly and through the proxy, compared test by test: docs/django-suite.md.
#   scripts/django.sh           the short list, with one Django and psycopg 3
#   scripts/django.sh --all     the long list, with both versions of Django and both drivers; prepared statements
#   scripts/django.sh [OPTION...] [MODULE...]    as tests/django/suite.py --help says
# The programs must be there: cargo build --profile fast -p connwarden -p connwarden-testbed
set -uo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

suite() { "$target/django/psycopg/bin/python" -B tests/django/suite.py --target "$target" "$@"; }

# Everything is prepared, and bound by the server: off in Django unless it is asked for.
prepared='{"OPTIONS": {"prepare_threshold": 0, "server_side_binding": true}}'

if [ "${1:-}" != --all ]; then
  # Whoever names a version or a driver gets all of them fetched.
  if [ $# = 0 ]; then export DJANGO_VERSIONS=5.2 DJANGO_DRIVERS=psycopg; fi
  scripts/needs.sh django || { echo "django: 0 passed, 1 failed"; exit 1; }
  suite "$@"
  exit
fi
scripts/needs.sh django || { echo "django: 0 passed, 1 failed"; exit 1; }
status=0
for version in 4.2 5.2; do
  for driver in psycopg psycopg2; do
    suite --list long --django "$version" --driver "$driver" || status=1
  done
done
suite --database "$prepared" || status=1
exit $status
