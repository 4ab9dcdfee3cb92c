#!/usr/bin/env bash
# Ends the program by SIGTERM again and again while callers begin asynchronous jobs: see Tests/stress/sigterm.py.
# Usage: sigterm.sh BINARY [--runs N] [--callers N] [--grace SECONDS] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh

binary=$(realpath "${1:?usage: sigterm.sh BINARY [options]}")
shift
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-sigterm.XXXXXX")
postgres_pid=
clean_up() {
  trap - EXIT INT TERM
  stop_postgres
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

start_postgres -c fsync=off
"$(postgres_binaries)/psql" -X -q -v ON_ERROR_STOP=1 -c "
  CREATE SCHEMA stress;
  CREATE TABLE stress.rows (id bigint, at timestamptz, text text);
  INSERT INTO stress.rows SELECT n, '2024-01-01Z'::timestamptz + n * interval '1 minute', repeat('x', 100)
    FROM generate_series(0, 31 * 1440) n"
python3 Tests/stress/sigterm.py --binary "$binary" "$@"
