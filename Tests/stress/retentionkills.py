"""`sluice retention run` is killed, and its server is stopped, at many moments: each unit is there whole, or dropped and logged.

Each point makes tables of three kinds, archives them, and starts a run through a proxy that knows its steps by their statements.
At one of them it waits for a random time and ends the program by SIGKILL:

- verify: after the units were planned, when the archives are read
- compare: when the rows of a day are asked for
- lock: when a unit is to be dropped, and another session uses it
- drop: when a unit is to be dropped
- commit: when the drop's answer is there, which the program does not get
- audit: around the moment when it has got it, and writes the line of the audit chain
- any: at any time of the run

or has the server stopped at once (`pg_ctl restart -m immediate`). Then, once the server has ended the sessions:

- A unit has all its rows, or the log says `dropped`, with archives that hold them.
- No other session has a lock on a table, or an advisory lock.
- The next run ends well, and all units are dropped, once, with their archives. So is the audit chain.
"""

import collections
import os
import random
import re
import subprocess
import threading
import time
import traceback
from pathlib import Path

import stepproxy
from libpq import Failure, Session
from retentionsite import KINDS

STATEMENTS = [
    ("begin", r"^BEGIN"), ("end", r"^(ROLLBACK|COMMIT)"), ("compare", r"^COPY .*TO STDOUT"),
    ("drop", r"\.(drop_unit|delete_rows)\(")]
STATEMENTS = [(name, re.compile(pattern, re.S)) for name, pattern in STATEMENTS]
PHASES = ["verify", "compare", "lock", "drop", "commit", "audit", "any"]


class Proxy(stepproxy.Proxy):
    """Names the steps of a retention run."""

    def label(self, message, connection):
        if message[:1] not in (b"P", b"Q"):
            return None
        text = message[5:].split(b"\0")[1 if message[:1] == b"P" else 0].decode(errors="replace").strip()
        name = next((name for name, pattern in STATEMENTS if pattern.search(text)), None)
        # A plan drops nothing; it is made in a transaction that is rolled back.
        if name == "begin":
            connection.isLoading, connection.plans = True, False
            return None
        if name == "end":
            connection.isLoading = False
            return "planned" if getattr(connection, "plans", False) else None
        if name == "drop" and connection.isLoading:
            connection.plans = True
            return None
        return name


class Table:
    def __init__(self, name, kind, days):
        self.name, self.kind, self.days, self.parts, self.rows = name, kind, days, {}, {}


class Kills:
    def __init__(self, site, seed):
        self.site, self.seed, self.faults, self.counts = site, seed, [], collections.Counter()

    def fault(self, text):
        self.faults.append(text)
        print(f"VIOLATION at {self.words}: {text}", flush=True)

    def run(self, kills, restarts):
        begun = time.monotonic()
        self.proxy = Proxy(int(os.environ["PGPORT"]))
        self.site.program.environment["PG_PORT"] = str(self.proxy.port)
        points = [("kill", PHASES[number % len(PHASES)]) for number in range(kills)]
        points += [("stop", PHASES[number % len(PHASES)]) for number in range(restarts)]
        self.length, self.drop_length = 1.0, 0.03
        self.words = "a run that nothing disturbs"
        self.point(0, None, None)
        for number, (what, phase) in enumerate(points):
            self.words = f"point {number + 1}, {what} in {phase}"
            try:
                self.point(number + 1, what, phase)
            except Exception:
                self.fault(traceback.format_exc())
                if len(self.faults) > 20:
                    break
            if (number + 1) % 10 == 0:
                print(f"{number + 1} points, {time.monotonic() - begun:.0f} s", flush=True)
        print(f"{kills} kills and {restarts} stops in {time.monotonic() - begun:.0f} s, seed {self.seed}")
        for key, count in sorted(self.counts.items()):
            print(f"  {key}: {count}")

    # A point.

    def point(self, number, what, phase):
        pick = random.Random(f"{self.seed}/kill/{number}")
        self.session = Session(settings="-c timezone=UTC -c client_min_messages=error")
        kinds = pick.sample(list(KINDS), 3)
        self.tables = [
            self.site.make(self.session, Table, f"race.k{number}_{place}", kind, 8) for place, kind in enumerate(kinds)]
        for table in self.tables:
            code, document, errors = self.site.back_up(table)
            if code != 0:
                self.fault(f"the backup ended with {code}: {document} {errors[-500:]}")
        units = sum(len(table.units()) for table in self.tables)
        process = None

        def strike(_=None):
            if what == "stop":
                self.stop_server()
            else:
                process.kill()

        def later(delay):
            return lambda _: threading.Timer(delay, strike).start()

        fault, other, delay = None, None, 0
        if phase in ("verify", "compare"):
            label = {"verify": "planned", "compare": "compare"}[phase]
            occurrence = pick.randint(1, len(kinds) if phase == "verify" else sum(len(table.days) for table in self.tables))
            fault = stepproxy.Fault(label, occurrence, "sent", "lock", later(pick.random() * 0.03))
        elif phase == "lock":
            # A session that writes to a unit.
            table = pick.choice([table for table in self.tables if table.kind != "plain"])
            other = Session()
            unit = pick.randrange(len(table.units()))
            other.query(f"BEGIN; LOCK TABLE {table.parts[table.units()[unit][0]]} IN ROW EXCLUSIVE MODE")
            occurrence = sum(len(t.units()) for t in self.tables[:self.tables.index(table)]) + unit + 1
            fault = stepproxy.Fault("drop", occurrence, "sent", "lock", later(pick.random()))
        elif phase in ("drop", "audit"):
            delay = self.drop_length * (pick.random() if phase == "drop" else 0.8 + pick.random())
            fault = stepproxy.Fault("drop", pick.randint(1, units), "sent", "lock", later(delay))
        elif phase == "commit":
            fault = stepproxy.Fault("drop", pick.randint(1, units), "after", "kill", strike)
        self.proxy.begin(fault)
        begun = time.monotonic()
        process = subprocess.Popen(
            [self.site.program.binary, "retention", "run", "--json"], cwd=self.site.program.work,
            env=self.site.program.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if phase == "any":
            time.sleep(pick.random() * self.length)
            strike()
        code = process.wait(timeout=120)
        if phase is None:
            self.length = time.monotonic() - begun
            if code != 0:
                self.fault(f"it ended with {code}")
        elif what == "kill":
            self.counts[f"{phase}: {'killed' if code == -9 else 'had ended before'}"] += 1
        self.proxy.begin(None)
        if other:
            try:
                other.query("ROLLBACK")
            except Failure:
                pass
            other.close()
        self.settle(phase)
        dropped = self.check("after it")
        self.counts[f"{phase}: units dropped"] += dropped
        audited = self.audited()
        if audited < dropped:
            self.counts[f"{phase}: dropped, without a line of the audit chain"] += dropped - audited
        self.check_next(units)
        for table in self.tables:
            self.site.remove(self.session, table)
        self.session.close()

    def stop_server(self):
        """Stops it at once, as a crash would, and starts it again."""
        account = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(
            [Path(os.environ["PSQL"]).parent / "pg_ctl", "-D", f"{os.environ['PGHOST']}/data", "-m", "immediate", "-w", "-l",
             f"{os.environ['PGHOST']}/restarted.log", "restart"],
            check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd="/", **account)
        self.counts["stops of the server"] += 1

    def settle(self, phase):
        """Waits until the server has ended the sessions of the program that is gone, or is there again."""
        for _ in range(3000):
            try:
                self.session.query("SELECT 1")
            except Failure:
                self.session.close()
                try:
                    self.session = Session(settings="-c timezone=UTC -c client_min_messages=error")
                except Failure:
                    pass
                time.sleep(0.02)
                continue
            if self.session.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'sluice'")[0][0] == "0":
                return
            time.sleep(0.01)
        self.fault("sessions of the program are left")

    def check(self, words):
        """Compares each unit with what it was; returns how many are dropped."""
        locks = self.session.query(
            "SELECT l.mode, coalesce(l.relation::regclass::text, l.locktype), a.query FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) "
            "WHERE l.pid <> pg_backend_pid() AND a.backend_type = 'client backend'")
        if locks:
            self.fault(f"{words} there are locks: {locks}")
        dropped = 0
        for table in self.tables:
            there = {int(row): (self.site.time(at), content) for row, at, content in
                     self.session.query(f"SELECT id, at, content FROM {table.name}")}
            gone = collections.Counter()
            for entry in self.site.log(self.session, table):
                if entry["outcome"] == "dropped":
                    dropped += 1
                    for text, rows in self.site.archived(entry):
                        if text:
                            self.fault(f"{words}, {table.name} ({table.kind}): {text}")
                        for row, at, content in rows:
                            gone[row] += 1
                            if table.rows.get(row) != (at, content):
                                self.fault(f"{words}, {table.name}: row {row} is another one in the archive of {entry['unit']}")
            for row, wanted in table.rows.items():
                if (row in there) + gone[row] != 1 or row in there and there[row] != wanted:
                    self.fault(
                        f"{words}, {table.name} ({table.kind}): row {row}, {wanted}, is {there.get(row)} in the table, and "
                        f"{gone[row]} times in archives of dropped units")
                    break
        return dropped

    def audited(self):
        code, document, errors = self.site.program.run(["audit", "verify"])
        if code != 0:
            self.fault(f"the audit chain: {document} {errors}")
        names = {table.name for table in self.tables}
        lines = [line for path in self.site.program.lake.glob("_sluice/audit/*.jsonl") for line in path.read_text().splitlines()]
        return sum(any(f'"{name}"' in line for name in names) and '"action":"d' in line.replace(" ", "") for line in lines)

    def check_next(self, units):
        begun = time.monotonic()
        code, document, errors = self.site.program.run(["retention", "run"])
        verdicts = collections.Counter(f"{r['status']} {r.get('reason', '')}" for r in document.get("results", []))
        if code != 0 or document.get("failures") or set(verdicts) - {"dropped "}:
            self.fault(f"the next run ended with {code}: {dict(verdicts)} {document.get('failures')} {errors[-500:]}")
        self.settle(None)
        dropped = self.check("after the next run")
        if dropped != units:
            self.fault(f"after the next run {dropped} of {units} units are dropped")
        self.counts["the next run ended well"] += 1
