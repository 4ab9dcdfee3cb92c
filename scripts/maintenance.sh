#!/usr/bin/env bash
# A million rows are deduplicated and rid of orphans while the program is killed: see Tests/stress/maintenance.py.
# Usage: maintenance.sh BINARY [--rows N] [--kills N] [--seed N] [--batch N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh

server_settings=(-c autovacuum=off -c shared_buffers=256MB -c max_wal_size=4GB)
run_stress maintenance "$@"
