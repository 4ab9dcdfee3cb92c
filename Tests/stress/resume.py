"""An asynchronous backup is killed at many moments, and resumed on a second instance.

Violated is: an operation that is not `lost` within a minute, one that does not succeed when it is resumed, a table-day with
another number of files than one or with other rows, a temporary file that the next night leaves.
"""

import argparse
import os
import random
import shutil
import time
from pathlib import Path

from instances import Instance
from program import Program, sql

parser = argparse.ArgumentParser()
parser.add_argument("--binary", required=True)
parser.add_argument("--kills", type=int, default=50)
parser.add_argument("--days", type=int, default=6)
parser.add_argument("--rows", type=int, default=20_000, help="rows a day")
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()
random.seed(options.seed)

work = Path(os.environ["PGHOST"]).parent / "resume"
work.mkdir()
sql("CREATE SCHEMA w")
sql(
    "CREATE TABLE w.t (at timestamptz NOT NULL, n int NOT NULL, text text NOT NULL); CREATE INDEX ON w.t (at);"
    f" INSERT INTO w.t SELECT '2024-01-01Z'::timestamptz + d * interval '1 day' + n * interval '1 second', n, md5(n::text)"
    f" FROM generate_series(0, {options.days - 1}) d, generate_series(1, {options.rows}) n")
program = Program(options.binary, work / "home", "postgres", "postgres", BACKUP_TABLES="w.t:at", BACKUP_CONCURRENCY="1")
first = Instance(options.binary, work, program.environment, has_host=False)
second = Instance(options.binary, work, program.environment, has_host=False).start()
span = {"table": "w.t:at", "from": "2024-01-01", "to": f"2024-01-{options.days:02}", "overwrite": True}
respond_async = {"Prefer": "respond-async"}


def state(instance, operation):
    return instance.call("GET", f"/api/operations/{operation}")[1]


# How long the whole takes, so that the moments are spread over it.
first.start()
begun = time.time()
operation = first.call("POST", "/api/backup_manual", span, respond_async)[1]["id"]
while state(first, operation)["state"] == "running":
    time.sleep(0.01)
whole = time.time() - begun
first.stop()

faults, lost_after, ended_before = [], [], 0
for number in range(options.kills):
    if number % 2 == 0:
        shutil.rmtree(program.lake / "postgres", ignore_errors=True)
    first.start()
    operation = first.call("POST", "/api/backup_manual", span, respond_async)[1]["id"]
    time.sleep(random.random() * whole * 1.1)
    first.kill()
    killed = time.time()
    while (document := state(second, operation))["state"] == "running" and time.time() - killed < 65:
        time.sleep(0.2)
    if document["state"] == "succeeded":
        ended_before += 1
    elif document["state"] != "lost":
        faults.append(f"kill {number}: a minute later the operation is {document['state']}")
        continue
    else:
        lost_after.append(time.time() - killed)
        status, answer, _ = second.call("POST", f"/api/operations/{operation}/resume")
        if status != 202:
            faults.append(f"kill {number}: resume was answered {status}: {answer}")
            continue
        while (document := state(second, operation))["state"] == "running":
            time.sleep(0.05)
        if document["state"] != "succeeded":
            faults.append(f"kill {number}: the resumed operation is {document['state']}: {document.get('error')}")
    files = sorted(path.name for path in (program.lake / "postgres").glob("*.csv.gz"))
    wanted = [f"w.t.2024-01-{day:02}.csv.gz" for day in range(1, options.days + 1)]
    if files != wanted:
        faults.append(f"kill {number}: the lake has {files}")
code, report, _ = program.run(["verify", "--table", "w.t", "--depth", "database", "--from", span["from"], "--to", span["to"]])
if code != 0:
    faults.append(f"verify ends with {code}: {report}")
# The next night, a day later.
past = time.time() - 90_000
temporaries = [path for path in program.lake.rglob("tmp/*") if path.is_file()]
for path in temporaries:
    os.utime(path, (past, past))
program.run(["backup", "--table", "w.t:at", "--date", "2024-01-01"])
left = [path for path in program.lake.rglob("tmp/*") if path.is_file()]
if left:
    faults.append(f"temporary files are left: {left}")
second.stop()
longest = max(lost_after, default=0)
print(
    f"{options.kills} kills of a backup of {whole:.1f} s: {ended_before} had ended, {len(lost_after)} were lost, the last after "
    f"{longest:.0f} s, and resumed; {len(temporaries)} temporary files were removed by the next night")
for fault in faults:
    print(f"violated: {fault}")
raise SystemExit(1 if faults else 0)
