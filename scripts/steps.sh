#!/usr/bin/env bash
# Breaks restores before and after each of their steps, 200 times, and compares what was told with what is there: see
# Tests/stress/steps.py. Some 15 minutes.
# Usage: steps.sh BINARY [--points N] [--seed N] [--only PART_OF_A_POINT]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/timescale.sh

server_settings=(-c autovacuum=off)
run_timescale_stress steps "$@"
