"""A running `tiefsee serve` for tests that speak to it over real sockets."""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TIEFSEE = os.path.abspath(sys.argv[1])
FOLDER = tempfile.mkdtemp(prefix="tiefsee-e2e-")
NAME = "Tiefsee-mini"
LIMIT_S = 120


class Server:
    """The embedded model; db and port of its own."""

    def __init__(self, *args, context=1024, before=None):
        self.log = tempfile.NamedTemporaryFile("wb", dir=FOLDER, delete=False)
        self.db = tempfile.mktemp(dir=FOLDER)
        self.process = subprocess.Popen(
            [TIEFSEE, "serve", "--port", "0", "--db", self.db, "--ctx", str(context), "--cache",
             "64", "--threads", "1", "--drain", "1", *map(str, args)],
            stdin=subprocess.DEVNULL, stderr=self.log, preexec_fn=before)
        self.log.close()
        self.port = int(self.wait_for(r"http://[\d.]+:(\d+)/v1").group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def read_log(self):
        with open(self.log.name) as f:
            return f.read()

    def wait_for(self, pattern, count=1):
        """The last match of the log's pattern, once there are that many."""
        end = time.time() + LIMIT_S
        while time.time() < end and self.process.poll() is None:
            found = list(re.finditer(pattern, self.read_log()))
            if len(found) >= count:
                return found[count - 1]
            time.sleep(0.02)
        raise RuntimeError(f"{pattern} never came:\n{self.read_log()}")

    def reload(self):
        n = len(re.findall("reload", self.read_log()))
        self.process.send_signal(signal.SIGHUP)
        self.wait_for("reload", n + 1)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LIMIT_S)
        assert "Sanitizer" not in self.read_log(), self.read_log()
        return code

    def send(self, method, path, body=None, headers=None):
        """(connection, response) with nothing read yet."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        c.request(method, path, body, {**({"Content-Type": "application/json"} if body else {}),
                                       **(headers or {})})
        return c, c.getresponse()

    def ask(self, method, path, body=None, headers=None):
        """(status, JSON, headers)"""
        c, r = self.send(method, path, body, headers)
        text = r.read()
        c.close()
        return r.status, json.loads(text) if text else None, r.headers

    def lines(self, path, body):
        """NDJSON: every line."""
        c, r = self.send("POST", path, body)
        text = r.read().decode()
        c.close()
        assert r.status == 200, text
        assert r.getheader("Content-Type") == "application/x-ndjson", r.getheader("Content-Type")
        return [json.loads(line) for line in text.splitlines()]

    def events(self, path, body, headers=None):
        """Server-sent events with names: [(event, data)]"""
        c, r = self.send("POST", path, body, headers)
        text = r.read().decode()
        c.close()
        assert r.status == 200, text
        assert r.getheader("Content-Type").startswith("text/event-stream")
        found = []
        for event in text.split("\n\n"):
            if not event or event.startswith(":"):
                continue
            name, data = event.split("\n")
            assert name.startswith("event: ") and data.startswith("data: "), event
            found.append((name[7:], json.loads(data[6:])))
            assert found[-1][1]["type"] == name[7:], event
        return found

    def keys(self, *args):
        return subprocess.run([TIEFSEE, "keys", *args, "--db", self.db], check=True,
                              stdin=subprocess.DEVNULL, capture_output=True).stdout.decode()


def main():
    result = unittest.main(argv=sys.argv[:1], exit=False).result
    shutil.rmtree(FOLDER, ignore_errors=True)
    sys.exit(not result.wasSuccessful())
