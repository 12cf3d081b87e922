#!/usr/bin/env python3
"""The context cache from outside: conversations go on where they were, also after a restart.

    test_cache.py PATH_OF_TIEFSEE"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

TIEFSEE = os.path.abspath(sys.argv[1])
HOME = tempfile.mkdtemp(prefix="tiefsee-cache-")
LIMIT_S = 120
PAGE = 64
TEXT = " ".join(str((i * 7) % 1000) for i in range(90))  # more than a page


def environment():
    env = {"HOME": HOME, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    return env


class Server:
    def __init__(self, *arguments, before=(), env=None):
        self.log = tempfile.NamedTemporaryFile("wb", dir=HOME, delete=False)
        self.process = subprocess.Popen(
            [*before, TIEFSEE, "serve", "--port", "0", "--threads", "1", *map(str, arguments)],
            stdin=subprocess.DEVNULL, stderr=self.log, env=env or environment())
        end = time.monotonic() + LIMIT_S
        while not (port := re.search(r"127\.0\.0\.1:(\d+)/v1", self.text())):
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("no server:\n" + self.text())
            time.sleep(0.01)
        self.port = int(port.group(1))

    def text(self):
        return pathlib.Path(self.log.name).read_text()

    def request(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        c.request(method, path, json.dumps(body) if body else None,
                  {"Content-Type": "application/json"} if body else {})
        r = c.getresponse()
        data = r.read().decode()
        c.close()
        if r.status != 200:
            raise AssertionError(f"{r.status}: {data}")
        return data

    def metric(self, name):
        return float(re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.request("GET", "/metrics"),
                               re.M).group(1))

    def chat(self, messages, **more):
        """(message, prompt tokens, of those cached)"""
        answer = json.loads(self.request("POST", "/v1/chat/completions", {
            "model": "", "messages": messages, "seed": 3, "max_tokens": 60,
            "thinking": {"type": "disabled"}, **more}))
        usage = answer["usage"]
        assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] \
            == usage["prompt_tokens"]
        assert usage["prompt_tokens_details"]["cached_tokens"] == usage["prompt_cache_hit_tokens"]
        return (answer["choices"][0]["message"], usage["prompt_tokens"],
                usage["prompt_cache_hit_tokens"])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LIMIT_S)
        self.log.close()
        if code != 0 or "Sanitizer" in self.text():
            raise AssertionError(f"exit {code}:\n{self.text()}")
        return self.text()


def talk(server, **more):
    """Three turns; [(content, prompt tokens, cached)]."""
    messages, turns = [], []
    for question in (TEXT, "What is 17 + 25?", "What is 3 + 4?"):
        messages.append({"role": "user", "content": question})
        message, n_prompt, n_cached = server.chat(messages, **more)
        messages.append({"role": "assistant", "content": message["content"]})
        turns.append((message["content"], n_prompt, n_cached))
    return turns


class Folder(unittest.TestCase):
    def serve(self, *arguments, **more):
        server = Server(*arguments, **more)
        self.addCleanup(lambda: server.process.poll() is None and server.process.kill())
        return server

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=HOME)
        self.disk = ("--cache-dir", os.path.join(self.folder, "cache"), "--cache-size", 8,
                     "--cache-key", os.path.join(self.folder, "key"))


class Cache(Folder):
    def test_the_next_turn_computes_its_own_tokens_only(self):
        server = self.serve()
        turns = talk(server)
        self.assertEqual(turns[0][2], 0)
        for before, turn in zip(turns, turns[1:]):
            self.assertGreaterEqual(turn[2], before[1] - 1)  # all of the last prompt
            self.assertLess(turn[2], turn[1])
        self.assertGreater(server.metric("tiefsee_cached_tokens_total"), 2 * PAGE)
        server.stop()

    def test_thinking_that_the_template_drops_costs_no_more_than_itself(self):
        server = self.serve()
        turns = talk(server, thinking={"type": "enabled"})
        for before, turn in zip(turns, turns[1:]):
            # The last prompt ends with "<think>", which the next one has not there.
            self.assertGreaterEqual(turn[2], before[1] - 2)
        server.stop()

    def test_a_restart_forgets_less_than_a_page(self):
        server = self.serve()
        plain = talk(server)
        server.stop()
        server = self.serve(*self.disk)
        self.assertEqual(talk(server), plain)
        server.stop()
        server = self.serve(*self.disk)
        again = talk(server)
        self.assertEqual([t[0] for t in again], [t[0] for t in plain])
        self.assertEqual(again[0][2], (again[0][1] - 1) // PAGE * PAGE)
        self.assertGreater(server.metric("tiefsee_disk_tokens_total"), PAGE)
        self.assertGreater(server.metric("tiefsee_disk_reads_total"), 1)
        self.assertEqual(server.metric("tiefsee_disk_damaged_total"), 0)
        server.stop()

    def test_only_the_owner_can_read_what_is_kept(self):
        server = self.serve(*self.disk)
        talk(server)
        server.stop()
        for root, folders, files in os.walk(self.folder):
            for name in folders + files:
                mode = os.stat(os.path.join(root, name)).st_mode & 0o777
                self.assertEqual(mode & 0o077, 0, name)
        os.chmod(os.path.join(self.folder, "key"), 0o644)
        result = subprocess.run([TIEFSEE, "serve", "--port", "0", *map(str, self.disk)],
                                capture_output=True, text=True, env=environment(), timeout=LIMIT_S)
        self.assertEqual((result.returncode, result.stderr.count("\n")), (1, 1), result.stderr)
        self.assertIn("lets others read the key", result.stderr)

    def test_nothing_is_kept_unless_asked(self):
        server = self.serve()
        talk(server)
        server.stop()
        state = pathlib.Path(HOME, ".local/state/tiefsee")
        self.assertFalse(list(state.glob("**/*.kv")) + list(state.glob("**/cache*")))
        server = self.serve("--cache-size", 8)
        talk(server)
        server.stop()
        self.assertTrue(list(state.glob("cache/*.kv")))
        self.assertTrue((state / "cache.key").exists())

    def test_two_servers_do_not_share_a_folder(self):
        server = self.serve(*self.disk)
        result = subprocess.run([TIEFSEE, "serve", "--port", "0", *map(str, self.disk)],
                                capture_output=True, text=True, env=environment(), timeout=LIMIT_S)
        self.assertEqual(result.returncode, 1)
        self.assertIn("in use by another program", result.stderr)
        server.stop()

    def test_a_full_disk_is_one_warning(self):
        server = self.serve()
        plain = talk(server)
        server.stop()
        # A limit on the size of files does what a full disk does; without a home there are
        # no books, which would be full as well.
        env = {name: value for name, value in environment().items() if name != "HOME"}
        server = self.serve(*self.disk, env=env,
                            before=("sh", "-c", 'ulimit -f 100; exec "$0" "$@"'))
        for _ in range(2):
            self.assertEqual([t[0] for t in talk(server)], [t[0] for t in plain])
        end = time.monotonic() + LIMIT_S
        while server.metric("tiefsee_disk_stopped") != 1:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.assertEqual(server.stop().count("no longer written"), 1)


class Erasing(Folder):
    """What is erased in the assistant is erased here."""

    def app(self, server, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
        c.request(method, "/app/api/" + path, json.dumps(body) if body is not None else None,
                  {"Content-Type": "application/json", "X-Tiefsee": "1"})
        r = c.getresponse()
        data = r.read().decode()
        c.close()
        self.assertLess(r.status, 300, data)
        return json.loads(data) if data.startswith("{") else data

    def start(self, *more):
        return self.serve(*self.disk, "--db", os.path.join(self.folder, "server.db"), *more)

    def ask(self, server, chat, text):
        events = self.app(server, "POST", f"conversations/{chat}/answers",
                          {"content": text, "max_tokens": 100, "seed": 1})
        self.assertIn('"type":"done"', events)

    def bytes(self):
        return b"".join(p.read_bytes() for p in
                        sorted(pathlib.Path(self.folder, "cache").glob("*.kv")))

    def pages_come(self, server, n):
        end = time.monotonic() + LIMIT_S
        while server.metric("tiefsee_disk_pages") < n:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def share_left(self, before):
        now = self.bytes()
        places = [i for i in range(4096, len(before) - 64, 4096) if any(before[i:i + 64])]
        self.assertGreater(len(places), 20)
        return sum(before[i:i + 64] in now for i in places) / len(places)

    def test_a_chat_and_then_an_account(self):
        server = self.start()
        one = self.app(server, "POST", "conversations", {})["id"]
        self.ask(server, one, TEXT)
        self.pages_come(server, 2)
        before = self.bytes()
        self.assertEqual(self.share_left(before), 1)
        self.app(server, "DELETE", f"conversations/{one}")
        self.assertEqual(self.share_left(before), 0)

        two = self.app(server, "POST", "conversations", {})["id"]
        self.ask(server, two, "Why? " + TEXT)
        self.pages_come(server, 2)
        before = self.bytes()
        self.app(server, "POST", "me/erase", {"what": "account"})
        self.assertEqual(self.share_left(before), 0)
        self.assertEqual(server.metric("tiefsee_disk_pages"), 0)
        server.stop()  # nothing of it is written when the engine ends
        self.assertEqual(self.share_left(before), 0)

    def test_what_a_crash_left_is_done_at_the_next_start(self):
        server = self.start()
        chat = self.app(server, "POST", "conversations", {})["id"]
        self.ask(server, chat, TEXT)
        self.pages_come(server, 2)
        before = self.bytes()
        server.process.kill()
        server.process.wait(LIMIT_S)
        self.assertEqual(self.share_left(before), 1)
        with sqlite3.connect(os.path.join(self.folder, "server.db")) as db:
            n = db.execute("SELECT n FROM app_user").fetchone()[0]
            db.execute("INSERT INTO app_cache_due VALUES (?, ?)", (n, chat))
        db.close()
        # A run without the cache cannot do it, and leaves it to the next one that can.
        self.serve("--db", os.path.join(self.folder, "server.db")).stop()
        self.assertEqual(self.share_left(before), 1)
        self.start().stop()
        self.assertEqual(self.share_left(before), 0)
        with sqlite3.connect(os.path.join(self.folder, "server.db")) as db:
            self.assertEqual(db.execute("SELECT count(*) FROM app_cache_due").fetchone()[0], 0)
        db.close()

    def test_a_temporary_chat_is_never_on_the_disk(self):
        server = self.start()
        events = self.app(server, "POST", "answers",
                          {"messages": [{"role": "user", "content": TEXT}], "max_tokens": 100})
        self.assertIn('"type":"done"', events)
        server.stop()
        self.assertLess(len(self.bytes()), 4096)


if __name__ == "__main__":
    try:
        unittest.main(argv=sys.argv[:1])
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
