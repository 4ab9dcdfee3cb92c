#!/usr/bin/env bash
# Prints where promtool is, by which the test of /metrics checks its form. Where it is not installed it is taken out of the distribution's
# package, without installing that, which would start a server. Prints nothing where it cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v promtool && exit 0
tool=$PWD/.build/tools/promtool
if [ ! -x "$tool" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$(dirname "$tool")"
  (cd "$work" && apt-get download -qq prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool) >/dev/null 2>&1 || exit 0
  mv "$work/usr/bin/promtool" "$tool"
fi
echo "$tool"
