#!/usr/bin/env bash
# Retention drops days while eight sessions write to them, is killed, and loses its server: see Tests/stress/retention.py.
# Usage: retention.sh BINARY [--rounds N] [--writers N] [--kills N] [--restarts N] [--seed N] [--first ROUND] [--ways WAY,WAY] [--kinds KIND,KIND]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/timescale.sh

# The server that is there at the end may be one that was started again.
stop_postgres() {
  (as_postgres "$(postgres_binaries)/pg_ctl" -D "$PGHOST/data" -s -m immediate stop) 2>/dev/null || true
}

server_settings=(-c deadlock_timeout=200ms -c 'log_line_prefix=%m [%p] %a ')
run_timescale_stress retention "$@"
