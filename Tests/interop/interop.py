#!/usr/bin/env python3
"""Proves the lake emulator with the vendor's own libraries: what they send it takes, what it answers they understand.

Usage: interop.py --emulator PROGRAM --folder DIR [--sluice PROGRAM]
DIR holds ca.pem, server.pem, server.key and client.pem, and with --sluice PGHOST, PGPORT, PGUSER and PGDATABASE name a
database (see scripts/interop.sh). Any mismatch ends it with status 1.
"""

import argparse
import base64
import concurrent.futures
import contextlib
import csv
import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import ssl
import subprocess
import sys
import urllib.request

from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
)
from azure.storage.filedatalake import (
    AccountSasPermissions,
    ContentSettings,
    DataLakeServiceClient,
    DirectorySasPermissions,
    FileSasPermissions,
    FileSystemSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_directory_sas,
    generate_file_sas,
    generate_file_system_sas,
)

STORAGE = "https://storage.azure.com/.default"
# Repeats would hide a refusal behind minutes of waiting.
NO_RETRY = {"retry_total": 0}


class Emulator:
    """The emulator as a process; it ends with its standard input."""

    def __init__(self, program, folder, tls):
        self.folder = folder
        self.tls = tls
        federated = folder / "federated.token"
        federated.write_text("a.federated.token\n")
        options = ["--client-cert", str(folder / "client.pem"), "--federated-token-file", str(federated)]
        if tls:
            options += ["--tls-cert", str(folder / "server.pem"), "--tls-key", str(folder / "server.key")]
        self.process = subprocess.Popen(
            [program, "--with-stdin", "--folder", str(folder), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the emulator did not start")
        self.facts = json.loads(line)
        self.origin = self.facts["origin"]
        self.url = f"{self.origin}/{self.facts['account']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=20)

    def order(self, method, name, body=None):
        """A call to the emulator's own /_emulator/."""
        request = urllib.request.Request(
            f"{self.origin}/_emulator/{name}", method=method, data=None if body is None else json.dumps(body).encode())
        context = ssl.create_default_context(cafile=self.folder / "ca.pem") if self.tls else None
        with urllib.request.urlopen(request, context=context, timeout=20) as answer:
            return json.load(answer)

    def service(self, credential, **options):
        verify = {"connection_verify": str(self.folder / "ca.pem")} if self.tls else {}
        return DataLakeServiceClient(self.url, credential=credential, **{**NO_RETRY, **verify, **options})

    def shared_key(self):
        return self.service({"account_name": self.facts["account"], "account_key": self.facts["key"]})


def equal(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


@contextlib.contextmanager
def refused(error, status, code=None):
    """The block must raise exactly this error of the library, with this status and service code."""
    try:
        yield
    except error as raised:
        equal(getattr(raised, "status_code", None), status, f"status of {raised!r:.200}")
        if code is not None:
            actual = getattr(raised, "error_code", None)
            equal(getattr(actual, "value", actual), code, f"code of {raised!r:.200}")
        return
    raise AssertionError(f"{error.__name__} {status} {code} was expected, nothing was raised")


def later(minutes=30):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)


def whole_files(service, name):
    """Create, upload, overwrite, read, rename, list, delete: with whatever credential `service` has."""
    system = service.create_file_system(name)
    with refused(ResourceExistsError, 409):
        service.create_file_system(name)
    equal(system.exists(), True, "exists")

    data = os.urandom(3 * 1024 * 1024 + 17)
    file = system.get_file_client("days/2024/a b+c.csv.gz")
    file.upload_data(data, overwrite=True, chunk_size=1 << 20, max_concurrency=4,
                     content_settings=ContentSettings(content_type="application/gzip"), metadata={"rows": "17"})
    equal(file.download_file().readall(), data, "downloaded bytes")
    # Without overwrite the library creates nothing: it appends, and flushes with If-None-Match: *, which gives 304.
    with refused(ResourceModifiedError, 304, "ConditionNotMet"):
        file.upload_data(b"again", overwrite=False)
    equal(file.download_file().readall(), data, "bytes that were not overwritten")
    properties = file.get_file_properties()
    equal(properties.size, len(data), "size")
    equal(properties.metadata, {"rows": "17"}, "metadata")
    equal(properties.content_settings.content_type, "application/gzip", "content type")
    file.upload_data(b"short", overwrite=True)
    equal(file.download_file().readall(), b"short", "overwritten bytes")
    # The library's upload of no bytes sends nothing at all; a create is what empties a file.
    file.create_file()
    equal(file.download_file().readall(), b"", "empty file")

    with refused(ResourceNotFoundError, 404):
        system.get_file_client("nope").get_file_properties()
    with refused(ResourceNotFoundError, 404):
        system.get_file_client("nope").download_file()

    moved = file.rename_file(f"{name}/days/2024/moved")
    equal(moved.exists(), True, "moved")
    equal(file.exists(), False, "old name")
    names = [path.name for path in system.get_paths(recursive=True)]
    equal(names, ["days", "days/2024", "days/2024/moved"], "names")
    moved.delete_file()
    service.delete_file_system(name)
    with refused(ResourceNotFoundError, 404):
        system.get_file_system_properties()


def appends(system):
    data = os.urandom(8 * 1024 * 1024)
    size = 1 << 20
    file = system.create_file("appended")
    created = file.get_file_properties().etag

    def append(position):
        chunk = bytearray(data[position:position + size])
        file.append_data(bytes(chunk), position, len(chunk), validate_content=True)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(append, reversed(range(0, len(data), size))))
    equal(file.get_file_properties().size, 0, "size before the flush")
    with refused(HttpResponseError, 400, "InvalidFlushPosition"):
        file.flush_data(len(data) - 1)
    answer = file.flush_data(len(data), etag=created, match_condition=MatchConditions.IfNotModified, close=True)
    with refused(ResourceModifiedError, 412, "ConditionNotMet"):
        file.flush_data(len(data), etag=created, match_condition=MatchConditions.IfNotModified)
    equal(file.get_file_properties().etag, answer["etag"], "etag of the flush")
    equal(file.download_file(offset=5, length=size).readall(), data[5:5 + size], "a range")
    equal(hashlib.md5(file.download_file(max_concurrency=2).readall()).digest(), hashlib.md5(data).digest(), "all")
    ranged = file.download_file(offset=0, length=1 << 20, validate_content=True)
    equal(ranged.readall(), data[:1 << 20], "a checked range")
    with refused(HttpResponseError, 416):
        file.download_file(offset=len(data) + 1, length=1)
    one = system.create_file("flushed-at-once")
    one.append_data(b"abc", 0, 3, flush=True)
    equal(one.download_file().readall(), b"abc", "append with flush")


def conditions(system):
    file = system.create_file("guarded")
    with refused(ResourceExistsError, 409, "PathAlreadyExists"):
        file.create_file(match_condition=MatchConditions.IfMissing)
    stale = file.get_file_properties().etag
    file.set_metadata({"a": "1"})
    equal(file.get_file_properties().metadata, {"a": "1"}, "metadata")
    with refused(ResourceModifiedError, 412, "ConditionNotMet"):
        file.create_file(etag=stale, match_condition=MatchConditions.IfNotModified)
    with refused(ResourceModifiedError, 412, "ConditionNotMet"):
        file.delete_file(etag=stale, match_condition=MatchConditions.IfNotModified)
    with refused(ResourceModifiedError, 412):
        file.download_file(etag=stale, match_condition=MatchConditions.IfNotModified)
    file.set_http_headers(ContentSettings(content_type="text/csv", content_encoding="gzip"))
    equal(file.get_file_properties().content_settings.content_encoding, "gzip", "content encoding")
    file.set_file_expiry("RelativeToNow", expires_on=600_000)
    equal(file.exists(), True, "a file that expires later")
    file.set_access_control(permissions="0740")
    equal(file.get_access_control()["permissions"], "rwxr-----", "permissions")

    other = system.create_file("other")
    with refused(ResourceExistsError, 409, "PathAlreadyExists"):
        file.rename_file(f"{system.file_system_name}/other", match_condition=MatchConditions.IfMissing)
    with refused(ResourceNotFoundError, 404, "RenameDestinationParentPathNotFound"):
        file.rename_file(f"{system.file_system_name}/no/parent")
    etag = file.get_file_properties().etag
    moved = file.rename_file(f"{system.file_system_name}/other")
    equal(moved.get_file_properties().etag, etag, "etag after a rename")
    with refused(ResourceNotFoundError, 404, "SourcePathNotFound"):
        file.rename_file(f"{system.file_system_name}/other")

    lease = moved.acquire_lease(lease_duration=15)
    with refused(HttpResponseError, 412, "LeaseIdMissing"):
        moved.append_data(b"x", 0, 1)
    moved.append_data(b"x", 0, 1, lease=lease)
    moved.flush_data(1, lease=lease)
    lease.renew()
    lease.release()
    equal(other.get_file_properties().lease.state, "available", "lease state")


def directories(system):
    directory = system.create_directory("tree")
    for index in range(23):
        directory.create_file(f"f{index:02}")
    directory.create_sub_directory("sub").create_file("g")
    pages = system.get_paths(path="tree", recursive=True, max_results=5).by_page()
    sizes = [len(list(page)) for page in pages]
    equal(sizes, [5, 5, 5, 5, 5], "pages")
    paths = list(system.get_paths(path="tree", recursive=False, max_results=7))
    equal(len(paths), 24, "one level")
    equal([path.name for path in paths if path.is_directory], ["tree/sub"], "directories")
    equal(paths[0].content_length, 0, "content length")
    equal(paths[0].etag, system.get_file_client(paths[0].name).get_file_properties().etag.strip('"'), "etag in a list")
    with refused(ResourceNotFoundError, 404, "PathNotFound"):
        list(system.get_paths(path="nope"))
    moved = directory.rename_directory(f"{system.file_system_name}/wood")
    equal(len(list(system.get_paths(path="wood", recursive=True))), 25, "a moved tree")
    equal(moved.get_directory_properties().metadata.get("hdi_isfolder"), "true", "the mark of a directory")
    moved.delete_directory()
    equal(system.get_directory_client("wood").exists(), False, "a deleted tree")


def faults(emulator, system):
    """The library's own repeats get over what the emulator does to it."""
    patient = emulator.service({"account_name": emulator.facts["account"], "account_key": emulator.facts["key"]},
                               retry_total=5, initial_backoff=0, increment_base=1, retry_to_secondary=False)
    file = patient.get_file_system_client(system.file_system_name).get_file_client("through-faults")
    for fault in [
        {"fault": "server_busy", "operation": "append", "first": 2},
        {"fault": "reset", "operation": "append", "first": 1},
        {"fault": "answer_lost", "operation": "flush", "first": 1},
        {"fault": "truncated", "operation": "read", "first": 1},
    ]:
        emulator.order("DELETE", "journal")
        emulator.order("PUT", "faults", [fault])
        data = os.urandom(200_000)
        try:
            file.create_file()
            file.append_data(data, 0, len(data))
            file.flush_data(len(data))
            equal(file.download_file().readall(), data, f"bytes through {fault}")
            equal(list(emulator.order("GET", "journal")["faults"]), [fault["fault"]], "the fault struck")
        finally:
            emulator.order("PUT", "faults", [])


def signatures(emulator, system):
    facts = emulator.facts
    account, key, name = facts["account"], facts["key"], system.file_system_name
    file = system.create_file("signed/deep/file")
    file.upload_data(b"signed", overwrite=True)

    sas = generate_account_sas(account, key, ResourceTypes(service=True, file_system=True, object=True),
                               AccountSasPermissions(read=True, write=True, delete=True, list=True, create=True),
                               expiry=later())
    whole_files(emulator.service(sas), "by-account-sas")
    reading = FileSasPermissions(read=True)
    sas = generate_file_sas(account, name, "signed/deep", "file", key, reading, expiry=later())
    readable = emulator.service(sas).get_file_client(name, "signed/deep/file")
    equal(readable.download_file().readall(), b"signed", "by file SAS")
    with refused(HttpResponseError, 403, "AuthorizationPermissionMismatch"):
        readable.append_data(b"x", 6, 1)
    with refused(HttpResponseError, 403):
        emulator.service(sas).get_file_client(name, "other").download_file()
    sas = generate_directory_sas(account, name, "signed", key, DirectorySasPermissions(read=True), expiry=later())
    equal(emulator.service(sas).get_file_client(name, "signed/deep/file").download_file().readall(), b"signed",
          "by directory SAS")
    sas = generate_file_system_sas(account, name, key, FileSystemSasPermissions(read=True, list=True), expiry=later())
    listed = emulator.service(sas).get_file_system_client(name).get_paths(path="signed", recursive=False)
    equal([path.name for path in listed], ["signed/deep"], "by filesystem SAS")

    old = generate_file_sas(account, name, "signed/deep", "file", key, reading, expiry=later(-1))
    with refused(ClientAuthenticationError, 403, "AuthenticationFailed"):
        emulator.service(old).get_file_client(name, "signed/deep/file").download_file()
    wrong = base64.b64encode(os.urandom(64)).decode()
    with refused(ClientAuthenticationError, 403, "AuthenticationFailed"):
        emulator.service({"account_name": account, "account_key": wrong}).get_file_client(name, "x").create_file()
    with refused(ClientAuthenticationError, 401, "NoAuthenticationInformation"):
        emulator.service(None).get_file_client(name, "x").create_file()


def tokens(emulator):
    facts = emulator.facts
    ca = str(emulator.folder / "ca.pem")
    os.environ["IDENTITY_ENDPOINT"] = f"{emulator.origin}/msi/token"
    os.environ["IDENTITY_HEADER"] = facts["identity_header"]
    managed = ManagedIdentityCredential(connection_verify=ca)
    whole_files(emulator.service(managed), "by-managed-identity")
    assigned = ManagedIdentityCredential(client_id=facts["client_id"], connection_verify=ca)
    equal(assigned.get_token(STORAGE).token.count("."), 2, "a token's parts")
    stranger = ManagedIdentityCredential(client_id="00000000-0000-0000-0000-000000000000", connection_verify=ca)
    with refused_identity("ClientId"):
        stranger.get_token(STORAGE)
    database = managed.get_token("https://ossrdbms-aad.database.windows.net/.default")
    equal(database.token == managed.get_token(STORAGE).token, False, "tokens of two audiences")
    del os.environ["IDENTITY_ENDPOINT"], os.environ["IDENTITY_HEADER"]

    login = {"authority": emulator.origin, "disable_instance_discovery": True, "connection_verify": ca}
    application = (facts["tenant"], facts["client_id"])
    whole_files(emulator.service(ClientSecretCredential(*application, facts["client_secret"], **login)), "by-secret")
    pem = str(emulator.folder / "client.pem")
    whole_files(emulator.service(CertificateCredential(*application, pem, **login)), "by-certificate")
    federated = ClientAssertionCredential(*application, lambda: "a.federated.token", **login)
    whole_files(emulator.service(federated), "by-federated-token")

    for credential, code in [
        (ClientSecretCredential(*application, "wrong", **login), "AADSTS7000215"),
        (ClientSecretCredential(facts["tenant"], "11111111-1111-1111-1111-111111111111", "x", **login), "AADSTS700016"),
        (ClientAssertionCredential(*application, lambda: "x.y.z", **login), "AADSTS50027"),
    ]:
        with refused_identity(code):
            credential.get_token(STORAGE)
    with refused_identity("AADSTS500011"):
        ClientSecretCredential(*application, facts["client_secret"], **login).get_token("https://no.such/.default")

    # A token that the service does not take any more: 401, and a challenge.
    by_secret = emulator.service(ClientSecretCredential(*application, facts["client_secret"], **login))
    by_secret.create_file_system("revoked")
    emulator.order("PUT", "tokens", {"revoke": True})
    with refused(ClientAuthenticationError, 401, "InvalidAuthenticationInfo"):
        by_secret.create_file_system("revoked2")


def instance_metadata(emulator):
    """IMDS is plain http."""
    os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = emulator.origin
    try:
        equal(ManagedIdentityCredential().get_token(STORAGE).token.count("."), 2, "a token of IMDS")
        with refused_identity(""):
            ManagedIdentityCredential(client_id="nobody").get_token(STORAGE)
    finally:
        del os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"]


@contextlib.contextmanager
def refused_identity(text):
    """The block must fail to get a token, with this text in the error."""
    try:
        yield
    except ClientAuthenticationError as raised:
        if text not in str(raised):
            raise AssertionError(f"{text!r} is not in {raised}") from raised
        return
    raise AssertionError(f"no token was expected, because of {text!r}")


class Sluice:
    """The program with the emulator's filesystem `interop` as its lake, and the database of scripts/interop.sh."""

    def __init__(self, program, emulator):
        self.program = program
        self.emulator = emulator
        facts = emulator.facts
        self.environment = {
            "PATH": os.environ["PATH"], "PG_HOST": os.environ["PGHOST"], "PG_PORT": os.environ["PGPORT"],
            "PG_USER": os.environ["PGUSER"], "PG_DATABASE": os.environ["PGDATABASE"], "PG_SSLMODE": "disable",
            "BACKUP_TABLES": "interop.events:at", "LAKE_URL": f"{emulator.url}/interop/archive",
            "LAKE_APPEND_BYTES": "65536",
            "AZURE_STORAGE_CONNECTION_STRING":
                f"AccountName={facts['account']};AccountKey={facts['key']};DfsEndpoint={emulator.url}",
        }
        if emulator.tls:
            self.environment["LAKE_CA_FILE"] = str(emulator.folder / "ca.pem")
        self.folder = f"archive/{os.environ['PGDATABASE']}"

    def run(self, *arguments):
        """The result of a job for one table-day."""
        done = subprocess.run([self.program, *arguments, "--json"], env=self.environment, cwd=self.emulator.folder,
                              capture_output=True, text=True, timeout=120)
        equal(done.returncode, 0, f"status of {arguments}: {done.stdout}{done.stderr}")
        answer = json.loads(done.stdout)
        return answer["results"][0] if "results" in answer else answer

    def file(self, name, **options):
        """The library's client of a file of the archive."""
        facts = self.emulator.facts
        service = self.emulator.service({"account_name": facts["account"], "account_key": facts["key"]}, **options)
        return service.get_file_client("interop", f"{self.folder}/{name}")


def sql(text):
    return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"], input=text, check=True, text=True,
                          capture_output=True, timeout=120).stdout


def events(day, count):
    """Rows that hardly compress, with what CSV must quote."""
    text = ["", 'say "two, three"', "two\nlines", "Grüße 世界"]
    return [[str(n), f"{day} 00:{n // 60 % 60:02}:{n % 60:02}+00", hashlib.sha256(str(n).encode()).hexdigest(),
             text[n % len(text)]] for n in range(count)]


def rows(archive):
    """The records of a gzip file, its header left out, and the header."""
    header, *records = csv.reader(io.StringIO(gzip.decompress(archive).decode(), newline=""))
    return records, header


def what_sluice_wrote_is_read(program, emulator):
    sluice = Sluice(program, emulator)
    sql("""DROP SCHEMA IF EXISTS interop CASCADE; CREATE SCHEMA interop; SET timezone = 'UTC';
           CREATE TABLE interop.events (id int, at timestamptz, digest text, note text);
           INSERT INTO interop.events
           SELECT n, timestamptz '2024-01-01 00:00+00' + n * interval '1 second',
             encode(sha256(n::text::bytea), 'hex'), 'a "b", ' || n FROM generate_series(1, 20000) n;""")
    result = sluice.run("backup", "--table", "interop.events", "--date", "2024-01-01")
    name = "interop.events.2024-01-01.csv.gz"
    file = sluice.file(name)
    properties = file.get_file_properties()
    equal(properties.size, result["gzip_bytes"], "size")
    equal(properties.size > 10 * 65536, True, "a file of many appends")
    equal(properties.content_settings.content_type, "application/octet-stream", "content type")
    equal(properties.metadata.get("hdi_isfolder"), None, "the mark of a folder")
    whole = file.download_file().readall()
    equal(hashlib.sha256(whole).hexdigest(), result["sha256"], "sha256")
    pieces = sluice.file(name, max_single_get_size=65536, max_chunk_get_size=65536)
    equal(pieces.download_file(max_concurrency=4).readall() == whole, True, "a download in parallel pieces")
    records, header = rows(whole)
    equal(header, ["id", "at", "digest", "note"], "header")
    equal(len(records), 20000, "rows")
    equal(records[0][3], 'a "b", 1', "a quoted value")
    manifest = json.loads(sluice.file("_sluice/interop.events.2024-01-01.json").download_file().readall())
    equal((manifest["sha256"], manifest["rows"]), (result["sha256"], 20000), "manifest")
    paths = emulator.shared_key().get_file_system_client("interop").get_paths(path=sluice.folder, recursive=True)
    equal(sorted(path.name for path in paths if not path.is_directory),
          [f"{sluice.folder}/_sluice/interop.events.2024-01-01.json", f"{sluice.folder}/{name}"], "files")


def what_the_library_wrote_is_restored(program, emulator):
    sluice = Sluice(program, emulator)
    written = events("2024-01-02", 5000)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([["id", "at", "digest", "note"], *written])
    name = "interop.events.2024-01-02.csv.gz"
    file = sluice.file(name)
    file.upload_data(b"an older file", overwrite=True)
    file.upload_data(gzip.compress(text.getvalue().encode()), overwrite=True, chunk_size=65536, max_concurrency=3)
    result = sluice.run("restore", "--table", "interop.events", "--date", "2024-01-02")
    equal(result["rows_loaded"], 5000, "rows loaded")
    digests = sorted(row[2] for row in written)
    # A value that is empty and not quoted is none.
    equal(sql("SELECT count(*), count(note), min(digest), max(digest) FROM interop.events WHERE at >= '2024-01-02Z'"),
          f"5000|3750|{digests[0]}|{digests[-1]}\n", "rows in the table")

    # And back: the program replaces the library's file by its own.
    result = sluice.run("backup", "--table", "interop.events", "--date", "2024-01-02", "--overwrite")
    again = file.download_file().readall()
    equal(hashlib.sha256(again).hexdigest(), result["sha256"], "sha256 of the replaced file")
    equal(sorted(row[2] for row in rows(again)[0]), digests, "rows of the replaced file")


# Sluice's half: what `sluice` writes the library reads, and the other way round. Each is called with the program's path
# and the emulator, in which the filesystem `interop` is there.
SLUICE_STEPS = [what_sluice_wrote_is_read, what_the_library_wrote_is_restored]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulator", required=True, help="the built lake-emulator")
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="where the certificates are")
    parser.add_argument("--sluice", help="the built sluice, for the second half")
    arguments = parser.parse_args()

    def step(name, work, *parameters):
        work(*parameters)
        print(f"passed: {name}", flush=True)

    for tls in [False, True]:
        with Emulator(arguments.emulator, arguments.folder, tls) as emulator:
            service = emulator.shared_key()
            system = service.create_file_system("interop")
            kind = "TLS" if tls else "plain HTTP"
            step(f"whole files by shared key, {kind}", whole_files, service, "by-shared-key")
            step(f"appends, {kind}", appends, system)
            step(f"conditions and leases, {kind}", conditions, system)
            step(f"directories and pages, {kind}", directories, system)
            step(f"faults, {kind}", faults, emulator, system)
            step(f"shared access signatures, {kind}", signatures, emulator, system)
            if tls:
                step("tokens: App Service, secret, certificate, federated", tokens, emulator)
            else:
                step("tokens: IMDS", instance_metadata, emulator)
            left = [file for file in emulator.order("GET", "files") if file["uncommitted"]]
            equal([file["path"] for file in left], [], "files with uncommitted data")
            if not arguments.sluice:
                print("skipped: sluice, as no --sluice was given")
                continue
            for work in SLUICE_STEPS:
                step(f"sluice: {work.__name__.replace('_', ' ')}, {kind}", work, arguments.sluice, emulator)
    print("interop: all passed")


if __name__ == "__main__":
    main()
