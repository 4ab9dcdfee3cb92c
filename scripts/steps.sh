#!/usr/bin/env bash
# Breaks restores before and after each of their steps, 200 times, and compares what was told with what is there: see
# Tests/stress/steps.py. Some 15 minutes.
# Usage: steps.sh BINARY [--points N] [--seed N] [--only PART_OF_A_POINT]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/timescale.sh

binary=$(realpath "${1:?usage: steps.sh BINARY [options]}")
shift
need_timescale "steps.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-steps.XXXXXX")
postgres_pid=
clean_up() {
  trap - EXIT INT TERM
  stop_postgres
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

start_postgres -c fsync=off -c autovacuum=off -c max_connections=200 -c shared_preload_libraries=timescaledb -c timescaledb.telemetry_level=off
PSQL=$(postgres_binaries)/psql
export PSQL
python3 Tests/stress/steps.py --binary "$binary" "$@"
