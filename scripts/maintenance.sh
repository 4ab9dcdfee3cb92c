#!/usr/bin/env bash
# A million rows are deduplicated and rid of orphans while the program is killed: see Tests/stress/maintenance.py.
# Usage: maintenance.sh BINARY [--rows N] [--kills N] [--seed N] [--batch N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
binary=$(realpath "${1:?usage: maintenance.sh BINARY [options]}")
shift
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-maintenance.XXXXXX")
postgres_pid=
clean_up() {
  trap - EXIT INT TERM
  stop_postgres
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM
start_postgres -c fsync=off -c max_connections=200 -c autovacuum=off -c shared_buffers=256MB -c max_wal_size=4GB
PSQL=$(postgres_binaries)/psql
export PSQL
python3 Tests/stress/maintenance.py --binary "$binary" --work "$work" "$@"
