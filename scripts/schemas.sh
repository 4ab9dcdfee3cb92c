#!/usr/bin/env bash
# Archives, damages and restores random schemas of hypertables and native partitions, and compares rows, chunks and aggregates:
# see Tests/stress/schemas.py. Some 15 minutes for 50.
# Usage: schemas.sh BINARY [--count N] [--seed N] [--only NUMBER] [--rounds N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/timescale.sh

binary=$(realpath "${1:?usage: schemas.sh BINARY [options]}")
shift
need_timescale "schemas.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-schemas.XXXXXX")
postgres_pid=
clean_up() {
  trap - EXIT INT TERM
  stop_postgres
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

start_postgres -c fsync=off -c max_connections=200 -c shared_preload_libraries=timescaledb -c timescaledb.telemetry_level=off
PSQL=$(postgres_binaries)/psql
export PSQL
python3 Tests/stress/schemas.py --binary "$binary" "$@"
