"""A million rows, of which 20 % are duplicates and 5 % orphans, are tidied up while others work with the table and the program is killed.

Four sessions read rows by two indexes, update rows that are nobody's duplicates, insert, and delete what they have inserted. First alone, for their times
while nothing else happens; then beside `sluice maintenance run`, which is killed (SIGKILL) at random moments and started again.

Checked at the end:
- After a last run with nobody else at work, the rows that remain are exactly those that SQL said beforehand: of each key the newest, unless its parent is missing; and the sessions' own.
- A trigger's log has each row that the program deleted once, and no transaction of more rows than a batch.
- A watcher, every 2 ms, has seen no transaction of the program that had written last longer than --longest seconds.
- The sessions' 99th percentile is at most --factor times that of before.
- Each line of the audit chain that was begun has its end, but for the runs that were killed; the task's documents say `succeeded`.

Ends with 1 when anything is violated, or when no kill met a run that was deleting.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import program
from libpq import Failure, Session

SETUP = """
CREATE SCHEMA w;
CREATE TABLE w.p (id bigint PRIMARY KEY);
CREATE TABLE w.t (id bigint PRIMARY KEY, k bigint NOT NULL, parent bigint, at timestamptz NOT NULL, pad text, n int NOT NULL DEFAULT 0);
CREATE UNLOGGED TABLE w.gone (id bigint NOT NULL, xid xid8 NOT NULL);
INSERT INTO w.p SELECT generate_series(0, 999);
INSERT INTO w.t SELECT n, CASE WHEN n % 5 = 0 THEN n - 1 ELSE n END, CASE WHEN n % 20 = 7 THEN 1000000 + n ELSE n % 1000 END,
  '2024-01-01'::timestamptz + ((n::bigint * 7919) % 1000003) * interval '1 second', repeat('x', 80) FROM generate_series(1, {rows}) n;
CREATE INDEX ON w.t (k);
CREATE TABLE w.expected AS SELECT t.id FROM w.t t WHERE NOT EXISTS (
    SELECT FROM w.t b WHERE b.k = t.k AND (b.at, -b.id) > (t.at, -t.id)) AND t.parent < 1000;
CREATE FUNCTION w.log() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO w.gone VALUES (OLD.id, pg_current_xact_id()); RETURN NULL; END $$;
CREATE TRIGGER log AFTER DELETE ON w.t FOR EACH ROW WHEN (OLD.id <= {rows}) EXECUTE FUNCTION w.log();
VACUUM ANALYZE w.t; ANALYZE w.p;
"""


class Workers:
    """Sessions that measure how long each of their statements takes."""

    def __init__(self, count, rows, seed):
        self.rows, self.ended, self.times, self.errors = rows, threading.Event(), [], []
        self.own = [set() for _ in range(count)]
        self.threads = [threading.Thread(target=self.work, args=(n, random.Random(seed * 100 + n))) for n in range(count)]

    def work(self, number, chance):
        session, last = Session(settings="-c lock_timeout=5s"), (number + 1) * 10**9
        while not self.ended.is_set():
            # Rows 1 and 2 of five are nobody's duplicates, and nobody's keepers.
            row = chance.randrange(self.rows // 5) * 5 + chance.choice((1, 2))
            what = chance.random()
            if what < 0.4:
                statement = f"SELECT pad FROM w.t WHERE id = {row}"
            elif what < 0.6:
                statement = f"SELECT count(*) FROM w.t WHERE k = {chance.randrange(self.rows)}"
            elif what < 0.8:
                statement = f"UPDATE w.t SET n = n + 1 WHERE id = {row}"
            elif what < 0.9 or not self.own[number]:
                last += 1
                statement = f"INSERT INTO w.t VALUES ({last}, {last}, {row % 1000}, now(), 'own')"
                self.own[number].add(last)
            else:
                statement = f"DELETE FROM w.t WHERE id = {self.own[number].pop()}"
            start = time.monotonic()
            try:
                session.query(statement)
            except Failure as failure:
                self.errors.append(f"{statement}: {failure}")
            self.times.append(time.monotonic() - start)
            time.sleep(0.004)
        session.close()

    def take(self):
        times, self.times = self.times, []
        return times


class Watcher(threading.Thread):
    """Looks how long transactions of the program that have written last."""

    def __init__(self):
        super().__init__()
        self.ended, self.longest, self.seen = threading.Event(), 0.0, 0

    def run(self):
        session, transactions = Session(), set()
        while not self.ended.is_set():
            for xid, age in session.query(
                    "SELECT backend_xid, EXTRACT(epoch FROM clock_timestamp() - xact_start) FROM pg_stat_activity "
                    "WHERE application_name LIKE 'sluice%' AND backend_xid IS NOT NULL"):
                transactions.add(xid)
                self.longest = max(self.longest, float(age))
            self.seen = len(transactions)
            time.sleep(0.002)
        session.close()


def percentile(times, share):
    return sorted(times)[int(len(times) * share)] if times else 0.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--idle", type=float, default=20)
    parser.add_argument("--factor", type=float, default=3)
    parser.add_argument("--longest", type=float, default=2)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    program.sql(SETUP.replace("{rows}", str(options.rows)))
    work = tempfile.mkdtemp(prefix="sluice-maintenance.")
    site = program.Program(options.binary, f"{work}/app", "postgres", "postgres")
    common = {"batch_rows": options.batch, "pause": "100ms"}
    tasks = [
        {"name": "double", "kind": "deduplicate", "table": "w.t", "key": ["k"], "keep": "newest", "by": "at", "order": 1} | common,
        {"name": "lost", "kind": "delete_orphans", "child": "w.t", "columns": ["parent"], "parent": "w.p", "parent_columns": ["id"]} | common]
    (site.work / "sluice.json").write_text(json.dumps({"maintenance": {"tasks": tasks}}))

    workers, watcher = Workers(4, options.rows, options.seed), Watcher()
    # The watcher costs time too: it watches from the beginning.
    for thread in [watcher, *workers.threads]:
        thread.start()
    time.sleep(2)
    workers.take()
    time.sleep(options.idle)
    idle = workers.take()
    killed, look = 0, Session()

    def gone():
        return int(look.query("SELECT count(*) FROM w.gone")[0][0])

    for number in range(options.kills):
        run = subprocess.Popen(
            [options.binary, "maintenance", "run"], cwd=site.work, env=site.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = gone()
        deadline = time.monotonic() + 120
        while run.poll() is None and time.monotonic() < deadline and gone() == before:
            time.sleep(0.1)
        time.sleep(chance.uniform(0, 6 * options.rows / 1_000_000))
        if run.poll() is None:
            run.send_signal(signal.SIGKILL)
            killed += 1
        run.wait()
        print(f"kill {number + 1}: {gone()} rows are gone", flush=True)
    look.close()
    code, report, errors = site.run(["maintenance", "run"], timeout=900)
    busy = workers.take()
    watcher.ended.set()
    workers.ended.set()
    for thread in [watcher, *workers.threads]:
        thread.join()

    first, (code2, second, errors2) = report, site.run(["maintenance", "run"], timeout=900)
    code, errors = code or code2, errors + errors2
    report = {"beside the sessions": first.get("tasks"), "alone": second.get("tasks")}
    left = [task for task in second.get("tasks", [{}]) if task.get("outcome") not in ("ok", "nothing")]

    faults = [f"{len(workers.errors)} statements of the sessions failed, such as {workers.errors[0]}"] if workers.errors else []
    if code != 0:
        faults.append(f"the last runs ended with {code}: {report} {errors}")
    if left:
        faults.append(f"with nobody else at work a run leaves {left}")
    wrong = program.sql(
        f"SELECT count(*) FILTER (WHERE e.id IS NULL), count(*) FILTER (WHERE t.id IS NULL) "
        f"FROM (SELECT id FROM w.t WHERE id <= {options.rows}) t FULL JOIN w.expected e USING (id)")
    if wrong != "0|0":
        faults.append(f"rows that should be gone, and rows that should be there: {wrong}")
    own = set().union(*workers.own)
    there = {int(row) for row in program.sql(f"SELECT id FROM w.t WHERE id > {options.rows}").split()}
    if own != there:
        faults.append(f"{len(own ^ there)} rows of the sessions are missing or too many")
    twice = program.sql("SELECT count(*) - count(DISTINCT id) FROM w.gone")
    if twice != "0":
        faults.append(f"{twice} rows were deleted twice")
    most = int(program.sql("SELECT COALESCE(max(n), 0) FROM (SELECT count(*) AS n FROM w.gone GROUP BY xid) s"))
    if most > options.batch:
        faults.append(f"a transaction has deleted {most} rows, and a batch is {options.batch}")
    if watcher.longest > options.longest:
        faults.append(f"a transaction that had written lasted {watcher.longest:.3f} s")
    slow, usual = percentile(busy, 0.99), percentile(idle, 0.99)
    if slow > options.factor * usual:
        faults.append(f"the sessions' p99 is {slow * 1000:.1f} ms, and was {usual * 1000:.1f} ms")
    if not killed or not watcher.seen:
        faults.append("no kill met a run, or the watcher saw no transaction")
    code, _, _ = site.run(["audit", "verify"])
    if code != 0:
        faults.append("the audit chain is broken")
    open_changes = subprocess.run(
        [options.binary, "audit", "show", "--unfinished"], cwd=site.work, env=site.environment, capture_output=True, text=True)
    unfinished = open_changes.stdout.count("outcome=begun")
    if unfinished > killed:
        faults.append(f"{unfinished} changes have no end, and {killed} runs were killed")
    states = [json.loads(path.read_text())["state"] for path in Path(site.lake, "_sluice/operations").glob("*.json")]
    if set(states) != {"succeeded"}:
        faults.append(f"the documents of the tasks say {states}")
    print(
        f"{program.sql('SELECT count(*) FROM w.gone')} of {options.rows} rows deleted in {watcher.seen} transactions seen, the longest {watcher.longest * 1000:.0f} ms; "
        f"{killed} kills, {unfinished} changes without an end; p99 of {len(busy)} statements {slow * 1000:.1f} ms, of {len(idle)} before {usual * 1000:.1f} ms")
    for fault in faults:
        print(f"violated: {fault}")
    if faults:
        sys.exit(f"the lake of the run is in {work}")
    shutil.rmtree(work)


main()
