"""Retention drops days while eight sessions write to them, and is killed; no row may be lost that no archive holds.

Rounds. Each makes a table of some kind (hypertable with chunks of a day or a week, compressed or not, native partitions, plain
with a key), archives its days, and drops them by one of the ways: `sluice retention run`, `drop_unit` and `delete_rows`,
`enforce_retention_all`, `drop_chunks_between`. In the meantime the writers insert, update, delete, exchange, through the
table and directly into chunks and partitions, roll back, compress and decompress. Each row has a number of its own, and each
writer changes only its own rows and notes what it has committed.

Checked after each round:
- The rows of the table, together with those that the archives named by the log hold of the dropped units, are exactly what the
  writers have committed: contents too, none twice, none that was deleted. Each such archive has the SHA-256 that the log has.
- A writer gets no other error than the lock timeout or a deadlock, after which it tries again with success, that the chunk or
  partition that it has named is gone, or what the extension tells where another writer compresses the chunk at the same time.

Kills: see retentionkills.py. Ends with 1 when anything is violated, or when nothing was dropped.
"""

import argparse
import collections
import itertools
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
import traceback
from datetime import datetime, timedelta, timezone
from pathlib import Path

import program
from libpq import Failure, Session
from retentionkills import Kills
from retentionsite import KINDS, Site, day_of

WAYS = ["run", "drop_unit", "enforce", "between"]
# lock_not_available, deadlock_detected
RETRYABLE = {"55P03", "40P01"}
# What a writer gets where another session compresses the chunk at the same time, also where nothing is dropped (`--ways none`).
RECOMPRESSED = {"40001": "", "XX000": "tuple concurrently updated"}

# What the extension tells of two sessions that compress or decompress a chunk at the same time, also where nothing is dropped.
OVERTAKEN = {"42710": "is already", "XX000": "could not open relation with OID"}


def is_one(failure, known):
    return failure.state in known and known[failure.state] in failure.message


class Table:
    """The table of a round, and what its writers have committed."""

    def __init__(self, name, kind, days):
        self.name, self.kind, self.days = name, kind, days
        # id: (time, content)
        self.rows = {}
        # The relation of each day by which a writer may name it; None for a plain table.
        self.parts = {}
        self.lock = threading.Lock()
        self.history = collections.defaultdict(list)


class Writer:
    """One session that changes rows which are its own."""

    def __init__(self, races, number):
        self.races, self.number = races, number
        self.session = Session("app_owner", "-c lock_timeout=10s -c client_min_messages=error")
        self.process = self.session.query("SELECT pg_backend_pid()")[0][0]

    def act(self, table, pick, plan):
        """Does what was planned, each at its moment."""
        begun = time.monotonic()
        for moment, name, day, direct in plan:
            time.sleep(max(0, begun + moment - time.monotonic()))
            try:
                self.attempt(table, pick, name, day, direct)
            except Exception:
                self.races.fault(f"writer {self.number}, {name}: {traceback.format_exc()}")

    def attempt(self, table, pick, name, day, direct):
        counts = self.races.counts
        state, held = pick.getstate(), pick.random() * 0.15 if pick.random() < 0.5 else 0
        refused = set()
        for number in range(30):
            pick.setstate(state)
            begun = time.monotonic()
            try:
                self.session.query("BEGIN")
                effect = getattr(self, name)(table, pick, day, direct)
                waited = time.monotonic() - begun
                if held:
                    time.sleep(held)
                if name == "undoes":
                    self.session.query("ROLLBACK")
                else:
                    begun = time.monotonic()
                    self.session.query("COMMIT")
                    waited = max(waited, time.monotonic() - begun)
                    with table.lock:
                        for row, content in effect.items():
                            table.history[row].append((round(time.monotonic(), 3), name, content))
                            if content is None:
                                del table.rows[row]
                            else:
                                table.rows[row] = content
                self.races.told(waited, name)
                for code in refused:
                    counts[f"{code}, then success"] += 1
                return
            except Failure as failure:
                self.session.query("ROLLBACK")
                self.races.told(time.monotonic() - begun, f"{name}: {failure.state}")
                if failure.state in RETRYABLE or "compressed" in table.kind and is_one(failure, RECOMPRESSED):
                    refused.add(failure.state)
                    counts[f"{failure.state} of {name}"] += 1
                    continue
                for code in refused:
                    counts[f"{code}, then what ended it"] += 1
                if name in ("compresses", "decompresses") and is_one(failure, OVERTAKEN):
                    counts[f"{name}: another session was faster"] += 1
                elif self.races.is_gone(table, name, day, direct, failure):
                    counts[f"{name}: the unit is gone"] += 1
                else:
                    self.races.fault(f"{table.name} ({table.kind}): writer {self.number}, {name} of {day}, direct: {direct}: {failure}")
                return
        self.races.fault(f"{table.name}: {name} of {day} still gets {', '.join(refused)} after 30 attempts")

    # What a writer does; each returns the rows that are others by it. A row that is gone is None.

    def new_row(self):
        """A number that tells whose row it is."""
        return next(self.races.ids) * self.races.writers + self.number

    def place(self, table, day, direct):
        return table.parts[day] if direct else table.name

    def inserts(self, table, pick, day, direct):
        rows = {}
        for _ in range(pick.choice([1, 1, 3, 20])):
            at = datetime(day.year, day.month, day.day, tzinfo=timezone.utc) + timedelta(seconds=pick.randrange(86400))
            rows[self.new_row()] = (at, f"{pick.getrandbits(64):016x}")
        values = ", ".join(f"('{at}', {row}, {self.number}, '{text}')" for row, (at, text) in rows.items())
        self.session.query(f"INSERT INTO {self.place(table, day, direct)} (at, id, writer, content) VALUES {values}")
        return rows

    def chosen(self, table, pick, day):
        with table.lock:
            mine = [row for row, (at, _) in table.rows.items() if row % self.races.writers == self.number and day_of(at) == day]
        return sorted(pick.sample(mine, min(len(mine), pick.choice([1, 2, 10]))))

    def where(self, day, rows):
        return (
            f"at >= '{day} 00:00+00' AND at < '{day + timedelta(1)} 00:00+00' AND writer = {self.number} "
            f"AND id IN ({', '.join(map(str, rows)) or 'NULL'})")

    def updates(self, table, pick, day, direct):
        text = f"{pick.getrandbits(64):016x}"
        done = self.session.query(
            f"UPDATE {self.place(table, day, direct)} SET content = '{text}' WHERE {self.where(day, self.chosen(table, pick, day))} RETURNING id")
        return {int(row): (table.rows[int(row)][0], text) for row, in done}

    def deletes(self, table, pick, day, direct):
        done = self.session.query(
            f"DELETE FROM {self.place(table, day, direct)} WHERE {self.where(day, self.chosen(table, pick, day))} RETURNING id")
        return {int(row): None for row, in done}

    def exchanges(self, table, pick, day, direct):
        """As many rows as before, and others."""
        gone = self.deletes(table, pick, day, direct)
        rows = {}
        for row in gone:
            rows[self.new_row()] = (table.rows[row][0], f"{pick.getrandbits(64):016x}")
        if rows:
            values = ", ".join(f"('{at}', {row}, {self.number}, '{text}')" for row, (at, text) in rows.items())
            self.session.query(f"INSERT INTO {self.place(table, day, direct)} (at, id, writer, content) VALUES {values}")
        return gone | rows

    def crosses(self, table, pick, day, direct):
        """First the chunk or partition, then the table: against the order of the drop."""
        return self.inserts(table, pick, day, True) | self.inserts(table, pick, day, False)

    def undoes(self, table, pick, day, direct):
        getattr(self, pick.choice(["inserts", "updates", "deletes"]))(table, pick, day, direct)
        return {}

    def compresses(self, table, pick, day, direct):
        self.session.query(f"SELECT public.compress_chunk('{table.parts[day]}', true)")
        return {}

    def decompresses(self, table, pick, day, direct):
        self.session.query(f"SELECT public.decompress_chunk('{table.parts[day]}', true)")
        return {}


def deadlocks(writers):
    """How many deadlocks the server has told to sessions, by who took part: only processes of `writers`, or which others."""
    found = collections.Counter()
    log = Path(os.environ["PGHOST"]).parent / "postgres.log"
    for text in re.findall(r"ERROR:  deadlock detected\n(.*(?:\n\t.*)*)", log.read_text(errors="replace")):
        others = set(re.findall(r"Process (\d+) waits for", text)) - writers
        statements = [re.search(rf"Process {process}: (.{{0,60}})", text) for process in sorted(others)]
        found[", ".join(match[1] if match else "unknown" for match in statements) or "writers alone"] += 1
    return found


class Races:
    def __init__(self, site, options):
        self.site, self.seed, self.writers = site, options.seed, options.writers
        self.ways, self.kinds = options.ways, options.kinds
        self.counts, self.verdicts = collections.Counter(), collections.Counter()
        self.faults, self.longest = [], (0, "")
        self.lock = threading.Lock()

    def fault(self, text):
        with self.lock:
            self.faults.append(text)
        print(f"VIOLATION in round {self.round}: {text}", flush=True)

    def told(self, waited, name):
        with self.lock:
            self.counts[name.split(":")[0]] += 1
            self.longest = max(self.longest, (round(waited, 2), name))

    def is_gone(self, table, name, day, direct, failure):
        """Whether the error says that the unit is gone, and it is."""
        if table.kind == "plain" or not (direct or name in ("compresses", "decompresses", "crosses") or failure.state == "23514"):
            return False
        # A relation, a partition for the row, or a chunk that the extension knows.
        words = failure.state in ("42P01", "23514") or "not found" in failure.message or "does not exist" in failure.message
        found = Session()
        try:
            return words and found.query(f"SELECT to_regclass('{table.parts[day]}') IS NULL")[0][0] == "t"
        finally:
            found.close()

    # A round.

    def plan(self, table, pick):
        """For each writer what it does: when, on which day, whether by the name of the chunk or partition."""
        names = ["inserts"] * 4 + ["undoes"] + ["updates", "deletes", "exchanges"] * 2
        if "compressed" in table.kind:
            names += ["compresses", "decompresses"] * 2
        units = table.units()
        hot = pick.sample(units, pick.randint(1, len(units)))
        plans = []
        for _ in range(self.writers):
            own = []
            # A table of one unit would seldom be dropped otherwise.
            for _ in range(pick.choice([0, 1, 1, 2, 3] if len(units) > 1 else [0, 0, 0, 0, 1, 2])):
                name, day = pick.choice(names), pick.choice(pick.choice(hot))
                if table.kind != "plain" and "compressed" not in table.kind and pick.random() < 0.03:
                    name = "crosses"
                direct = table.kind != "plain" and pick.random() < 0.3
                # By the name of a compressed chunk only rows that are not compressed are seen; the table does not show those
                # that are inserted by that name until the chunk is partial.
                direct = direct and ("compressed" not in table.kind or name == "inserts")
                own.append((pick.random() * self.span, name, day, direct))
            plans.append(sorted(own))
        return plans

    def drops(self, table, way):
        low, high = table.days[0], table.days[-1] + timedelta(1)
        if way == "run":
            code, document, errors = self.site.program.run(["retention", "run", "--table", table.name])
            if code != 0:
                self.fault(f"{table.name} ({table.kind}): the run ended with {code}: {document} {errors[-500:]}")
            # What the program itself finds different has no line in the log.
            for result in document.get("results", []):
                self.verdicts[table.kind, way, " ".join(filter(None, [result["status"], result.get("reason")]))] += 1
        elif way == "enforce":
            self.caller.query("CALL admin.enforce_retention_all()")
        elif way == "between":
            self.caller.query(f"SELECT admin.drop_chunks_between('{table.name}', '{low} 00:00+00', '{high} 00:00+00')")
        else:
            for unit, day, since in self.caller.query(
                f"SELECT unit::oid, day, since FROM admin.retention_units('{table.name}') ORDER BY range_end"
            ):
                proof = f"'{since}'" if since else "NULL"
                call = f"drop_unit('{table.name}', {unit}, {proof})" if unit else f"delete_rows('{table.name}', '{day}', {proof})"
                self.caller.query(f"SELECT admin.{call}")

    def run_round(self, number, sessions):
        self.round = number
        pick = random.Random(f"{self.seed}/{number}")
        kind = pick.choice(self.kinds)
        way = pick.choice([w for w in self.ways if not (w == "between" and kind == "plain")] or ["run"])
        table = self.site.make(self.admin, Table, f"race.r{number}", kind, self.writers)
        self.ids = itertools.count(1000)
        self.span = 0.5
        plans = self.plan(table, pick)
        early = pick.random() < 0.25
        threads = []
        for writer, plan in zip(sessions, plans):
            threads.append(threading.Thread(
                target=writer.act, args=(table, random.Random(f"{self.seed}/{number}/{writer.number}"), plan)))
        if early:
            [thread.start() for thread in threads]
        code, document, errors = self.site.back_up(table)
        # A chunk that is compressed while its day is copied.
        if code != 0 and set(program.codes_of(document)) - {"table_changed", "locked"}:
            self.fault(f"{table.name} ({kind}): the backup ended with {code}: {document} {errors[-500:]}")
        if not early:
            [thread.start() for thread in threads]
        time.sleep(pick.random() * 0.3)
        if way != "none":
            self.drops(table, way)
        [thread.join() for thread in threads]
        self.check(table, way)
        self.site.remove(self.admin, table)

    def check(self, table, way):
        """The rows of the table and of the dropped units' archives are what was committed."""
        words = f"{table.name} ({table.kind}, {way})"
        found = collections.defaultdict(list)
        for row, at, content in self.admin.query(f"SELECT id, at, content FROM {table.name}"):
            found[int(row)].append((self.site.time(at), content, "the table"))
        if "compressed" in table.kind:
            for chunk in set(table.parts.values()):
                if self.admin.query(f"SELECT to_regclass('{chunk}')")[0][0]:
                    for row, at, content in self.admin.query(f"SELECT id, at, content FROM ONLY {chunk}"):
                        if int(row) not in found:
                            self.counts["rows that the table does not show"] += 1
                            found[int(row)].append((self.site.time(at), content, "the chunk alone"))
        log = self.site.log(self.admin, table)
        for entry in log:
            verdict = entry["outcome"] if entry["outcome"] == "dropped" else f"{entry['outcome']} {entry['reason']}"
            if way != "run":
                self.verdicts[table.kind, way, verdict] += 1
            if entry["outcome"] in ("failed", "refused"):
                self.fault(f"{words}: {entry}")
            if entry["outcome"] != "dropped":
                continue
            count = 0
            for text, rows in self.site.archived(entry):
                if text:
                    self.fault(f"{words}: {text}")
                for row, at, content in rows:
                    found[row].append((at, content, f"the archive of {entry['unit']}"))
                    count += 1
            if count != entry["rows"]:
                self.fault(f"{words}: {entry['unit']} had {entry['rows']} rows, its archives {count}")
        for row in found.keys() | table.rows.keys():
            wanted = table.rows.get(row)
            if [place[:2] for place in found.get(row, [])] != ([wanted] if wanted else []):
                self.fault(f"{words}: row {row} is to be {wanted}, and is {found.get(row)}; its history: {table.history[row]}; log: {log}")

    def run(self, first, rounds):
        begun = time.monotonic()
        self.round = first
        sessions = [Writer(self, number) for number in range(self.writers)]
        self.admin, self.caller = Session(settings="-c timezone=UTC -c client_min_messages=error"), Session("sluice")
        for number in range(first, first + rounds):
            try:
                self.run_round(number, sessions)
            except Exception:
                self.fault(traceback.format_exc())
                if len(self.faults) > 20:
                    break
            if (number - first + 1) % 50 == 0:
                print(f"{number - first + 1} rounds, {time.monotonic() - begun:.0f} s", flush=True)
        for session in [self.admin, self.caller, *(writer.session for writer in sessions)]:
            session.close()
        code, document, errors = self.site.program.run(["audit", "verify"])
        if code != 0:
            self.fault(f"the audit chain: {document} {errors}")
        self.tell(rounds, time.monotonic() - begun, {writer.process for writer in sessions})

    def tell(self, rounds, seconds, processes):
        print(f"{rounds} rounds of {self.writers} writers in {seconds:.0f} s, seed {self.seed}")
        for kind in KINDS:
            for way in self.ways:
                sums = {verdict: count for (k, w, verdict), count in sorted(self.verdicts.items()) if (k, w) == (kind, way)}
                if sums:
                    print(f"  {kind}, {way}: {', '.join(f'{count} {verdict}' for verdict, count in sums.items())}")
        sums = collections.Counter()
        for (_, _, verdict), count in self.verdicts.items():
            sums[verdict] += count
        print(f"units: {dict(sums.most_common())}")
        print(f"writers: {dict(sorted(self.counts.items()))}")
        print(f"deadlocks, by who took part: {dict(deadlocks(processes))}")
        print(f"the longest wait of a writer: {self.longest[0]} s ({self.longest[1]})")
        if self.ways != ["none"] and rounds and sums["dropped"] == 0:
            self.fault("nothing was dropped")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--restarts", type=int, default=5, help="how often the server is stopped in the middle")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="the number of the first round")
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS), help="of tables")
    parser.add_argument("--ways", type=lambda text: text.split(","), default=WAYS, help="of dropping; none drops nothing")
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="sluice-retention.")
    site = Site(options.binary, work)
    races = Races(site, options)
    if options.rounds:
        races.run(options.first, options.rounds)
    kills = Kills(site, options.seed)
    if options.kills or options.restarts:
        kills.run(options.kills, options.restarts)
    faults = races.faults + kills.faults
    if faults:
        print(f"{len(faults)} violations; the lake is in {work}")
    else:
        shutil.rmtree(work)
        print("no violation")
    sys.exit(1 if faults else 0)


main()
