#!/usr/bin/env bash
# Instances of the program, with the Functions host played by a script, archive a night of table-days from one queue over the lake
# emulator, while one of them is killed every few seconds: see Tests/stress/fanout.py.
# Usage: simulate-fanout.sh BINARY EMULATOR [--instances N] [--tables N] [--days N] [--kill-every SECONDS] [--duplicates PERCENT] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/emulator.sh

emulator=$(realpath "${2:?usage: simulate-fanout.sh BINARY EMULATOR [options]}")
server_settings=(-c max_wal_size=4GB)
prepare_stress() {
  start_emulator "$emulator"
  export LAKE_URL=$lake_url
  trap 'stop_emulator; clean_up_stress' EXIT
  trap 'stop_emulator; clean_up_stress; exit 130' INT TERM
}
binary=$1
shift 2
run_stress fanout "$binary" "$@"
