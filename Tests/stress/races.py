"""Backups and restores run while eight sessions compress, decompress, drop and change the same chunks.

Two hypertables, one with chunks of a day and one with chunks of a week, each with fourteen days of BASE rows that nobody
changes for good. Eight sessions compress, decompress and recompress chunks, insert late rows (each transaction is a batch
with a number of its own), delete such batches, drop chunks and roll that back, change compressed rows and roll that back.
Meanwhile the program archives days with `overwrite`, replaces several days from those archives and from archives of the base
rows alone, loads emptied days by `append` and dropped ones by `error`, and does its nightly run.

Checked after each run of the program:
- An archive that was told as `ok` holds all base rows of its day, each batch wholly or not at all, those that were there all
  the time of the run, and none that was not there at any time of it. Its manifest tells of the rows and the bytes that it has.
- After `ok` a replaced day holds the archive's rows, and of the batches only those that may have come after it.
- A failed run has one of the codes that a retry may repair, and has changed nothing.
At the end, after `restore resume`, nothing is owed, and every day holds its base rows once. Ends with 1 otherwise.
"""

import argparse
import collections
import csv
import gzip
import hashlib
import http.client
import io
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from datetime import datetime, timedelta, timezone
from pathlib import Path

import program
from program import codes_of, results_of, sql

BASE, DAYS = 3000, 14
TABLES = {"race.daily": "1 day", "race.weekly": "7 days"}
TODAY = datetime.now(timezone.utc).date()
# Whole weeks as TimescaleDB counts them, from a Monday on.
FIRST = TODAY - timedelta(TODAY.weekday() + 21)
ALL = [FIRST + timedelta(n) for n in range(DAYS)]
# The days that are emptied and loaded again; in race.daily their chunks are dropped.
EMPTIED = ALL[-2:]
RETRYABLE = {
    "locked", "table_changed", "rows_not_deleted", "already_running", "archive_changed", "statement_cancelled",
    "row_count_mismatch"}


class Batch:
    """Rows that a session inserted at once: from when and to when they may be in the table."""

    def __init__(self, number, table, day, rows):
        self.number, self.table, self.day, self.rows = number, table, day, rows
        self.begun = time.monotonic()
        self.committed = self.delete_begun = self.deleted = None
        self.failed = self.is_settling = False
        # A session has deleted a part of the rows: its DELETE missed the others, as a SELECT may (see `rows_of`).
        self.is_torn = False


class Race:
    def __init__(self, binary, minutes, seed, work):
        self.seed, self.binary, self.work = seed, binary, Path(work)
        self.end = time.monotonic() + minutes * 60
        self.lock = threading.Lock()
        self.batches = {}
        # (table, day): begin and end of each replacement, and whether it may have brought batches back.
        self.replaced = collections.defaultdict(list)
        self.loads = {table: threading.Lock() for table in TABLES}
        self.faults, self.counts, self.user_errors = [], collections.Counter(), collections.Counter()
        settings = {"PG_LOCK_TIMEOUT_SECONDS": "5", "BACKUP_CONCURRENCY": "3"}
        database = program.os.environ["PGDATABASE"]
        user = program.os.environ["PGUSER"]
        self.make = lambda name, **more: program.Program(binary, self.work / name, database, user, **settings, **more)
        self.base, self.live = self.make("base"), self.make("live")

    def fault(self, text):
        with self.lock:
            self.faults.append(text)
        print(f"VIOLATION after {time.monotonic() - self.begin:.1f} s: {text}", flush=True)

    # What is made before.

    def set_up(self):
        sql("CREATE EXTENSION IF NOT EXISTS timescaledb; CREATE SCHEMA race;")
        for table, interval in TABLES.items():
            sql(f"""
                CREATE TABLE {table} (at timestamptz NOT NULL, device int, note text, writer int NOT NULL, batch bigint NOT NULL);
                SELECT create_hypertable('{table}', 'at', chunk_time_interval => interval '{interval}');
                INSERT INTO {table} SELECT '{FIRST}Z'::timestamptz + d * interval '1 day' + n * interval '28 s', n % 7, md5(n::text), 0, 0
                  FROM generate_series(0, {DAYS - 1}) d, generate_series(0, {BASE - 1}) n;
                ALTER TABLE {table} SET (timescaledb.compress, timescaledb.compress_segmentby = 'device');
                SELECT compress_chunk(c) FROM show_chunks('{table}') c;""")
        self.hashes = {(table, day): self.rows_of(table, day)[1] for table in TABLES for day in ALL}
        code, document, errors = self.base.run(["backup", "--table", ",".join(TABLES), *self.span(ALL)])
        if code != 0 or sum(r["rows"] for r in results_of(document)) != BASE * DAYS * len(TABLES):
            raise SystemExit(f"the first backup failed: {document} {errors}")
        shutil.copytree(self.base.lake, self.live.lake, dirs_exist_ok=True)

    @staticmethod
    def span(days):
        return ["--from", str(min(days)), "--to", str(max(days))]

    @staticmethod
    def where(day):
        return f"at >= '{day}Z'::timestamptz AND at < '{day}Z'::timestamptz + interval '1 day'"

    def rows_of(self, table, day):
        """Base rows, their hash and the batches of a day, while no other session writes to the table or compresses it.

        A SELECT that is planned before rows are moved out of a wholly compressed chunk, and takes its snapshot after, misses them.
        """
        for _ in range(100):
            try:
                lines = sql(
                    f"BEGIN; SET LOCAL lock_timeout = '20s'; LOCK TABLE {table} IN SHARE MODE; "
                    f"SELECT writer, batch, count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {table} t "
                    f"WHERE {self.where(day)} GROUP BY 1, 2; COMMIT").splitlines()
            except program.SQLFailure:
                continue
            rows = [line.split("|") for line in lines]
            base = [row for row in rows if row[0] == "0"]
            return (
                sum(int(row[2]) for row in base), [row[3] for row in base],
                {int(row[1]): int(row[2]) for row in rows if row[0] != "0"})
        raise RuntimeError(f"{table} cannot be read")

    # The eight sessions.

    def session(self, number, action):
        pick = random.Random(f"{self.seed}/{number}")
        while time.monotonic() < self.end:
            try:
                action(pick, number)
                self.counts[action.__name__] += 1
            except program.SQLFailure as failure:
                self.user_errors[str(failure).splitlines()[0][:90].split(" chunk \"")[0]] += 1
            except Exception:
                self.fault(f"session {number}: {traceback.format_exc()}")
            time.sleep(pick.random() * 0.4)

    def chunk(self, pick):
        table = pick.choice(list(TABLES))
        return table, pick.choice(sql(f"SELECT show_chunks('{table}')").split())

    def compresses(self, pick, _):
        table, chunk = self.chunk(pick)
        sql(f"SET lock_timeout = '10s'; SELECT compress_chunk('{chunk}', if_not_compressed => true)")

    def decompresses(self, pick, _):
        table, chunk = self.chunk(pick)
        sql(f"SET lock_timeout = '10s'; BEGIN; SELECT decompress_chunk('{chunk}', if_compressed => true); "
            f"SELECT pg_sleep({pick.random() * 0.5}); COMMIT")

    def inserts(self, pick, writer):
        table, day, rows = pick.choice(list(TABLES)), pick.choice(ALL), pick.choice([1, 40, 500])
        with self.lock:
            batch = Batch(len(self.batches) + 1, table, day, rows)
            self.batches[batch.number] = batch
        commit = "COMMIT" if pick.random() < 0.8 else "ROLLBACK"
        try:
            sql(f"SET lock_timeout = '10s'; BEGIN; INSERT INTO {table} SELECT '{day}Z'::timestamptz + n * interval '97 s', n % 9, "
                f"'late', {writer}, {batch.number} FROM generate_series(1, {rows}) n; "
                f"SELECT pg_sleep({pick.random() * 0.3}); {commit}")
            batch.failed = commit == "ROLLBACK"
        except program.SQLFailure:
            batch.failed = True
            raise
        finally:
            batch.committed = time.monotonic()

    def deletes(self, pick, _):
        with self.lock:
            there = [b for b in self.batches.values() if b.committed and not b.failed and b.delete_begun is None]
            if not there:
                return
            batch = pick.choice(there)
            batch.delete_begun = time.monotonic()
        own = f"{batch.table} WHERE {self.where(batch.day)} AND batch = {batch.number}"
        left, deletions, batch.is_settling = batch.rows, 0, True
        try:
            while left:
                sql(f"SET lock_timeout = '10s'; SET enable_bitmapscan = off; DELETE FROM {own}")
                deletions += 1
                left = int(sql(
                    f"BEGIN; SET LOCAL lock_timeout = '60s'; LOCK TABLE {batch.table} IN SHARE MODE; "
                    f"SELECT count(*) FROM {own}; COMMIT"))
                batch.is_torn |= 0 < left < batch.rows
            batch.deleted = time.monotonic()
        except program.SQLFailure:
            if deletions == 0:
                batch.delete_begun = None
            else:
                # The count failed, or a further DELETE.
                batch.is_torn = True
            raise
        finally:
            batch.is_settling = False

    def drops(self, pick, _):
        table, chunk = self.chunk(pick)
        sql(f"SET lock_timeout = '10s'; BEGIN; DROP TABLE {chunk}; SELECT pg_sleep({pick.random() * 0.6}); ROLLBACK")

    def changes(self, pick, _):
        table, day = pick.choice(list(TABLES)), pick.choice(ALL)
        sql(f"SET lock_timeout = '10s'; BEGIN; UPDATE {table} SET note = 'wrong' WHERE {self.where(day)} AND device = {pick.randrange(7)}; "
            f"SELECT pg_sleep({pick.random() * 0.3}); ROLLBACK")

    # The program's runs.

    def runner(self, number, action):
        pick = random.Random(f"{self.seed}/run/{number}")
        while time.monotonic() < self.end:
            try:
                action(pick)
            except Exception:
                self.fault(f"{action.__name__}: {traceback.format_exc()}")

    def days(self, pick, of=ALL):
        first = pick.randrange(len(of))
        return of[first:first + pick.randint(1, 6)]

    def backs_up(self, pick):
        tables, days = pick.choice([["race.daily"], ["race.weekly"], list(TABLES)]), self.days(pick)
        begun = time.monotonic()
        code, document, errors = self.live.run(
            ["backup", "--table", ",".join(tables), *self.span(days), "--overwrite", "--force"])
        self.judge_archives("backup", self.live, document, begun, time.monotonic(), code, errors)

    def judge_archives(self, what, site, document, begun, ended, code, errors):
        for result in results_of(document):
            if "table" not in result:
                self.fault(f"{what}: exit code {code}: {document} {errors[-500:]}")
                continue
            table, day, status = result["table"], datetime.fromisoformat(result["date"]).date(), result["status"]
            self.counts[f"{what} {status}"] += 1
            if status == "ok":
                self.judge_archive(what, site, table, day, begun, ended, result["rows"])
            elif status == "skipped":
                if result["skipped"] != "no chunk" or day not in EMPTIED or table != "race.daily":
                    self.fault(f"{what} of {table} {day}: skipped: {result['skipped']}")
            else:
                self.judge_error(what, result)

    def judge_error(self, what, result, allowed=RETRYABLE):
        error = result.get("error") or result
        self.counts[f"{what}: {error.get('code')}"] += 1
        if error.get("code") not in allowed:
            self.fault(f"{what}: {json.dumps(error)}")

    def judge_archive(self, what, site, table, day, begun, ended, told=None):
        database = site.environment["PG_DATABASE"]
        path = site.lake / database / f"{table}.{day}.csv.gz"
        manifest = json.loads((site.lake / database / "_sluice" / f"{table}.{day}.json").read_text())
        data = path.read_bytes()
        rows = list(csv.DictReader(io.StringIO(gzip.decompress(data).decode())))
        words = f"{what} of {table} {day}"
        if hashlib.sha256(data).hexdigest() != manifest["sha256"] or not len(rows) == manifest["rows"] == (told or len(rows)):
            self.fault(f"{words}: {len(rows)} rows in the file, {manifest['rows']} in the manifest, {told} told")
        found = collections.Counter(int(row["batch"]) for row in rows if row["writer"] != "0")
        base = len(rows) - found.total()
        self.judge(words, table, day, base, found, begun, ended, may_be_empty=day in EMPTIED)

    def judge(self, words, table, day, base, found, begun, ended, may_be_empty, replaced_since=None):
        """Base rows and batches that were seen at some moment from `begun` to `ended`."""
        with self.lock:
            batches = [b for b in self.batches.values() if (b.table, b.day) == (table, day)]
            replaced = list(self.replaced[table, day])
        if base != BASE and not (may_be_empty and base == 0):
            self.fault(f"{words}: {base} base rows in place of {BASE}")
        known = {b.number for b in batches}
        for number in set(found) - known:
            self.fault(f"{words}: batch {number} is not of that day")
        for b in batches:
            count = found.get(b.number, 0)
            while count not in (0, b.rows) and b.is_settling:
                time.sleep(0.1)
            if count not in (0, b.rows) and not b.is_torn:
                # What the table has now tells whether rows were missed, or a session left a part of them.
                live = sql(f"SELECT count(*) FROM {table} WHERE {self.where(day)} AND batch = {b.number}")
                self.fault(
                    f"{words}: batch {b.number} has {count} of {b.rows} rows, the table {live} now; seen from {begun:.3f} to "
                    f"{ended:.3f}, the batch: {vars(b)}, replacements: {replaced}")
            if count and (b.failed or b.begun > ended):
                self.fault(f"{words}: batch {b.number} was never there")
            back = any(brings_back for _, _, brings_back in replaced)
            if count and b.deleted and b.deleted < begun and not back:
                self.fault(f"{words}: batch {b.number} was deleted before")
            gone = (b.delete_begun is not None and b.delete_begun < ended) or any(
                start < ended and end > b.begun for start, end, _ in replaced)
            if not count and not b.failed and b.committed and b.committed < begun and not gone:
                self.fault(f"{words}: batch {b.number} of {b.rows} rows, committed before, is missing")
            if replaced_since and count and b.committed and b.committed < replaced_since:
                self.fault(f"{words}: batch {b.number}, committed before the replacement began, is still there")

    def replaces(self, pick):
        """From the archives of base rows, or from those that `backs_up` makes meanwhile."""
        table = pick.choice(list(TABLES))
        days, site = self.days(pick, ALL[:-2]), pick.choice([self.base, self.live])
        options = ["--on-existing", "replace", "--force"] + pick.choice([[], [], ["--mode", "staging"]])
        with self.loads[table]:
            begun = time.monotonic()
            with self.lock:
                for day in days:
                    self.replaced[table, day].append([begun, float("inf"), site is self.live])
            code, document, errors = site.run(["restore", "--table", table, *self.span(days), *options])
            ended = time.monotonic()
            results = {r.get("date_window", {}).get("start", "")[:10]: r for r in results_of(document)}
            for day in days:
                result = results.get(str(day)) or (document if len(days) == 1 else None)
                if result is None:
                    self.fault(f"replace of {table} {day}: exit code {code}, nothing was told: {document} {errors[-500:]}")
                    continue
                status = result.get("status") if "rows_loaded" in result else "failed"
                self.counts[f"replace {status}"] += 1
                with self.lock:
                    if status in ("ok", "partial"):
                        self.replaced[table, day][-1][1] = ended
                    else:
                        self.replaced[table, day].pop()
                if status not in ("ok", "partial"):
                    self.judge_error("replace", result)
                seen = time.monotonic()
                base, hashes, found = self.rows_of(table, day)
                now = time.monotonic()
                words = f"replace of {table} {day} from {'the base' if site is self.base else 'live archives'} ({status})"
                if hashes != self.hashes[table, day]:
                    self.fault(f"{words}: the base rows are others")
                since = begun if status in ("ok", "partial") and site is self.base else None
                self.judge(words, table, day, base, found, seen, now, False, since)

    def loads_again(self, pick):
        """Empties a day, or drops its chunk, and loads it by append or error."""
        table, day = pick.choice(list(TABLES)), pick.choice(EMPTIED)
        with self.loads[table]:
            begun = time.monotonic()
            with self.lock:
                self.replaced[table, day].append([begun, float("inf"), False])
            drop = table == "race.daily" and pick.random() < 0.6
            try:
                if drop:
                    sql(f"SET lock_timeout = '5s'; SELECT drop_chunks('{table}', older_than => '{day}Z'::timestamptz + interval '1 day', newer_than => '{day}Z'::timestamptz)")
                else:
                    sql(f"SET lock_timeout = '5s'; SET enable_bitmapscan = off; DELETE FROM {table} WHERE {self.where(day)}")
            except program.SQLFailure as failure:
                self.user_errors[str(failure).splitlines()[0][:60]] += 1
                with self.lock:
                    self.replaced[table, day].pop()
                return
            with self.lock:
                self.replaced[table, day][-1][1] = time.monotonic()
            policy = pick.choice(["append", "error"])
            for _ in range(50):
                arguments = ["restore", "--table", table, "--date", str(day), "--on-existing", policy]
                code, document, errors = self.base.run(arguments)
                base, hashes, _ = self.rows_of(table, day)
                status = document.get("status") if "rows_loaded" in document else "failed"
                self.counts[f"{policy} {status}"] += 1
                words = f"{policy} of {table} {day}, {'dropped' if drop else 'emptied'} ({status})"
                if status in ("ok", "partial"):
                    if hashes != self.hashes[table, day]:
                        self.fault(f"{words}: {base} base rows, or others")
                    return
                if base:
                    self.fault(f"{words}: {base} base rows after a failure")
                    return
                self.judge_error(policy, document, RETRYABLE | {"rows_exist"})
                policy = "append"
            self.fault(f"{table} {day} could not be loaded in 50 tries: {document}")

    def nightly(self, pick):
        """A service of its own with an empty lake does the nightly run."""
        self.nights = getattr(self, "nights", 0) + 1
        site = self.make(
            f"night{self.nights}", BACKUP_TABLES=",".join(f"{t}:at" for t in TABLES),
            BACKUP_LOOKBACK_DAYS=str((TODAY - FIRST).days))
        shutil.copy(Path(__file__).parents[2] / "function-routes.json", site.work)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        log = (site.work / "log").open("w")
        service = subprocess.Popen(
            [self.binary, "serve", "--port", str(port)], cwd=site.work, env=site.environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for(port)
            begun = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
            connection.request("POST", "/nightly_backup", json.dumps({
                "Data": {"timer": {"Schedule": {"AdjustForDST": True}, "IsPastDue": False}},
                "Metadata": {"sys": {"MethodName": "nightly_backup"}}}), {"content-type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
            ended = time.monotonic()
        finally:
            service.terminate()
            service.wait()
        self.counts[f"nightly {answer.status}"] += 1
        archived = 0
        for table in TABLES:
            for day in ALL:
                if (site.lake / site.environment["PG_DATABASE"] / f"{table}.{day}.csv.gz").exists():
                    archived += 1
                    self.judge_archive("nightly", site, table, day, begun, ended)
                elif answer.status == 200 and (day not in EMPTIED or table != "race.daily"):
                    self.fault(f"nightly: {answer.status}, and no archive of {table} {day}")
        self.counts["nightly archives"] += archived
        if answer.status != 200:
            for line in (site.work / "log").read_text().splitlines():
                if "backup failed" in line and not any(code in line for code in RETRYABLE):
                    self.fault(f"nightly: {line}")
        shutil.rmtree(site.work)

    # The whole.

    def run(self):
        self.begin = time.monotonic()
        self.set_up()
        actions = [
            self.compresses, self.compresses, self.decompresses, self.inserts, self.inserts, self.deletes, self.drops, self.changes]
        threads = [
            threading.Thread(target=self.session, args=(number + 1, action)) for number, action in enumerate(actions)]
        threads += [
            threading.Thread(target=self.runner, args=item)
            for item in enumerate([self.backs_up, self.replaces, self.replaces, self.loads_again, self.nightly])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.settle()
        print(f"runs and sessions: {dict(sorted(self.counts.items()))}")
        print(f"errors of the sessions: {dict(self.user_errors)}")

    def settle(self):
        code, document, errors = self.base.run(["restore", "resume", "all"])
        if code != 0:
            self.fault(f"resume ended with {code}: {document} {errors[-500:]}")
        owed = sql("SELECT count(*) FROM sluice.restore_log WHERE owed IS NOT NULL")
        if owed != "0":
            self.fault(f"{owed} restores still owe steps")
        for table in TABLES:
            for day in ALL:
                base, hashes, found = self.rows_of(table, day)
                now = time.monotonic()
                if hashes != self.hashes[table, day]:
                    self.fault(f"at the end {table} {day} has {base} base rows, or others")
                self.judge(f"at the end {table} {day}", table, day, base, found, now, now, False)
        begun = time.monotonic()
        code, document, errors = self.live.run(
            ["backup", "--table", ",".join(TABLES), *self.span(ALL), "--overwrite", "--force"])
        if code != 0:
            self.fault(f"the last backup ended with {code}: {document}")
        self.judge_archives("last backup", self.live, document, begun, time.monotonic(), code, errors)
        for site in (self.base, self.live):
            for path in site.lake.rglob("_sluice/tmp/*"):
                self.fault(f"left behind: {path}")


def wait_for(port):
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("the service does not start")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="sluice-races.")
    race = Race(options.binary, options.minutes, options.seed, work)
    race.run()
    if race.faults:
        print(f"{len(race.faults)} violations; the lakes are in {work}")
    else:
        shutil.rmtree(work)
        print("no violation")
    sys.exit(1 if race.faults else 0)


main()
