#!/bin/sh
# Finds what must not stand in the sources, beyond what `swift format` knows:
#  - comparison by Unicode case folding. A name, token or value of a protocol is compared by `equalsIgnoringASCIICase` or
#    `asciiLowercased()` of Essentials. A line whose text is no protocol's says so by `// unicode-case: <why>`.
#  - `unowned`. A source, timer or callback can fire once more after its owner is gone: hold what is used until it ended.
# Usage: lint.sh [FOLDER...]; exit code 1 when something is found.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- Sources
find "$@" -name '*.swift' -type f | sort | xargs awk '
  {
    code = $0
    sub(/\/\/.*$/, "", code)
    if (code ~ /(^|[^A-Za-z0-9_])(lowercased|uppercased|capitalized|lowercaseMapping|uppercaseMapping|titlecaseMapping)([^A-Za-z0-9_]|$)/ ||
        code ~ /caseInsensitive|[lL]ocalizedCase|localizedStandard|localizedLowercase|localizedUppercase|ignoresCase|\.folding\(/) {
      if ($0 !~ /\/\/ unicode-case: ./)
        report("Unicode case folding; use asciiLowercased() or equalsIgnoringASCIICase(_:) of Essentials")
    }
    if (code ~ /(^|[^A-Za-z0-9_])unowned([^A-Za-z0-9_]|$)/)
      report("unowned; hold the object until its source or callback has ended")
  }
  function report(what) {
    print FILENAME ":" FNR ": " what
    found = 1
  }
  END { exit found }' || exit 1
