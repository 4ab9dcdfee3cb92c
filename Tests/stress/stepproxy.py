"""A TCP proxy before PostgreSQL that knows the steps of a restore by their statements, and does something at one of them."""

import re
import socket
import struct
import subprocess
import threading
import time

# The first that matches names the step. A COMMIT is that of a load, of a compressed chunk or of the end of owed steps by what
# was sent before it.
STATEMENTS = [
    ("decompress", r"decompress_chunk\("),
    ("recompress", r"compress_chunk\("),
    ("refresh", r"^CALL .*refresh_continuous_aggregate"),
    ("hold", r"INSERT INTO sluice\.hold"),
    ("pause", r"alter_job"),
    ("mark", r"INSERT INTO sluice\.restore_log"),
    ("owed", r"UPDATE sluice\.restore_log"),
    ("make log", r"CREATE TABLE IF NOT EXISTS sluice\."),
    ("make table", r"^CREATE (UNLOGGED )?TABLE"),
    ("make hypertable", r"create_hypertable\("),
    ("attach", r"ATTACH PARTITION"),
    ("stage", r"^CREATE TEMP"),
    ("insert", r"^(WITH|INSERT|EXPLAIN).*INSERT INTO"),
    ("clear", r"^(WITH .*)?DELETE FROM"),
    ("copy", r"^COPY .*FROM STDIN"),
    ("commit", r"^COMMIT$"),
    ("flush", r"pg_logical_emit_message"),
    ("day lock", r"pg_try_advisory_lock"),
    ("day unlock", r"pg_advisory_unlock"),
    ("chunk lock", r"^LOCK TABLE .*IN EXCLUSIVE MODE"),
    ("table lock", r"^LOCK TABLE"),
]
STATEMENTS = [(name, re.compile(pattern, re.S)) for name, pattern in STATEMENTS]


class Connection:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.pid = None
        self.isLoading = False
        self.commits = None
        self.swallows = False
        self.answered = threading.Event()

    def reset(self):
        for end in (self.client, self.server):
            try:
                # RST in place of FIN: without a word of goodbye.
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Fault:
    """What is done at the `occurrence`-th message of the step `label`.

    before: the message does not reach the server. after: it does, and its answer does not come back. sent: it does, and
    nobody waits for the answer. What: `cut` resets the connection, `kill` ends the program, `terminate` ends the server's
    session, `lock` has another session take a lock and lets the message pass.
    """

    def __init__(self, label, occurrence, when, what, act=None, isLast=False):
        self.label, self.occurrence, self.when, self.what, self.act = label, occurrence, when, what, act
        self.isLast = isLast
        self.isDone = False
        # Loads whose COMMIT the server had got by then.
        self.commits = 0


class Proxy:
    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.begin(None)
        threading.Thread(target=self.accept, daemon=True).start()

    def begin(self, fault):
        """Forgets what passed before; the connections from before are passed on as they are."""
        with self.lock:
            self.fault = fault
            self.trace, self.counts, self.commits = [], {}, 0
            self.isClosed = False

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            if self.isClosed:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(client, server)
            threading.Thread(target=self.run, args=(self.to_server, connection), daemon=True).start()
            threading.Thread(target=self.run, args=(self.to_client, connection), daemon=True).start()

    def run(self, pump, connection):
        try:
            pump(connection)
        except OSError:
            pass
        connection.answered.set()
        for end in (connection.client, connection.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def to_server(self, connection):
        pending, hasBegun = bytearray(), False
        while data := connection.client.recv(65536):
            pending += data
            passed = bytearray()
            while True:
                # The first message has no type (PostgreSQL documentation, "Message Formats").
                head = 5 if hasBegun else 4
                if len(pending) < head:
                    break
                length = int.from_bytes(pending[head - 4:head], "big") + head - 4
                if len(pending) < length:
                    break
                message = bytes(pending[:length])
                del pending[:length]
                if hasBegun:
                    fault = self.fault_at(message, connection)
                    if fault:
                        connection.server.sendall(passed)
                        passed.clear()
                        if not self.strike(fault, message, pending, connection):
                            return
                hasBegun = True
                passed += message
            connection.server.sendall(passed)

    def to_client(self, connection):
        pending = bytearray()
        while data := connection.server.recv(65536):
            if not connection.swallows:
                connection.client.sendall(data)
            pending += data
            while len(pending) >= 5:
                length = int.from_bytes(pending[1:5], "big") + 1
                if len(pending) < length:
                    break
                if pending[:1] == b"K":
                    connection.pid = int.from_bytes(pending[5:9], "big")
                if connection.swallows and pending[:1] in (b"Z", b"G"):
                    connection.answered.set()
                del pending[:length]

    def label(self, message, connection):
        if message[:1] == b"d":
            return "rows"
        if message[:1] not in (b"P", b"Q"):
            return None
        text = message[5:].split(b"\0")[1 if message[:1] == b"P" else 0].decode(errors="replace").strip()
        text = re.sub(r"--[^\n]*\n", "", text).strip()
        name = next((name for name, pattern in STATEMENTS if pattern.search(text)), None)
        if name == "copy":
            connection.isLoading = True
        if name in ("recompress", "owed"):
            connection.commits = f"commit {name}"
        if name == "commit" and not connection.isLoading:
            name, connection.commits = connection.commits, None
        return name

    def fault_at(self, message, connection):
        label = self.label(message, connection)
        if label is None:
            return None
        with self.lock:
            number = self.counts[label] = self.counts.get(label, 0) + 1
            self.trace.append((label, number, self.commits))
            fault = self.fault
            isIt = fault and not fault.isDone and (fault.label, fault.occurrence) == (label, number)
            if label == "commit":
                connection.isLoading, connection.commits = False, None
                self.commits += not (isIt and fault.when == "before" and fault.what != "lock")
            if not isIt:
                return None
            fault.commits = self.commits
            fault.isDone = True
            return fault

    def strike(self, fault, message, pending, connection):
        """Does it. Returns whether the message is to be passed on."""
        if fault.isLast:
            self.isClosed = True
        if fault.what == "lock":
            fault.act(connection)
            return True
        if fault.when != "before":
            connection.swallows = True
            connection.server.sendall(message)
            # The rest of the statement is sent with it, to the Sync.
            connection.client.settimeout(2)
            while message[:1] == b"P" and b"S\0\0\0\4" not in pending:
                pending += connection.client.recv(65536)
            connection.client.settimeout(None)
            connection.server.sendall(pending)
            if fault.when == "after" and message[:1] != b"d":
                connection.answered.wait(30)
        if fault.what != "cut":
            fault.act(connection)
        if fault.what == "terminate" and fault.when == "before":
            # The server says goodbye to the program itself.
            time.sleep(0.05)
            return False
        connection.reset()
        return False


class Session:
    """Another session that holds a lock until it is let go."""

    def __init__(self, psql, database, statement):
        self.process = subprocess.Popen(
            [psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.process.stdin.write(f"SET lock_timeout = '5s'; BEGIN; {statement}; SELECT 'held';\n")
        self.process.stdin.flush()
        told, line = "", "-"
        while line and "held" not in told:
            line = self.process.stdout.readline()
            told += line
        self.isHeld, self.told = "held" in told, told.strip()

    def let_go(self):
        self.process.stdin.close()
        self.process.wait()
