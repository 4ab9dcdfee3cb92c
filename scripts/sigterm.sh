#!/usr/bin/env bash
# Ends the program by SIGTERM again and again while callers begin asynchronous jobs: see Tests/stress/sigterm.py.
# Usage: sigterm.sh BINARY [--runs N] [--callers N] [--grace SECONDS] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh

prepare_stress() {
  "$PSQL" -X -q -v ON_ERROR_STOP=1 -c "
    CREATE SCHEMA stress;
    CREATE TABLE stress.rows (id bigint, at timestamptz, text text);
    INSERT INTO stress.rows SELECT n, '2024-01-01Z'::timestamptz + n * interval '1 minute', repeat('x', 100)
      FROM generate_series(0, 31 * 1440) n"
}
server_settings=()
run_stress sigterm "$@"
