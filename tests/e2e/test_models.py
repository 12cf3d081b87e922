#!/usr/bin/env python3
"""Models that are loaded when they are asked for, and go when nobody asks.

    test_models.py PATH_OF_TIEFSEE"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TIEFSEE = os.path.abspath(sys.argv[1])
MINI = pathlib.Path(__file__).resolve().parents[2] / "assets" / "tiefsee-mini.gguf"
FOLDER = tempfile.mkdtemp(prefix="tiefsee-models-")
LIMIT_S = 120


class Server:
    def __init__(self, *arguments):
        env = {"HOME": FOLDER, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        self.log = tempfile.NamedTemporaryFile("wb", dir=FOLDER, delete=False)
        self.process = subprocess.Popen(
            [TIEFSEE, "serve", "--port", "0", "--threads", "1", "--cache", "32", "--ctx", "512",
             "--drain", "5", *map(str, arguments)], stdin=subprocess.DEVNULL, stderr=self.log,
            env=env)
        end = time.monotonic() + LIMIT_S
        while not (port := re.search(r"127\.0\.0\.1:(\d+)/v1", self.text())):
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("no server:\n" + self.text())
            time.sleep(0.01)
        self.port = int(port.group(1))

    def text(self):
        return pathlib.Path(self.log.name).read_text()

    def send(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        c.request(method, path, json.dumps(body) if body else None,
                  {"Content-Type": "application/json"} if body else {})
        return c, c.getresponse()

    def ask(self, method, path, body=None):
        c, r = self.send(method, path, body)
        data = r.read().decode()
        c.close()
        return r.status, data

    def chat(self, model, **more):
        """(status, text or error)"""
        status, data = self.ask("POST", "/v1/chat/completions", {
            "model": model, "messages": [{"role": "user", "content": "What is 17 + 25?"}],
            "seed": 3, "max_tokens": 40, "thinking": {"type": "disabled"}, **more})
        if status != 200 or more.get("stream"):
            return status, data
        return status, json.loads(data)["choices"][0]["message"]["content"]

    def loaded(self):
        """Which are, by /metrics; /health and Ollama's list say the same."""
        text = self.ask("GET", "/metrics")[1]
        return sorted(re.findall(r'^tiefsee_model_loaded{model="([^"]+)"} 1$', text, re.M))

    def metric(self, name, model):
        text = self.ask("GET", "/metrics")[1]
        return int(re.search(rf'^{name}{{model="{model}"}} (\d+)$', text, re.M).group(1))

    def becomes(self, loaded):
        end = time.monotonic() + LIMIT_S
        while (now := self.loaded()) != loaded:
            if time.monotonic() > end:
                raise AssertionError(f"{now}, not {loaded}")
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LIMIT_S)
        self.log.close()
        if code != 0 or "Sanitizer" in self.text():
            raise AssertionError(f"exit {code}:\n{self.text()}")


class Models(unittest.TestCase):
    def serve(self, *arguments):
        server = Server(*arguments)
        self.addCleanup(lambda: server.process.poll() is None and server.process.kill())
        return server

    def endless(self, server, model):
        """A stream that goes on until it is closed; its first bytes are here."""
        body = {"model": model, "prompt": "1", "max_tokens": 100000, "temperature": 1,
                "stream": True, "logit_bias": {i: -100 for i in END_TOKENS}}
        c, r = server.send("POST", "/v1/completions", body)
        self.assertEqual(r.status, 200)
        self.assertTrue(r.read(20))
        return c, r

    def test_a_model_comes_and_goes(self):
        server = self.serve(f"a={MINI}", f"b={MINI}")
        self.assertEqual(server.loaded(), ["a", "b"])
        status, plain = server.chat("a")
        self.assertEqual(status, 200)
        server.stop()
        server = self.serve(f"a={MINI}", f"b={MINI}", "--idle-unload", 1)
        self.assertEqual(server.loaded(), [])
        self.assertEqual(len(json.loads(server.ask("GET", "/v1/models")[1])["data"]), 2)
        for n in (1, 2):
            self.assertEqual(server.chat("b"), (200, plain))
            server.becomes([])
            self.assertEqual(server.metric("tiefsee_model_loads_total", "b"), n)
            self.assertEqual(server.metric("tiefsee_jobs_total", "b"), n)
        self.assertEqual(server.metric("tiefsee_model_loads_total", "a"), 0)
        status, text = server.chat("a", stream=True)
        self.assertEqual(status, 200)
        self.assertTrue(text.endswith("data: [DONE]\n\n"))
        self.assertEqual(server.ask("GET", "/health?deep=1")[0], 200)
        server.stop()

    def test_lists_say_what_is_loaded(self):
        server = self.serve(f"a={MINI}", f"b={MINI}", "--idle-unload", 3600)
        self.assertEqual(json.loads(server.ask("GET", "/health")[1]),
                         {"status": "ok", "models": 2, "loaded": 0})
        self.assertEqual(server.chat("b")[0], 200)
        self.assertEqual(json.loads(server.ask("GET", "/health")[1])["loaded"], 1)
        listed = json.loads(server.ask("GET", "/api/ps")[1])["models"]
        self.assertEqual(len(listed), 1)
        self.assertGreater(server.metric("tiefsee_model_plan_bytes", "b"), 1 << 20)
        server.stop()

    def test_who_is_used_stays_and_who_is_not_makes_room(self):
        server = self.serve(f"a={MINI}", f"b={MINI}", "--idle-unload", 3600, "--memory", 24)
        self.assertEqual(server.chat("a")[0], 200)
        self.assertEqual(server.chat("b")[0], 200)
        self.assertEqual(server.loaded(), ["b"])
        c, r = self.endless(server, "a")
        status, text = server.chat("b")
        self.assertEqual(status, 429, text)
        self.assertIn("needs", json.loads(text)["error"]["message"])
        self.assertEqual(server.loaded(), ["a"])
        self.assertTrue(r.read(200))  # still talking
        c.close()
        end = time.monotonic() + LIMIT_S
        while server.chat("b")[0] != 200:
            self.assertLess(time.monotonic(), end)
        server.stop()

    def test_what_cannot_be_loaded_fails_alone(self):
        other = os.path.join(FOLDER, "other.gguf")
        shutil.copy(MINI, other)
        server = self.serve(f"a={MINI}", f"b={other}", "--idle-unload", 1)
        c, r = self.endless(server, "a")
        os.rename(other, other + ".away")
        status, text = server.chat("b")
        self.assertGreaterEqual(status, 500, text)
        self.assertNotIn(FOLDER, text)
        status, text = server.chat("b", stream=True)
        self.assertEqual(status, 200)
        self.assertIn('"error"', text)
        self.assertNotIn("[DONE]", text)
        self.assertTrue(r.read(200))
        os.rename(other + ".away", other)
        self.assertEqual(server.chat("b")[0], 200)
        c.close()
        self.assertEqual(server.metric("tiefsee_model_failures_total", "b"), 2)
        server.stop()

    def test_stopping_while_it_loads_and_answers(self):
        for _ in range(3):
            server = self.serve(f"a={MINI}", f"b={MINI}", "--idle-unload", 3600)
            c, _ = self.endless(server, "a")
            server.chat("b", max_tokens=1)
            server.process.send_signal(signal.SIGTERM)
            server.stop()
            c.close()


END_TOKENS = subprocess.run([TIEFSEE, "tokenize", "--special"], input="<｜end▁of▁sentence｜>",
                            check=True, capture_output=True, text=True).stdout.split()

if __name__ == "__main__":
    try:
        unittest.main(argv=sys.argv[:1])
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
