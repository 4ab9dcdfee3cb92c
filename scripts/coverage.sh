#!/usr/bin/env bash
# How long `sluice archives` takes, and how much memory, with 100 tables of three years in the lake emulator: the first time, a
# new process, a service that has answered before.
# Usage: coverage.sh BINARY [TABLES [DAYS]]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/emulator.sh

binary=${1:?BINARY}
emulator=$(dirname "$binary")/lake-emulator
[ -x "$emulator" ] || emulator=${LAKE_EMULATOR:?lake-emulator is not beside BINARY}
tables=${2:-100}
days=${3:-1095}
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-coverage.XXXXXX")
sluice_pid=
clean_up() {
  trap - EXIT INT TERM
  [ -z "$sluice_pid" ] || { kill -TERM "$sluice_pid" 2>/dev/null && wait "$sluice_pid" 2>/dev/null; } || true
  stop_emulator
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT
trap 'clean_up; exit 143' TERM

start_emulator "$emulator"
python3 - "$emulator_port" "$tables" "$days" <<'PYTHON'
import datetime, json, sys, urllib.request
port, tables, days = map(int, sys.argv[1:])
today = datetime.datetime.now(datetime.timezone.utc).date()
columns = [{"name": f"column_{n}", "type": "text", "kind": "base"} for n in range(20)]
for table in range(tables):
    files = {}
    for ago in range(1, days + 1):
        day = today - datetime.timedelta(days=ago)
        name = f"events.table{table:03d}.{day}"
        files[f"archive/weavix/{name}.csv.gz"] = "x" * (100 + ago)
        files[f"archive/weavix/_sluice/{name}.json"] = json.dumps({
            "format_version": 1, "database": "weavix", "table": f"events.table{table:03d}", "date": str(day),
            "window": {"start": f"{day}T00:00:00+00:00", "end": f"{day}T23:59:59+00:00", "time_zone": "UTC",
                       "time_column": "received_at", "kind": "timestamp with time zone"},
            "columns": columns, "encoding": "UTF8", "rows": 1000 + ago, "csv_bytes": 1000, "gzip_bytes": 100 + ago,
            "sha256": "0" * 64, "rows_hash": "0" * 32, "server_version": "15.18", "snapshot": "1:1:",
            "program_version": "1", "created_at": f"{day}T02:15:00Z", "verified_at": f"{day}T02:16:00Z"})
    body = json.dumps({"filesystem": "lake", "files": files}).encode()
    urllib.request.urlopen(urllib.request.Request(
        f"http://127.0.0.1:{port}/_emulator/files", data=body, method="PUT")).read()
PYTHON
echo "$((tables * days)) archives of $tables tables in the emulator"

export LAKE_URL=$lake_url PG_DATABASE=weavix
BACKUP_TABLES=$(seq -f 'events.table%03g' -s , 0 $((tables - 1)))
export BACKUP_TABLES

# timed WHAT ARGUMENT...: a new process.
timed() {
  local what=$1
  shift
  python3 - "$what" "$work/out" "$binary" "$@" <<'PYTHON'
import os, subprocess, sys, time
what, out, *command = sys.argv[1:]
start = time.monotonic()
with open(out, "wb") as file:
    process = subprocess.Popen(command, stdout=file)
    _, status, usage = os.wait4(process.pid, 0)
seconds = time.monotonic() - start
code = os.waitstatus_to_exitcode(status)
print(f"{what:44} {seconds:6.2f} s  {usage.ru_utime + usage.ru_stime:6.2f} s of CPU  {usage.ru_maxrss / 1024:6.1f} MiB  exit {code}  {sum(1 for _ in open(out, 'rb'))} lines")
sys.exit(0 if code in (0, 3) else 1)
PYTHON
}
timed "the first time: every manifest is read" archives --missing
timed "a new process: summaries" archives --missing
timed "a new process: every day as a line" archives --limit 100000
timed "a new process: every day as JSON" archives --limit 100000 --json

port=$(free_port)
"$binary" serve --port "$port" >"$work/sluice.log" 2>&1 &
sluice_pid=$!
wait_for_http "http://127.0.0.1:$port/" "$sluice_pid" || { cat "$work/sluice.log" >&2; exit 1; }
for what in "a service: the first answer" "a service: the second" "a service: the third"; do
  seconds=$(curl -sS -o "$work/out" -w '%{time_total}' "http://127.0.0.1:$port/api/archives")
  printf '%-44s %6.2f s  %6.1f MiB  %s bytes\n' "$what" "$seconds" \
    "$(awk '/VmHWM/ { print $2 / 1024 }' "/proc/$sluice_pid/status")" "$(wc -c <"$work/out")"
done
