# Sourced by demo.sh, bench.sh and faults.sh: the lake emulator, with a filesystem named lake, in $work.
# After `start_emulator BINARY [option]...` lake_url and emulator_port are set, and IDENTITY_ENDPOINT and IDENTITY_HEADER name
# the managed identity that may use the lake, as an App Service does.

start_emulator() {
  local program=$1
  shift
  mkdir -p "$work/emulator"
  # An emulator of before has left its own, which is not to be read in place of this one's.
  rm -f "$work/emulator.json"
  # In a session of its own: Ctrl-C is for the script, which ends the emulator when its clients are through.
  setsid "$program" --filesystem lake --folder "$work/emulator" "$@" >"$work/emulator.json" 2>"$work/emulator.log" &
  emulator_pid=$!
  for _ in $(seq 100); do
    [ ! -s "$work/emulator.json" ] || break
    kill -0 "$emulator_pid" 2>/dev/null || break
    sleep 0.05
  done
  emulator_port=$(emulator_fact port)
  [ -n "$emulator_port" ] || { cat "$work/emulator.log" >&2; return 1; }
  lake_url=$(emulator_fact origin)/sluicetest/lake/archive
  IDENTITY_ENDPOINT=$(emulator_fact origin)/msi/token
  IDENTITY_HEADER=$(emulator_fact identity_header)
  export IDENTITY_ENDPOINT IDENTITY_HEADER
}

# emulator_fact NAME: a value of the line of JSON that it prints on its start.
emulator_fact() { sed -nE "s/.*\"$1\":\"?([^\",}]*).*/\1/p" "$work/emulator.json" | sed 's,\\/,/,g'; }

# emulator_call METHOD PATH [BODY]
emulator_call() {
  curl -sS --fail-with-body -X "$1" ${3:+--data-binary "$3"} "http://127.0.0.1:$emulator_port/_emulator/$2"
}

# User and system time of the emulator so far, in seconds.
emulator_cpu() {
  awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / tick }' "/proc/$emulator_pid/stat"
}

stop_emulator() {
  [ -n "${emulator_pid:-}" ] || return 0
  kill -TERM "$emulator_pid" 2>/dev/null || true
  wait "$emulator_pid" 2>/dev/null || true
  emulator_pid=
}
