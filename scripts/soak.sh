#!/usr/bin/env bash
# Two services under load for MINUTES (30): one plain with a folder, one with TLS to the database and the emulator of the
# storage service, which fails one request in fifty. The database server is restarted every minute, one call in ten makes
# connections of its own. Every half minute resident memory, descriptors and threads of each are noted, and the sessions
# and advisory locks in the server. Ends with 1 when a service dies, answers what it should not, or grows.
# Usage: soak.sh BINARY EMULATOR
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
. scripts/emulator.sh

binary=$(realpath "${1:?usage: soak.sh BINARY EMULATOR}")
emulator=$(realpath "${2:?usage: soak.sh BINARY EMULATOR}")
minutes=${MINUTES:-30}
callers=${CALLERS:-3}
work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-soak.XXXXXX")
postgres_pid=
folder_pid=
adls_pid=
clean_up() {
  trap - EXIT INT TERM
  rm -f "$work/on"
  for pid in $folder_pid $adls_pid; do kill -TERM "$pid" 2>/dev/null || true; done
  stop_emulator
  stop_postgres
  wait
  rm -rf "$work"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
  -keyout "$work/key" -out "$work/certificate" 2>/dev/null
chmod 600 "$work/key"
[ "$(id -u)" -ne 0 ] || chown postgres "$work/key"
start_postgres -c fsync=off -c ssl=on -c "ssl_cert_file=$work/certificate" -c "ssl_key_file=$work/key" \
  -c max_connections=200
psql -q -X -v ON_ERROR_STOP=1 <<'SQL'
CREATE SCHEMA soak;
CREATE TABLE soak.rows (id bigint, at timestamptz, note text);
INSERT INTO soak.rows SELECT n, '2024-01-01Z'::timestamptz + n * interval '1 minute', repeat('x', n % 200)
  FROM generate_series(0, 28 * 1440) n;
CREATE TABLE soak.restored (LIKE soak.rows);
CREATE INDEX ON soak.rows (at);
CREATE INDEX ON soak.restored (at);
CREATE ROLE guest LOGIN PASSWORD 'guest';
GRANT USAGE, CREATE ON SCHEMA soak TO guest;
GRANT ALL ON ALL TABLES IN SCHEMA soak TO guest;
SQL
start_emulator "$emulator"
emulator_call PUT faults '[{"fault": "server_busy", "rate": 0.01}, {"fault": "reset", "rate": 0.01}]' >/dev/null ||
  echo "the emulator took no faults" >&2

# serve NAME VARIABLE=VALUE...: sets NAME_pid and NAME_port.
serve() {
  local name=$1 port
  shift
  port=$(free_port)
  mkdir -p "$work/$name"
  (cd "$work/$name" && exec env PG_HOST=127.0.0.1 PG_PORT="$PGPORT" PG_USER=postgres PG_DATABASE=postgres \
    BACKUP_TABLES=soak.rows:at "$@" "$binary" serve --port "$port" --routes "$OLDPWD/function-routes.json") \
    >"$work/$name.log" 2>&1 &
  printf -v "${name}_pid" %s $!
  printf -v "${name}_port" %s "$port"
  wait_for_http "http://127.0.0.1:$port/" $! || { cat "$work/$name.log" >&2; exit 1; }
}
mkdir "$work/lake"
serve folder PG_SSLMODE=disable LAKE_URL="file://$work/lake"
serve adls PG_SSLMODE=require LAKE_URL="$lake_url"
touch "$work/on"

# One caller: answers by status go to a file of its own.
call_on() { # PORT NUMBER
  local port=$1 number=$2 day own code kind=0
  while [ -e "$work/on" ]; do
    kind=$((kind + 1))
    day=$(printf '2024-01-%02d' $((1 + RANDOM % 28)))
    own=
    [ $((kind % 10)) -ne 0 ] || own=', "pg": {"user": "guest", "password": "guest"}'
    set -- -X POST "http://127.0.0.1:$port/api/backup_manual?table=soak.rows&date=$day&overwrite=true"
    case $((kind % 5)) in
    1) set -- -X POST -d "{\"table\": \"soak.rows\", \"date\": \"$day\",
        \"destination\": {\"target_table\": \"soak.restored\", \"on_existing\": \"replace\"}$own}" \
      "http://127.0.0.1:$port/api/restore" ;;
    2) set -- -H 'Prefer: respond-async' "$@" ;;
    3) set -- "http://127.0.0.1:$port/api/health?ready=1" ;;
    0) set -- -X POST -d "{\"table\": \"soak.rows\", \"date\": \"$day\",
        \"destination\": {\"target_table\": \"soak.restored\", \"mode\": \"staging\", \"on_existing\": \"append\"}$own}" \
      "http://127.0.0.1:$port/api/restore" ;;
    esac
    code=$(curl -s -o "$work/answer.$number" -w '%{http_code}' --max-time 120 "$@" || true)
    echo "$code" >>"$work/codes.$number"
    # 404: the day is not archived yet. 409: another caller works on it. 503: the server restarts.
    case $code in
    200 | 202 | 207 | 404 | 409 | 503) ;;
    *) { echo "$code: $*" && cat "$work/answer.$number" && echo; } >>"$work/odd" ;;
    esac
  done
}
for number in $(seq "$callers"); do
  call_on "$folder_port" "folder$number" &
  call_on "$adls_port" "adls$number" &
done

# facts PID: resident KiB, descriptors, threads.
facts() {
  echo "$(awk '/VmRSS/ { print $2 }' "/proc/$1/status") $(ls "/proc/$1/fd" | wc -l) $(ls "/proc/$1/task" | wc -l)"
}
printf '%8s %10s %5s %7s %10s %5s %7s %8s %5s\n' seconds 'folder KiB' fds threads 'adls KiB' fds threads sessions locks
start=$SECONDS
while [ $((SECONDS - start)) -lt $((minutes * 60)) ]; do
  sleep 30
  for name in folder adls; do
    pid=${name}_pid
    kill -0 "${!pid}" 2>/dev/null || { echo "FAILED: the service $name has ended" >&2; tail -n 40 "$work/$name.log" >&2; exit 1; }
  done
  server=$(psql -X -A -t -F ' ' -c "SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sluice'),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')" 2>/dev/null || echo '- -')
  line="$((SECONDS - start)) $(facts "$folder_pid") $(facts "$adls_pid") $server"
  echo "$line" >>"$work/samples"
  # shellcheck disable=SC2086
  printf '%8s %10s %5s %7s %10s %5s %7s %8s %5s\n' $line
  if [ $(((SECONDS - start) / 30 % 2)) -eq 0 ]; then
    stop_postgres
    sleep 1
    launch_postgres
  fi
done
rm -f "$work/on"
sleep 1
for number in $(seq "$callers"); do :; done

echo
echo "answers: $(sort "$work"/codes.* | uniq -c | awk '{ printf "%s x %s  ", $2, $1 }')"
failed=0
# The median of each column, once warm and at the end. Memory may differ by a tenth and 4 MiB, the counts by ten.
awk -v most="$((minutes * 60))" '
  function median(values, n,    i, j, t) {
    for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (values[j] < values[i]) { t = values[i]; values[i] = values[j]; values[j] = t }
    return values[int((n + 1) / 2)]
  }
  $1 > most * 0.1 && $1 <= most * 0.4 { n1++; for (c = 2; c <= 7; c++) early[c, n1] = $c }
  $1 > most * 0.7 { n2++; for (c = 2; c <= 7; c++) late[c, n2] = $c }
  END {
    split("folder_KiB folder_fds folder_threads adls_KiB adls_fds adls_threads", names, " ")
    for (c = 2; c <= 7; c++) {
      for (i = 1; i <= n1; i++) a[i] = early[c, i]
      for (i = 1; i <= n2; i++) b[i] = late[c, i]
      x = median(a, n1); y = median(b, n2)
      level = (c == 2 || c == 5) ? y <= x * 1.1 + 4096 : y <= x + 10
      printf "%-16s %9d %9d  %s\n", names[c - 1], x, y, level ? "level" : "NOT LEVEL"
      if (!level) bad = 1
    }
    exit bad
  }' "$work/samples" || failed=1
if [ -s "$work/odd" ]; then
  echo "FAILED: answers that should not be:" >&2
  head -c 4000 "$work/odd" >&2
  failed=1
fi
for name in folder adls; do
  pid=${name}_pid
  kill -TERM "${!pid}"
  wait "${!pid}" || { echo "FAILED: the service $name ended with $?" >&2; tail -n 20 "$work/$name.log" >&2; failed=1; }
done
folder_pid=
adls_pid=
exit "$failed"
