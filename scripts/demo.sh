#!/usr/bin/env bash
# The main job, start to end: a throw-away PostgreSQL, Sluice started as the Functions host starts it, a day of a table
# backed up by curl, dropped, restored by curl, and shown to be the same. Everything it made is removed at the end, also
# on Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh

binary=${1:-$(swift build -c release --static-swift-stdlib --show-bin-path)/sluice}
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-demo.XXXXXX")
sluice_pid=
postgres_pid=
clean_up() {
  trap - EXIT INT TERM
  [ -z "$sluice_pid" ] || { kill -TERM "$sluice_pid" 2>/dev/null && wait "$sluice_pid" 2>/dev/null; } || true
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

say "Sluice, started as the Functions host starts it"
port=$(free_port)
setsid env FUNCTIONS_CUSTOMHANDLER_PORT="$port" PG_HOST=127.0.0.1 PG_PORT="$PGPORT" PG_USER="$PGUSER" \
  PG_DATABASE="$PGDATABASE" PG_SSLMODE=disable LAKE_URL="file://$work/lake" \
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
(cd "$work/lake" && ls -l "$PGDATABASE")
gzip -t "$work/lake/$PGDATABASE/events.bannerclicked.2024-01-01.csv.gz"

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
