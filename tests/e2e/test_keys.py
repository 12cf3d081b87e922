#!/usr/bin/env python3
"""`tiefsee keys` from outside: what it prints, refuses and writes.

    test_keys.py PATH_OF_TIEFSEE

Runs with an empty home, so that nothing of the user's is read or written."""
import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

TIEFSEE = os.path.abspath(sys.argv[1])
LIMIT_S = 120
MODEL = "Tiefsee-mini"


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tiefsee-keys-")
        self.home = pathlib.Path(self.folder.name)
        self.db = self.home / ".local/state/tiefsee/server.db"

    def tearDown(self):
        self.folder.cleanup()

    def environment(self):
        env = {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        return env

    def run_keys(self, *arguments):
        return subprocess.run([TIEFSEE, "keys", *map(str, arguments)], capture_output=True,
                              timeout=LIMIT_S, env=self.environment(), text=True)

    def ok(self, *arguments):
        result = self.run_keys(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def refused(self, code, part, *arguments):
        result = self.run_keys(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("tiefsee: "), result.stderr)
        self.assertIn(part, result.stderr)


class Keys(Case):
    def test_reading_makes_no_store(self):
        self.assertEqual(json.loads(self.ok("list", "--json")), [])
        self.assertEqual(json.loads(self.ok("usage", "--json")), [])
        self.refused(1, "no key has the name or id 'a'", "show", "a")
        self.assertFalse(self.db.exists())

    def test_a_key_is_shown_once_and_not_in_the_file(self):
        text = self.ok("add", "laptop").strip()
        self.assertRegex(text, r"^sk-ts-[0-9a-hjkmnp-tv-z]{66}$")
        self.assertEqual(stat.S_IMODE(self.db.stat().st_mode), 0o600)
        secret = text[14:]
        for file in self.db.parent.iterdir():
            self.assertNotIn(secret.encode(), file.read_bytes())
        for action in (("list",), ("show", "laptop"), ("list", "--json"), ("show", "laptop", "-j")):
            output = self.ok(*action)
            self.assertNotIn(secret, output)
            self.assertIn(text[:14], output)
        self.assertEqual(self.ok("show", text[:14]), self.ok("show", "laptop"))

    def test_limits_and_states_change_one_by_one(self):
        made = json.loads(self.ok("add", "ci", "--json", "--scopes", "chat,metrics", "--concurrent",
                                  4, "--expires", "2999-12-31"))
        self.assertTrue(made["key"].startswith(made["prefix"]))
        self.assertEqual(made["expires_at"], "3000-01-01T00:00:00Z")
        self.assertEqual(made["limits"]["concurrent"], 4)
        now = json.loads(self.ok("limit", "ci", "--tokens-per-day", 1000, "--json"))
        self.assertEqual((now["limits"]["concurrent"], now["limits"]["tokens_per_day"]), (4, 1000))
        self.assertEqual(now["expires_at"], made["expires_at"])
        now = json.loads(self.ok("limit", "ci", "--concurrent", 0, "--expires", "never", "--json"))
        self.assertEqual((now["limits"]["concurrent"], now["expires_at"]), (None, None))
        self.ok("disable", "ci")
        self.assertEqual(json.loads(self.ok("show", "ci", "--json"))["state"], "disabled")
        self.ok("enable", "ci")
        self.assertEqual(json.loads(self.ok("show", "ci", "--json"))["state"], "enabled")
        self.ok("delete", "ci")
        self.refused(1, "no key", "show", "ci")
        self.ok("add", "ci")  # the name is free again

    def test_mistakes_are_one_line(self):
        self.ok("add", "taken")
        self.refused(1, "already", "add", "taken")
        self.refused(1, "empty", "add", "")
        self.refused(1, "control character", "add", "a\nb")
        self.refused(2, "did you mean list", "lst")
        self.refused(2, "name of the key is missing", "add")
        self.refused(2, "takes no name", "list", "x")
        self.refused(2, "--scopes", "add", "x", "--scopes", "root")
        self.refused(2, "--expires", "add", "x", "--expires", "2026-02-30")
        self.refused(2, "--by", "usage", "--by", "moon")
        self.refused(2, "say what to limit", "limit", "taken")
        self.refused(2, "--concurrent", "add", "x", "--concurrent", "-1")
        self.refused(1, "expired before", "add", "x", "--expires", "2001-01-01")
        self.refused(1, "state", "list", "--db", self.db.parent)
        self.db.write_bytes(b"not a database" * 100)
        self.refused(1, "not a database", "list")

    def test_usage_has_columns_that_say_what_they_are(self):
        self.ok("add", "a")
        self.assertEqual(self.ok("usage", "a").split(),
                         ["REQUESTS", "PROMPT", "CACHED", "COMPLETION", "key,model"])
        self.assertIsNone(re.search(r"\d", self.ok("usage", "--by", "total", "--days", 30)))


class Running(Case):
    """Keys that change while a server runs."""

    def setUp(self):
        super().setUp()
        self.server = None
        self.start()

    def start(self, *options):
        """Without options: keys are needed."""
        self.server = subprocess.Popen([TIEFSEE, "serve", *map(str, options or ("--require-key",)),
                                        "-p", "0"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                       env=self.environment(), text=True)
        for line in self.server.stderr:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                self.url = found.group()
                return
        self.fail("the server did not start")

    def stop(self, number):
        self.server.send_signal(number)
        self.server.wait(timeout=LIMIT_S)
        self.server.stderr.close()

    def tearDown(self):
        self.stop(signal.SIGKILL)
        super().tearDown()

    def status(self, key):
        request = urllib.request.Request(self.url + "/metrics",
                                         headers={"Authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code

    def becomes(self, key, status):
        end = time.monotonic() + 20  # a second on a machine that is not busy
        while self.status(key) != status:
            self.assertLess(time.monotonic(), end, f"still not {status}")
            time.sleep(0.05)

    def test_every_change_reaches_a_running_server(self):
        for name in ("a", "b"):  # more than once: nothing may cut the server off
            key = self.ok("add", name, "--scopes", "metrics").strip()
            self.becomes(key, 200)
            self.ok("disable", name)
            self.becomes(key, 401)
            self.ok("enable", name)
            self.becomes(key, 200)
        self.assertEqual(self.status(key[:-1]), 401)
        chat = self.ok("add", "chat").strip()
        self.becomes(chat, 403)
        self.stop(signal.SIGKILL)
        self.start()
        self.assertEqual(self.status(key), 200)
        self.ok("delete", "b")
        self.becomes(key, 401)


class Books(Running):
    """Completions count."""

    def ask(self, key, path="/v1/chat/completions", **more):
        """(status, body, headers)"""
        body = {"model": MODEL, "messages": [{"role": "user", "content": "What is 17 + 25?"}],
                "thinking": {"type": "disabled"}, **more}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(),
                                         {"Authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
                return response.status, response.read().decode(), response.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers

    def new_key(self, name, *options):
        key = self.ok("add", name, "--scopes", "chat,metrics", *options).strip()
        self.becomes(key, 200)
        return key

    def usage(self, name):
        """{model: row}"""
        return {row["model"]: row for row in json.loads(self.ok("usage", name, "--json"))}

    def balance(self, key):
        request = urllib.request.Request(self.url + "/user/balance",
                                         headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
            answer = json.load(response)
        return answer["is_available"], float(answer["balance_infos"][0]["total_balance"])

    def test_an_answer_whose_end_was_seen_survives_kill_9(self):
        key = self.new_key("a")
        asked, took = 0, {"prompt_tokens": 0, "cached_tokens": 0, "completion_tokens": 0}
        for streamed in (i % 2 == 1 for i in range(int(os.environ.get("TIEFSEE_KILLS", 4)))):
            status, text, _ = self.ask(key, stream=streamed,
                                       **({"stream_options": {"include_usage": True}}
                                          if streamed else {}))
            self.stop(signal.SIGKILL)
            self.assertEqual(status, 200, text)
            if streamed:
                text = text.split("\n\n")[-3][6:]  # behind it: [DONE]
            usage = json.loads(text)["usage"]
            asked += 1
            took["prompt_tokens"] += usage["prompt_tokens"]
            took["cached_tokens"] += usage["prompt_cache_hit_tokens"]
            took["completion_tokens"] += usage["completion_tokens"]
            row = self.usage("a")[MODEL]
            self.assertEqual(row["requests"], asked)
            self.assertEqual({name: row[name] for name in took}, took)
            self.start()

    def test_a_day_s_tokens_end_with_429_or_402_and_the_numbers(self):
        limit = 100
        key = self.new_key("a", "--tokens-per-day", limit)
        self.assertEqual(self.balance(key), (True, limit / 1e6))
        used = 0
        for _ in range(limit):
            status, text, headers = self.ask(key, max_tokens=30)
            if status != 200:
                break
            usage = json.loads(text)["usage"]
            used += usage["total_tokens"]
            self.assertLessEqual(used, limit)
            self.assertEqual(self.balance(key), (used < limit, (limit - used) / 1e6))
        self.assertEqual(status, 429)
        error = json.loads(text)["error"]
        self.assertEqual((error["type"], error["code"]), ("insufficient_quota",) * 2)
        self.assertIn(f"of today's {limit}, {used} are used", error["message"])
        self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        status, text, _ = self.ask(key, "/chat/completions")
        self.assertEqual((status, json.loads(text)["error"]["code"]), (402, "insufficient_quota"))
        row = self.usage("a")[MODEL]
        self.assertEqual(row["prompt_tokens"] + row["completion_tokens"], used)
        other = self.new_key("b")
        self.assertEqual(self.ask(other, max_tokens=1)[0], 200)

    def test_the_context_of_a_key_is_a_limit(self):
        key = self.new_key("a", "--ctx", 20)
        status, text, _ = self.ask(key, max_tokens=400)
        self.assertEqual(status, 200)
        self.assertLessEqual(json.loads(text)["usage"]["total_tokens"], 20)
        status, text, _ = self.ask(key, messages=[{"role": "user", "content": "1 + 1 " * 30}])
        self.assertEqual((status, json.loads(text)["error"]["code"]),
                         (400, "context_length_exceeded"))

    def test_who_has_no_key_is_in_the_books_too(self):
        self.stop(signal.SIGKILL)
        self.start("--db", self.db)
        status, text, _ = self.ask("x")
        self.assertEqual(status, 200, text)
        rows = json.loads(self.ok("usage", "--json"))
        self.assertEqual([(row["key"], row["requests"]) for row in rows], [("local", 1)])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
