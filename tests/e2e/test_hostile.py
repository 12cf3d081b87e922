#!/usr/bin/env python3
"""Every route that takes a body gets bodies that are no JSON, or JSON of wrong types: each
answer is a 4xx in the route's own envelope (or a 200, where a wrong type is none), none is
a 5xx, none hangs, and the server still answers at the end.

    test_hostile.py PATH_OF_TIEFSEE"""
import http.client
import json
import re
import threading
import unittest

import served

DEEP = 100000
TALK = {"messages": [{"role": "user", "content": "1"}]}
BRIEF = {"model": served.NAME, "max_tokens": 1, "seed": 1}
# A good body of each route that runs or counts something; others get {"model": ...}.
GOOD = {
    "/v1/chat/completions": {**BRIEF, **TALK, "stop": ["x"], "tools": [], "temperature": 1},
    "/chat/completions": {**BRIEF, **TALK, "thinking": {"type": "disabled"}},
    "/beta/chat/completions": {**BRIEF, **TALK, "logprobs": True, "top_logprobs": 1},
    "/v1/completions": {**BRIEF, "prompt": "1", "stop": "x", "logit_bias": {"1": 1}},
    "/beta/completions": {**BRIEF, "prompt": "1"},
    "/v1/responses": {"model": served.NAME, "input": "1", "max_output_tokens": 1,
                      "text": {"format": {"type": "text"}}, "reasoning": {"effort": "none"},
                      "include": [], "instructions": "x", "tool_choice": "auto", "metadata": {}},
    "/responses": {"model": served.NAME, "input": [{"role": "user", "content": "1"}],
                   "max_output_tokens": 1},
    "/v1/responses/input_tokens": {"model": served.NAME, "input": "1"},
    "/v1/messages": {**BRIEF, **TALK, "system": "x", "stop_sequences": [], "metadata": {},
                     "thinking": {"type": "disabled"}, "output_config": {}, "tool_choice": None},
    "/v1/messages/count_tokens": {"model": served.NAME, **TALK, "tools": []},
    "/anthropic/v1/messages": {**BRIEF, **TALK, "system": [{"type": "text", "text": "x"}]},
    "/anthropic/v1/messages/count_tokens": {"model": served.NAME, **TALK},
    "/api/chat": {"model": served.NAME, **TALK, "options": {"num_predict": 1}, "format": "",
                  "think": False, "keep_alive": 1, "tools": [], "logprobs": False},
    "/api/generate": {"model": served.NAME, "prompt": "1", "system": "x", "stream": False,
                      "options": {"num_predict": 1, "stop": ["x"]}},
    "/tokenize": {"content": "x", "add_special": True, "with_pieces": True},
    "/detokenize": {"tokens": [1]},
    "/admin/keys": {"name": "x", "limits": {"context": 1}, "expires": "1d", "scopes": "chat"},
}
WRONG = [3, -1, 0.5, 1e308, 2 ** 62, "", "x", "\x7f", True, False, [], [[]], [None], [{}], [3],
         ["x"], {}, {"a": 1}, {"type": 3}, {"type": "x"}, [{"type": "x"}], [{"role": "user"}]]


def no_json():
    """After the n_ cases of JSONTestSuite: texts that no parser may take for an object."""
    yield from (text.encode() for text in (
        "", " ", "\n", "{", "}", "[", "]", "[]", "null", "true", "0", '"x"', "nul", "tru", "{}}",
        "{}{}", "{}x", "{},", "[{}]", '{"a"}', '{"a":}', '{"a" 1}', '{"a":1,}', '{,"a":1}',
        '{"a":1,,"b":2}', "{'a':1}", "{a:1}", '{1:1}', '{"a":1 "b":2}', '{"a":"b', '{"a":b}',
        '{"a":NaN}', '{"a":Infinity}', '{"a":-Infinity}', '{"a":+1}', '{"a":01}', '{"a":-01}',
        '{"a":1.}', '{"a":.1}', '{"a":1e}', '{"a":1e+}', '{"a":0x1}', '{"a":1_0}', '{"a":--1}',
        '{"a":-}', '{"a":1e999}', '{"a":-1e999}', '{"a":123123e100000}', '{"a":"\\x"}',
        '{"a":"\\u12"}', '{"a":"\\ud800"}', '{"a":"\\udc00"}', '{"a":"\\ud800\\u0041"}',
        '{"a":"\\u0000"}', '{"\\u0000":1}', '{"a":"\n"}', '{"a":"\t"}', '{"a":"\x01"}',
        '{"a":"\\"}', '{"a":"\\', '{"a":1//\n}', '{"a":1/**/}', '#{"a":1}', '\ufeff{"a":1}',
        '{"a":1}\ufeff', '{"a":1}\x00', '\x00{"a":1}', '{"a":1,"a":2}', '{"a":{"b":1,"b":2}}',
        '{"a":[1,]}', '{"a":[,1]}', '{"a":[1 2]}', '{"a":[1', '{"a":{"b":1}', '{"a":1]',
        '{"a":99999999999999999999999}', "<a/>", "a=1&b=2", "--x\r\nContent-Disposition: y\r\n"))
    for bad in (b"\xff", b"\xc0\xaf", b"\xe2\x82", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80"):
        yield b'{"a":"' + bad + b'"}'
        yield b'{"' + bad + b'":1}'
        yield bad + b"{}"
    yield '{"a":1}'.encode("utf-16")
    yield '{"a":1}'.encode("utf-32")
    yield b"[" * DEEP
    yield b"[" * DEEP + b"]" * DEEP
    yield b'{"a":' * DEEP
    yield b'{"a":' * 40 + b"1" + b"}" * 40
    yield b'{"a":' + b"[" * 40 + b"]" * 40 + b"}"
    yield b'{"a":[' + b"1," * 600000 + b"1]}"


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = served.Server("--require-key")
        made = cls.server.keys("add", "root", "--scopes", "admin,chat,metrics")
        cls.headers = {"Authorization": "Bearer " + re.search(r"sk-ts-\w+", made).group(),
                       "Content-Type": "application/json"}
        cls.server.reload()
        cls.connection = None
        cls.routes = [(method.upper(), path.replace("{key}", "root"))
                      for path, item in cls.server.ask("GET", "/openapi.json")[1]["paths"].items()
                      for method in item if method != "get"]
        assert len(cls.routes) >= 25 and {p for _, p in cls.routes} >= set(GOOD)

    @classmethod
    def tearDownClass(cls):
        status, health, _ = cls.server.ask("GET", "/health?deep=1")
        assert (status, health["status"]) == (200, "ok"), health
        assert cls.server.stop() == 0

    def send(self, method, path, body):
        """(status, text), on a connection that is used again if the server lets it be."""
        for attempt in (1, 2):
            c = type(self).connection or http.client.HTTPConnection(
                "127.0.0.1", self.server.port, timeout=served.LIMIT_S)
            type(self).connection = c
            try:
                c.request(method, path, body, self.headers)
                r = c.getresponse()
                text = r.read()
                if r.will_close:
                    c.close()
                    type(self).connection = None
                return r.status, text
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                c.close()
                type(self).connection = None
                if attempt == 2:
                    raise

    def test_checks_of_health_without_a_key_are_few_at_once(self):
        found = []

        def ask(k):
            for _ in range(10):
                c, r = self.server.send("GET", "/health?deep=1")
                if k % 4:
                    r.read()
                c.close()
                found.append(r.status)

        threads = [threading.Thread(target=ask, args=(k,)) for k in range(32)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(found), 320)
        self.assertIn(200, found)
        self.assertLessEqual(set(found), {200, 429})

    def check_envelope(self, path, status, text, body):
        where = (path, body[:200], status, text[:300])
        try:
            answer = json.loads(text)
        except ValueError:
            self.fail(f"no JSON: {where}")
        if path.startswith("/api/"):
            self.assertEqual(set(answer), {"error"}, where)
            self.assertTrue(answer["error"], where)
        elif path.startswith(("/v1/messages", "/anthropic/")):
            self.assertEqual(set(answer), {"type", "error", "request_id"}, where)
            self.assertTrue(answer["error"]["message"], where)
        else:
            self.assertEqual(set(answer["error"]), {"message", "type", "param", "code"}, where)
            self.assertTrue(answer["error"]["message"], where)

    def test_what_is_no_json_is_refused(self):
        for method, path in self.routes:
            for body in no_json():
                if method == "DELETE" and path.startswith("/admin/"):
                    continue  # it reads no body
                status, text = self.send(method, path, body)
                self.assertTrue(400 <= status < 500, (path, body[:200], status, text[:300]))
                self.check_envelope(path, status, text, body)

    def test_what_has_a_wrong_type_is_refused_or_ignored(self):
        n = 0
        for method, path in self.routes:
            if method != "POST":
                continue
            good = GOOD.get(path, {"model": served.NAME})
            for field in {**good, "model": 1, "stream": 1, "tools": 1, "tool_choice": 1}:
                for value in WRONG:
                    if path == "/admin/keys" and field == "name" and isinstance(value, str):
                        continue  # it would be made
                    body = json.dumps({**good, field: value}).encode()
                    status, text = self.send(method, path, body)
                    self.assertTrue(status in (200, 201) or 400 <= status < 500,
                                    (path, body, status, text[:300]))
                    n += 1
                    if status >= 400:
                        self.check_envelope(path, status, text, body)
        self.assertGreater(n, 2000)

    def test_trees_of_wrong_types_are_refused_or_ignored(self):
        for path, name, make in (
                ("/v1/chat/completions", "messages", lambda v: [{"role": "user", "content": v}]),
                ("/v1/chat/completions", "messages", lambda v: [
                    {"role": "assistant", "content": "x", "tool_calls": v},
                    {"role": "user", "content": "x"}]),
                ("/v1/chat/completions", "tools", lambda v: [{"type": "function", "function": {
                    "name": "f", "parameters": v}}]),
                ("/v1/messages", "messages", lambda v: [{"role": "user", "content": v}]),
                ("/v1/messages", "messages", lambda v: [{"role": "assistant", "content": [
                    {"type": "tool_use", "id": "x", "name": "f", "input": v}]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x",
                                                  "content": v}]}]),
                ("/v1/messages", "tools", lambda v: [{"name": "f", "input_schema": v}]),
                ("/v1/messages", "output_config", lambda v: {"format": {
                    "type": "json_schema", "schema": v}}),
                ("/api/chat", "messages", lambda v: [{"role": "user", "content": v}]),
                ("/api/chat", "options", lambda v: {"temperature": v, "num_predict": 1}),
                ("/api/chat", "format", lambda v: {"type": v}),
                ("/v1/responses", "input", lambda v: [{"role": "user", "content": v}]),
                ("/v1/responses", "input", lambda v: [v]),
                ("/v1/responses", "input", lambda v: [{"type": "function_call", "call_id": "x",
                                                       "name": "f", "arguments": v},
                                                      {"type": "function_call_output",
                                                       "call_id": "x", "output": v}]),
                ("/v1/responses", "text", lambda v: {"format": v}),
                ("/admin/keys", "limits", lambda v: {"context": v, "concurrent": v})):
            for value in WRONG:
                body = json.dumps({**GOOD[path], name: make(value)}).encode()
                status, text = self.send("POST", path, body)
                self.assertTrue(status in (200, 201) or 400 <= status < 500,
                                (path, body, status, text[:300]))
                if status >= 400:
                    self.check_envelope(path, status, text, body)


if __name__ == "__main__":
    served.main()
