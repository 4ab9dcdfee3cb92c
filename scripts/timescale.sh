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

# run_timescale_stress NAME BINARY OPTION...: `run_stress` on a server with the extension.
run_timescale_stress() {
  need_timescale "$1.sh"
  server_settings+=(-c shared_preload_libraries=timescaledb -c timescaledb.telemetry_level=off)
  run_stress "$@"
}
