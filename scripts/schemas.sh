#!/usr/bin/env bash
# Archives, damages and restores random schemas of hypertables and native partitions, and compares rows, chunks and aggregates:
# see Tests/stress/schemas.py. Some 15 minutes for 50.
# Usage: schemas.sh BINARY [--count N] [--seed N] [--only NUMBER] [--rounds N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/timescale.sh

server_settings=()
run_timescale_stress schemas "$@"
