#!/usr/bin/env bash
# The examples and the packaging, as far as no container engine is needed: the configuration is accepted, the files can be
# parsed, the presets name all that compose.yaml asks for, the unit is one that systemd understands.
#   scripts/checks/examples.sh [CONNWARDEN]     the program; default: the one in the target folder
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${1:-${CARGO_TARGET_DIR:-target}/fast/connwarden}
passed=0
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$scratch/out" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "examples: $name FAILED"
    sed 's/^/  /' "$scratch/out"
  fi
}

accepted_without_a_warning() {
  WALL_PASSWORD=a WALL_ADMIN_PASSWORD=b MONITOR_PASSWORD=c \
    "$program" config check --config examples/wall/connwarden.toml >"$scratch/said" 2>"$scratch/warned"
  cat "$scratch/said" "$scratch/warned"
  [ ! -s "$scratch/warned" ]
}

compose_is_whole() { # ENV FILE
  python3 - "$1" <<'PY'
import re, sys

text = open("examples/wall/compose.yaml").read()
try:
    import yaml
    services = yaml.safe_load(text)["services"]
    assert list(services) == ["postgres", "connwarden", "api", "materializer", "simulator"], list(services)
    for name, service in services.items():
        assert isinstance(service.get("command", []), list), f"{name}: a command is a list"
    for name in ("api", "materializer", "simulator"):
        assert services[name]["environment"]["DB_APPLICATION_NAME"] == f"wall-django-{name}"
        assert services[name]["image"], name
except ImportError:
    print("no PyYAML: only the variables are checked")
outside = {"WALL_IMAGE", "WALL_PASSWORD", "WALL_ADMIN_PASSWORD", "MONITOR_PASSWORD", "POSTGRES_PASSWORD"}
lines = [line for line in open(sys.argv[1]).read().splitlines() if line and not line.startswith("#")]
given = [line.split("=", 1)[0] for line in lines]
assert len(given) == len(set(given)), "a name stands twice"
body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", body))
assert asked == outside | set(given), asked ^ (outside | set(given))
PY
}

unit_is_understood() {
  command -v systemd-analyze >/dev/null || { echo "no systemd-analyze here"; return 0; }
  # The program need not be installed.
  sed "s#=/usr/bin/connwarden#=$(command -v true)#" packaging/connwarden.service >"$scratch/connwarden.service"
  systemd-analyze verify --man=no "$scratch/connwarden.service" 2>&1 | tee "$scratch/verify"
  [ ! -s "$scratch/verify" ]
}

python_compiles() { python3 -c "compile(open('$1').read(), '$1', 'exec')"; }
svg_parses() { python3 -c "import xml.etree.ElementTree as t; t.parse('$1')"; }

links_lead_somewhere() {
  python3 - "$@" <<'PY'
import os, re, sys

lost = []
for page in sys.argv[1:]:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", open(page).read()):
        if "://" not in target and not os.path.exists(os.path.join(os.path.dirname(page), target)):
            lost.append(f"{page}: {target}")
sys.exit("\n".join(lost) or 0)
PY
}

check "connwarden.toml" accepted_without_a_warning
for preset in development staging production high-load; do
  check "compose.yaml with $preset.env" compose_is_whole "examples/wall/$preset.env"
done
check "connwarden.service" unit_is_understood
check "10-roles.sh" sh -n examples/wall/initdb/10-roles.sh
check "settings_database.py" python_compiles examples/wall/settings_database.py
check "picture.svg" svg_parses docs/picture.svg
check "links" links_lead_somewhere README.md ARCHITECTURE.md SECURITY.md CHANGELOG.md docs/*.md examples/wall/README.md
echo "examples: $passed passed, $failed failed"
[ "$failed" = 0 ]
