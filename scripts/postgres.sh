# Sourced by the other scripts: a throw-away PostgreSQL in $work, on a socket there and on loopback.
# After `start_postgres` PGHOST, PGPORT, PGUSER and PGDATABASE are set, and psql finds it.

# A result that is longer than the terminal must not wait in a pager.
export PSQL_PAGER=cat

# The folder with the server's programs: POSTGRES_BINARIES, or that of the newest one that the distribution has.
postgres_binaries() {
  local newest
  [ -z "${POSTGRES_BINARIES:-}" ] || { echo "$POSTGRES_BINARIES"; return; }
  newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
  [ -n "$newest" ] || { echo "no PostgreSQL server is installed" >&2; return 1; }
  echo "$newest"
}

# PostgreSQL refuses to run as root: there it runs as the user its package made.
as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    set -- setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
  fi
  # Replaces the subshell it is called in, so that a signal to it reaches the server.
  exec "$@"
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# start_postgres [-c setting=value]...
start_postgres() {
  local binaries
  binaries=$(postgres_binaries)
  export PGHOST=$work/pg PGUSER=postgres PGDATABASE=postgres
  PGPORT=$(free_port)
  export PGPORT
  mkdir "$PGHOST"
  chmod 755 "$work"
  [ "$(id -u)" -ne 0 ] || chown postgres "$PGHOST"
  (as_postgres "$binaries/initdb" -D "$PGHOST/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null)
  postgres_options=("$@")
  launch_postgres
}

# Starts the server that `start_postgres` made, again after `stop_postgres`.
launch_postgres() {
  local binaries
  binaries=$(postgres_binaries)
  # In a session of its own: Ctrl-C is for the script, which ends the server when its clients are through.
  as_postgres setsid "$binaries/postgres" -D "$PGHOST/data" -k "$PGHOST" -p "$PGPORT" -c listen_addresses=127.0.0.1 \
    "${postgres_options[@]}" >"$work/postgres.log" 2>&1 </dev/null &
  postgres_pid=$!
  for _ in $(seq 200); do
    "$binaries/pg_isready" -q && return
    kill -0 "$postgres_pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/postgres.log" >&2
  return 1
}

stop_postgres() {
  [ -n "${postgres_pid:-}" ] || return 0
  kill -INT "$postgres_pid" 2>/dev/null || true
  wait "$postgres_pid" 2>/dev/null || true
}

# wait_for_http URL PID: until the program answers, or has ended.
wait_for_http() {
  for _ in $(seq 200); do
    curl -s -o /dev/null "$1" && return
    kill -0 "$2" 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}

# run_stress NAME BINARY OPTION...: runs Tests/stress/NAME.py against a throw-away server. The array `server_settings` has
# further settings of the server; a function `prepare_stress` runs first, where there is one.
run_stress() {
  local name=$1 binary
  binary=$(realpath "${2:?usage: $name.sh BINARY [options]}")
  shift 2
  work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-$name.XXXXXX")
  postgres_pid=
  trap clean_up_stress EXIT
  trap 'clean_up_stress; exit 130' INT TERM
  start_postgres -c fsync=off -c max_connections=200 "${server_settings[@]}"
  PSQL=$(postgres_binaries)/psql
  export PSQL
  ! declare -F prepare_stress >/dev/null || prepare_stress
  python3 "Tests/stress/$name.py" --binary "$binary" "$@"
}

clean_up_stress() {
  trap - EXIT INT TERM
  stop_postgres
  rm -rf "$work"
}
