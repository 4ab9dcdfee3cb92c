#!/usr/bin/env bash
# Cuts jobs of seven table-days off by SIGTERM, SIGKILL and broken connections at a hundred moments each, and compares what was
# told with what is there: see Tests/stress/cutoff.py. Some 20 minutes.
# Usage: cutoff.sh BINARY [--moments N] [--only PART_OF_A_JOBS_NAME] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh

server_settings=()
run_stress cutoff "$@"
