#!/usr/bin/env python3
"""Kill a server with -9 under load, many times, and see that nothing is lost or wrong.

    kill_server.py PATH_OF_TIEFSEE [--rounds 50] [--clients 8] [--ready SECONDS]

Each round clients ask as fast as they can until the server is killed.  Then: every answer
that was seen to its end is what a server without a cache says, bit for bit; the books hold
at least what was seen to its end and at most what was begun; pages that were on the disk are
found again; the next start is ready in time (--ready; else it is only printed)."""
import argparse
import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

LIMIT_S = 120
N_PROMPTS = 24


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("tiefsee")
    p.add_argument("--rounds", type=int, default=50)
    p.add_argument("--clients", type=int, default=8)
    p.add_argument("--ready", type=float, default=0)
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


class Place:
    def __init__(self, tiefsee):
        self.tiefsee = os.path.abspath(tiefsee)
        self.home = tempfile.mkdtemp(prefix="tiefsee-kill-")
        self.env = {"HOME": self.home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def keys(self, *arguments):
        return subprocess.run([self.tiefsee, "keys", *arguments], env=self.env, text=True,
                              check=True, capture_output=True, timeout=LIMIT_S).stdout

    def books(self):
        rows = json.loads(self.keys("usage", "--json"))
        return {name: sum(row[name] for row in rows)
                for name in ("requests", "prompt_tokens", "completion_tokens")}


class Server:
    def __init__(self, place, *arguments):
        self.log = os.path.join(place.home, "log")
        start = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [place.tiefsee, "serve", "--port", "0", "--require-key", "--threads", "1",
                 *arguments], stdin=subprocess.DEVNULL, stderr=log, env=place.env)
        while True:
            with open(self.log, errors="replace") as log:
                text = log.read()
            port = re.search(r"127\.0\.0\.1:(\d+)/v1", text)
            if port:
                break
            if self.process.poll() is not None or time.monotonic() > start + LIMIT_S:
                raise SystemExit("no server:\n" + text)
            time.sleep(0.005)
        self.ready_s = time.monotonic() - start
        self.port = int(port.group(1))

    def kill(self):
        self.process.kill()
        self.process.wait(LIMIT_S)


def question(i):
    """Long enough for pages; the first half of them begin alike."""
    words = " ".join(str((i * 7 + k) % 1000 if i >= N_PROMPTS // 2 or k > 60 else k)
                     for k in range(110))
    return {"model": "", "messages": [{"role": "user", "content": words + " + 1?"}],
            "seed": i, "temperature": 1, "max_tokens": 24, "thinking": {"type": "disabled"}}


def ask(port, key, body, streamed):
    """(text, usage) of an answer seen to its end; else None."""
    body = {**body, "stream": streamed}
    if streamed:
        body["stream_options"] = {"include_usage": True}
    try:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        c.request("POST", "/v1/chat/completions", json.dumps(body),
                  {"Authorization": "Bearer " + key, "Content-Type": "application/json"})
        r = c.getresponse()
        data = r.read().decode()
        c.close()
    except (OSError, http.client.HTTPException):
        return None
    if r.status != 200:
        raise AssertionError(f"{r.status}: {data}")
    if not streamed:
        answer = json.loads(data)
        return answer["choices"][0]["message"]["content"], answer["usage"]
    events = [e[6:] for e in data.split("\n\n") if e.startswith("data: ")]
    if events[-1:] != ["[DONE]"]:
        return None
    chunks = [json.loads(e) for e in events[:-1]]
    usage = [c["usage"] for c in chunks if c.get("usage")][-1]
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks
                   if c["choices"]), usage


class Load:
    """Clients that ask until the server is gone."""

    def __init__(self, server, key, expected, n_clients, rng):
        self.server, self.key, self.expected = server, key, expected
        self.lock = threading.Lock()
        self.begun, self.errors = 0, []
        self.finished = {"requests": 0, "prompt_tokens": 0, "completion_tokens": 0}
        self.n_cached = 0
        self.is_over = False
        self.threads = [threading.Thread(target=self.run, args=(rng.randrange(1 << 30),))
                        for _ in range(n_clients)]
        for t in self.threads:
            t.start()

    def run(self, seed):
        rng = random.Random(seed)
        try:
            while not self.is_over:
                i, streamed = rng.randrange(N_PROMPTS), rng.random() < 0.5
                with self.lock:
                    self.begun += 1
                answer = ask(self.server.port, self.key, question(i), streamed)
                if not answer:
                    if not self.is_over:
                        raise AssertionError("an answer was cut off before the server was killed")
                    return
                with self.lock:
                    self.finished["requests"] += 1
                    self.n_cached += answer[1]["prompt_tokens_details"]["cached_tokens"]
                    for name in ("prompt_tokens", "completion_tokens"):
                        self.finished[name] += answer[1][name]
                if answer[0] != self.expected[i]:
                    raise AssertionError(f"prompt {i}: {answer[0]!r}, not {self.expected[i]!r}")
        except Exception as e:  # anything at all is a finding
            self.errors.append(e)

    def await_finished(self, n):
        end = time.monotonic() + LIMIT_S
        while self.finished["requests"] < n and not self.errors:
            if time.monotonic() > end:
                raise SystemExit("no answers any more")
            time.sleep(0.002)

    def kill(self):
        self.is_over = True
        self.server.kill()
        for t in self.threads:
            t.join(LIMIT_S)
        if self.errors:
            raise self.errors[0]


def main():
    o = parse()
    rng = random.Random(o.seed)
    place = Place(o.tiefsee)
    key = place.keys("add", "load").strip()
    server = Server(place)
    expected = [ask(server.port, key, question(i), False)[0] for i in range(N_PROMPTS)]
    server.kill()
    seen, begun, slowest, total_cached = place.books(), N_PROMPTS, 0, 0
    if seen["requests"] != N_PROMPTS:
        raise SystemExit(f"{N_PROMPTS} requests, {seen['requests']} in the books")
    disk = ("--cache-dir", os.path.join(place.home, "cache"), "--cache-size", "16")
    for number in range(o.rounds):
        server = Server(place, *disk)
        slowest = max(slowest, server.ready_s)
        load = Load(server, key, expected, o.clients, rng)
        load.await_finished(rng.randrange(1, 30))
        time.sleep(rng.random() * 0.05)  # not always right behind an answer
        load.kill()
        begun += load.begun
        total_cached += load.n_cached
        for name, n in load.finished.items():
            seen[name] += n
        books = place.books()
        if any(books[name] < n for name, n in seen.items()) or books["requests"] > begun:
            raise SystemExit(f"round {number}: seen {seen}, begun {begun}, in the books {books}")
        seen = books  # more than seen: ended, but the client did not hear of it
    server = Server(place, *disk)
    again = [ask(server.port, key, question(i), False) for i in range(N_PROMPTS)]
    server.kill()
    n_hits = sum(1 for a in again if a[1]["prompt_tokens_details"]["cached_tokens"] >= 64)
    if [a[0] for a in again] != expected or n_hits < N_PROMPTS // 2:
        raise SystemExit(f"after the last start: {n_hits} of {N_PROMPTS} prompts are known")
    shutil.rmtree(place.home, ignore_errors=True)
    print(f"killed {o.rounds} times: {begun} requests begun, {seen['requests']} in the books, "
          f"{total_cached} tokens from the cache, {n_hits} of {N_PROMPTS} prompts known at the "
          f"end; slowest start {slowest:.2f} s")
    if o.ready and slowest > o.ready:
        raise SystemExit(f"a start took {slowest:.2f} s, {o.ready} s are allowed")


main()
