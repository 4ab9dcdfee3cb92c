"""SIGTERM under a load of asynchronous calls, again and again.

Each run starts the program, sends `respond-async` backups from several callers at once, and ends it with SIGTERM in the midst
of them. Wanted: exit code 0 (never a death by signal), and no operation that was answered 202 left `running`.
Needs nothing but Python's own library and the PostgreSQL that PGHOST, PGPORT, PGUSER and PGDATABASE name.
"""

import argparse
import collections
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

PROGRAM = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(port, path, method="GET", timeout=30):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", method=method, headers={"Prefer": "respond-async"})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return answer.status, json.load(answer)


def caller(port, day, begun, stop):
    while not stop.is_set():
        try:
            status, answer = call(
                port, f"/api/backup_manual?table=stress.rows&date={day}&overwrite=true&force=true", "POST")
            if status == 202:
                begun.append(answer["id"])
        except urllib.error.HTTPError as error:
            error.read()
        except OSError:
            if not stop.is_set():
                time.sleep(0.01)


def run(arguments, number, seconds):
    lake = tempfile.mkdtemp(prefix="sluice-sigterm.")
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"], "PG_HOST": "127.0.0.1", "PG_PORT": os.environ["PGPORT"],
        "PG_USER": os.environ["PGUSER"], "PG_DATABASE": os.environ["PGDATABASE"], "PG_SSLMODE": "disable",
        "LAKE_URL": f"file://{lake}", "BACKUP_TABLES": "stress.rows:at", "SLUICE_SHUTDOWN_GRACE": str(arguments.grace),
        "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""),
    }
    with open(f"{lake}.log", "w+b") as log:
        process = subprocess.Popen(
            [arguments.binary, "serve", "--port", str(port), "--routes", f"{PROGRAM}/function-routes.json"],
            env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            for _ in range(500):
                try:
                    call(port, "/api/health")
                    break
                except OSError:
                    time.sleep(0.02)
            begun, stop = [], threading.Event()
            callers = [
                threading.Thread(target=caller, args=(port, f"2024-01-{day + 1:02}", begun, stop))
                for day in range(arguments.callers)
            ]
            for thread in callers:
                thread.start()
            time.sleep(seconds)
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(arguments.grace + 30)
            except subprocess.TimeoutExpired:
                code = "no end"
            stop.set()
            for thread in callers:
                thread.join()
            log.seek(0)
            text = log.read().decode(errors="replace")
        finally:
            process.kill()
            process.wait()
    statuses = collections.Counter()
    for operation in begun:
        try:
            with open(f"{lake}/_sluice/operations/{operation}.json") as file:
                statuses[json.load(file)["state"]] += 1
        except FileNotFoundError:
            statuses["no file"] += 1
    shutil.rmtree(lake)
    os.unlink(f"{lake}.log")
    if code != 0:
        print(f"run {number}: ended with {code}")
        print("\n".join(text.splitlines()[-5:]))
    return code, statuses


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--grace", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    codes, statuses = collections.Counter(), collections.Counter()
    for number in range(arguments.runs):
        code, found = run(arguments, number, source.uniform(0.1, 1.0))
        codes[code] += 1
        statuses += found
    print(f"exit codes: {dict(codes)}; operations answered 202: {sum(statuses.values())}, {dict(statuses)}")
    if set(codes) != {0} or statuses["running"] or statuses["no file"] or not sum(statuses.values()):
        sys.exit("FAILED")


main()
