#!/usr/bin/env bash
# Checks the lake emulator, and what Sluice writes and reads, against the vendor's own Python libraries, and the HTTP interface against
# docs/openapi.json by Schemathesis.
# Usage: interop.sh <folder of the built programs>
# The libraries go into a temporary folder. INTEROP_PYTHON names a Python that has them already.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=${1:?usage: interop.sh <folder of the built programs>}

. scripts/postgres.sh

folder=$(mktemp -d)
work=$folder/database
postgres_pid=
clean_up() {
  trap - EXIT INT TERM
  stop_postgres
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT TERM

python=${INTEROP_PYTHON:-}
if [ -z "$python" ]; then
  python3 -m venv "$folder/venv" || { echo "python3 with its venv module is needed (python3-venv)" >&2; exit 1; }
  python=$folder/venv/bin/python
  "$python" -m pip install --quiet --disable-pip-version-check azure-storage-file-datalake azure-identity
fi

# A root of its own, a certificate for 127.0.0.1 from it, and one for the application that asks for tokens.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Sluice interop root" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
  -keyout "$folder/ca.key" -out "$folder/ca.pem" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj "/CN=127.0.0.1" -keyout "$folder/server.key" -out "$folder/server.csr" 2>/dev/null
printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\nauthorityKeyIdentifier=keyid\n' >"$folder/server.ext"
openssl x509 -req -in "$folder/server.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial -days 2 \
  -extfile "$folder/server.ext" -out "$folder/server.pem" 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Sluice interop application" \
  -keyout "$folder/client.key" -out "$folder/client.crt" 2>/dev/null
cat "$folder/client.key" "$folder/client.crt" >"$folder/client.pem"

sluice=()
if [ -x "$programs/sluice" ]; then
  mkdir "$work"
  chmod 755 "$folder"
  start_postgres -c fsync=off
  sluice=(--sluice "$programs/sluice")
fi
"$python" Tests/interop/interop.py --emulator "$programs/lake-emulator" --folder "$folder" "${sluice[@]}"
[ ! -x "$programs/sluice" ] || scripts/schemathesis.sh "$programs/sluice"
