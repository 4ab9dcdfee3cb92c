#!/usr/bin/env bash
# Runs the tests against every PostgreSQL server of the machine: the distribution's, and those whose folders with initdb and
# postgres are named in POSTGRES_SERVERS, separated by spaces. The tests must have been built. Prints one line for each server
# at the end, and ends with 1 where a test failed.
# Usage: [POSTGRES_SERVERS="/folder/bin ..."] [ONLY=JobsTests] matrix.sh [FOLDER...]; the folders given alone, where any is
set -euo pipefail
cd "$(dirname "$0")/.."

servers=("$@")
if [ ${#servers[@]} -eq 0 ]; then
  mapfile -t servers < <(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V)
  read -ra more <<<"${POSTGRES_SERVERS:-}"
  servers+=("${more[@]}")
fi
[ ${#servers[@]} -gt 0 ] || { echo "no PostgreSQL server is installed" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/sluice-matrix.XXXXXX")
trap 'rm -rf "$work"' EXIT
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-6}

# timescale_version FOLDER
timescale_version() {
  local shared
  shared=$("$1/pg_config" --sharedir 2>/dev/null) || shared=/usr/share/postgresql/$(basename "$(dirname "$1")")
  sed -nE "s/^default_version *= *'([^']*)'.*/\1/p" "$shared/extension/timescaledb.control" 2>/dev/null || true
}
# count PATTERN FILE
count() { grep -cE "$1" "$2" || true; }

row() { printf '%-12s %-12s %7s %7s %8s %8s  %s\n' "$@"; }
table=$(row PostgreSQL TimescaleDB passed failed skipped seconds folder)
failed=0
number=0
for server in "${servers[@]}"; do
  number=$((number + 1))
  output=$work/$number
  version=$("$server/postgres" --version | awk '{ print $3 }')
  timescale=$(timescale_version "$server")
  echo "PostgreSQL $version, TimescaleDB ${timescale:-none}: $server"
  start=$SECONDS
  status=0
  # shellcheck disable=SC2086
  POSTGRES_BINARIES=$server swift test --skip-build ${ONLY:+--filter "$ONLY"} >"$output" 2>&1 || status=$?
  broken=$(count '^✘ Test .* failed after' "$output")
  if [ "$status" -ne 0 ] && [ "$broken" -eq 0 ]; then
    # It ended without a result: a crash, or tests that were not built.
    broken="-"
    tail -n 20 "$output"
  fi
  [ "$status" -eq 0 ] || failed=1
  grep -E '^✘ Test (.* (recorded an issue|failed after)|.*Caught error)' "$output" || true
  table+=$'\n'$(row "$version" "${timescale:-none}" "$(count '^✔ Test .* passed after' "$output")" "$broken" \
    "$(count '^(➜|↷|-) (Test|Suite) .* skipped' "$output")" "$((SECONDS - start))" "$server")
done
echo
echo "$table"
exit $failed
