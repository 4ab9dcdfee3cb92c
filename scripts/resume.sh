#!/usr/bin/env bash
# A backup that is answered at once is killed at many moments, and resumed on another instance: see Tests/stress/resume.py.
# Usage: resume.sh BINARY [--kills N] [--seed N]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh

server_settings=(-c max_wal_size=4GB)
run_stress resume "$@"
