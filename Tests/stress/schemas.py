"""Random schemas are archived, damaged and restored; rows, chunks and aggregates must be as before.

Each schema is a hypertable or a native partitioned table, made from the seed and its number: the kind of the time column,
the chunk interval, space partitions, compression, a unique index, aggregates, triggers, foreign keys, identity and generated
columns, awkward names and values, the zone of the days. It is filled, its aggregates are refreshed, a part of its chunks is
compressed, and all of its days are archived. Then, several times: chunks or partitions are dropped, days deleted, rows
removed, changed or added, and the days restored in one of the modes, one by one or together.

After each restore the rows (by hash), the contents of all aggregates, and the chunks are compared with those before the
damage: chunks that were compressed are compressed again, chunks that the restore made anew are as the archived ones. What must be
refused (`rows_exist`, `fewer_rows`, `no_partition`) must be, and change nothing. A difference is printed with the seed, the
number and all SQL and commands up to there. Ends with 1 when there is any.
"""

import argparse
import collections
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from datetime import date, timedelta

import program
from program import codes_of, quoted, results_of

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
KINDS = ["timestamptz"] * 4 + ["timestamp", "date", "bigint s", "bigint ms", "bigint us", "bigint ns", "integer s"]
# Around the changes of the clock in Berlin, the end of a month and of a year.
BASES = [date(2024, 3, 27), date(2024, 10, 24), date(2023, 12, 28), date(2024, 2, 26), date(2024, 5, 5)]
HOURS = {"12 hours": 12, "1 day": 24, "7 days": 168, "30 days": 720}


class Mismatch(Exception):
    pass


class Schema:
    """The choices of one schema, and its SQL."""

    def __init__(self, seed, number):
        pick = self.pick = random.Random(f"{seed}/{number}")
        self.native = pick.random() < 0.25
        self.kind = pick.choice(KINDS[:6] if self.native else KINDS)
        self.type, _, self.unit = self.kind.partition(" ")
        self.base, self.days = pick.choice(BASES), pick.randint(6, 10)
        self.zone = pick.choice(["UTC", "UTC", "Europe/Berlin"])
        self.rows = pick.choice([48, 144, 400])
        self.table = pick.choice(["readings", "readings", "readings", "Read.ings", 'a "b" c'])
        self.at = pick.choice(["at", "at", "Time Stamp"])
        self.role = pick.choice(["postgres", "keeper"])
        self.interval = pick.choice(list(HOURS)[1:] if self.type == "date" else list(HOURS))
        self.space = not self.native and pick.random() < 0.25
        self.unique = pick.choice([None, None, "PRIMARY KEY", "UNIQUE"])
        self.identity = pick.choice([None, None, "BY DEFAULT", "ALWAYS"])
        self.generated = pick.random() < 0.3
        self.trigger = pick.choice([None, None, "BEFORE", "AFTER"])
        self.key_from = pick.random() < 0.3
        self.key_to = self.unique is not None and not self.native and not self.space and pick.random() < 0.3
        # A chunk that a foreign key points at cannot be compressed.
        self.compress = not self.native and not self.key_to and pick.random() < 0.75
        self.partitions = pick.choice(["daily", "monthly", "nested"]) if self.native else None
        self.default = self.native and pick.random() < 0.4
        self.parallel = pick.choice(["1", "2", "4"])
        self.names_unit = pick.random() < 0.5
        self.aggregates = [] if self.native else self.pick_aggregates(pick)
        self.q, self.t = quoted(self.at), f"ev.{quoted(self.table)}"
        self.argument = f"ev.{self.table}" if self.table.isalnum() else f"ev.{quoted(self.table)}"

    def pick_aggregates(self, pick):
        """(name, bucket width, zone, source, real-time)."""
        widths = ["1 day", "1 week"] if self.type == "date" else ["1 hour", "17 min", "1 day", "1 week"]
        if not self.unit:
            widths += ["1 month"]
        found = []
        for index, width in enumerate(pick.sample(widths, pick.choice([0, 1, 2, 3]) if len(widths) > 2 else 1)):
            zone = "Europe/Berlin" if self.type == "timestamptz" and width not in ("17 min", "1 hour") and pick.random() < 0.5 else None
            found.append((f"agg{index}", width, zone, None, pick.random() < 0.5))
        base = [a for a in found if a[1] in ("1 hour", "1 day") and a[2] is None]
        if base and not self.type == "date" and pick.random() < 0.6:
            found.append(("above", "1 day" if base[0][1] == "1 hour" else "1 week", None, base[0][0], pick.random() < 0.5))
        return found

    def instant(self, text):
        """An expression of type timestamp (the clock of UTC) as a value of the time column."""
        if self.unit:
            return f"(extract(epoch FROM ({text})) * {UNITS[self.unit]})::{self.type}"
        return f"({text}) AT TIME ZONE 'UTC'" if self.type == "timestamptz" else f"({text})::{self.type}"

    def bounds(self, day):
        """The span of a day, as the program understands it, in SQL."""
        def midnight(d):
            if self.type in ("timestamp", "date"):
                return f"'{d}'::{self.type}"
            instant = f"('{d} 00:00'::timestamp AT TIME ZONE '{self.zone}')"
            return f"(extract(epoch FROM {instant}) * {UNITS[self.unit]})::{self.type}" if self.unit else instant
        return midnight(day), midnight(day + timedelta(1))

    def where(self, days):
        return "(" + " OR ".join("{0} >= {1} AND {0} < {2}".format(self.q, *self.bounds(d)) for d in days) + ")"

    def all_days(self):
        return [self.base + timedelta(n) for n in range(-1, self.days + 2)]

    def insert(self, first, count, rows, offset=0):
        """Rows for `count` days from `first`, each told from the others by its number n."""
        moment = (
            f"'{self.base}'::timestamp + (d * 86400 + n * (86400 / {rows})) * interval '1 s'"
            + (" + (n % 7) * interval '1234 us'" if self.unit in ("", "us", "ns") and self.type != "date" else ""))
        columns = [self.q, "n", "device", "site", "value", "note", "more"]
        always = "OVERRIDING SYSTEM VALUE " if self.identity == "ALWAYS" else ""
        if self.identity:
            columns.append("id")
        return (
            f"INSERT INTO {self.t} ({', '.join(columns)}) {always}SELECT {self.instant(moment)}, {offset} + d * 100000 + n, "
            "n % 5, CASE n % 4 WHEN 0 THEN NULL ELSE 'site ' || n % 4 END, CASE WHEN n % 11 = 0 THEN NULL WHEN n % 13 = 0 THEN "
            "'NaN' ELSE sin(n) * 1000 END, (ARRAY['', NULL, 'a \"b\", c', E'two\\nlines', E'tab\\t\\\\N', '\\N', "
            "md5(n::text)])[n % 7 + 1], CASE n % 3 WHEN 0 THEN NULL ELSE jsonb_build_object('n', n, 'x', E'q\"\\n') END"
            + (f", {offset} + d * 100000 + n" if self.identity else "")
            + f" FROM generate_series({first}, {first + count - 1}) d, generate_series(0, {rows - 1}) n;")

    def create(self):
        p, columns = self.pick, []
        columns.append(f"{self.q} {self.type} NOT NULL")
        columns += ["n bigint NOT NULL", "device int NOT NULL", "site text", "value float8", "note text", "more jsonb"]
        if self.identity:
            columns.append(f"id bigint GENERATED {self.identity} AS IDENTITY")
        if self.generated:
            columns.append("twice numeric GENERATED ALWAYS AS (n * 2.5) STORED")
        if self.trigger == "BEFORE":
            columns.append("seen text")
        if self.unique:
            columns.append(f"{self.unique} ({self.q}, n, device)" if p.random() < 0.5 else f"{self.unique} (device, n, {self.q})")
        if self.key_from:
            columns.append("FOREIGN KEY (device) REFERENCES ev.devices")
        yield "CREATE TABLE ev.devices (id int PRIMARY KEY); INSERT INTO ev.devices SELECT generate_series(0, 9);"
        partition = f" PARTITION BY RANGE ({self.q})" if self.native else ""
        yield f"CREATE TABLE {self.t} ({', '.join(columns)}){partition};"
        if self.trigger:
            body = "NEW.seen := md5(NEW.n::text);" if self.trigger == "BEFORE" else "INSERT INTO ev.heard VALUES (NEW.n);"
            yield (
                f"CREATE TABLE ev.heard (n bigint); CREATE FUNCTION ev.hear() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {body} RETURN NEW; END $$;")
        if self.native:
            yield from self.create_partitions()
        else:
            yield from self.create_hypertable()
        if self.trigger:
            yield (
                f"CREATE TRIGGER hear {self.trigger} INSERT ON {self.t} FOR EACH ROW EXECUTE FUNCTION ev.hear();")
        yield self.insert(0, self.days, self.rows)
        if self.key_to:
            yield (
                f"CREATE TABLE ev.pointing AS SELECT {self.q}, n, device FROM {self.t} WHERE n < 3; "
                f"ALTER TABLE ev.pointing ADD FOREIGN KEY ({self.key_columns}) REFERENCES {self.t} ({self.key_columns});")
        for aggregate in self.aggregates:
            yield from self.create_aggregate(*aggregate)

    def create_hypertable(self):
        hours = HOURS[self.interval]
        interval = hours * 3600 * UNITS[self.unit] if self.unit else f"interval '{self.interval}'"
        yield (
            f"SELECT public.create_hypertable('{self.t}', {literal(self.at)}, chunk_time_interval => {interval}"
            + (", partitioning_column => 'device', number_partitions => 2" if self.space else "") + ");")
        if self.unit:
            yield (
                f"CREATE FUNCTION ev.now_of() RETURNS {self.type} LANGUAGE sql STABLE AS "
                f"$$ SELECT (extract(epoch FROM pg_catalog.now()) * {UNITS[self.unit]})::{self.type} $$; "
                f"SELECT public.set_integer_now_func('{self.t}', 'ev.now_of');")
        if self.compress:
            segment = self.pick.sample(["device", "site"], self.pick.randint(0, 2))
            order = self.pick.choice([None, f"{self.q} DESC", f"{self.q}, n"])
            options = ["timescaledb.compress", f"timescaledb.compress_segmentby = '{', '.join(segment)}'"]
            if order:
                options.append(f"timescaledb.compress_orderby = '{order}'")
            yield f"ALTER TABLE {self.t} SET ({', '.join(options)});"

    def create_partitions(self):
        first, last = self.base - timedelta(2), self.base + timedelta(self.days + 2)
        def bound(d):
            return self.instant(f"'{d}'::timestamp")
        def name(d, form):
            return quoted(f"{self.table}_p{d.strftime(form)}")
        def days(parent, start, end):
            for n in range((end - start).days):
                d = start + timedelta(n)
                yield (
                    f"CREATE TABLE ev.{name(d, '%Y%m%d')} PARTITION OF {parent} FOR VALUES FROM ({bound_text(d)}) "
                    f"TO ({bound_text(d + timedelta(1))});")
        def bound_text(d):
            return f"('{d} 00:00'::timestamp AT TIME ZONE 'UTC')" if self.type == "timestamptz" else f"'{d}'"
        if self.partitions == "daily":
            yield from days(self.t, first, last)
        else:
            # Neighbours enough to tell the length of a missing one.
            month = (first - timedelta(70)).replace(day=1)
            while month < last + timedelta(70):
                following = (month + timedelta(32)).replace(day=1)
                of = f"ev.{name(month, '%Y%m')}"
                nested = self.partitions == "nested"
                yield (
                    f"CREATE TABLE {of} PARTITION OF {self.t} FOR VALUES FROM ({bound_text(month)}) TO "
                    f"({bound_text(following)})" + (f" PARTITION BY RANGE ({self.q})" if nested else "") + ";")
                if nested:
                    yield from days(of, month, following)
                month = following
        if self.default:
            yield f"CREATE TABLE ev.{quoted(self.table + '_rest')} PARTITION OF {self.t} DEFAULT;"

    def create_aggregate(self, name, width, zone, source, real_time):
        seconds = {"1 hour": 3600, "17 min": 1020, "1 day": 86400, "1 week": 604800}
        bucket = str(seconds[width] * UNITS[self.unit]) if self.unit else f"interval '{width}'"
        if self.unit == "s" and self.type == "integer":
            bucket += "::integer"
        elif self.unit:
            bucket += "::bigint"
        zoned = f", '{zone}'" if zone else ""
        column, body, of = (
            ("b", "sum(rows) AS rows, sum(sum_n) AS sum_n, max(top) AS top", f"ev.{source}") if source else
            (self.q, "count(*) AS rows, sum(n) AS sum_n, max(note) AS top", self.t))
        yield (
            f"CREATE MATERIALIZED VIEW ev.{name} WITH (timescaledb.continuous, timescaledb.materialized_only = {not real_time}) "
            f"AS SELECT public.time_bucket({bucket}, {column}{zoned}) AS b, device, {body} FROM {of} GROUP BY 1, 2 WITH NO DATA;")
        yield self.refresh(name)

    def refresh(self, name):
        return f"CALL public.refresh_continuous_aggregate('ev.{name}', NULL, NULL);"

    @property
    def key_columns(self):
        return f"{self.q}, n, device"


def literal(text):
    return "'" + text.replace("'", "''") + "'"


State = collections.namedtuple("State", "rows chunks aggregates partitions")


class Trial:
    """One schema: made, archived, and damaged and restored several times."""

    def __init__(self, binary, seed, number, work, rounds):
        self.schema = Schema(seed, number)
        self.database = f"schema_{number}"
        self.told = []
        self.rounds = rounds
        self.counts = collections.Counter()
        settings = {"BACKUP_TIMEZONE": self.schema.zone, "BACKUP_CONCURRENCY": self.schema.parallel}
        self.program = program.Program(binary, f"{work}/{number}", self.database, self.schema.role, **settings)
        if self.schema.unit and self.schema.names_unit:
            (self.program.work / "sluice.json").write_text(
                '{"tables": {%s: {"unit": "%s"}}}' % (json_text(self.schema.argument), self.schema.unit))

    def sql(self, text, quiet=False):
        if not quiet:
            self.told.append(text)
        return program.sql(text, self.database, self.schema.role)

    def sluice(self, *arguments):
        self.told.append("-- sluice " + " ".join(arguments))
        code, document, errors = self.program.run(arguments)
        self.told.append(f"-- exit code {code}, {[r.get('status') for r in results_of(document)]} {codes_of(document)}")
        self.last = (document, errors)
        return code, document

    def query(self, text):
        """The first column of all rows."""
        return [line for line in self.sql(text, quiet=True).split("\n") if line]

    def run(self):
        s, native = self.schema, self.schema.native
        program.sql(f"CREATE DATABASE {self.database}")
        try:
            program.sql(
                ("" if native else "CREATE EXTENSION timescaledb; ") + f"CREATE SCHEMA ev AUTHORIZATION {s.role}; "
                f"GRANT CREATE ON DATABASE {self.database} TO {s.role};", self.database)
            for statement in s.create():
                self.sql(statement)
            if s.compress:
                self.compress(s.pick.choice([0.4, 0.8, 1.0]))
            self.archive()
            self.before = self.state()
            for self.round in range(self.rounds):
                self.damage_and_restore()
            self.expect(self.leftovers() == [], f"left behind: {self.leftovers()}")
        finally:
            program.sql(f"DROP DATABASE {self.database} WITH (FORCE)")

    def compress(self, share):
        for chunk in self.chunks():
            if self.schema.pick.random() < share:
                self.sql(f"SELECT public.compress_chunk('{chunk}');")

    def archive(self):
        s = self.schema
        days = s.all_days()
        code, document = self.sluice("backup", "--table", s.argument, "--from", str(days[0]), "--to", str(days[-1]))
        self.expect(code == 0, f"the backup ended with {code}: {self.words()}")
        total = int(self.query(f"SELECT count(*) FROM {s.t}")[0])
        archived = sum(r.get("rows") or 0 for r in results_of(document))
        self.expect(archived == total, f"the archives hold {archived} rows of {total}")
        self.archived = {
            date.fromisoformat(r["date"]): r["rows"] for r in results_of(document) if r["status"] == "ok" and r["rows"]}

    def was_compressed(self, day):
        """Whether the manifest says that the day's chunks were compressed."""
        (path,) = (self.program.lake / self.database / "_sluice").glob(f"*.{day}.json")
        return (json.loads(path.read_text()).get("hypertable") or {}).get("compressed", False)

    # What is compared.

    def chunks(self):
        """Chunks with status, by name; of partitioned tables none."""
        if self.schema.native:
            return {}
        rows = self.query(
            "SELECT format('%I.%I', chunk_schema, chunk_name) || '|' || _timescaledb_functions.chunk_status(format('%I.%I', "
            "chunk_schema, chunk_name)::regclass) || '|' || coalesce(range_start::text, range_start_integer::text) || ' ' || "
            "coalesce(range_end::text, range_end_integer::text) || coalesce(',' || (SELECT pg_get_constraintdef(c.oid) FROM "
            "pg_constraint c WHERE c.conrelid = format('%I.%I', chunk_schema, chunk_name)::regclass AND contype = 'c' AND "
            "pg_get_constraintdef(c.oid) LIKE '%partition_hash%'), '') FROM timescaledb_information.chunks WHERE "
            f"hypertable_schema = 'ev' AND hypertable_name = {literal(self.schema.table)} ORDER BY 1")
        return {name: (int(status), ranges) for name, status, ranges in (row.split("|") for row in rows)}

    def state(self):
        def fingerprint(relation):
            return self.query(
                f"SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {relation} t")[0]
        return State(
            fingerprint(self.schema.t), self.chunks(),
            {name: fingerprint(f"ev.{name}") for name, *_ in self.schema.aggregates},
            self.query(
                "SELECT relid::regclass || ' ' || coalesce(pg_get_expr(relpartbound, relid), '') FROM "
                f"pg_partition_tree('{self.schema.t}') JOIN pg_class ON oid = relid ORDER BY 1") if self.schema.native else None)

    def leftovers(self):
        tables = self.query(
            "SELECT oid::regclass FROM pg_class WHERE relname LIKE '%sluice%' AND relkind = 'r' AND relnamespace <> "
            "coalesce(to_regnamespace('sluice'), 0)")
        if self.query("SELECT to_regclass('sluice.restore_log')") and (
                owed := self.query("SELECT owed FROM sluice.restore_log WHERE owed IS NOT NULL")):
            tables += owed
        return tables + [str(p) for p in self.program.lake.rglob("_sluice/tmp/*")]

    def counts_of_days(self):
        s = self.schema
        return {d: int(self.query(f"SELECT count(*) FROM {s.t} WHERE {s.where([d])}")[0]) for d in self.archived}

    def expect(self, truth, text):
        if not truth:
            raise Mismatch(text)

    def words(self):
        document, errors = self.last
        details = [document.get("detail")] + [(r.get("error") or {}).get("detail", r.get("error")) for r in results_of(document)]
        return f"{[d for d in details if d]} {errors[-600:]}"

    # Damage.

    def damage_and_restore(self):
        pick = self.schema.pick
        self.told.append(f"-- round {self.round}")
        kinds = ["drop", "drop", "delete", "part", "late", "none"]
        if self.schema.key_to:
            kinds = ["none", "late"]
        if self.schema.native and self.schema.default:
            kinds.append("drop")
        kind = pick.choice(kinds)
        self.counts[kind] += 1
        previous = self.state()
        # Rows that a foreign key points at cannot be deleted; they are in the first two days.
        days = sorted(self.archived)[2 * self.schema.key_to:]
        first = pick.randrange(len(days))
        days = days[first:first + pick.choice([1, 2, 3, 10])]
        changed = getattr(self, "damage_" + kind)(days)
        if kind == "drop" and self.schema.aggregates and pick.random() < 0.4:
            # The aggregates lose the buckets of what was dropped, up to what a refresh reaches.
            for name, *_ in self.schema.aggregates:
                self.sql(self.schema.refresh(name))
            self.refresh_needed = True
        else:
            self.refresh_needed = kind in ("part", "late", "delete") and pick.random() < 0.3
        self.restore(kind, changed, previous)

    def damage_none(self, days):
        return days

    def damage_delete(self, days):
        self.sql(f"DELETE FROM {self.schema.t} WHERE {self.schema.where(days)};")
        return days

    def damage_part(self, days):
        s = self.schema
        self.sql(f"DELETE FROM {s.t} WHERE {s.where(days)} AND n % 3 = 0;")
        self.updated = s.pick.random() < 0.5
        if self.updated:
            self.sql(f"UPDATE {s.t} SET note = 'changed' WHERE {s.where(days)} AND n % 5 = 1;")
        return days

    def damage_late(self, days):
        s = self.schema
        low = min((d - s.base).days for d in days)
        self.sql(s.insert(low, len(days), 20, offset=50_000_000))
        touched = [d for d, n in self.counts_of_days().items() if n != self.archived[d]]
        # Rows near midnight may lie in a day that has no archive.
        self.sql(f"DELETE FROM {s.t} WHERE NOT {s.where(list(self.archived))};")
        return sorted(touched)

    def damage_drop(self, days):
        s = self.schema
        if s.native:
            leaves = self.query(
                f"SELECT DISTINCT tableoid::regclass FROM {s.t} WHERE {s.where(days)} AND tableoid::regclass::text NOT LIKE '%rest%'")
            for leaf in leaves:
                self.sql(f"DROP TABLE {leaf};")
        else:
            for chunk in self.query(f"SELECT DISTINCT tableoid::regclass FROM {s.t} WHERE {s.where(days)}"):
                self.sql(f"DROP TABLE {chunk};")
        return sorted(d for d, n in self.counts_of_days().items() if n != self.archived[d])

    # Restores.

    def restore(self, kind, days, previous):
        s, pick = self.schema, self.schema.pick
        if not days:
            return
        damaged, live = self.state(), self.counts_of_days()
        empty = all(live[d] == 0 for d in days)
        more = any(live[d] > self.archived[d] for d in days)
        tells_rows = s.unique is not None
        base = self.base_options(kind)
        if kind == "drop" and s.native and "--create-partition" not in base:
            # A day that lies in two partitions still has rows where one of them is dropped.
            self.refused(days, base, ["no_partition"] if empty else ["no_partition", "rows_exist"], damaged)
            mode = "error" if empty else "replace"
            return self.restore_days(days, base + ["--create-partition", "--on-existing", mode], damaged, previous)
        if not empty and pick.random() < 0.6 and all(live[d] for d in days):
            # Modes that must leave the rows alone.
            if pick.random() < 0.5:
                self.refused(days, base + ["--on-existing", "error"], ["rows_exist"], damaged)
            else:
                self.skipped(days, base + ["--on-existing", "skip"] + self.mode(), damaged)
        if more:
            self.refused(days, base + ["--on-existing", "replace"] + self.mode(), ["fewer_rows"], damaged, some=True)
            options = ["--on-existing", "replace", "--force"] + self.mode()
        elif empty:
            options = ["--on-existing", pick.choice(["error", "append", "skip", "replace"])] + self.mode()
        elif tells_rows and (kind == "drop" or kind == "part" and not self.updated) and pick.random() < 0.5:
            options = ["--on-existing", pick.choice(["error", "append"]), "--mode", "staging"]
        else:
            options = ["--on-existing", "replace"] + self.mode()
        self.restore_days(days, base + options, damaged, previous)

    def mode(self):
        return self.schema.pick.choice([[], [], ["--mode", "staging"]])

    def base_options(self, kind):
        options = []
        if self.schema.native and kind == "drop" and (self.schema.default or self.schema.pick.random() < 0.7):
            options.append("--create-partition")
        if self.schema.aggregates and (self.refresh_needed or self.schema.pick.random() < 0.3):
            options += ["--refresh-cagg", "all"]
        return options

    def request(self, days):
        return ["restore", "--table", self.schema.argument, "--from", str(days[0]), "--to", str(days[-1])]

    def refused(self, days, options, codes, damaged, some=False):
        code, document = self.sluice(*self.request(days[:1]), *options)
        self.counts["refused"] += 1
        if some and code == 0:
            # The first day alone need not be one that has more rows.
            raise Mismatch(f"{days[0]} was replaced by fewer rows: {self.words()}")
        self.expect(code != 0 and set(codes_of(document)) <= set(codes), f"expected {codes}, got {code}: {self.words()}")
        self.unchanged(damaged)

    def skipped(self, days, options, damaged):
        code, document = self.sluice(*self.request(days), *options)
        self.counts["skipped"] += 1
        self.expect(
            code == 0 and all(r["status"] == "skipped" for r in results_of(document)),
            f"expected skipped, got {code}: {self.words()}")
        self.unchanged(damaged)

    def unchanged(self, damaged):
        now = self.state()
        for name in State._fields:
            self.expect(
                getattr(now, name) == getattr(damaged, name),
                f"nothing should have changed, but {name} did: {difference(getattr(damaged, name), getattr(now, name))}")

    def restore_days(self, days, options, damaged, previous):
        calls = [days] if self.schema.pick.random() < 0.6 else [[d] for d in days]
        for call in calls:
            code, document = self.sluice(*self.request(call), *options)
            self.counts["restored"] += len(call)
            self.expect(
                code == 0 and all(r["status"] == "ok" for r in results_of(document)), f"the restore ended with {code}: {self.words()}")
        now = self.state()
        self.expect(now.rows == self.before.rows, f"the rows differ: {self.before.rows}, now {now.rows}")
        if now.aggregates != self.before.aggregates and self.left_for_unarchived(document):
            # Nothing tells that these days never had rows; a user who knows it refreshes by hand.
            self.counts["left"] += 1
            for name, *_ in self.schema.aggregates:
                self.sql(self.schema.refresh(name))
            now = now._replace(aggregates=self.state().aggregates)
        self.expect(
            now.aggregates == self.before.aggregates,
            f"the aggregates differ: {difference(self.before.aggregates, now.aggregates)}")
        self.expect(
            now.partitions == self.before.partitions,
            f"the partitions differ: {difference(self.before.partitions, now.partitions)}")
        touched = set(self.query(
            f"SELECT DISTINCT tableoid::regclass FROM {self.schema.t} WHERE {self.schema.where(days)}"))
        compressed = {self.was_compressed(day) for day in days}
        for name, (status, ranges) in now.chunks.items():
            old = previous.chunks.get(name) or damaged.chunks.get(name)
            # A chunk that the restore made is compressed as the archived ones were; days of both kinds leave either.
            wanted = {int(c) for c in compressed}
            if old and name in touched:
                wanted = {old[0] & 1}
            elif old:
                wanted = {damaged.chunks[name][0]}
            self.expect(status in wanted, f"the chunk {name} has status {status} in place of {wanted} (before: {old})")
        # Late rows may have made chunks beyond the archived days.
        old, made = {r for _, r in (previous.chunks | damaged.chunks).values()}, {r for _, r in now.chunks.values()}
        self.expect(old == made, f"the ranges of the chunks differ: {difference(sorted(old), sorted(made))}")

    def left_for_unarchived(self, document):
        """Whether the last restore has left buckets, for days alone that have no archive with rows."""
        details = [
            step.get("detail") or "" for r in results_of(document) for step in r.get("steps", []) if step["name"] == "refresh"]
        days = {
            date.fromisoformat(day) for detail in details if "left as they are" in detail
            for words in re.findall("since ([^;]*) lacks? rows", detail) for day in re.findall(r"\d{4}-\d\d-\d\d", words)}
        return bool(days) and not days & self.archived.keys()


def difference(before, now):
    if isinstance(before, dict):
        return {k: (before.get(k), now.get(k)) for k in sorted(before.keys() | now.keys()) if before.get(k) != now.get(k)}
    if isinstance(before, list):
        return {"missing": sorted(set(before) - set(now)), "new": sorted(set(now) - set(before))}
    return before, now


def json_text(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one schema")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    program.sql("CREATE ROLE keeper LOGIN")
    work = tempfile.mkdtemp(prefix="sluice-schemas.")
    failed, counts = [], collections.Counter()
    for number in [options.only] if options.only is not None else range(options.count):
        trial = Trial(options.binary, options.seed, number, work, options.rounds)
        s = trial.schema
        words = (
            f"{s.kind}, " + (f"{s.partitions} partitions{', default' * s.default}" if s.native else
            f"{s.interval}{', space' * s.space}{', compressed' * s.compress}")
            + f", {s.days} days {s.zone}, {s.unique}, {len(s.aggregates)} aggregates, {s.role}")
        try:
            trial.run()
            print(f"schema {number}: {words}: {dict(trial.counts)}", flush=True)
        except Exception as error:
            failed.append(number)
            print("\n".join(trial.told))
            what = str(error) if isinstance(error, (Mismatch, program.SQLFailure)) else traceback.format_exc()
            print(f"MISMATCH: --seed {options.seed} --only {number} ({words}): {what}", flush=True)
        counts += trial.counts
        shutil.rmtree(trial.program.work)
    print(f"{counts.total()} steps: {dict(counts)}")
    print(f"schemas with a mismatch: {failed}" if failed else "no mismatch")
    shutil.rmtree(work)
    sys.exit(1 if failed else 0)


main()
