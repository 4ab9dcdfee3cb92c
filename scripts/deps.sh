#!/usr/bin/env bash
# Installs the distribution's packages that are missing, when this user may. Prints what is missing when not.
# `deps.sh build` only asks for what the program links.
set -euo pipefail

packages=(libpq-dev libisal-dev libxxhash-dev libssl-dev libcurl4-openssl-dev zlib1g-dev pkg-config)
if [ "${1:-}" != build ]; then
  packages+=(
    postgresql postgresql-client       # the server of tests, demo and bench
    postgresql-15-cron                 # tests of what pg_cron runs
    curl gzip pigz openssl util-linux procps   # demo, bench and tests call them
    python3 python3-xxhash python3-jsonschema   # tests read archives and manifests as docs/format.md says
  )
fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "Installing ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || {
    echo "These packages are missing, and this user may not install them. Run: sudo apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo -n)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
