# Sourced by bench.sh, schemas.sh, races.sh, retention.sh and steps.sh, after postgres.sh.

# Whether the server has the extension.
has_timescale() {
  local shared
  shared=$("$(postgres_binaries)/pg_config" --sharedir 2>/dev/null) ||
    shared=/usr/share/postgresql/$(basename "$(dirname "$(postgres_binaries)")")
  [ -e "$shared/extension/timescaledb.control" ]
}

# need_timescale NAME: ends the script with 0 where the server lacks the extension.
need_timescale() {
  ! has_timescale || return 0
  echo "skipped: $1 needs the extension timescaledb, which $(postgres_binaries) lacks (docs/testing.md)"
  exit 0
}

# run_stress NAME BINARY OPTION...: runs Tests/stress/NAME.py against a throw-away server with the extension. The array
# `server_settings` has further settings of the server.
run_stress() {
  local name=$1 binary
  binary=$(realpath "${2:?usage: $name.sh BINARY [options]}")
  shift 2
  need_timescale "$name.sh"
  work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-$name.XXXXXX")
  postgres_pid=
  trap clean_up_stress EXIT
  trap 'clean_up_stress; exit 130' INT TERM
  start_postgres -c fsync=off -c max_connections=200 -c shared_preload_libraries=timescaledb \
    -c timescaledb.telemetry_level=off "${server_settings[@]}"
  PSQL=$(postgres_binaries)/psql
  export PSQL
  python3 "Tests/stress/$name.py" --binary "$binary" "$@"
}

clean_up_stress() {
  trap - EXIT INT TERM
  stop_postgres
  rm -rf "$work"
}
