#!/usr/bin/env bash
# Cuts jobs of seven table-days off by SIGTERM, SIGKILL and broken connections at a hundred moments each, and compares what was
# told with what is there: see Tests/stress/cutoff.py. Some 20 minutes.
# Usage: cutoff.sh BINARY [--moments N] [--only PART_OF_A_JOBS_NAME] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh

binary=$(realpath "${1:?usage: cutoff.sh BINARY [options]}")
shift
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-cutoff.XXXXXX")
postgres_pid=
clean_up() {
  trap - EXIT INT TERM
  stop_postgres
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

start_postgres -c fsync=off
PSQL=$(postgres_binaries)/psql
export PSQL
python3 Tests/stress/cutoff.py --binary "$binary" "$@"
