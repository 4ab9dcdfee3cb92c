#!/usr/bin/env bash
# Looks for what goes wrong once in thousands of connections: data races, memory used after its end, deaths.
#  - the suites, and a load of short connections of every kind, under ThreadSanitizer and under AddressSanitizer
#  - the load on the optimised program, twice
#  - the service ended by SIGTERM under asynchronous load, again and again
# An hour on two cores. Usage: sanitize.sh [thread|address|load|sigterm]...; all of them without arguments.
set -euo pipefail
cd "$(dirname "$0")/.."
connections=${CONNECTIONS:-20000}
seconds=${LOAD_SECONDS:-300}
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(thread address load sigterm)

# What a sanitizer says goes into files: programs that tests start have no terminal.
reports=$(mktemp -d "${TMPDIR:-/tmp}/sluice-sanitize.XXXXXX")
trap 'rm -rf "$reports" "$reports.log"' EXIT
# Also as another user, as tests run some programs.
chmod 1777 "$reports"

under() { # thread|address
  local scratch=.build/sanitize-$1
  export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=4
  export TSAN_OPTIONS="suppressions=$PWD/scripts/thread-sanitizer.supp log_path=$reports/thread exitcode=66"
  # The Swift runtime keeps what it makes once: leaks are the soak's matter, where they show as growth.
  export ASAN_OPTIONS="detect_leaks=0 log_path=$reports/address exitcode=66"
  swift build --sanitize="$1" --scratch-path "$scratch" --build-tests
  echo "Connections under the $1 sanitizer ..."
  "$(swift build --sanitize="$1" --scratch-path "$scratch" --show-bin-path)/connection-load" --connections "$connections"
  echo "Suites under the $1 sanitizer ..."
  # The programs run many times slower here: a test that meets a time limit of a program's own may fail for that, and is
  # named. What counts is what the sanitizer says.
  swift test --sanitize="$1" --scratch-path "$scratch" --skip-build --filter "${SUITES:-.}" >"$reports.log" 2>&1 ||
    { grep -a '^✘ Test .* recorded an issue' "$reports.log" || tail -n 40 "$reports.log"; }
  grep -aE '^. Test run with' "$reports.log" || { echo "FAILED: the suites did not come to their end" >&2; exit 1; }
  [ -z "$(ls "$reports")" ] || { cat "$reports"/*; echo "FAILED: the $1 sanitizer found something" >&2; exit 1; }
}

for part in "${parts[@]}"; do
  case $part in
  thread | address) under "$part" ;;
  load)
    swift build -c release --product connection-load
    for _ in 1 2; do
      "$(swift build -c release --show-bin-path)/connection-load" --connections 100000000 --seconds "$seconds" --callers 12
    done
    ;;
  sigterm)
    scripts/deps.sh build
    swift build -c release --static-swift-stdlib --product sluice
    scripts/sigterm.sh "$(swift build -c release --static-swift-stdlib --show-bin-path)/sluice"
    ;;
  *) echo "$part: expected thread, address, load or sigterm" >&2; exit 2 ;;
  esac
done
echo "Nothing found."
