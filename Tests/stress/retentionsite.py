"""The tables of retention.py: how they are made, archived and read, in the database and in the lake."""

import csv
import gzip
import hashlib
import io
import json
import os
import shutil
from datetime import date, datetime, timedelta, timezone

import program

# The days of each kind of table, in units; a week of the extension begins on a Thursday.
FIRST = date(2024, 1, 4)
KINDS = {
    "daily": [1, 1, 1, 1], "weekly": [7], "daily compressed": [1, 1, 1, 1], "weekly compressed": [7],
    "partitions": [1, 1, 1, 1], "weekly partitions": [7], "plain": [1, 1, 1, 1]}
BASE = 40


def day_of(at):
    return at.astimezone(timezone.utc).date()


class Site:
    def __init__(self, binary, work):
        sql = program.sql
        sql("CREATE EXTENSION IF NOT EXISTS timescaledb; CREATE ROLE app_owner LOGIN; CREATE SCHEMA race AUTHORIZATION app_owner")
        self.database = os.environ["PGDATABASE"]
        self.work = work
        administrator = program.Program(binary, f"{work}/administrator", self.database, os.environ["PGUSER"])
        code, document, errors = administrator.run([
            "setup", "apply", "--role", "sluice", "--for", "backup,retention", "--schemas", "race", "--owner", "app_owner",
            "--for-role", "app_owner"])
        if code != 0:
            raise SystemExit(f"the setup failed: {document} {errors}")
        self.program = program.Program(binary, f"{work}/program", self.database, "sluice", PG_LOCK_TIMEOUT_SECONDS="5")

    def make(self, session, table_type, name, kind, writers):
        """Makes a table with its rows and a policy."""
        days = [FIRST + timedelta(n) for n in range(sum(KINDS[kind]))]
        table = table_type(name, kind, days)
        units, rest = [], list(days)
        for length in KINDS[kind]:
            units.append(rest[:length])
            rest = rest[length:]
        table.units = lambda: units
        columns = "at timestamptz NOT NULL, id bigint NOT NULL, writer int NOT NULL, content text"
        made = f"SET ROLE app_owner; CREATE TABLE {name} ({columns}"
        if kind == "plain":
            made += ", PRIMARY KEY (id)); "
        elif "partitions" in kind:
            made += ", PRIMARY KEY (at, id)) PARTITION BY RANGE (at); "
            for number, unit in enumerate(units):
                made += (
                    f"CREATE TABLE {name}_{number} PARTITION OF {name} FOR VALUES FROM ('{unit[0]} 00:00+00') "
                    f"TO ('{unit[-1] + timedelta(1)} 00:00+00'); ")
                table.parts |= {day: f"{name}_{number}" for day in unit}
        else:
            made += f"); SELECT public.create_hypertable('{name}', 'at', chunk_time_interval => interval '{KINDS[kind][0]} days'); "
        made += (
            f"INSERT INTO {name} SELECT '{FIRST} 00:00+00'::timestamptz + n * interval '1 day' / {BASE}, n, n % {writers}, md5(n::text) "
            f"FROM generate_series(0, {BASE * len(days) - 1}) n; ")
        if "compressed" in kind:
            made += (
                f"ALTER TABLE {name} SET (timescaledb.compress, timescaledb.compress_segmentby = 'writer'); "
                f"SELECT public.compress_chunk(c) FROM public.show_chunks('{name}') c; ")
        session.query(f"{made}; RESET ROLE; SELECT admin.set_policy('{name}', '30 days', p_time_column => 'at')")
        if not table.parts and kind != "plain":
            chunks = session.query(
                f"SELECT format('%I.%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks "
                f"WHERE hypertable_schema || '.' || hypertable_name = '{name}' ORDER BY range_start")
            if len(chunks) != len(units):
                raise RuntimeError(f"{name} has {len(chunks)} chunks in place of {len(units)}")
            for unit, (chunk,) in zip(units, chunks):
                table.parts |= {day: chunk for day in unit}
        for row, at, content in session.query(f"SELECT id, at, content FROM {name}"):
            table.rows[int(row)] = (self.time(at), content)
        return table

    @staticmethod
    def time(text):
        return datetime.fromisoformat(text + ":00" if text[-3] in "+-" else text).astimezone(timezone.utc)

    def back_up(self, table):
        return self.program.run([
            "backup", "--table", f"{table.name}:at", "--from", str(table.days[0]), "--to", str(table.days[-1])])

    def log(self, session, table):
        """What the log says of the units of a table."""
        return [json.loads(row) for row, in session.query(
            f"SELECT to_jsonb(l) FROM admin.chunk_maintenance_log l WHERE table_schema || '.' || table_name = '{table.name}' "
            "AND action LIKE 'd%' ORDER BY id")]

    def archived(self, entry):
        """Of each archive of a log entry what is wrong with it, and its rows that lie within the unit."""
        low, high = self.time(entry["range_start"]), self.time(entry["range_end"])
        for archive in entry["archives"]:
            path = self.program.lake / archive["path"]
            data = path.read_bytes() if path.exists() else b""
            if hashlib.sha256(data).hexdigest() != archive["sha256"]:
                yield f"the log names {archive}, and the lake has another one, or none", []
                continue
            rows = []
            for row in csv.DictReader(io.StringIO(gzip.decompress(data).decode())):
                at = self.time(row["at"])
                if low <= at < high:
                    rows.append((int(row["id"]), at, row["content"]))
            text = f"{archive} has {len(rows)} rows of the unit" if len(rows) != archive["rows"] else None
            yield text, rows

    def remove(self, session, table):
        session.query(f"DROP TABLE {table.name} CASCADE")
        schema, name = table.name.split(".")
        session.query(f"SELECT admin.remove_policy('{schema}', '{name}')")
        session.query(f"DELETE FROM admin.archived_day WHERE table_name = '{name}'")
        for folder in (self.program.lake / self.database, self.program.lake / self.database / "_sluice"):
            for path in folder.glob(f"{table.name}.*"):
                path.unlink()
