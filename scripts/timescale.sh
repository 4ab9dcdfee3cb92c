# Sourced by schemas.sh and races.sh, after postgres.sh.

# need_timescale NAME: ends the script with 0 where the server lacks the extension.
need_timescale() {
  local shared
  shared=$("$(postgres_binaries)/pg_config" --sharedir 2>/dev/null) ||
    shared=/usr/share/postgresql/$(basename "$(dirname "$(postgres_binaries)")")
  [ ! -e "$shared/extension/timescaledb.control" ] || return 0
  echo "skipped: $1 needs the extension timescaledb, which $(postgres_binaries) lacks (docs/testing.md)"
  exit 0
}
