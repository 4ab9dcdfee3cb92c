"""The built program and a database, as schemas.py and races.py use them."""

import json
import os
import subprocess
from pathlib import Path


class SQLFailure(Exception):
    pass


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def sql(text, database=None, role=None):
    """Runs SQL by psql as the superuser, or as a role; returns what it prints, unaligned."""
    script = f"SET ROLE {role};\n{text}" if role else text
    run = subprocess.run(
        [os.environ["PSQL"], "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database or os.environ["PGDATABASE"]],
        input=script, capture_output=True, text=True)
    if run.returncode != 0:
        raise SQLFailure(run.stderr.strip())
    return run.stdout.strip("\n")


class Program:
    """Runs the program's commands in a folder of its own, with a lake there."""

    def __init__(self, binary, work, database, user, **settings):
        self.binary, self.work, self.database = binary, Path(work), database
        self.lake = self.work / "lake"
        self.lake.mkdir(parents=True)
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        self.environment = keep | {
            "PG_HOST": "127.0.0.1", "PG_PORT": os.environ["PGPORT"], "PG_USER": user, "PG_DATABASE": database,
            "PG_SSLMODE": "disable", "LAKE_URL": f"file://{self.lake}"} | settings

    def run(self, arguments, timeout=300):
        """Runs a command; returns its exit code, its document, and what it wrote to standard error."""
        run = subprocess.run(
            [self.binary, *arguments, "--json"], cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=timeout)
        try:
            document = json.loads(run.stdout)
        except ValueError:
            document = {}
        return run.returncode, document, run.stderr


def results_of(document):
    """The results of a report, also where it is of one table-day."""
    return document.get("results", [document])


def codes_of(document):
    """The codes of all errors that a document tells."""
    found = [document.get("code")] + [(result.get("error") or {}).get("code") for result in results_of(document)]
    return [code for code in found if code]
