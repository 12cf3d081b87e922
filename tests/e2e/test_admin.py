#!/usr/bin/env python3
"""Keys and books over HTTP.

    test_admin.py PATH_OF_TIEFSEE"""
import json
import re
import time
import unittest

import served


class Admin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = served.Server("--require-key")
        made = cls.server.keys("add", "root", "--scopes", "admin,chat,metrics")
        cls.key = re.search(r"sk-ts-\w+", made).group()
        cls.server.reload()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def ask(self, method, path, body=None, key=None):
        status, answer, _ = self.server.ask(method, path, body,
                                            {"Authorization": "Bearer " + (key or self.key)})
        return status, answer

    def make(self, name, **more):
        status, made = self.ask("POST", "/admin/keys", {"name": name, **more})
        self.assertEqual(status, 201, made)
        return made

    def chat(self, key, n=1):
        return self.ask("POST", "/v1/chat/completions", {
            "model": served.NAME, "max_tokens": n, "messages": [{"role": "user", "content": "1"}]},
            key)

    def test_a_key_lives_from_its_making_to_its_end(self):
        made = self.make("team", limits={"tokens_per_day": 5000, "concurrent": 0},
                         expires="2099-12-31")
        self.assertEqual(made["limits"], {"concurrent": None, "tokens_per_day": 5000,
                                          "requests_per_minute": None, "context": None})
        self.assertEqual((made["scopes"], made["expires_at"]), ("chat", "2100-01-01T00:00:00Z"))
        key = made.pop("key")
        self.assertEqual(self.ask("GET", "/admin/keys/team"), (200, made))
        self.assertEqual(self.ask("GET", "/admin/keys/" + made["prefix"][6:]), (200, made))
        self.assertIn(made, self.ask("GET", "/admin/keys")[1]["keys"])
        self.assertEqual(json.loads(self.server.keys("show", "team", "--json")), made)
        self.assertEqual(self.chat(key)[0], 200)
        status, changed = self.ask("PATCH", "/admin/keys/team", {
            "limits": {"tokens_per_day": 1, "context": None}, "expires": None})
        self.assertEqual((status, changed["limits"]["tokens_per_day"], changed["expires_at"]),
                         (200, 1, None))
        self.assertEqual(self.chat(key)[0], 429)
        self.assertEqual(self.ask("PATCH", "/admin/keys/team", {"enabled": False})[1]["state"],
                         "disabled")
        self.assertEqual(self.chat(key)[0], 401)
        self.assertEqual(self.ask("DELETE", "/admin/keys/team"),
                         (200, {"name": "team", "deleted": True}))
        self.assertEqual(self.ask("GET", "/admin/keys/team")[0], 404)

    def test_the_books_say_who_used_what(self):
        key = self.make("reader")["key"]
        used = [self.chat(key, n)[1]["usage"] for n in (1, 3)]
        today = time.strftime("%Y-%m-%d", time.gmtime())
        _, a = self.ask("GET", "/admin/usage?by=day,key,model&key=reader&days=2")
        row, = a["usage"]
        self.assertEqual((row["key"], row["model"], row["requests"]), ("reader", served.NAME, 2))
        self.assertIn(row["day"], (today, time.strftime("%Y-%m-%d", time.gmtime())))
        self.assertEqual(row["prompt_tokens"], sum(u["prompt_tokens"] for u in used))
        self.assertEqual(row["completion_tokens"], sum(u["completion_tokens"] for u in used))
        self.assertEqual(self.ask("GET", "/admin/usage?key=reader&from=2099-01-01")[1],
                         {"usage": []})
        self.assertEqual(self.ask("GET", "/admin/usage?model=none")[1], {"usage": []})
        total, = self.ask("GET", "/admin/usage?by=total")[1]["usage"]
        self.assertGreaterEqual(total["requests"], 2)
        self.assertEqual(self.ask("GET", "/admin/usage?key=local")[1], {"usage": []})

    def test_only_admins_may(self):
        key = self.make("user")["key"]
        for method, path in (("GET", "/admin/keys"), ("POST", "/admin/keys"),
                             ("PATCH", "/admin/keys/user"), ("DELETE", "/admin/keys/user"),
                             ("GET", "/admin/usage"), ("GET", "/admin/none")):
            self.assertEqual(self.ask(method, path, {} if method != "GET" else None, key)[0], 403
                             if path != "/admin/none" else 404)
        self.assertEqual(self.server.ask("GET", "/admin/keys")[0], 401)
        self.assertEqual(self.ask("DELETE", "/admin/keys/root")[0], 400)
        self.assertEqual(self.ask("PATCH", "/admin/keys/root", {"enabled": False})[0], 400)
        open_server = served.Server()
        self.assertEqual(open_server.ask("GET", "/admin/keys")[0], 403)
        self.assertEqual(open_server.stop(), 0)

    def test_what_is_wrong_is_said(self):
        self.make("taken")
        for method, path, body, status, part in (
                ("POST", "/admin/keys", {}, 400, "name"),
                ("POST", "/admin/keys", {"name": ""}, 400, "empty"),
                ("POST", "/admin/keys", {"name": "taken"}, 400, "already"),
                ("POST", "/admin/keys", {"name": "x", "scopes": "all"}, 400, "scopes"),
                ("POST", "/admin/keys", {"name": "x", "scopes": []}, 400, "scopes"),
                ("POST", "/admin/keys", {"name": "x", "limits": {"tokens": 1}}, 400, "'tokens'"),
                ("POST", "/admin/keys", {"name": "x", "limits": {"context": -1}}, 400, "context"),
                ("POST", "/admin/keys", {"name": "x", "limits": 3}, 400, "limits"),
                ("POST", "/admin/keys", {"name": "x", "expires": "soon"}, 400, "expires"),
                ("POST", "/admin/keys", {"name": "x", "expires": "2001-01-01"}, 400, "expired"),
                ("POST", "/admin/keys", {"name": "x", "limit": {}}, 400, "'limit'"),
                ("POST", "/admin/keys", b"[]", 400, "object"),
                ("PATCH", "/admin/keys/taken", {"name": "y"}, 400, "'name'"),
                ("PATCH", "/admin/keys/taken", {"enabled": 1}, 400, "enabled"),
                ("PATCH", "/admin/keys/none", {}, 404, "none"),
                ("DELETE", "/admin/keys/none", None, 404, "none"),
                ("GET", "/admin/usage?by=hour", None, 400, "by"),
                ("GET", "/admin/usage?days=0", None, 400, "days"),
                ("GET", "/admin/usage?from=2026-02-30", None, 400, "from"),
                ("GET", "/admin/usage?key=none", None, 404, "none"),
                ("PUT", "/admin/keys", {}, 405, "")):
            got, answer = self.ask(method, path, body)
            self.assertEqual(got, status, (method, path, body, answer))
            self.assertIn(part, answer["error"]["message"])
        self.assertEqual(self.ask("GET", "/admin/keys/taken")[0], 200)


if __name__ == "__main__":
    served.main()
