#!/usr/bin/env bash
# Sluice beside psql, gzip and pigz on the same rows, in one run: wall time, CPU seconds of the client side (the server's
# are not counted), peak resident memory. Each contender runs RUNS times in turn; the median counts. Nothing fails on time:
# each target is printed with whether it was met.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/timescale.sh
. scripts/emulator.sh

binary=${1:-$(swift build -c release --static-swift-stdlib --show-bin-path)/sluice}
emulator=${2:-$(dirname "$binary")/lake-emulator}
# Another build of the program, such as the one before a change: it takes part, and the ratios to it are printed.
before=${BEFORE:-}
runs=${RUNS:-3}
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-bench.XXXXXX")
postgres_pid=
clean_up() {
  trap - EXIT INT TERM
  stop_emulator
  stop_postgres
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

echo "Making 3.2 GB of telemetry (a minute or two) ..."
# Where the server has timescaledb, a hypertable takes part.
timescale=
if has_timescale; then timescale=yes; fi
start_postgres ${timescale:+-c shared_preload_libraries=timescaledb -c timescaledb.telemetry_level=off} -c fsync=off -c max_wal_size=8GB -c shared_buffers=2GB -c autovacuum=off
psql -q -X -v ON_ERROR_STOP=1 -f scripts/bench.sql
if [ -n "$timescale" ]; then
  psql -q -X -v ON_ERROR_STOP=1 -c "CREATE EXTENSION timescaledb" -c "CREATE TABLE bench.hypertable (LIKE bench.telemetry)" \
    -c "SELECT create_hypertable('bench.hypertable', 'ts', chunk_time_interval => interval '1 day')" >/dev/null
fi

export PG_HOST=$PGHOST PG_PORT=$PGPORT PG_USER=$PGUSER PG_DATABASE=$PGDATABASE PG_SSLMODE=disable
export LAKE_URL="file://$work/lake"
"$binary" init >/dev/null
query="COPY (SELECT * FROM bench.telemetry WHERE ts >= '2024-01-02 00:00+00' AND ts < '2024-01-03 00:00+00') TO STDOUT WITH (FORMAT csv, HEADER)"

# run NAME COMMAND...: appends "wall cpu" of one run to NAME's results. CPU is user and system time of all its processes.
run() {
  local name=$1 times
  shift
  local TIMEFORMAT='%R %U %S'
  times=$({ time "$@" >"$work/out" 2>"$work/err"; } 2>&1) || { cat "$work/err" >&2; return 1; }
  awk '{ print $1, $2 + $3 }' <<<"$times" >>"$work/$name.times"
}
# median NAME FIELD
median() { sort -n -k "$2,$2" "$work/$1.times" | awk -v f="$2" '{ a[NR] = $f } END { print a[int((NR + 1) / 2)] }'; }

psql_null() { psql -X -c "$query" >/dev/null; }
psql_gzip() { psql -X -c "$query" | gzip -6 >"$work/day.gz"; }
psql_pigz() { psql -X -c "$query" | pigz -6 >"$work/day.gz"; }
backup_by() { "$1" backup --table bench.telemetry --date 2024-01-02 --overwrite --json; }
sluice_backup() { backup_by "$binary"; }
before_backup() { backup_by "$before"; }
# Through the emulator of the storage service, which is a process of its own on the same cores: its share is told apart.
adls_backup() { LAKE_URL=$lake_url sluice_backup; }
adls_restore() { LAKE_URL=$lake_url sluice_restore; }
# run_adls NAME: a run through the emulator, with the emulator's own CPU seconds.
run_adls() {
  local before
  before=$(emulator_cpu)
  run "$1" "$1"
  awk -v a="$before" -v b="$(emulator_cpu)" 'BEGIN { print b - a }' >>"$work/$1.emulator.times"
}
# builds JOB ROUND: the program, and where there is another build, both twice a round. They take turns to go first: what
# psql has just done to the server's caches favours one place over the other. Twice, because the system time of a run
# varies by half.
builds() {
  if [ -z "$before" ]; then
    echo "sluice_$1"
  elif (($2 % 2)); then
    echo "sluice_$1 before_$1 before_$1 sluice_$1"
  else
    echo "before_$1 sluice_$1 sluice_$1 before_$1"
  fi
}
start_emulator "$emulator"

echo "Backing up 1 GB, $runs times each ..."
sluice_backup >/dev/null # warms the server's cache for all
adls_backup >/dev/null
for round in $(seq "$runs"); do
  run psql_null psql_null
  for build in $(builds backup "$round"); do run "$build" "$build"; done
  run_adls adls_backup
  run psql_pigz psql_pigz
  run psql_gzip psql_gzip
done

archive=$work/lake/$PGDATABASE/bench.telemetry.2024-01-02.csv.gz
gzip -dc "$archive" >"$work/day.csv"
gigabytes=$(awk -v b="$(stat -c %s "$work/day.csv")" 'BEGIN { print b / 1e9 }')

truncate_restored() { psql -q -X -c "TRUNCATE bench.restored; CHECKPOINT"; }
psql_copy() { psql -X -c "\\copy bench.restored from '$work/day.csv' with (format csv, header)"; }
restore_by() { "$1" restore --table bench.telemetry --date 2024-01-02 --target-table bench.restored --json; }
sluice_restore() { restore_by "$binary"; }
before_restore() { restore_by "$before"; }

truncate_hypertable() { psql -q -X -c "SELECT drop_chunks('bench.hypertable', older_than => 'infinity'::timestamptz); CHECKPOINT" >/dev/null; }
psql_hypertable() { psql -X -c "\\copy bench.hypertable from '$work/day.csv' with (format csv, header)"; }
sluice_hypertable() { "$binary" restore --table bench.telemetry --date 2024-01-02 --target-table bench.hypertable --json; }

echo "Restoring it, $runs times each ..."
for round in $(seq "$runs"); do
  truncate_restored
  run psql_copy psql_copy
  for build in $(builds restore "$round"); do
    truncate_restored
    run "$build" "$build"
  done
  truncate_restored
  run_adls adls_restore
  truncate_restored
  for name in ${timescale:+psql_hypertable sluice_hypertable}; do
    truncate_hypertable
    run "$name" "$name"
    truncate_hypertable
  done
done

# Peak resident memory of a service that backs a day up and restores it, in MiB.
start_service() {
  port=$(free_port)
  "$binary" serve --port "$port" >"$work/service.log" 2>&1 &
  service_pid=$!
}
stop_service() {
  kill -TERM "$service_pid"
  wait "$service_pid" || true
}
peak_mib() { awk '/VmHWM/ { print $2 / 1024 }' "/proc/$service_pid/status"; }
call() { curl -sS --fail-with-body -o "$work/answer" "$@" || { cat "$work/answer" >&2; return 1; }; }
memory() { # DAY -> "backup restore"
  local backup restore
  start_service
  wait_for_http "http://127.0.0.1:$port/" "$service_pid"
  call -X POST "http://127.0.0.1:$port/api/backup_manual?table=bench.telemetry&date=$1&overwrite=true"
  backup=$(peak_mib)
  stop_service
  truncate_restored
  start_service
  wait_for_http "http://127.0.0.1:$port/" "$service_pid"
  call -X POST -d "{\"table\": \"bench.telemetry\", \"date\": \"$1\", \"destination\": {\"target_table\": \"bench.restored\"}}" \
    "http://127.0.0.1:$port/api/restore"
  restore=$(peak_mib)
  stop_service
  echo "$backup $restore"
}
echo "Memory at 0.2 GB and 2 GB ..."
read -r small_backup small_restore <<<"$(memory 2024-01-01)"
read -r large_backup large_restore <<<"$(memory 2024-01-03)"
read -r adls_backup_memory adls_restore_memory <<<"$(LAKE_URL=$lake_url memory 2024-01-03)"

# Peak resident memory of a service that backs up a single row of 300 MB, in MiB, beside that of an idle one.
wide_row() {
  local idle
  psql -q -X -c "CREATE TABLE bench.wide AS SELECT '2024-01-01'::timestamptz AS ts, t AS a, t AS b, t AS c
    FROM (SELECT repeat(md5('x'), 3125000) AS t) AS s"
  start_service
  wait_for_http "http://127.0.0.1:$port/" "$service_pid"
  idle=$(peak_mib)
  call "http://127.0.0.1:$port/api/backup_manual?table=bench.wide:ts&date=2024-01-01"
  awk -v peak="$(peak_mib)" -v idle="$idle" 'BEGIN { print (peak - idle) / (300e6 / 1048576) }'
  stop_service
}
echo "A row of 300 MB ..."
wide=$(wide_row)

# Milliseconds from the start of the process to its first answer of /api/health.
first_answer() {
  local port start line deadline
  port=$(free_port)
  deadline=$((SECONDS + 10))
  start=$EPOCHREALTIME
  "$binary" serve --port "$port" >/dev/null 2>&1 &
  service_pid=$!
  # No sleep between the tries: it would be a part of what is measured.
  until { exec 4<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; do
    if ((SECONDS >= deadline)) || ! kill -0 "$service_pid" 2>/dev/null; then
      echo "the program does not start" >&2
      kill -KILL "$service_pid" 2>/dev/null || true
      return 1
    fi
  done
  printf 'GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&4
  read -r line <&4
  awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print (b - a) * 1000 }' >>"$work/start.times"
  exec 4>&-
  case $line in *" 200 "*) ;; *) echo "no answer: $line" >&2; return 1 ;; esac
  kill -TERM "$service_pid"
  wait "$service_pid" 2>/dev/null || true
}
echo "Starting 20 times ..."
for _ in $(seq 20); do first_answer; done

row() { printf '%-34s %9s %9s\n' "$1" "$2" "$3"; }
# target TEXT VALUE LIMIT UNIT
target() {
  awk -v text="$1" -v value="$2" -v limit="$3" -v unit="$4" 'BEGIN {
    printf "%-58s %8.2f  at most %6.2f %-5s %s\n", text, value, limit, unit, value <= limit ? "met" : "NOT MET" }'
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { print a / b }'; }

echo
echo "$gigabytes GB of CSV, medians of $runs${before:+, of $((2 * runs)) for both builds}"
row "" "wall s" "CPU s"
for name in psql_null sluice_backup ${before:+before_backup} adls_backup psql_pigz psql_gzip psql_copy sluice_restore \
  ${before:+before_restore} adls_restore ${timescale:+psql_hypertable sluice_hypertable}; do
  row "$name" "$(median "$name" 1)" "$(median "$name" 2)"
done
row "the emulator's share of a backup" "" "$(median adls_backup.emulator 1)"
row "the emulator's share of a restore" "" "$(median adls_restore.emulator 1)"
echo
target "backup, wall / psql COPY TO STDOUT > /dev/null" "$(ratio "$(median sluice_backup 1)" "$(median psql_null 1)")" 1.10 x
target "backup, wall / psql | gzip -6" "$(ratio "$(median sluice_backup 1)" "$(median psql_gzip 1)")" 1 x
target "backup, CPU / psql | gzip -6" "$(ratio "$(median sluice_backup 2)" "$(median psql_gzip 2)")" 1 x
target "backup, wall / psql | pigz -6" "$(ratio "$(median sluice_backup 1)" "$(median psql_pigz 1)")" 1 x
target "backup, CPU / psql | pigz -6" "$(ratio "$(median sluice_backup 2)" "$(median psql_pigz 2)")" 1 x
target "backup, CPU per GB of CSV" "$(ratio "$(median sluice_backup 2)" "$gigabytes")" 6 s
target "restore, wall / psql \\copy of the plain CSV" "$(ratio "$(median sluice_restore 1)" "$(median psql_copy 1)")" 1.05 x
if [ -n "$timescale" ]; then
  target "restore into a hypertable, wall / psql \\copy into the same" "$(ratio "$(median sluice_hypertable 1)" "$(median psql_hypertable 1)")" 1.05 x
else
  echo "restore into a hypertable: skipped, the server has no timescaledb"
fi
target "backup, peak memory at 0.2 GB" "$small_backup" 64 MiB
target "backup, peak memory at 2 GB" "$large_backup" 64 MiB
target "restore, peak memory at 0.2 GB" "$small_restore" 64 MiB
target "restore, peak memory at 2 GB" "$large_restore" 64 MiB
target "backup, peak memory at 2 GB / at 0.2 GB" "$(ratio "$large_backup" "$small_backup")" 1.10 x
target "restore, peak memory at 2 GB / at 0.2 GB" "$(ratio "$large_restore" "$small_restore")" 1.10 x
target "backup of a row of 300 MB, memory beyond idle / the row" "$wide" 1.25 x
target "backup to the emulator, wall / to a folder" "$(ratio "$(median adls_backup 1)" "$(median sluice_backup 1)")" 1.15 x
target "backup to the emulator, peak memory at 2 GB" "$adls_backup_memory" 96 MiB
target "restore from the emulator, peak memory at 2 GB" "$adls_restore_memory" 96 MiB
target "start to the first answer of /api/health, median of 20" "$(median start 1)" 50 ms
if [ -n "$before" ]; then
  echo
  echo "Beside $before"
  for job in backup restore; do
    target "$job, wall / before" "$(ratio "$(median "sluice_$job" 1)" "$(median "before_$job" 1)")" 1.03 x
    target "$job, CPU / before" "$(ratio "$(median "sluice_$job" 2)" "$(median "before_$job" 2)")" 1.05 x
  done
fi
