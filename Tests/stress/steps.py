"""Breaks restores before and after each of their steps, and compares what was told with what is there.

The restores: a day of a compressed chunk with a hold and aggregates; four days of one chunk; four chunks side by side; an append
into a compressed chunk; a unique index; a partition and a table that are made. A first run of each, unbroken, tells the
statements of its steps. Each point then breaks one at one of them: the connection is cut, with or without others after it,
the program is killed, the server's session is ended, another session holds a lock, a trigger raises. Half of the restores
are commands, half requests to the service.

Before the commit: an error, and rows, chunks, jobs, holds, aggregates and relations as before. After it: `partial` with the load, or
nothing told; what is not done is in `sluice.restore_log`. `ok` only where all is done. The next run, or `resume`, ends with
everything as promised and nothing owed. Ends with 1 when anything contradicts.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import stepscenes
from program import Program, results_of, sql
from stepproxy import Fault, Proxy, Session

DATABASE = "steps"
ORDER = ["prepare", "decompress", "create_partition", "clear", "load", "check", "commit", "flush", "recompress", "refresh", "lease"]
PATIENCE = 45


def state(scene):
    """What is promised to stay, or to be as before."""
    found = json.loads(sql(f"""
        SELECT json_build_object(
          'relations', (SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'st' AND c.relkind IN ('r', 'p', 'v') OR c.relname LIKE '\\_sluice%'),
          'partitions', (SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('st.t')),
          'is there', to_regclass('st.t') IS NOT NULL, 'log', to_regclass('sluice.restore_log') IS NOT NULL,
          'hold', to_regclass('sluice.hold') IS NOT NULL)""", DATABASE))
    hasLog, hasHold, isThere = found.pop("log"), found.pop("hold"), found.pop("is there")
    parts = [f"'{view}', (SELECT count(*) || ' ' || sum(hashtextextended(v::text, 0)::numeric) FROM st.{view} v)"
             for view in scene.views]
    if isThere:
        parts.append(
            "'rows', (SELECT json_object_agg(day, hash) FROM (SELECT (at AT TIME ZONE 'UTC')::date AS day, "
            "count(*) || ' ' || sum(hashtextextended(t::text, 0)::numeric) AS hash FROM st.t t GROUP BY 1) d)")
    if not scene.isNative:
        found.pop("partitions")
        parts.append("""'chunks', (SELECT string_agg(s.range_start || ':' || c.status, ' ' ORDER BY s.range_start, c.id)
            FROM _timescaledb_catalog.chunk c JOIN _timescaledb_catalog.hypertable h ON h.id = c.hypertable_id
            JOIN _timescaledb_catalog.chunk_constraint cc ON cc.chunk_id = c.id
            JOIN _timescaledb_catalog.dimension_slice s ON s.id = cc.dimension_slice_id
            WHERE h.schema_name = 'st' AND h.table_name = 't' AND NOT c.dropped)""")
        parts.append("""'jobs', (SELECT string_agg(proc_name || ' ' || scheduled, ' ') FROM timescaledb_information.jobs
            WHERE hypertable_schema = 'st')""")
    if hasLog:
        parts.append("'owed', (SELECT json_agg(load) FROM sluice.restore_log WHERE owed IS NOT NULL)")
        parts.append("'loads', (SELECT json_agg(load) FROM sluice.restore_log)")
    if hasHold:
        parts.append("'holds', (SELECT count(*) FROM sluice.hold)")
    found |= json.loads(sql(f"SELECT json_build_object({', '.join(parts)})", DATABASE))
    found["rows"] = found.get("rows") or {}
    return {"owed": None, "loads": None, "holds": 0} | found


def compared(found):
    """The parts of a state that are compared as a whole."""
    kept = {key: value for key, value in found.items() if key not in ("owed", "loads")}
    return kept | {"holds": min(1, kept["holds"])}


def difference(found, wanted):
    return "; ".join(
        f"{key} is {found.get(key)}, not {value}" for key, value in compared(wanted).items() if compared(found).get(key) != value)


def call(port, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", path, json.dumps(body))
    answer = connection.getresponse()
    document = json.loads(answer.read() or b"{}")
    connection.close()
    return answer.status, document


class Site:
    def __init__(self, binary, work, proxy):
        self.proxy = proxy
        self.program = Program(
            binary, work, DATABASE, os.environ["PGUSER"], BACKUP_CONCURRENCY="2", PG_LOCK_TIMEOUT_SECONDS="1",
            SLUICE_SHUTDOWN_GRACE="0")
        self.work = self.program.work
        shutil.copy(Path(__file__).parents[2] / "function-routes.json", self.work)
        self.process = None

    def build(self, scene):
        """Archives the scene's days, damages them, and keeps the database to be copied for each point."""
        self.drop()
        sql(f"CREATE DATABASE {DATABASE}")
        sql("SET client_min_messages = error; CREATE EXTENSION timescaledb; CREATE SCHEMA st", DATABASE)
        sql(scene.setup, DATABASE)
        scene.refresh(DATABASE)
        shutil.rmtree(self.program.lake)
        self.program.lake.mkdir()
        self.program.environment["LAKE_URL"] = f"file://{self.program.lake}"
        code, document, log = self.program.run(
            ["backup", "--table", "st.t:at", "--from", stepscenes.DAYS[0], "--to", stepscenes.DAYS[-1]])
        if code != 0:
            raise SystemExit(f"the backup failed: {document} {log}")
        scene.wanted = state(scene)
        sql(scene.damage, DATABASE)
        scene.refresh(DATABASE)
        scene.before = state(scene)
        if scene.keeps:
            scene.wanted |= {"holds": 1, "jobs": scene.before["jobs"].replace("true", "false")}
        if scene.name == "create table":
            scene.wanted["rows"] = {day: scene.wanted["rows"][day] for day in scene.days}
        scene.lake = self.work / f"lake-{scene.name.replace(' ', '-')}"
        shutil.copytree(self.program.lake, scene.lake)
        scene.template = f"{DATABASE} {scene.name}"
        sql("SELECT _timescaledb_functions.stop_background_workers()", DATABASE)
        for _ in range(20):
            try:
                sql(f'ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false; ALTER DATABASE {DATABASE} RENAME TO "{scene.template}"')
                return
            except Exception as error:
                reason = error
                sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'")
                time.sleep(0.2)
        raise reason

    def drop(self):
        sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")

    def reset(self, scene):
        self.drop()
        sql(f'CREATE DATABASE {DATABASE} TEMPLATE "{scene.template}" STRATEGY file_copy')
        self.program.environment["LAKE_URL"] = f"file://{scene.lake}"

    def settle(self):
        """Waits until the server has ended the sessions of a program that is gone: a COMMIT may still be under way."""
        end = time.monotonic() + 20
        while sql(
            f"SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = '{DATABASE}' "
            "AND pid <> pg_backend_pid()") != "0" and time.monotonic() < end:
            time.sleep(0.02)

    def start(self, arguments, environment, name):
        out, err = (self.work / f"{name}.out").open("w"), (self.work / f"{name}.err").open("w")
        self.process = subprocess.Popen(
            [self.program.binary, *arguments], cwd=self.work, env=self.program.environment | environment,
            stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        return self.process

    def text(self, name):
        return (self.work / name).read_text(errors="replace")

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def command(self, request, environment):
        """Returns the word for how it ended (ok, partial, failed, killed), and its document."""
        (self.work / "request.json").write_text(json.dumps(request))
        process = self.start(["restore", "--request", "request.json", "--json"], environment, "step")
        try:
            code = process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            return "hangs", {}
        try:
            document = json.loads(self.text("step.out"))
        except ValueError:
            document = {}
        if code == -signal.SIGKILL:
            return "killed", document
        return {0: "ok", 3: "partial"}.get(code, "failed" if code > 0 else f"signal {-code}"), document

    def request(self, request, environment):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = self.start(["serve", "--port", str(port)], environment, "step")
        try:
            for _ in range(1000):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.01)
            status, document = call(port, "/api/restore", request)
            return {200: "ok", 207: "partial"}.get(status, "failed"), document
        except TimeoutError:
            return "hangs", {}
        except (OSError, ValueError):
            try:
                process.wait(timeout=2)
                return "killed", {}
            except subprocess.TimeoutExpired:
                return "no answer", {}
        finally:
            self.kill()


class Point:
    """A restore, and what breaks it."""

    def __init__(self, scene, name, kind, fault=None, place=None, before=None):
        self.scene, self.name, self.kind = scene, name, kind
        # Before the run: DDL that is in the way, or a statement of another session that locks. At a step: the fault.
        self.fault, self.place, self.before = fault, place, before

    def run(self, site, chance, number):
        scene, proxy = self.scene, site.proxy
        site.reset(scene)
        self.isService = chance.random() < 0.5
        self.hasKey = chance.random() < 0.6 or (
            # Without a key only a restore into a hypertable writes the log.
            self.fault is not None and "create" in scene.name and self.fault.label in ("make log", "mark", "owed"))
        request = dict(scene.request)
        if self.hasKey:
            request["key"] = f"point-{number}"
        isLast = self.fault is not None and self.fault.isLast
        environment = {"PG_PORT": str(proxy.port), "PG_RETRY_SECONDS": "1" if isLast else chance.choice(["0", "2"])}
        remove, session = None, None
        if self.place:
            remove = self.place(DATABASE)
        if self.before:
            stepscenes.make_log(DATABASE)
            session = Session(os.environ["PSQL"], DATABASE, self.before(DATABASE))
        fault = self.fault
        if fault and fault.what == "kill":
            fault.act = lambda _: site.kill()
        elif fault and fault.what == "terminate":
            fault.act = lambda connection: sql(f"SELECT pg_terminate_backend({connection.pid}, 5000)")
        elif fault and fault.what == "lock":
            statement = fault.statement

            def act(_):
                nonlocal session
                session = Session(os.environ["PSQL"], DATABASE, statement(DATABASE))
            fault.act = act
        proxy.begin(fault)
        begin = time.monotonic()
        self.ended, self.document = (site.request if self.isService else site.command)(request, environment)
        self.seconds = time.monotonic() - begin
        proxy.isClosed = False
        if session:
            session.let_go()
            if not session.isHeld:
                yield f"the lock was not placed: {session.told}"
        site.settle()
        if fault and not fault.isDone:
            yield "the step was not reached"
        self.after = state(scene)
        yield from self.check()
        if remove:
            remove()
        yield from self.go_on(site, chance, request)

    def day_states(self):
        for day in self.scene.days:
            rows = self.after["rows"].get(day)
            old, new = self.scene.before["rows"].get(day), self.scene.wanted["rows"].get(day)
            yield day, "old" if rows == old else "new" if rows == new else f"neither: {rows}"

    def check(self):
        """Compares what was told with what is there."""
        scene, after = self.scene, self.after
        states = dict(self.day_states())
        self.isNew = set(states.values()) == {"new"}
        self.isOld = set(states.values()) == {"old"}
        if any(value.startswith("neither") for value in states.values()):
            yield f"rows are torn: {states}"
        told = [r for r in results_of(self.document) if "date_window" in r]
        for result in told:
            day = result["date_window"]["start"][:10]
            if result["status"] in ("ok", "partial") and states[day] != "new":
                yield f"{day} was told as {result['status']} and is {states[day]}"
            if result["status"] in ("failed", "not_begun", "skipped") and states[day] != "old":
                yield f"{day} was told as {result['status']} and is {states[day]}"
            yield from self.check_steps(result)
        if "steps" in self.document and self.ended == "failed":
            yield from self.check_steps(self.document | {"status": "failed"})
        isUnknown = any((r.get("error") or {}).get("code") == "commit_unknown" for r in told + [{"error": self.document}])
        lacks = difference(after, scene.wanted)
        if self.ended == "ok" and lacks:
            yield f"ok was told, and {lacks}"
        if self.ended == "ok" and after["owed"]:
            yield f"ok was told, and steps are owed by {after['owed']}"
        if self.ended == "killed" and self.kind != "kill":
            yield "the program died"
        if self.ended in ("hangs", "no answer") or self.ended.startswith("signal"):
            yield f"the run {self.ended}"
        if self.ended == "failed" and not self.isOld and not isUnknown:
            yield f"an error was told ({self.document.get('code')}), and the days are {states}"
        if self.isOld and (change := difference(after, scene.before)):
            yield f"nothing was loaded, and {change}"
        if self.isOld and after["loads"]:
            yield "nothing was loaded, and a mark is there"
        if self.isNew and lacks and not after["owed"]:
            yield f"rows are there, nothing is owed, and {lacks}"
        if self.ended == "partial" and self.isNew and not isUnknown:
            yield from self.check_partial(told)
        if self.fault and scene.isSingle and self.fault.what in ("kill", "terminate", "cut") and self.fault.when != "sent":
            wanted = "new" if self.fault.commits else "old"
            if self.ended != "ok" and set(states.values()) != {wanted}:
                yield f"the server had {self.fault.commits} commits at that point, and the day is {states}"

    def check_steps(self, result):
        names = [step["name"] for step in result["steps"]]
        if names and names != sorted(names, key=ORDER.index):
            yield f"the steps are out of order: {names}"
        seen = set()
        for step in result["steps"]:
            what = (step["name"], tuple(step.get("touched", [])) if step["name"] in ("recompress", "refresh") else ())
            if what in seen and self.scene.isSingle:
                yield f"the step {what} is told twice: {[s for s in result['steps'] if s['name'] == step['name']]}"
            seen.add(what)
            if step["status"] == "failed" and not step.get("code") or step["status"] == "skipped" and not step.get("detail"):
                yield f"the step {step} does not say why"
        if result["status"] in ("failed", "unconfirmed") and any(s["status"] == "done" for s in result["steps"]) and not any(
            s["status"] == "failed" for s in result["steps"]):
            yield f"it {result['status']}, and no step did: {result['steps']}"
        if result["status"] == "ok" and any(step["status"] == "failed" for step in result["steps"]):
            yield f"it is ok, and a step failed: {result['steps']}"
        if names and not set(ORDER) <= set(names):
            yield f"steps are missing: {set(ORDER) - set(names)}"

    def check_partial(self, told):
        result = next((r for r in told[::-1] if r["status"] == "partial"), None)
        if result is None:
            yield f"partial was told, and no day is: {[r['status'] for r in told]}"
            return
        warnings = " ".join(result["warnings"])
        failed = [step for step in result["steps"] if step["status"] == "failed"]
        if not failed and "are still in sluice.restore_log" not in warnings:
            yield f"partial was told, and no step failed: {result['steps']}"
        if any(step["name"] in ("recompress", "refresh") for step in failed):
            if not result.get("load"):
                yield f"the result has no load: {warnings}"
            elif result["load"] not in (self.after["loads"] or []) or f"resume {result['load']}" not in warnings:
                yield f"the load {result['load']} is not in the log {self.after['loads']} or the warnings {warnings}"

    def go_on(self, site, chance, request):
        """The next run, or what resumes, ends with everything as promised."""
        ways = ["again"] if self.hasKey or not self.isNew or self.scene.isRepeatable else []
        if self.isNew and self.after["owed"]:
            ways += ["resume all", "resume by request"] + ["resume the load"] * (len(self.after["owed"]) == 1)
        elif self.isNew:
            ways += ["resume all"]
        self.way = chance.choice(ways)
        environment = {"PG_PORT": os.environ["PGPORT"]}
        resume = {"resume": self.after["owed"][0] if self.way == "resume the load" else "all"}
        if self.way == "again":
            ended, document = chance.choice([site.request, site.command])(request, environment)
        elif self.way == "resume by request":
            ended, document = site.request(resume, environment)
        else:
            ended, document = site.command(resume, environment)
        if ended != "ok":
            yield f"then {self.way} ended {ended}: {json.dumps(document)[:1500]} {site.text('step.err')[-300:]}"
        site.settle()
        self.after = state(self.scene)
        if lacks := difference(self.after, self.scene.wanted):
            yield f"after {self.way} {lacks}"
        if self.after["owed"]:
            yield f"after {self.way} steps are owed by {self.after['owed']}"


def message_points(scene, trace):
    """All ways to break the scene at each of its statements, in kinds."""
    rows = [entry for entry in trace if entry[0] == "rows"]
    steps = [entry for entry in trace if entry[0] != "rows"] + rows[len(rows) // 2:len(rows) // 2 + 1]
    for label, number, _ in steps:
        for what in ("cut", "kill", "terminate"):
            for when in ("before", "after"):
                yield Point(scene, f"{when} {label} {number}", what, Fault(label, number, when, what))
        yield Point(scene, f"after {label} {number}", "cut for good", Fault(label, number, "after", "cut", isLast=True))
        yield Point(scene, f"before {label} {number}", "cut for good", Fault(label, number, "before", "cut", isLast=True))
        if label in ("commit", "recompress", "refresh", "clear", "rows", "flush", "decompress", "owed", "mark", "commit recompress", "commit owed"):
            yield Point(scene, f"in {label} {number}", "cut", Fault(label, number, "sent", "cut"))
            yield Point(scene, f"in {label} {number}", "kill", Fault(label, number, "sent", "kill"))


def other_points(scene, trace):
    for name, place in stepscenes.triggers(scene):
        yield Point(scene, name, "trigger", place=place)
    reached = {(label, number) for label, number, _ in trace}
    for name, at, statement in stepscenes.locks(scene):
        if at is None:
            yield Point(scene, name, "lock", before=statement)
        elif at in reached:
            fault = Fault(*at, "before", "lock")
            fault.statement = statement
            yield Point(scene, name, "lock", fault)


def chosen(groups, count, chance):
    """Takes from each group in turn until there are `count`."""
    groups = [list(group) for group in groups if group]
    for group in groups:
        chance.shuffle(group)
    taken = []
    while len(taken) < count and any(groups):
        chance.shuffle(groups)
        for group in groups:
            if group and len(taken) < count:
                taken.append(group.pop())
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", action="store_true", help="print the answer of a point that contradicts")
    parser.add_argument("--only", help="a part of a point's name, as `SCENE, KIND: NAME`")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    work = tempfile.mkdtemp(prefix="sluice-steps.")
    proxy = Proxy(int(os.environ["PGPORT"]))
    site = Site(options.binary, work, proxy)
    others, groups = [], {}
    scenes = [scene for scene in stepscenes.SCENES if options.only and scene.name in options.only] or stepscenes.SCENES
    for scene in scenes:
        site.build(scene)
        site.reset(scene)
        proxy.begin(None)
        ended, document = site.command(scene.request | {"key": "unbroken"}, {"PG_PORT": str(proxy.port)})
        site.settle()
        found = state(scene)
        if ended != "ok" or difference(found, scene.wanted) or found["owed"]:
            raise SystemExit(f"{scene.name}, unbroken, ended {ended}: {difference(found, scene.wanted)} {json.dumps(document)[:2000]}")
        trace = list(proxy.trace)
        print(f"{scene.name}: {len(trace)} statements of steps: {' '.join(dict.fromkeys(label for label, _, _ in trace))}", flush=True)
        others += other_points(scene, trace)
        for point in message_points(scene, trace):
            groups.setdefault((scene.name, point.kind, point.fault.label), []).append(point)
    every = others + [point for group in groups.values() for point in group]
    if options.only:
        points = [p for p in every if options.only in f"{p.scene.name}, {p.kind}: {p.name}"][:options.points]
    else:
        points = others[:options.points] + chosen(list(groups.values()), max(0, options.points - len(others)), chance)
    table, faults = {}, 0
    for number, point in enumerate(points, 1):
        found = list(point.run(site, random.Random(f"{options.seed} {point.scene.name} {point.kind} {point.name}"), number))
        row = table.setdefault((point.scene.name, point.kind), {})
        word = point.ended if not found else "CONTRADICTION"
        row[word] = row.get(word, 0) + 1
        state_word = "new" if point.isNew else "old" if point.isOld else "mixed"
        how = ("service" if point.isService else "command") + (" with key" if point.hasKey else "")
        code = point.document.get("code") or next(
            (r["error"]["code"] for r in results_of(point.document) if r.get("error")), "")
        print(
            f"{number:3} {point.scene.name}, {point.kind}: {point.name} ({how}): {point.ended} {code} in {point.seconds:.1f} s, "
            f"rows {state_word}; then {getattr(point, 'way', '-')}", flush=True)
        if found and options.documents:
            print(json.dumps(point.document), flush=True)
        for fault in found:
            faults += 1
            print(f"CONTRADICTION (seed {options.seed}): {point.scene.name}, {point.kind}: {point.name}: {fault}"[:1500], flush=True)
    site.drop()
    words = sorted({word for row in table.values() for word in row})
    print("\n" + f"{'restore':22}{'broken by':16}" + "".join(f"{word:>15}" for word in words))
    for (scene, kind), row in sorted(table.items()):
        print(f"{scene:22}{kind:16}" + "".join(f"{row.get(word, 0):15}" for word in words))
    shutil.rmtree(work, ignore_errors=True)
    print(f"\n{len(points)} points, " + (f"{faults} contradictions" if faults else "no contradiction"))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
