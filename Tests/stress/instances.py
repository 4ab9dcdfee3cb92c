"""Instances of the service, each a process that is called over HTTP, and that can be killed and started again."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Instance:
    """`sluice serve`: behind a Functions host that the test plays, or alone."""

    def __init__(self, binary, work, environment, has_host):
        self.binary, self.work, self.has_host = binary, work, has_host
        self.port = free_port()
        self.environment = dict(environment)
        if has_host:
            self.environment |= {
                "FUNCTIONS_CUSTOMHANDLER_PORT": str(self.port), "FUNCTIONS_APP_ROOT_PATH": os.getcwd()}
        self.log = work / f"instance-{self.port}.log"
        self.process = None
        self.is_up = threading.Event()

    def start(self):
        arguments = [self.binary, "serve"] + ([] if self.has_host else ["--port", str(self.port)])
        log = open(self.log, "ab")
        self.process = subprocess.Popen(
            arguments, cwd=os.getcwd(), env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(400):
            try:
                if self.call("GET", "/")[0] == 200:
                    self.is_up.set()
                    return self
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"an instance did not start: {self.log.read_text()[-2000:]}")

    def kill(self):
        self.is_up.clear()
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def call(self, method, path, body=None, headers=None, timeout=300):
        """Status, document and headers; raises OSError or http.client.HTTPException where the instance is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            text = json.dumps(body) if body is not None else None
            connection.request(method, path, text, {"Content-Type": "application/json"} | (headers or {}))
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content[:1] in (b"{", b"[") else {}, dict(answer.getheaders())
        finally:
            connection.close()

    def invoke(self, function, data):
        """Calls a function as the host does, by an envelope."""
        return self.call(
            "POST", f"/{function}", {"Data": data, "Metadata": {"sys": {"MethodName": function}}},
            {"X-Azure-Functions-InvocationId": f"{random.getrandbits(128):032x}"})


class Queue:
    """A storage queue and the host's part in it: a message that fails comes again, five times at most, then it is poison."""

    def __init__(self, visibility=1.0, attempts=5):
        self.visibility, self.attempts = visibility, attempts
        self.lock = threading.Lock()
        self.messages, self.poison, self.taken, self.number = [], [], 0, 0

    def put(self, text):
        with self.lock:
            self.number += 1
            self.messages.append({"text": text, "count": 0, "at": time.time(), "id": f"message-{self.number}"})

    def take(self):
        with self.lock:
            now = time.time()
            for message in self.messages:
                if message["at"] <= now:
                    self.messages.remove(message)
                    message["count"] += 1
                    self.taken += 1
                    return message
        return None

    def done(self):
        with self.lock:
            self.taken -= 1

    def failed(self, message):
        with self.lock:
            self.taken -= 1
            if message["count"] >= self.attempts:
                self.poison.append(message)
            else:
                message["at"] = time.time() + self.visibility
                self.messages.append(message)

    def take_poison(self):
        with self.lock:
            poison, self.poison = self.poison, []
            return poison

    def is_empty(self):
        with self.lock:
            return not self.messages and not self.taken and not self.poison


def deliver(queue, instance, function="backup_worker"):
    """One message to an instance, as the host delivers it: to a process that has started."""
    if not instance.is_up.wait(timeout=1):
        return False
    message = queue.take()
    if message is None:
        return False
    data = {"message": json.dumps(message["text"])}
    try:
        status, answer, _ = instance.call(
            "POST", f"/{function}",
            {"Data": data, "Metadata": {"DequeueCount": str(message["count"]), "Id": json.dumps(message["id"]), "sys": {}}},
            {"X-Azure-Functions-InvocationId": f"{random.getrandbits(128):032x}"})
    except (OSError, http.client.HTTPException, ValueError):
        status, answer = 0, {}
    if status == 200:
        for text in (answer.get("Outputs") or {}).get("again") or []:
            queue.put(text)
        queue.done()
    else:
        queue.failed(message)
    return True
