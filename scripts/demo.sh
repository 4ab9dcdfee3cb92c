#!/usr/bin/env bash
# The main job, start to end: a throw-away PostgreSQL, Sluice started as the Functions host starts it, a day of a table
# backed up by curl, dropped, restored by curl, and shown to be the same. Everything it made is removed at the end, also
# on Ctrl-C. The lake is a folder; with LAKE=adls it is the emulator of the storage service, asked with a token of a managed
# identity.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/emulator.sh

binary=${1:-$(swift build -c release --static-swift-stdlib --show-bin-path)/sluice}
emulator=${2:-$(dirname "$binary")/lake-emulator}
lake=${LAKE:-folder}
case $lake in folder | adls) ;; *) echo "LAKE=$lake: expected folder or adls" >&2; exit 2 ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-demo.XXXXXX")
sluice_pid=
postgres_pid=
clean_up() {
  trap - EXIT INT TERM
  [ -z "$sluice_pid" ] || { kill -TERM "$sluice_pid" 2>/dev/null && wait "$sluice_pid" 2>/dev/null; } || true
  stop_emulator
  stop_postgres
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT
trap 'clean_up; exit 143' TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# Prints a command as one would type it, and runs it.
show() {
  local word line=
  for word in "$@"; do
    case $word in *[!A-Za-z0-9_./:@=-]*) word="'$word'" ;; esac
    line+=" $word"
  done
  printf '$%s\n' "$line"
  "$@"
}

say "A PostgreSQL with events.bannerclicked: 320,000 rows of every common type, three days"
start_postgres -c fsync=off -c max_wal_size=4GB
psql -q -X -v ON_ERROR_STOP=1 -f scripts/demo.sql
psql -X -A -t -c "SELECT received_at::date AS day, count(*) FROM events.bannerclicked GROUP BY 1 ORDER BY 1"

if [ "$lake" = adls ]; then
  say "The emulator of a storage account and of the managed identity that may use it"
  start_emulator "$emulator"
  # As the platform sets it for an app with a managed identity; nothing else is configured.
  echo "LAKE_URL=$lake_url"
  echo "IDENTITY_ENDPOINT=$IDENTITY_ENDPOINT"
else
  lake_url=file://$work/lake
  say "A folder for the lake: one that is missing is an error, since it may be a disk that is not mounted"
  LAKE_URL=$lake_url show "$binary" init
fi

say "Sluice, started as the Functions host starts it"
port=$(free_port)
setsid env FUNCTIONS_CUSTOMHANDLER_PORT="$port" PG_HOST=127.0.0.1 PG_PORT="$PGPORT" PG_USER="$PGUSER" \
  PG_DATABASE="$PGDATABASE" PG_SSLMODE=disable LAKE_URL="$lake_url" \
  BACKUP_TABLES=events.bannerclicked:received_at "$binary" serve >"$work/sluice.log" 2>&1 &
sluice_pid=$!
wait_for_http "http://127.0.0.1:$port/" "$sluice_pid" || { cat "$work/sluice.log" >&2; exit 1; }
tail -n 1 "$work/sluice.log"

# An order-independent hash of whole rows, of the day and of the rest.
fingerprint() {
  psql -X -A -t -c "
    SELECT (received_at AT TIME ZONE 'UTC')::date = '2024-01-01', count(*), sum(hashtextextended(t::text, 0)::numeric)
    FROM events.bannerclicked t GROUP BY 1 ORDER BY 1"
}
before=$(fingerprint)

say "Back up 2024-01-01"
show curl -sS --fail-with-body "http://127.0.0.1:$port/api/backup_manual?table=events.bannerclicked&date=2024-01-01"
if [ "$lake" = adls ]; then
  # As anybody with the role would read it: a token, and the service's own interface.
  printf 'header = "X-IDENTITY-HEADER: %s"\n' "$IDENTITY_HEADER" >"$work/identity.conf"
  token=$(curl -sS --fail-with-body -K "$work/identity.conf" \
    "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com" |
    sed -nE 's/.*"access_token":"([^"]*)".*/\1/p')
  printf 'header = "Authorization: Bearer %s"\n' "$token" >"$work/curl.conf"
  curl -sS --fail-with-body -K "$work/curl.conf" -H "x-ms-version: 2023-11-03" -o "$work/day.csv.gz" \
    "$lake_url/$PGDATABASE/events.bannerclicked.2024-01-01.csv.gz"
  gzip -t "$work/day.csv.gz"
  say "Who Sluice is to the storage service"
  show "$binary" identity token --scope https://storage.azure.com/.default
  say "What the emulator has seen"
  emulator_call GET files
  echo
  emulator_call GET journal
  echo
else
  (cd "$work/lake" && ls -l "$PGDATABASE")
  gzip -t "$work/lake/$PGDATABASE/events.bannerclicked.2024-01-01.csv.gz"
fi

say "Read the archive back, and compare its rows with the table's"
show curl -sS --fail-with-body \
  "http://127.0.0.1:$port/api/verify?table=events.bannerclicked&date=2024-01-01&depth=database"

say "Drop the day"
psql -X -c "DELETE FROM events.bannerclicked WHERE received_at >= '2024-01-01 00:00+00' AND received_at < '2024-01-02 00:00+00'"
[ "$(fingerprint)" != "$before" ] || { echo "the rows are still there" >&2; exit 1; }

say "Restore it"
show curl -sS --fail-with-body -X POST -H 'Content-Type: application/json' \
  -d '{"table": "events.bannerclicked", "date": "2024-01-01"}' "http://127.0.0.1:$port/api/restore"

say "The rows (of another day | rows | hash)"
after=$(fingerprint)
printf 'before\n%s\nafter\n%s\n' "$before" "$after"
[ "$before" = "$after" ] || { echo "the rows differ" >&2; exit 1; }
say "The same."
