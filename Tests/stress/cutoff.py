"""Cuts a job of seven table-days off at many moments and compares what was told with what is there.

The jobs: a backup with `overwrite`; restores with `replace`, with `append`, and through a staging table. Each is cut off by
SIGTERM, by SIGKILL and by broken connections to the database at MOMENTS moments, half of the runs as a command and half as
an operation of the service. Compared are what standard output, the exit code, the operation's document and the log say
with the archives in the lake and the rows in the table. Ends with 1 when anything contradicts.

A day is old, or new, or neither: neither is a fault. `ok` must be new; `failed`, `not_begun` and `skipped` must be old;
`unconfirmed`, and what was not told, may be either. Then the same request is sent again, with the same key: every day
must be new, once.
"""

import argparse
import gzip
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

DAYS = [f"2024-01-0{n}" for n in range(1, 8)]
ROWS = 2000


class Proxy:
    """A TCP proxy to the database whose connections can all be reset at once; it takes new ones afterwards."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.pairs = set()
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self.lock:
                self.pairs.add((client, server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(source, sink, (client, server)), daemon=True).start()

    def pump(self, source, sink, pair):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self.lock:
            self.pairs.discard(pair)

    def cut(self):
        with self.lock:
            pairs = list(self.pairs)
        for pair in pairs:
            for end in pair:
                try:
                    # Without a word of goodbye: RST in place of FIN.
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Site:
    def __init__(self, binary, work, proxy):
        self.binary, self.work, self.proxy = binary, Path(work), proxy
        self.lake = self.work / "lake"
        self.app = self.work / "app"
        self.app.mkdir()
        shutil.copy(Path(__file__).parents[2] / "function-routes.json", self.app)
        self.database = os.environ["PGDATABASE"]
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        self.environment = keep | {
            "PG_HOST": "127.0.0.1", "PG_PORT": str(proxy.port), "PG_USER": os.environ["PGUSER"],
            "PG_DATABASE": self.database, "PG_SSLMODE": "disable", "LAKE_URL": f"file://{self.lake}",
            "BACKUP_TABLES": "cut.clicks:at", "BACKUP_CONCURRENCY": "2", "SLUICE_SHUTDOWN_GRACE": "0",
        }

    def sql(self, text):
        return subprocess.run(
            [os.environ["PSQL"], "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text],
            check=True, capture_output=True, text=True).stdout.strip()

    def settle(self):
        """Waits until the server has ended the sessions of a program that is gone: a COMMIT may still be under way."""
        while self.sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()") != "0":
            time.sleep(0.005)

    def start(self, arguments, name):
        out, err = (self.work / f"{name}.out").open("w"), (self.work / f"{name}.err").open("w")
        return subprocess.Popen(
            [self.binary, *arguments], cwd=self.app, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def text(self, name):
        return (self.work / name).read_text(errors="replace")


class Job:
    """One kind of job: how it is prepared and asked for, and how a day's state is read."""

    def __init__(self, site):
        self.site = site

    def states(self):
        """The state of each day: old, new, or a description of what is neither."""
        raise NotImplementedError


class Backup(Job):
    name, command, path = "backup overwrite", "backup", "/api/backup_manual"
    body = {"table": "cut.clicks:at", "from": DAYS[0], "to": DAYS[-1], "overwrite": True}
    arguments = ["--table", "cut.clicks:at", "--from", DAYS[0], "--to", DAYS[-1], "--overwrite"]

    def __init__(self, site):
        super().__init__(site)
        fill(site, "cut.clicks", 1)
        shutil.rmtree(site.lake, ignore_errors=True)
        site.lake.mkdir()
        run_whole(site, ["backup", *self.arguments])
        self.saved = site.work / "saved"
        shutil.copytree(site.lake, self.saved)
        fill(site, "cut.clicks", 2, more=7)

    def reset(self):
        shutil.rmtree(self.site.lake)
        shutil.copytree(self.saved, self.site.lake)

    def states(self):
        folder = self.site.lake / self.site.database
        manifests = []
        for path in [*folder.glob("_sluice/*.json"), *folder.glob("_sluice/next/*.json")]:
            try:
                manifests.append(json.loads(path.read_text()))
            except ValueError:
                if path.parent.name != "next":
                    return {day: f"the manifest {path.name} is broken" for day in DAYS}
        states = {}
        for day in DAYS:
            path = folder / f"cut.clicks.{day}.csv.gz"
            if not path.exists():
                states[day] = "there is no archive"
                continue
            data = path.read_bytes()
            lines = gzip.decompress(data).splitlines()[1:]
            versions = {line.rsplit(b",", 1)[1] for line in lines}
            sha = hashlib.sha256(data).hexdigest()
            found = [m for m in manifests if m["sha256"] == sha and m["date"] == day]
            final = folder / f"_sluice/cut.clicks.{day}.json"
            if not found or any(m["rows"] != len(lines) for m in found):
                states[day] = f"no manifest describes the archive of {len(lines)} rows"
            elif not final.exists():
                states[day] = "the archive has lost its manifest"
            else:
                states[day] = {(b"1",): "old", (b"2",): "new"}.get(tuple(versions), f"rows of {versions}")
        return states


class Restore(Job):
    command, path = "restore", "/api/restore"
    key = 0

    def __init__(self, site, name, destination, arguments, old, new, prepare):
        super().__init__(site)
        self.name, self.old, self.new, self.prepare = name, old, new, prepare
        self.destination, self.own = destination, arguments
        shutil.rmtree(site.lake, ignore_errors=True)
        site.lake.mkdir()
        fill(site, "cut.clicks", 2)
        run_whole(site, ["backup", "--table", "cut.clicks:at", "--from", DAYS[0], "--to", DAYS[-1]])
        site.sql("DROP TABLE IF EXISTS cut.template")
        site.sql("CREATE TABLE cut.template AS SELECT id, at, page, 1 AS version FROM cut.clicks")

    def reset(self):
        Restore.key += 1
        self.body = {
            "table": "cut.clicks", "from": DAYS[0], "to": DAYS[-1], "key": f"sweep-{Restore.key}",
            "destination": self.destination}
        self.arguments = [
            "--table", "cut.clicks", "--from", DAYS[0], "--to", DAYS[-1], "--key", f"sweep-{Restore.key}", *self.own]
        self.site.sql(f"TRUNCATE cut.clicks; {self.prepare}")

    def states(self):
        rows = self.site.sql(
            "SELECT at::date, count(*) FILTER (WHERE version = 1), count(*) FILTER (WHERE version = 2) "
            "FROM cut.clicks GROUP BY 1")
        counts = {day: (0, 0) for day in DAYS}
        for line in rows.splitlines():
            day, one, two = line.split("|")
            counts[day] = (int(one), int(two))
        return {
            day: "old" if count == self.old else "new" if count == self.new else f"rows of versions 1 and 2: {count}"
            for day, count in counts.items()}


def fill(site, table, version, more=0):
    site.sql(f"TRUNCATE {table}")
    site.sql(
        f"INSERT INTO {table} SELECT d * 1000000 + n, '2024-01-01Z'::timestamptz + d * interval '1 day' + n * interval '1 s', "
        f"md5(n::text), {version} FROM generate_series(0, 6) d, generate_series(1, {ROWS + more}) n")


def run_whole(site, arguments):
    process = site.start(arguments, "whole")
    if process.wait() != 0:
        raise SystemExit(f"{arguments[0]} failed: {site.text('whole.err')}")


def results_of(text):
    """The results in a document that may be cut off."""
    head = '{"results":['
    if not text.startswith(head):
        return []
    decoder, place, results = json.JSONDecoder(), len(head), []
    while place < len(text) and text[place] in "{,":
        place += text[place] == ","
        try:
            result, place = decoder.raw_decode(text, place)
        except ValueError:
            break
        results.append(result)
    return results


def day_of(result):
    return result.get("date") or result["date_window"]["start"][:10]


def contradictions(told, states):
    for result in told:
        day, status = day_of(result), result["status"]
        state = states[day]
        if status in ("ok", "partial") and state != "new":
            yield f"{day} was told as {status}, and is {state}"
        if status in ("failed", "not_begun", "skipped") and state != "old":
            yield f"{day} was told as {status} ({result.get('error', {}).get('code')}), and is {state}"


def log_contradictions(log, job, states):
    for line in log.splitlines():
        match = re.search(rf" {job.command} (\w+) .*?(2024-01-0\d)", line)
        if not match:
            continue
        status, day = match.groups()
        if status in ("ok", "partial") and states[day] != "new" or status == "failed" and states[day] != "old":
            yield f"the log says {status} of {day}, which is {states[day]}"


class Cut:
    """Does a cut at a moment; the moment is in seconds from the job's start."""

    def __init__(self, kind, moment, process, proxy):
        time.sleep(moment)
        if kind == "connection":
            proxy.cut()
        elif process.poll() is None:
            process.send_signal(signal.SIGTERM if kind == "SIGTERM" else signal.SIGKILL)


def run_command(site, job, kind, moment):
    process = site.start([job.command, *job.arguments, "--json", "--verbose"], "cut")
    Cut(kind, moment, process, site.proxy)
    code = process.wait(timeout=60)
    site.settle()
    text, states = site.text("cut.out"), job.states()
    told = results_of(text)
    yield from contradictions(told, states)
    yield from log_contradictions(site.text("cut.err"), job, states)
    if code == 0 and any(state != "new" for state in states.values()):
        yield f"the exit code is 0, and the days are {states}"
    if code == 130 and any(state == "new" for state in states.values()):
        yield f"the exit code is 130, as if nothing was finished, and the days are {states}"
    if code >= 0:
        try:
            document = json.loads(text)
        except ValueError:
            document = None
            yield f"the exit code is {code}, and standard output is no document: {text[-200:]!r}"
        if document and "results" not in document and any(s == "new" for s in states.values()):
            yield f"an error was told alone, {document}, and the days are {states}"
        if document and "results" in document and len(document["results"]) != len(DAYS):
            yield f"{len(document['results'])} of {len(DAYS)} table-days were told"
    elif code == -signal.SIGTERM and not text and all(state == "old" for state in states.values()):
        pass  # The signal came before the program could handle it.
    elif kind != "SIGKILL":
        yield f"the program ended by signal {-code}: {site.text('cut.err')[-300:]}"


def call(port, method, path, body=None, headers={}):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    data = json.loads(answer.read() or b"{}")
    connection.close()
    return answer.status, data


def run_service(site, job, kind, moment):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = site.start(["serve", "--port", str(port)], "cut")
    try:
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.01)
        status, operation = call(port, "POST", job.path, job.body, {"Prefer": "respond-async"})
        if status != 202:
            yield f"the request was answered {status}: {operation}"
            return
        Cut(kind, moment, process, site.proxy)
        if kind == "connection":
            while call(port, "GET", f"/api/operations/{operation['id']}")[1]["state"] == "running":
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    finally:
        process.kill()
        process.wait()
    site.settle()
    states = job.states()
    path = site.lake / "_sluice/operations" / f"{operation['id']}.json"
    document = json.loads(path.read_text())
    told = (document.get("result") or {}).get("results", [])
    yield from contradictions(told, states)
    yield from log_contradictions(site.text("cut.out"), job, states)
    status = document["status"]
    if status == "succeeded" and any(state != "new" for state in states.values()):
        yield f"the operation says succeeded, and the days are {states}"
    if status == "failed" and not told and any(state == "new" for state in states.values()):
        yield f"the operation failed with {document.get('error')} alone, and the days are {states}"
    if status == "running" and kind != "SIGKILL":
        yield "the operation's document says running after the program has ended"


def again(site, job):
    """The same request once more: every day is new, once."""
    process = site.start([job.command, *job.arguments, "--json"], "again")
    code = process.wait(timeout=60)
    states = job.states()
    if code != 0 or any(state != "new" for state in states.values()):
        yield f"the same request again ended with {code}, and the days are {states}: {site.text('again.err')[-300:]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--moments", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="a part of a job's name")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    work = tempfile.mkdtemp(prefix="sluice-cutoff.")
    proxy = Proxy(int(os.environ["PGPORT"]))
    site = Site(options.binary, work, proxy)
    site.sql(
        "CREATE SCHEMA cut; CREATE TABLE cut.clicks (id bigint, at timestamptz, page text, version int, PRIMARY KEY (id, at))")
    half = f"INSERT INTO cut.clicks SELECT * FROM cut.template WHERE id % 1000000 <= {ROWS // 2}"
    jobs = [
        lambda: Backup(site),
        lambda: Restore(
            site, "restore replace", {"on_existing": "replace"}, ["--on-existing", "replace"], (ROWS, 0), (0, ROWS),
            "INSERT INTO cut.clicks SELECT * FROM cut.template"),
        lambda: Restore(
            site, "restore append", {"on_existing": "append"}, ["--on-existing", "append"], (0, 0), (0, ROWS), ""),
        lambda: Restore(
            site, "restore staging", {"mode": "staging"}, ["--mode", "staging"], (ROWS // 2, 0), (ROWS // 2, ROWS // 2),
            half),
    ]
    names = ["backup overwrite", "restore replace", "restore append", "restore staging"]
    faults = 0
    for name, make in zip(names, jobs):
        if options.only and options.only not in name:
            continue
        job = make()
        lengths = {}
        for run in (run_command, run_service):
            job.reset()
            begin = time.monotonic()
            found = list(run(site, job, "connection", 0) if run is run_command else run(site, job, "none", 0))
            lengths[run] = time.monotonic() - begin
        for kind in ("SIGTERM", "SIGKILL", "connection"):
            seen = {"old": 0, "new": 0, "mixed": 0}
            for number in range(options.moments):
                run = run_command if number % 2 == 0 else run_service
                job.reset()
                moment = lengths[run] * (number + chance.random()) / options.moments
                found = list(run(site, job, kind, moment))
                states = set(job.states().values())
                seen["mixed" if len(states) > 1 else states.pop() if states <= {"old", "new"} else "mixed"] += 1
                if not found:
                    found = list(again(site, job))
                for fault in found:
                    faults += 1
                    print(f"CONTRADICTION: {name}, {kind} after {moment:.3f} s, {run.__name__}: {fault}", flush=True)
            print(f"{name}, {kind} at {options.moments} moments of {lengths[run_command]:.2f} s: {seen}", flush=True)
    if faults == 0:
        shutil.rmtree(work)
        print("no contradiction")
    else:
        print(f"{faults} contradictions; the last run's files are in {work}")
    sys.exit(1 if faults else 0)


main()
