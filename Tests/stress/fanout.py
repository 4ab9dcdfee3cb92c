"""A night of table-days in one message each, taken by several instances of which one is killed every few seconds.

Violated is: a table-day without an archive, one that was archived twice, rows that its archive lacks, an operation that has not
succeeded.
"""

import argparse
import collections
import json
import os
import random
import re
import threading
import time
from pathlib import Path

from instances import Instance, Queue, deliver
from program import Program, sql

parser = argparse.ArgumentParser()
parser.add_argument("--binary", required=True)
parser.add_argument("--instances", type=int, default=8)
parser.add_argument("--tables", type=int, default=20)
parser.add_argument("--days", type=int, default=50)
parser.add_argument("--rows", type=int, default=200, help="rows a table-day")
parser.add_argument("--kill-every", type=float, default=2.0, help="seconds; 0 kills none")
parser.add_argument("--duplicates", type=int, default=30, help="percent of the messages that are delivered twice")
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()
random.seed(options.seed)

work = Path(os.environ["PGHOST"]).parent / "fanout"
work.mkdir()
tables = [f"fan.t{number:02}" for number in range(options.tables)]
sql("CREATE SCHEMA fan")
for table in tables:
    sql(
        f"CREATE TABLE {table} (at timestamptz NOT NULL, n int NOT NULL); CREATE INDEX ON {table} (at);"
        f" INSERT INTO {table} SELECT date_trunc('day', now(), 'UTC') - d * interval '1 day' + n * interval '1 minute', n"
        f" FROM generate_series(1, {options.days}) d, generate_series(0, {options.rows - 1}) n")

settings = {
    "BACKUP_TABLES": ",".join(f"{table}:at" for table in tables), "BACKUP_LOOKBACK_DAYS": str(options.days),
    "BACKUP_FANOUT": "queue", "LAKE_URL": os.environ["LAKE_URL"],
    "IDENTITY_ENDPOINT": os.environ["IDENTITY_ENDPOINT"], "IDENTITY_HEADER": os.environ["IDENTITY_HEADER"],
}
program = Program(options.binary, work / "home", "postgres", "postgres", **settings)
instances = [Instance(options.binary, work, program.environment, has_host=True) for _ in range(options.instances)]
for instance in instances:
    instance.start()

queue, poison, stopped = Queue(), Queue(), threading.Event()
timer = {"timer": {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}}
start = time.time()
status, answer, _ = instances[0].invoke("nightly_backup", timer)
assert status == 200, answer
messages = answer["Outputs"]["job"]
operation = json.loads(messages[0])["operation"]
assert len(messages) == options.tables * options.days, len(messages)
copies = messages + random.sample(messages, len(messages) * options.duplicates // 100)
random.shuffle(copies)
for text in copies:
    queue.put(text)


def host(instance):
    while not stopped.is_set():
        if not deliver(queue, instance):
            time.sleep(0.02)


def killer():
    while not stopped.wait(options.kill_every):
        victim = random.choice(instances)
        victim.kill()
        kills.append(victim.port)
        victim.start()


kills = []
threads = [threading.Thread(target=host, args=(instance,)) for instance in instances]
if options.kill_every:
    threads.append(threading.Thread(target=killer))
for thread in threads:
    thread.start()
given_up = 0
while not (queue.is_empty() and poison.is_empty()):
    time.sleep(0.1)
    # What the host gives up goes to the poison function, on whichever instance.
    for message in queue.take_poison():
        given_up += 1
        poison.put(message["text"])
    deliver(poison, random.choice(instances), "backup_worker_poison")
stopped.set()
for thread in threads:
    thread.join()
seconds = time.time() - start

faults = []
status, document, _ = instances[0].call("GET", f"/api/operations/{operation}")
if document["state"] != "succeeded":
    faults.append(f"the operation is {document['state']}: {json.dumps(document)[:600]}")
if len(document.get("finished", [])) != len(messages):
    faults.append(f"{len(document.get('finished', []))} table-days are noted as done")
for instance in instances:
    instance.stop()
code, listing, error = program.run(["archives"])
found = collections.Counter()
for item in listing["archives"]:
    if item.get("path"):
        found[item["table"]] += 1
        if item["rows"] != options.rows:
            faults.append(f"{item['table']} {item['date']} has {item['rows']} rows")
for table in tables:
    if found[table] != options.days:
        faults.append(f"{table} has {found[table]} archives")
made = collections.Counter()
for instance in instances:
    made.update(re.findall(r'backup ok archive="([^"]+)"', instance.log.read_text()))
if not made:
    faults.append("the instances' logs tell of no backup")
twice = [name for name, count in made.items() if count > 1]
if twice:
    faults.append(f"archived twice: {twice[:5]}")
print(
    f"{len(messages)} table-days, {len(copies)} messages, {len(instances)} instances, {len(kills)} kills: {seconds:.0f} s, "
    f"{len(messages) / seconds:.1f} table-days a second, {given_up} messages given up")
for fault in faults:
    print(f"violated: {fault}")
raise SystemExit(1 if faults else 0)
