#!/bin/sh
# Finds what must not stand in the Swift files, beyond what `swift format` knows.
# In every file:
#  - more than 300 lines.
#  - a source outside the repository, cited in a comment: a reader can't look it up. Name an RFC's section or a manual's page.
#  - a function or initializer of more than 60 lines, from its `func` to its closing brace.
# In every file but those of Tests:
#  - comparison by Unicode case folding. A name, token or value of a protocol is compared by `equalsIgnoringASCIICase` or
#    `asciiLowercased()` of Essentials. A line whose text is not a protocol's says so by `// unicode-case: <why>`.
#  - `unowned`. A source, timer or callback can fire once more after its owner is gone: hold what is used until it ended.
#  - an import of a module of ours that the table below does not allow (docs/architecture.md, "Modules").
# Usage: lint.sh [FOLDER...]; Sources and Tests by default. Exit code 1 when something is found.
set -eu

# Which module may import which of ours; modules of the system, and the C libraries (C*), are free.
arrows='
Essentials:
HTTPServer:    Essentials
CustomHandler: HTTPServer Essentials
HTTPClient:    Essentials
Identity:      HTTPClient Essentials
Postgres:      Essentials
Gzip:
Lake:          Identity HTTPClient Essentials
TableDays:
Reporting:     Essentials
Archive:       Lake Gzip TableDays Reporting Essentials
Database:      Postgres TableDays Reporting Essentials
Jobs:          Archive Database Lake Postgres TableDays Reporting Essentials
Configuration: Jobs Database Lake Postgres TableDays Reporting Essentials
SluiceService: CustomHandler HTTPServer Jobs Reporting Essentials
sluice:        *
'

cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- Sources Tests
find "$@" -name '*.swift' -type f | sort | ARROWS=$arrows xargs awk '
  BEGIN {
    count = split(ENVIRON["ARROWS"], lines, "\n")
    for (i = 1; i <= count; i++) {
      if (split(lines[i], words, /[: ]+/) < 1 || words[1] == "") continue
      ours[words[1]] = 1
      for (j = 2; j in words && words[j] != ""; j++) allowed[words[1], words[j]] = 1
    }
  }

  FNR == 1 {
    endFile()
    file = FILENAME
    isTest = file ~ /(^|\/)Tests\//
    module = ""
    if (match(file, /(^|\/)Sources\/[^\/]+\//)) {
      module = substr(file, RSTART, RLENGTH - 1)
      sub(/^.*\//, "", module)
      if (!(module in ours) && module !~ /^C[A-Z]/ && !(module in told)) {
        told[module] = 1
        report("the module " module " has no line in the table of scripts/lint.sh")
      }
    }
    open = 0
  }

  {
    lineCount = FNR
    code = $0
    sub(/\/\/.*$/, "", code)
    if ($0 ~ /\/\/.*([Ss]heet §|\.\.\/shared|reference\/[A-Za-z0-9_-]*\.md|design\.md)/)
      report("a source outside the repository; cite a public one")
    functions(code)
    if (isTest) next
    if (code ~ /(^|[^A-Za-z0-9_])(lowercased|uppercased|capitalized|lowercaseMapping|uppercaseMapping|titlecaseMapping)([^A-Za-z0-9_]|$)/ ||
        code ~ /caseInsensitive|[lL]ocalizedCase|localizedStandard|localizedLowercase|localizedUppercase|ignoresCase|\.folding\(/) {
      if ($0 !~ /\/\/ unicode-case: ./)
        report("Unicode case folding; use asciiLowercased() or equalsIgnoringASCIICase(_:) of Essentials")
    }
    if (code ~ /(^|[^A-Za-z0-9_])unowned([^A-Za-z0-9_]|$)/)
      report("unowned; hold the object until its source or callback has ended")
    if (code ~ /import /) imports(code)
  }

  END {
    endFile()
    exit found
  }

  # The imports of a line, with any attributes and access level, of a module, a submodule or one declaration.
  function imports(code,   parts, count, i, name) {
    count = split(code, parts, ";")
    for (i = 1; i <= count; i++) {
      name = parts[i]
      gsub(/@[A-Za-z_]+(\([^)]*\))?/, "", name)
      if (name !~ /^[ \t]*((public|package|internal|fileprivate|private)[ \t]+)?import[ \t]+[A-Za-z_]/) continue
      sub(/^.*import[ \t]+/, "", name)
      sub(/^(struct|class|enum|protocol|typealias|func|let|var)[ \t]+/, "", name)
      sub(/[^A-Za-z0-9_].*$/, "", name)
      if (name in ours && module in ours && name != module && !((module, name) in allowed) && !((module, "*") in allowed))
        report(module " must not import " name)
    }
  }

  # Sources are formatted: a body ends with a brace as far in as its declaration. `open` declarations may be nested.
  function functions(code,   indent, text) {
    text = code
    sub(/[ \t]+$/, "", text)
    if (text == "" || text ~ /^#/) return
    match(text, /^ */)
    indent = RLENGTH
    text = substr(text, indent + 1)
    while (open > 0 && indent <= begunAt[open]) {
      if (indent == begunAt[open] && text ~ /^(\)|where |->)/) break
      if (indent == begunAt[open] && text ~ /^\}/ && FNR - begun[open] + 1 > 60)
        found = reportAt(begun[open], "a function of " (FNR - begun[open] + 1) " lines; the limit is 60")
      open--
    }
    if (text ~ /^([a-z]+(\([a-z]+\))? |@[A-Za-z]+(\([^)]*\))? )*(func |init[?!]?[(<]|deinit )/ && text !~ /\}$/) {
      open++
      begunAt[open] = indent
      begun[open] = FNR
    }
  }

  function endFile() {
    if (file != "" && lineCount > 300) reportAt(lineCount, "a file of " lineCount " lines; the limit is 300")
  }

  function report(what) { reportAt(FNR, what) }

  function reportAt(line, what) {
    print file ":" line ": " what
    found = 1
    return 1
  }' || exit 1
