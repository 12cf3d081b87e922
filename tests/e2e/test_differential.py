#!/usr/bin/env python3
"""Two worlds that differ in Anna alone: in one she has said, kept and computed things, in the
other nothing.  Bert does the same in both, on every route there is, with her ids where a
route takes one: what he gets must be the same.  A route that is in no table here fails.

    test_differential.py PATH_OF_TIEFSEE"""
import json
import os
import re
import unittest

import seed
import served
from ws import TEXT, Ws

MARK = "Annasgeheimnis"
ROUTES = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../../src/server/app/app_routes.c")
# What says when, how fast, and who made it.  Everything else is compared.
PASSING = re.compile(r"(timings|uptime_s|packets|created(_at)?|updated|time|exported|last_used|resets|"
                     r"requestId|modified_at|expires_at|.*_duration|.*_ms|tokens_per_second)")
MADE_UP = re.compile(r"^(chatcmpl-|cmpl-|msg_|resp_|rs_|fc_|call_|req_|toolu_)?[A-Za-z0-9_-]{16,}$")
OWN = {"conversations": "chat-of-{}", "presets": "preset-of-{}", "sessions": "session-of-{}",
       "messages": "message-of-{}", "answers": "answer-of-{}", "users": "nobody-knows",
       "keys": "sk-ts-00000000"}
TURN = [{"role": "user", "content": MARK + " " + "What is 2 + 3? " * 40}]


def app_routes():
    with open(ROUTES) as f:
        found = re.findall(r'ROUTE\("(\w+)", "([^"]+)",\s*\w+,\s*(\w+)\)', f.read())
    assert len(found) > 45, found
    return found


# What each route of /openapi.json is asked with; None: without a body.
PROGRAMS = {
    ("GET", "/health"): None, ("GET", "/metrics"): None, ("GET", "/openapi.json"): None,
    ("POST", "/tokenize"): {"content": "abc"},
    ("POST", "/detokenize"): {"tokens": [1, 2]},
    ("GET", "/v1/models"): None, ("GET", "/models"): None, ("GET", "/anthropic/v1/models"): None,
    ("GET", "/v1/models/{model}"): None, ("GET", "/models/{model}"): None,
    ("GET", "/anthropic/v1/models/{model}"): None,
    ("GET", "/user/balance"): None, ("GET", "/api/tags"): None, ("GET", "/api/ps"): None,
    ("GET", "/api/version"): None, ("POST", "/api/show"): {"model": served.NAME},
    ("POST", "/api/pull"): {"model": served.NAME}, ("POST", "/api/embed"): {"model": served.NAME},
    ("POST", "/api/embeddings"): {"model": served.NAME},
    ("POST", "/api/push"): {"model": served.NAME}, ("POST", "/api/create"): {"model": "x"},
    ("POST", "/api/copy"): {"source": served.NAME, "destination": "x"},
    ("DELETE", "/api/delete"): {"model": "x"},
    ("POST", "/v1/messages/count_tokens"): {"model": served.NAME, "messages": TURN},
    ("POST", "/anthropic/v1/messages/count_tokens"): {"model": served.NAME, "messages": TURN},
    ("POST", "/v1/responses/input_tokens"): {"model": served.NAME, "input": TURN},
    ("POST", "/v1/responses/compact"): {"model": served.NAME, "input": TURN, "temperature": 0},
    ("GET", "/v1/responses"): None,  # without an upgrade; World.say has one
    ("GET", "/admin/keys"): None, ("POST", "/admin/keys"): {"name": "x"},
    ("GET", "/admin/keys/{key}"): None, ("PATCH", "/admin/keys/{key}"): {"enabled": False},
    ("DELETE", "/admin/keys/{key}"): None, ("GET", "/admin/usage"): None,
}
for way in ("/v1/chat/completions", "/chat/completions", "/beta/chat/completions", "/api/chat"):
    PROGRAMS["POST", way] = {"model": served.NAME, "messages": TURN, "max_tokens": 12, "seed": 1,
                             "stream": False, "options": {"num_predict": 12, "seed": 1}}
for way in ("/v1/completions", "/beta/completions", "/api/generate"):
    PROGRAMS["POST", way] = {"model": served.NAME, "prompt": TURN[0]["content"], "max_tokens": 12,
                             "seed": 1, "stream": False,
                             "options": {"num_predict": 12, "seed": 1}}
for way in ("/v1/messages", "/anthropic/v1/messages"):
    PROGRAMS["POST", way] = {"model": served.NAME, "messages": TURN, "max_tokens": 12,
                             "temperature": 0}
for way in ("/v1/responses", "/responses"):
    PROGRAMS["POST", way] = {"model": served.NAME, "input": TURN, "max_output_tokens": 12, "temperature": 0,
                             "previous_response_id": None}


def plain(value, key=""):
    """What may differ between two runs of the same, taken out."""
    if PASSING.fullmatch(key):
        return "..."
    if isinstance(value, dict):
        return {k: plain(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, str) and MADE_UP.match(value) and "-of-" not in value:
        return "ID"
    return value


def body_of(text):
    lines = [line[6:] if line.startswith("data: ") else line for line in text.splitlines()]
    try:
        return plain(json.loads(text))
    except ValueError:
        found = []
        for line in lines:
            try:
                found.append(plain(json.loads(line)))
            except ValueError:
                if line and not line.startswith(":"):
                    found.append(line)
    # How many pieces a text came in is a matter of time.
    joined, kinds = {}, []
    for e in found:
        if isinstance(e, dict) and e.get("type") in ("content", "reasoning"):
            joined[e["type"]] = joined.get(e["type"], "") + e["text"]
        else:
            kinds.append(e)
    return [kinds, joined]


class World:
    def __init__(self, db, users, keys):
        self.server = served.Server("--accounts", "--db", db)
        self.users, self.keys, self.heard = users, keys, []
        self.id_of_anna = None  # of her last response, which her open socket goes on from

    def ask(self, who, method, path, body=None, note=True):
        headers = {"X-Tiefsee": "1"}
        if path.startswith("/app/"):
            headers["Cookie"] = self.users[who][1]
        else:
            headers["Authorization"] = "Bearer " + self.keys[who]
        c, r = self.server.send(method, path, body, headers)
        text = r.read().decode()
        c.close()
        if note:
            self.heard.append((method, path, r.status, body_of(text)))
        assert who == "anna" or path == "/openapi.json" or MARK not in text.replace(
            json.dumps(TURN[0]["content"])[1:-1], ""), (method, path, text)
        return r.status, text

    def socket(self, who):
        ws = Ws(self.server.port, "/v1/responses", timeout=served.LIMIT_S,
                Authorization="Bearer " + self.keys[who])
        assert ws.status == 101, ws.status
        return ws

    def say(self, who, ws, note=True, **more):
        """One answer over a WebSocket: its last event."""
        ws.send(TEXT, json.dumps({"type": "response.create", "model": served.NAME,
                                  "temperature": 0, "max_output_tokens": 12, **more}))
        while True:
            text = ws.text()
            assert who == "anna" or MARK not in text.replace(
                json.dumps(TURN[0]["content"])[1:-1], ""), text
            e = json.loads(text)
            if e["type"] in ("error", "response.completed", "response.incomplete",
                             "response.failed"):
                break
        if note:
            self.heard.append(("WebSocket", e["type"], e.get("status", 200), plain(e)))
        return e

    def app(self, who, method, path, body=None, **more):
        return self.ask(who, method, "/app/api/" + path, body, **more)

    def fill(self, who, word):
        """Something in every place that keeps something."""
        def good(method, path, body=None):
            status, text = self.app(who, method, path, body, note=False)
            assert status in (200, 201, 204), (method, path, status, text)

        good("POST", "conversations", {"id": "chat-of-" + who, "title": word, "folder": word,
                                       "system": word})
        good("POST", f"conversations/chat-of-{who}/answers",
             {"content": word + TURN[0]["content"][len(MARK):], "max_tokens": 8, "seed": 1,
              "user_id": "message-of-" + who, "answer_id": "answer-of-" + who,
              "files": [{"name": word, "text": word}]})
        good("PUT", "me/settings", {"x": word})
        good("PUT", "presets/preset-of-" + who, {"name": word})

    def bert_does(self):
        """Every route with Anna's ids, then with his own."""
        self.fill("bert", "Bert")
        body = {"content": "x", "parent": "message-of-anna", "title": "taken", "action": "stop",
                "messages": [{"role": "user", "content": MARK}], "max_tokens": 4, "seed": 1,
                "files": [{"of": "message-of-anna", "index": 0}], "name": "x",
                "what": "range", "from": 1, "to": 2, "conversations": [], "role": "admin",
                "password": "x" * 9, "scopes": ["admin"]}
        for who in ("anna", "bert"):
            for method, path, _ in sorted(app_routes(), key=lambda r: r[0] == "DELETE"):
                parts = path.split("/")
                for i, part in enumerate(parts):
                    if part.startswith(":"):
                        parts[i] = OWN[parts[i - 1]].format(who)
                path = "/".join(parts)
                if path in ("login", "setup", "logout", "me/sessions/session-of-bert") or (
                        path == "status"):  # counts packets, sockets, time
                    continue
                sent = None if method == "GET" else {"x": 1} if path == "me/settings" else {
                    k: v for k, v in body.items() if path != "me" or k == "name"}
                self.app("bert", method, path, sent)
        for q in (MARK, MARK[:5], "Bert"):
            self.app("bert", "GET", "conversations?q=" + q)
        for (method, path), sent in PROGRAMS.items():
            path = path.replace("{model}", served.NAME).replace("{key}", "key-of-anna")
            self.ask("bert", method, path, sent)
        with self.socket("bert") as ws:
            self.say("bert", ws, input=TURN)
            last = self.say("bert", ws, input=TURN[0]["content"])["response"]["id"]
            self.say("bert", ws, input="And 3 + 4?", previous_response_id=last)
            for input in ("What did I say?", []):
                e = self.say("bert", ws, input=input, previous_response_id=self.id_of_anna)
                assert e["error"]["code"] == "previous_response_not_found", e
        for path in ("me", "me/usage", "me/export", "me/audit", "conversations", "folders"):
            self.app("bert", "GET", path)


class Differential(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        first = served.Server("--accounts")
        first.stop()
        users = seed.users(first.db, {"root": "admin", "anna": "member", "bert": "member"})
        keys = {}
        for who in ("anna", "bert"):
            keys[who] = first.keys("add", "key-of-" + who).split()[0]
        seed.copy(first.db, first.db + "-2")
        cls.with_anna, cls.without = (World(db, users, keys) for db in (first.db, first.db + "-2"))

    @classmethod
    def tearDownClass(cls):
        assert cls.with_anna.server.stop() == 0
        assert cls.without.server.stop() == 0

    def test_every_route_of_the_openapi_document_is_tried(self):
        paths = json.loads(self.without.ask("bert", "GET", "/openapi.json", note=False)[1])["paths"]
        self.assertEqual({(m.upper(), p) for p, ways in paths.items() for m in ways},
                         set(PROGRAMS))

    def test_what_bert_gets_does_not_depend_on_anna(self):
        a, b = self.with_anna, self.without
        a.fill("anna", MARK)
        for (method, path), sent in PROGRAMS.items():
            if isinstance(sent, dict) and ("messages" in sent or "prompt" in sent or "input" in sent):
                status, text = a.ask("anna", method, path, sent, note=False)
                self.assertEqual(status, 200, (path, text))
        annas = a.socket("anna")
        self.addCleanup(annas.__exit__)
        a.id_of_anna = a.say("anna", annas, note=False, input=TURN)["response"]["id"]
        b.id_of_anna = a.id_of_anna
        before = {p: a.app("anna", "GET", p, note=False) for p in ("me/export", "me/sessions")}
        a.heard.clear()
        a.bert_does()
        b.bert_does()
        self.assertGreater(len(a.heard), 130)
        for x, y in zip(a.heard, b.heard, strict=True):
            self.assertEqual(x, y)
        self.assertLess(max(h[2] for h in a.heard), 500,
                        [h for h in a.heard if h[2] >= 500])
        # The cache works for Bert himself, so a hit of Anna's would have been seen.
        self.assertRegex(json.dumps(a.heard), '"prompt_cache_hit_tokens": [1-9]')
        # And Anna has what she had.
        for path, (status, text) in before.items():
            now = json.loads(a.app("anna", "GET", path, note=False)[1])
            was = json.loads(text)
            for part in ("user", "settings", "presets", "conversations", "usage"):
                self.assertEqual(was.get(part), now.get(part), part)
            if "sessions" in was:
                self.assertEqual([s["id"] for s in was["sessions"]],
                                 [s["id"] for s in now["sessions"]])

        e = a.say("anna", annas, note=False, input="Go on.", previous_response_id=a.id_of_anna)
        self.assertIn(e["type"], ("response.completed", "response.incomplete"), e)


served.main()
