#!/usr/bin/env bash
# A day of 1 GB to the lake and back while the lake fails: every fault at one request in ten and all together, one that never
# ends, the program killed at twenty moments, tokens that end on the way. Some 20 minutes; ends with 1 at the first failure.
# Usage: faults.sh [BINARY [EMULATOR [case...]]]; the cases are those of `cases` below.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/emulator.sh

binary=${1:-$(swift build -c release --static-swift-stdlib --show-bin-path)/sluice}
emulator=${2:-$(dirname "$binary")/lake-emulator}
binary=$(realpath "$binary")
shift $(($# < 2 ? $# : 2))
cases=("$@")
[ ${#cases[@]} -gt 0 ] || cases=(server_busy operation_timed_out applied reset answer_lost stall slow expired wrong_length
  corrupt truncated bad_gateway all endless kill token callers)

work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-faults.XXXXXX")
postgres_pid=
service_pid=
watcher_pid=
clean_up() {
  trap - EXIT INT TERM
  for pid in $watcher_pid $service_pid; do kill -TERM "$pid" 2>/dev/null || true; done
  stop_emulator
  stop_postgres
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

fail() {
  echo "FAILED: $*" >&2
  [ ! -s "$work/seen/$run.err" ] || tail -n 5 "$work/seen/$run.err" >&2
  exit 1
}
# value NAME: of the last answer.
value() { sed -nE "s/.*\"$1\":\"?([^\",}]*).*/\1/p" "$work/seen/$run.out" | head -n 1; }
seconds() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }
row() { printf '%-22s %8s %8s  %s\n' "$1" "$2" "$3" "$4"; }

# All that the program says is kept, and looked through for secrets at the end.
mkdir -p "$work/seen" "$work/app"
run=0
sluice() {
  run=$((run + 1))
  (cd "$work/app" && exec "$binary" "$@") >"$work/seen/$run.out" 2>"$work/seen/$run.err"
}
backup() { sluice backup --table bench.telemetry --date 2024-01-02 --json "$@"; }
restore() {
  psql -q -X -c 'TRUNCATE bench.restored; CHECKPOINT'
  sluice restore --table bench.telemetry --date 2024-01-02 --target-table bench.restored --json
}
# Command lines of the program, ten times a second.
watch_command_lines() {
  while [ -d "$work" ] && sleep 0.1; do
    for pid in $(pgrep -f "^$binary " || true); do
      { tr '\0' ' ' <"/proc/$pid/cmdline" && echo; } 2>/dev/null || true
    done
  done | awk '!seen[$0]++ { print; fflush() }' >"$work/seen/command_lines"
}

# restart_emulator [option]...; its secrets are remembered for the look at the end.
restart_emulator() {
  stop_emulator
  start_emulator "$emulator" "$@"
  export LAKE_URL=$lake_url
  printf '%s\n' "$IDENTITY_HEADER" "$(emulator_fact key)" "$(emulator_fact client_secret)" >>"$work/secrets"
}

fingerprint() { psql -X -A -t -c "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM $1 t"; }

faults() {
  emulator_call PUT faults "$1" >/dev/null
  emulator_call DELETE journal >/dev/null
}
# journal NAME: a number or an object of the journal.
journal() { emulator_call GET journal | sed -nE "s/.*\"$1\":([0-9]+|\{[^}]*\}).*/\1/p"; }
# Files of the lake, one a line; folders are left out.
files() {
  emulator_call GET files | tr '{' '\n' | grep '"is_directory":false' | sed -E 's/.*"path":"archive\/([^"]*)".*/\1/' || true
}
# request METHOD PATH: of a file of the lake, with a token that no command line shows.
request() {
  local token
  token=$(curl -sS --fail -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" \
    "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://storage.azure.com" |
    sed -nE 's/.*"access_token":"([^"]*)".*/\1/p')
  printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl -sS --fail -K - -X "$1" -H 'x-ms-version: 2023-11-03' "$lake_url/$2"
}
# Removes the archive and its manifest, where they are.
remove_archive() {
  request DELETE "$archive" 2>/dev/null || true
  request DELETE "$manifest" 2>/dev/null || true
}
sha256() { request GET "$archive" | sha256sum | cut -c 1-64; }

# Whole: the bytes are those the program vouches for, and unpack to those of the folder's archive.
check_archive() { # SHA256
  local found
  found=$(sha256)
  [ "$found" = "$1" ] || fail "$case: the archive's SHA-256 is $found, the answer's $1"
  [ "$found" = "$known" ] || [ "$(request GET "$archive" | gzip -dc | sha256sum)" = "$content" ] ||
    fail "$case: the archive holds something else"
}
only_final_files() { [ "$(files | grep -vcx -e "$archive" -e "$manifest" || true)" = 0 ] || fail "$case left $(files)"; }

through_fault() { # FAULTS
  local start backup_seconds restore_seconds sha struck
  faults "$1"
  start=$EPOCHREALTIME
  backup --overwrite || fail "$case: backup"
  backup_seconds=$(seconds "$start")
  sha=$(value sha256)
  start=$EPOCHREALTIME
  restore || fail "$case: restore"
  restore_seconds=$(seconds "$start")
  struck=$(journal faults)
  faults '[]'
  [ "$struck" != '{}' ] || fail "$case: nothing struck"
  check_archive "$sha"
  only_final_files
  [ "$(fingerprint bench.restored)" = "$rows" ] || fail "$case: the rows differ"
  row "$case" "$backup_seconds" "$restore_seconds" "$struck"
}

case_endless() {
  local kind start
  remove_archive
  for kind in server_busy operation_timed_out reset stall answer_lost; do
    faults "[{\"fault\": \"$kind\", \"operation\": \"append\", \"always\": true}]"
    start=$EPOCHREALTIME
    ! LAKE_RETRY_SECONDS=10 backup || fail "endless $kind: the backup says it is done"
    grep -q 'appending failed: .*given up after [0-9]* tr[a-z]* in ' "$work/seen/$run.out" || fail "endless $kind: no reason"
    faults '[]'
    [ -z "$(files)" ] || fail "endless $kind left $(files)"
    row "endless $kind" "$(seconds "$start")" - "$(value code); nothing is left"
  done
  faults '[{"fault": "server_busy", "operation": "append", "always": true},
    {"fault": "server_busy", "operation": "delete", "always": true}]'
  start=$EPOCHREALTIME
  ! LAKE_RETRY_SECONDS=10 backup || fail "endless: the backup says it is done"
  [ -n "$(files)" ] || fail "endless: nothing is left, so nothing was tried"
  grep -qF "$(files)" "$work/seen/$run.out" || fail "endless: $(files) is not named"
  row "endless, no delete" "$(seconds "$start")" - "$(value code); the temporary is named"
  faults '[]'
  request DELETE "$(files)"
}

case_kill() {
  local total moment pid start absent=0 whole=0 alone=0
  faults '[]'
  backup --overwrite || fail "kill: backup"
  total=$(journal bytes_received)
  start=$EPOCHREALTIME
  for moment in $(seq 0 19); do
    remove_archive
    faults '[]'
    run=$((run + 1))
    (cd "$work/app" && exec "$binary" backup --table bench.telemetry --date 2024-01-02 --json) \
      >"$work/seen/$run.out" 2>"$work/seen/$run.err" &
    pid=$!
    while kill -0 "$pid" 2>/dev/null && [ "$(journal bytes_received)" -lt $((total * moment / 19)) ]; do :; done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    if files | grep -qx "$archive"; then
      [ "$(request GET "$archive" | gzip -dc | sha256sum)" = "$content" ] || fail "kill $moment: the archive is not whole"
      whole=$((whole + 1))
      files | grep -qx "$manifest" || alone=$((alone + 1))
    else
      absent=$((absent + 1))
    fi
    [ "$(files | grep -vcE -e "^($archive|$manifest)\$" -e "^$PGDATABASE/_sluice/tmp/" || true)" = 0 ] ||
      fail "kill $moment left $(files)"
    # The session of the killed one ends when the server notices; until then its lock holds.
    for _ in $(seq 60); do
      if backup; then break; fi
      [ "$(value code)" = already_running ] || fail "kill $moment: the next run"
      sleep 1
    done
    [ "$(value status)" = ok ] || fail "kill $moment: the next run"
    [ "$(sha256)" = "$(value sha256)" ] || [ -z "$(value sha256)" ] || fail "kill $moment: the next run's archive"
  done
  # The last archive may be one without a manifest, which would tell the time column.
  BACKUP_TABLES=bench.telemetry:ts restore || fail "kill: restore"
  [ "$(fingerprint bench.restored)" = "$rows" ] || fail "kill: the rows differ"
  row "kill, 20 moments" "$(seconds "$start")" - "no archive at $absent, a whole one at $whole, $alone of them without its manifest; $(files | grep -c /tmp/) temporaries"
  for path in $(files | grep /tmp/); do request DELETE "$path"; done
}

case_token() {
  local start pid sessions refused
  restart_emulator --token-lifetime 60
  # The gzip file is some 0.2 GB: 1 MB a second.
  faults '[{"fault": "slow", "operation": "append", "bytes_per_second": 250000, "always": true}]'
  start=$EPOCHREALTIME
  # A socket takes a whole append at once, and then nothing is seen to go until the link has carried it: 4 s here.
  LAKE_STALL_SECONDS=30 backup &
  pid=$!
  run=$((run + 1))
  while kill -0 "$pid" 2>/dev/null; do
    psql -X -A -t -c "SELECT pid, backend_start FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT%' AND pid <> pg_backend_pid()"
    sleep 1
  done | sort -u | sed "/^$/d" >"$work/sessions"
  wait "$pid" || fail "token: backup"
  sessions=$(wc -l <"$work/sessions")
  [ "$sessions" = 1 ] || fail "token: $sessions sessions copied"
  refused=$(emulator_call GET journal | grep -o '"401":[0-9]*' | awk -F : '{ n += $2 } END { print n + 0 }' || true)
  row "token of 60 s" "$(seconds "$start")" - "$(journal token_requests) token requests, $refused answers 401, 1 session"
  [ "$(journal token_requests)" -ge 3 ] || fail "token: it was not renewed"
  faults '[]'
  check_archive "$(value sha256)"
  restart_emulator
}

case_callers() {
  local port start answers
  port=$(free_port)
  faults '[]'
  run=$((run + 1))
  (cd "$work/app" && exec "$binary" serve --port "$port" --routes "$OLDPWD/function-routes.json") \
    >"$work/seen/$run.out" 2>"$work/seen/$run.err" &
  service_pid=$!
  wait_for_http "http://127.0.0.1:$port/" "$service_pid" || fail "callers: the service does not start"
  start=$EPOCHREALTIME
  answers=$(curl -sS -Z --parallel-immediate --parallel-max 1000 -o "$work/seen/answer#1" -w '%{http_code}\n' \
    "http://127.0.0.1:$port/api/archives?table=bench.t[1-1000]" 2>/dev/null | sort | uniq -c | xargs)
  kill -TERM "$service_pid"
  wait "$service_pid" || true
  service_pid=
  [ "$(journal token_requests)" = 1 ] || fail "callers: $(journal token_requests) token requests, answers $answers"
  row "1000 callers" "$(seconds "$start")" - "answers: $answers; 1 token request"
}

echo "Making 1 GB of telemetry (a minute) ..."
# A scan that was killed would have the next one begin where it was, and the same rows come in another order.
start_postgres -c fsync=off -c max_wal_size=8GB -c shared_buffers=1GB -c autovacuum=off -c synchronize_seqscans=off
sed "/^CALL bench.fill('2024-01-0[13]'/d" scripts/bench.sql | psql -q -X -v ON_ERROR_STOP=1
rows=$(fingerprint bench.day2)

export PG_HOST=$PGHOST PG_PORT=$PGPORT PG_USER=$PGUSER PG_DATABASE=$PGDATABASE PG_SSLMODE=disable
archive=$PGDATABASE/bench.telemetry.2024-01-02.csv.gz
manifest=$PGDATABASE/_sluice/bench.telemetry.2024-01-02.json
case=folder
LAKE_URL=file://$work/lake "$binary" init >/dev/null
LAKE_URL=file://$work/lake backup || fail "backup to a folder"
known=$(sha256sum <"$work/lake/$archive" | cut -c 1-64)
content=$(gzip -dc "$work/lake/$archive" | sha256sum)
rm -rf "$work/lake"

# Appends smaller than the default are more requests: some 200, for faults to choose from.
export LAKE_APPEND_BYTES=1048576 LAKE_STALL_SECONDS=3
# What a token and a signature look like.
printf '%s\n' eyJ sig= >"$work/secrets"
restart_emulator
watch_command_lines &
watcher_pid=$!

row case "backup s" "restore s" "what struck, or was found"
for case in "${cases[@]}"; do
  case $case in
    server_busy) through_fault '[{"fault": "server_busy", "rate": 0.1, "seconds": 1}]' ;;
    operation_timed_out | reset | answer_lost | stall | corrupt | truncated)
      through_fault "[{\"fault\": \"$case\", \"rate\": 0.1}]" ;;
    applied) through_fault '[{"fault": "operation_timed_out", "rate": 0.1, "applied": true}]' ;;
    slow) through_fault '[{"fault": "slow", "rate": 0.1, "bytes_per_second": 2000000}]' ;;
    # Two in a row would be a fresh token that is refused, which is final.
    expired) through_fault '[{"fault": "expired", "every": 10}]' ;;
    wrong_length) through_fault '[{"fault": "wrong_length", "rate": 0.1, "bytes": -3}]' ;;
    bad_gateway) through_fault '[{"fault": "status", "rate": 0.1, "status": 502}]' ;;
    # One request in three, of all kinds.
    all) through_fault '[{"fault": "server_busy", "rate": 0.03, "seconds": 1}, {"fault": "operation_timed_out", "rate": 0.03},
      {"fault": "operation_timed_out", "rate": 0.03, "applied": true}, {"fault": "reset", "rate": 0.03},
      {"fault": "answer_lost", "rate": 0.03}, {"fault": "stall", "rate": 0.03}, {"fault": "expired", "every": 40},
      {"fault": "slow", "rate": 0.03, "bytes_per_second": 2000000}, {"fault": "wrong_length", "rate": 0.03, "bytes": -3},
      {"fault": "corrupt", "rate": 0.03}, {"fault": "truncated", "rate": 0.03},
      {"fault": "status", "rate": 0.03, "status": 502}]' ;;
    endless | kill | token | callers) "case_$case" ;;
    *) echo "$case is not a case" >&2; exit 2 ;;
  esac
done

(cd "$work/app" && find .) >"$work/seen/files"
[ -s "$work/seen/command_lines" ] || fail "no command line was seen"
! grep -rlF -f "$work/secrets" "$work/seen" || fail "a secret is in what the program said"
echo "No secret in $(ls "$work/seen" | wc -l) outputs, $(wc -l <"$work/seen/command_lines") command lines, or a file's name."
