#!/usr/bin/env bash
# Backups and restores while eight sessions compress, decompress, drop and change the same chunks: see Tests/stress/races.py.
# Usage: races.sh BINARY [--minutes N] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/timescale.sh

binary=$(realpath "${1:?usage: races.sh BINARY [options]}")
shift
need_timescale "races.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-races.XXXXXX")
postgres_pid=
clean_up() {
  trap - EXIT INT TERM
  stop_postgres
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

start_postgres -c fsync=off -c 'log_line_prefix=%m [%p] %a ' -c max_connections=200 -c shared_preload_libraries=timescaledb -c timescaledb.telemetry_level=off
PSQL=$(postgres_binaries)/psql
export PSQL
python3 Tests/stress/races.py --binary "$binary" "$@"
