#!/usr/bin/env python3
"""bench/load against the real server: it counts what happened, and fails when it must.

    test_load.py PATH_OF_TIEFSEE PATH_OF_LOAD"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

TIEFSEE, LOAD = map(os.path.abspath, sys.argv[1:3])
LIMIT_S = 120


class Load(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tiefsee-load-")
        self.addCleanup(self.folder.cleanup)
        log = os.path.join(self.folder.name, "log")
        with open(log, "wb") as f:
            self.server = subprocess.Popen(
                [TIEFSEE, "serve", "--port", "0", "--threads", "1"], stdin=subprocess.DEVNULL,
                stderr=f, env={**os.environ, "HOME": self.folder.name})
        self.addCleanup(self.stop)
        end = time.monotonic() + LIMIT_S
        while True:
            with open(log) as f:
                url = re.search(r"http://127\.0\.0\.1:\d+/v1", f.read())
            if url:
                break
            self.assertTrue(self.server.poll() is None and time.monotonic() < end)
            time.sleep(0.02)
        self.url = url.group()

    def stop(self):
        if self.server.poll() is None:
            self.server.kill()
        self.server.wait()

    def load(self, *arguments, code=0, url=None):
        result = subprocess.run([LOAD, *map(str, arguments), url or self.url], text=True,
                                capture_output=True, timeout=LIMIT_S)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def test_every_answer_is_counted(self):
        r = json.loads(self.load("-n", 4, "-r", 2, "-t", 2, "-m", 20, "-i", 10, "-j", "-p",
                                 self.server.pid).stdout)
        self.assertEqual((r["clients"], r["answers"], r["errors"]), (4, 16, 0))
        self.assertEqual((r["first_token_turn_1"]["n"], r["first_token_turn_2"]["n"]), (8, 8))
        self.assertGreater(r["completion_tokens"], 15)
        self.assertGreater(r["cached_tokens"], 0)  # second turns
        self.assertGreaterEqual(r["completion_tokens"], r["between_tokens"]["n"])
        self.assertEqual(r["idle_connections"], 10)
        text = self.load("-n", 1, "-r", 1, "-m", 5, "-T").stdout
        self.assertIn("1 answers", text)
        self.assertIn("between tokens", text)

    def test_recorded_requests(self):
        mix = os.path.join(self.folder.name, "mix.jsonl")
        with open(mix, "w") as f:
            for n in (3, 9):
                f.write(json.dumps({"model": "", "max_tokens": n, "messages": [
                    {"role": "user", "content": f"What is {n} + 1?"}]}) + "\n")
        r = json.loads(self.load("-n", 2, "-r", 3, "-f", mix, "-j").stdout)
        self.assertEqual((r["answers"], r["errors"]), (6, 0))
        with open(mix, "a") as f:
            f.write("no JSON\n")
        self.assertIn("line 3", self.load("-f", mix, code=1).stderr)

    def test_errors_are_errors(self):
        r = self.load("-n", 2, "-r", 1, "-M", "none", code=1).stdout
        self.assertIn("2 errors", r)
        self.assertIn("404", r)
        self.assertIn("this machine", self.load(url="http://192.0.2.1:80/v1", code=2).stderr)
        self.server.kill()
        self.server.wait()
        self.assertIn("refused", self.load("-n", 1, "-r", 1, code=1).stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
