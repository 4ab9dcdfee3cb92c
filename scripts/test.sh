#!/usr/bin/env bash
# Runs the tests, which must have been built, and says at the end what failed and why: whoever looks at a run in CI sees
# the last lines of some 20,000, and tests run side by side, so that a failure stands far above them.
# Usage: test.sh [--filter NAME]; SWIFT is the compiler's driver
set -euo pipefail
cd "$(dirname "$0")/.."

# A few tests at a time: all at once, with their servers and programs, they would starve each other into time limits.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-6}
PROMTOOL=$(scripts/promtool.sh)
export PROMTOOL

log=$(mktemp "${TMPDIR:-/tmp}/sluice-tests.XXXXXX")
trap 'rm -f "$log"' EXIT
status=0
# shellcheck disable=SC2086 # SWIFT may be a command with options
${SWIFT:-swift} test --skip-build "$@" 2>&1 | tee "$log" || status=$?
[ "$status" -ne 0 ] || exit 0

echo
# An issue goes on, with its comment and its reason, until the next line that begins with a mark of the test library.
issues=$(awk '/^(✘|✔|◇|➜|↷) / { issue = 0 } /^✘ .* recorded an issue/ { issue = 1 } issue' "$log" | cut -c1-2000)
[ -z "$issues" ] || printf 'What failed:\n%s\n' "$issues"
if ! grep -aq '^✘ Test run with ' "$log"; then
  printf 'The run did not come to its end (status %s). Its last lines:\n' "$status"
  { grep -av '^◇' "$log" || true; } | tail -n 60 | cut -c1-2000
fi
exit "$status"
