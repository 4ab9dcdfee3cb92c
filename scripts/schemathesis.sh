#!/usr/bin/env bash
# Sends what docs/openapi.json allows, and what it does not, to a running `sluice serve`, and compares the answers with the document: Schemathesis
# with its default checks.
# Usage: schemathesis.sh <the built sluice> [options of `schemathesis run`]
# SCHEMATHESIS names the program where it is installed already; else it goes into a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/.."
sluice=$(realpath "${1:?usage: schemathesis.sh <the built sluice>}")
shift

. scripts/postgres.sh

folder=$(mktemp -d)
work=$folder/database
postgres_pid=
service=
clean_up() {
  trap - EXIT INT TERM
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  stop_postgres
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

schemathesis=${SCHEMATHESIS:-}
if [ -z "$schemathesis" ]; then
  python3 -m venv "$folder/venv" || { echo "python3 with its venv module is needed (python3-venv)" >&2; exit 1; }
  "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check schemathesis
  schemathesis=$folder/venv/bin/schemathesis
fi

mkdir "$work" "$folder/app"
chmod 755 "$folder"
start_postgres -c fsync=off
psql -q -X -v ON_ERROR_STOP=1 -c "CREATE SCHEMA events; CREATE TABLE events.bannerclicked (id int, received_at timestamptz);
  INSERT INTO events.bannerclicked VALUES (1, '2024-01-01 10:00Z')"

port=$(free_port)
(
  cd "$folder/app"
  # Only settings of this script: those of whoever runs it must not get in.
  exec env -i PATH="$PATH" PG_HOST=127.0.0.1 PG_PORT="$PGPORT" PG_USER="$PGUSER" PG_DATABASE="$PGDATABASE" PG_SSLMODE=disable \
    SLUICE_KEY=schemathesis PG_RETRY_SECONDS=0 PG_LOCK_TIMEOUT_SECONDS=2 LAKE_URL="file://$folder/lake?create=true" SLUICE_LOG_LEVEL=error MAINTENANCE_KEY=schemathesis \
    BACKUP_TABLES=events.bannerclicked:received_at "$sluice" serve --port "$port"
) >"$folder/log" 2>&1 &
service=$!
wait_for_http "http://127.0.0.1:$port/api/health" "$service" || { cat "$folder/log" >&2; exit 1; }
config=$PWD/Tests/interop/schemathesis.toml
# It keeps what it has found in the folder where it runs.
cd "$folder"
"$schemathesis" --config-file "$config" run "http://127.0.0.1:$port/api/openapi.json" --url "http://127.0.0.1:$port" \
  --header "x-functions-key: schemathesis" --no-color "$@" || { tail -n 20 "$folder/log" >&2; exit 1; }
