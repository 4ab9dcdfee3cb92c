#!/usr/bin/env bash
# Backups and restores while eight sessions compress, decompress, drop and change the same chunks: see Tests/stress/races.py.
# Usage: races.sh BINARY [--minutes N] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/timescale.sh

server_settings=(-c 'log_line_prefix=%m [%p] %a ')
run_timescale_stress races "$@"
