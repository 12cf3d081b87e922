#!/usr/bin/env python3
"""What the server has beside chat: tokens, its own description, limits that change.

    test_surface.py PATH_OF_TIEFSEE"""
import http.client
import json
import os
import unittest

import served

LIMITS = os.path.join(served.FOLDER, "limits.json")


def write_limits(text):
    with open(LIMITS, "w") as f:
        f.write(text)


class Surface(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        write_limits("{}")
        cls.server = served.Server("--limits", LIMITS)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def ask(self, path, body=None):
        return self.server.ask("POST" if body is not None else "GET", path, body)

    def refused(self, path, body, status, part):
        got, answer, _ = self.ask(path, body)
        self.assertEqual(got, status, answer)
        self.assertEqual(set(answer["error"]), {"message", "type", "param", "code"})
        self.assertIn(part, answer["error"]["message"])

    def test_text_becomes_tokens_and_text_again(self):
        for text in ("What is 17 + 25?", "ab\n\n c", "\u4f60\u597d, \U0001f60a", "", "<think>x"):
            _, a, _ = self.ask("/tokenize", {"content": text})
            self.assertEqual(a["count"], len(a["tokens"]))
            self.assertEqual(a["max_model_len"], 1024)
            status, b, _ = self.ask("/detokenize", {"tokens": a["tokens"], "model": served.NAME})
            self.assertEqual((status, b["content"], b["prompt"]), (200, text, text))

    def test_a_prompt_begins_as_the_model_wants_it(self):
        _, plain, _ = self.ask("/tokenize", {"content": "hi"})
        for body in ({"prompt": "hi"}, {"content": "hi", "add_special": True}):
            _, begun, _ = self.ask("/tokenize", body)
            self.assertEqual(begun["tokens"][1:], plain["tokens"])
        _, without, _ = self.ask("/tokenize", {"prompt": "hi", "add_special_tokens": False})
        self.assertEqual(without["tokens"], plain["tokens"])

    def test_markers_are_one_token_or_plain_text(self):
        _, one, _ = self.ask("/tokenize", {"content": "<think>"})
        _, text, _ = self.ask("/tokenize", {"content": "<think>", "parse_special": False})
        self.assertEqual(one["count"], 1)
        self.assertGreater(text["count"], 1)

    def test_pieces_have_their_bytes(self):
        text = "\u00fc\u4f60 x"
        _, a, _ = self.ask("/tokenize", {"content": text, "with_pieces": True})
        self.assertEqual(bytes(b for t in a["tokens"] for b in t["bytes"]), text.encode())

    def test_a_chat_is_counted_as_it_will_be_asked(self):
        body = {"model": served.NAME, "messages": [{"role": "user", "content": "2+3="}]}
        _, counted, _ = self.ask("/tokenize", body)
        _, asked, _ = self.ask("/v1/chat/completions", {**body, "max_tokens": 1})
        self.assertEqual(counted["count"], asked["usage"]["prompt_tokens"])

    def test_tokens_are_refused_by_name(self):
        self.refused("/tokenize", {}, 400, "content")
        self.refused("/tokenize", {"content": "a", "prompt": "a"}, 400, "content")
        self.refused("/tokenize", {"content": 3}, 400, "an integer")
        self.refused("/tokenize", {"content": "x", "model": "gpt-4"}, 404, "gpt-4")
        self.refused("/tokenize", b"", 400, "no body")
        self.refused("/detokenize", {"tokens": "x"}, 400, "array")
        self.refused("/detokenize", {"tokens": [1, "x"]}, 400, "entry 1")
        self.refused("/detokenize", {"tokens": [-1]}, 400, "entry 0")
        self.refused("/detokenize", {"tokens": [1 << 40]}, 400, "entry 0")

    def test_the_description_is_of_this_server(self):
        status, doc, headers = self.ask("/openapi.json")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        self.assertTrue(doc["openapi"].startswith("3.1"))
        for path, item in doc["paths"].items():
            for method in item:
                c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
                c.request("OPTIONS", path.replace("{", "").replace("}", ""))
                r = c.getresponse()
                r.read()
                c.close()
                self.assertIn(method.upper(), r.getheader("Allow"), path)

    def test_limits_change_without_a_restart(self):
        body = {"content": "x" * 5000}
        self.assertEqual(self.ask("/tokenize", body)[0], 200)
        write_limits('{"body_bytes": 4096}')
        self.server.reload()
        self.refused("/tokenize", body, 413, "4096")
        write_limits('{"body_bytes": "big"}')
        self.server.reload()
        self.assertIn("body_bytes is not an integer", self.server.read_log())
        self.refused("/tokenize", body, 413, "4096")
        write_limits("{}")
        self.server.reload()
        self.assertEqual(self.ask("/tokenize", body)[0], 200)

    def test_a_key_that_is_new_works_after_a_reload(self):
        server = served.Server("--require-key")
        self.assertEqual(server.ask("GET", "/v1/models")[0], 401)
        key = server.keys("add", "one").split("sk-ts-")[1].split()[0]
        server.reload()
        headers = {"Authorization": "Bearer sk-ts-" + key}
        self.assertEqual(server.ask("GET", "/v1/models", headers=headers)[0], 200)
        self.assertEqual(server.ask("GET", "/health")[1]["status"], "ok")
        self.assertEqual(server.ask("GET", "/openapi.json")[0], 200)
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    served.main()
