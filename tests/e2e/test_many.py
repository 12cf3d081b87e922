#!/usr/bin/env python3
"""Many users stream at once from the embedded model: no error, and everybody gets their own.

What each is answered beside all the others must be, to the letter, what they are answered
alone; nobody's stream or store has anything of somebody else's.

    test_many.py PATH_OF_TIEFSEE [USERS, 20]      with 200: docs/perf/assistant.md"""
import http.client
import json
import statistics
import sys
import threading
import time
import unittest

import seed
import served

USERS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
TOKENS = 64


def marker(i):
    return f"Kennwort{i * 7919 % 10007:05}x"


class User:
    def __init__(self, server, i, cookie):
        self.server, self.i, self.chat = server, i, f"chat-of-user-{i:05}"
        self.headers = {"X-Tiefsee": "1", "Cookie": cookie, "Content-Type": "application/json"}
        self.times, self.error = [], None

    def ask(self, method, path, body=None):
        status, answer, _ = self.server.ask(method, "/app/api/" + path, body, self.headers)
        assert status in (200, 201, 204), (status, answer)
        return answer

    def stream(self, chat, ready):
        """The events; ready() is called behind the first one."""
        c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=600)
        begun = time.monotonic()
        c.request("POST", f"/app/api/conversations/{chat}/answers", json.dumps(
            {"content": f"I am {marker(self.i)}. What is {self.i} + 1?", "seed": self.i,
             "max_tokens": TOKENS}), self.headers)
        r = c.getresponse()
        assert r.status == 200, (r.status, r.read())
        events = []
        for line in r:
            if not line.startswith(b"data: "):
                continue
            events.append(json.loads(line[6:]))
            if len(events) == 1:
                ready()
            if events[-1]["type"] in ("reasoning", "content"):
                self.times.append(time.monotonic() - begun)
        c.close()
        return events

    def live(self, barrier):
        try:
            self.ask("POST", "conversations", {"id": self.chat, "title": "of " + marker(self.i)})
            self.events = self.stream(self.chat, barrier.wait)
        except BaseException as e:  # said by the test
            self.error = e
            barrier.abort()


def said(events):
    return [(e["type"], e["text"]) for e in events if e["type"] in ("reasoning", "content")]


def text(events):
    joined = {"reasoning": "", "content": ""}
    for kind, part in said(events):
        joined[kind] += part
    return joined


class Many(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        first = served.Server("--accounts")
        first.stop()
        names = {f"user{i:05}": "member" for i in range(USERS)}
        cookies = seed.users(first.db, names)
        cls.server = served.Server("--accounts", "--db", first.db, "--queue", 2 * USERS, context=256)
        cls.users = [User(cls.server, i, cookies[name][1]) for i, name in enumerate(names)]

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def test_all_stream_at_once_and_each_has_their_own(self):
        barrier = threading.Barrier(USERS, timeout=600)
        threads = [threading.Thread(target=u.live, args=(barrier,)) for u in self.users]
        begun = time.monotonic()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        took = time.monotonic() - begun
        self.assertEqual([u.error for u in self.users if u.error], [])
        n_tokens = 0
        for u in self.users:
            done = u.events[-1]
            self.assertEqual((done["type"], done["is_saved"]), ("done", True), done)
            n_tokens += done["answer"]["usage"]["completion"]
            kept = json.dumps([u.events, u.ask("GET", "conversations"),
                               u.ask("GET", f"conversations/{u.chat}"),
                               u.ask("GET", "me/export")])
            self.assertIn(marker(u.i), kept)
            for other in self.users:
                if other is not u:
                    self.assertNotIn(marker(other.i), kept)
                    self.assertNotIn(other.chat, kept)
            neighbour = self.users[(u.i + 1) % USERS]
            if neighbour is not u:
                status, _, _ = self.server.ask(
                    "GET", f"/app/api/conversations/{neighbour.chat}", None, u.headers)
                self.assertEqual(status, 404)
        first = sorted(u.times[0] for u in self.users)
        gaps = sorted(b - a for u in self.users for a, b in zip(u.times, u.times[1:]))
        print(f"{USERS} users at once: {n_tokens} tokens in {took:.1f} s, "
              f"{n_tokens / took:.0f} tokens/s; first text median {statistics.median(first):.2f} s, "
              f"last {first[-1]:.2f} s; between texts median {1e3 * statistics.median(gaps):.0f} ms, "
              f"p99 {1e3 * gaps[len(gaps) * 99 // 100]:.0f} ms; no error", file=sys.stderr)

        for u in self.users:  # alone
            u.ask("POST", "conversations", {"id": u.chat + "-alone"})
            alone = u.stream(u.chat + "-alone", lambda: None)
            self.assertEqual(text(alone), text(u.events), u.i)


served.main()
