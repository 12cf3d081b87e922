#!/usr/bin/env python3
"""Accounts of the assistant: the first admin, roles, and that no route gives one user
what is another's.  Slow for its passwords: each is hashed as long as a real one.

    test_accounts.py PATH_OF_TIEFSEE"""
import json
import os
import re
import socket
import threading
import unittest

import served

OURS = {"X-Tiefsee": "1"}
MARK = "Annasgeheimnis"
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../../src/server/app/app_routes.c")


def all_routes():
    """(method, path, access) of every route, from the table itself."""
    with open(SOURCE) as f:
        found = re.findall(r'ROUTE\("(\w+)", "([^"]+)",\s*\w+,\s*(\w+)\)', f.read())
    assert len(found) > 40, found
    return found


class Client:
    def __init__(self, server):
        self.server, self.cookie, self.device = server, None, None

    def ask(self, method, path, body=None):
        """(status, text, headers)"""
        cookies = "; ".join(c for c in (self.cookie, self.device) if c)
        headers = {**OURS, **({"Cookie": cookies} if cookies else {})}
        c, r = self.server.send(method, "/app/api/" + path, body, headers)
        text = r.read().decode()
        c.close()
        return r.status, text, r.headers

    def good(self, method, path, body=None):
        status, text, headers = self.ask(method, path, body)
        assert status in (200, 201, 202, 204), (method, path, status, text)
        self.keep(headers)
        return json.loads(text) if text and text[0] in "{[" else text

    def login(self, name, password):
        for _ in range(200):  # one password is hashed at a time
            status, text, headers = self.ask("POST", "login", {"name": name, "password": password})
            if status != 429:
                break
        if status == 200:
            self.keep(headers)
        return status

    def keep(self, headers):
        for cookie in headers.get_all("Set-Cookie") or []:
            cookie = cookie.split(";")[0]
            if cookie.startswith("tiefsee_device"):
                self.device = cookie
            else:
                self.cookie = cookie


class Accounts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = served.Server("--accounts")
        code = cls.server.wait_for(r"15 minutes: (\S+)").group(1)
        cls.admin, cls.anna, cls.bert, cls.reader = (Client(cls.server) for _ in range(4))
        wrong = Client(cls.server).ask("POST", "setup", {"code": "aaaa-bbbb-cccc", "name": "root",
                                                         "password": "long enough"})
        assert wrong[0] == 401, wrong
        first = cls.admin.good("POST", "setup",
                               {"code": code, "name": "root", "password": "long enough"})
        assert first["user"]["role"] == "admin"
        again = Client(cls.server).ask("POST", "setup", {"code": code, "name": "other",
                                                         "password": "long enough"})
        assert again[0] == 409, again
        cls.ids = {}
        for name, role in (("anna", "member"), ("bert", "member"), ("rita", "reader")):
            user = cls.admin.good("POST", "admin/users", {"name": name, "role": role,
                                                          "password": "password of " + name})
            cls.ids[name] = user["id"]
        assert cls.anna.login("anna", "password of anna") == 200
        assert cls.bert.login("Bert", "password of bert") == 200
        assert cls.reader.login("rita", "password of rita") == 200
        cls.fill(cls.anna)

    @classmethod
    def fill(cls, anna):
        cls.chat = anna.good("POST", "conversations", {"title": MARK, "folder": MARK,
                                                       "system": MARK})["id"]
        anna.good("POST", f"conversations/{cls.chat}/answers",
                  {"content": MARK, "max_tokens": 4, "seed": 1, "user_id": "message-of-anna",
                   "answer_id": "answer-of-anna",
                   "files": [{"name": MARK, "text": MARK}]})
        anna.good("PUT", "me/settings", {"x": MARK})
        anna.good("PUT", "presets/preset-of-anna", {"name": MARK})
        cls.session = anna.good("GET", "me/sessions")["sessions"][0]["id"]

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def paths(self):
        """Every route, with Anna's ids in it."""
        for method, path, access in all_routes():
            own = {"conversations": self.chat, "presets": "preset-of-anna",
                   "sessions": self.session, "users": self.ids["anna"], "answers": "answer-of-anna",
                   "messages": "message-of-anna", "keys": "sk-ts-00000000"}
            parts = path.split("/")
            for i, part in enumerate(parts):
                if part.startswith(":"):
                    parts[i] = own[parts[i - 1]]
            yield method, "/".join(parts), access

    def test_without_a_session_only_the_open_routes_answer(self):
        nobody = Client(self.server)
        forged = Client(self.server)
        forged.cookie = "tiefsee_session=" + "A" * 43
        for method, path, access in self.paths():
            for client in (nobody, forged):
                status, text, _ = client.ask(method, path, {})
                self.assertNotIn(MARK, text, path)
                if access == "open_access":
                    self.assertNotEqual(status, 404, path)
                else:
                    self.assertEqual(status, 401, (method, path, text))

    def test_no_route_gives_one_user_what_is_anothers(self):
        before = self.anna.good("GET", "me/export")
        body = {"content": "x", "parent": "message-of-anna", "title": "taken", "action": "stop",
                "messages": [{"role": "user", "content": "x"}], "max_tokens": 1,
                "files": [{"of": "message-of-anna", "index": 0}], "what": "all",
                "from": 0, "to": 1 << 52, "name": "x", "conversations": []}
        for method, path, access in self.paths():
            if path in ("logout", "login", "setup"):
                continue
            sent = {"y": 1} if path == "me/settings" else body
            status, text, _ = self.bert.ask(method, path, sent if method != "GET" else None)
            self.assertNotIn(MARK, text, (method, path))
            self.assertNotIn("message-of-anna", text, (method, path))
            if access == "admins":
                self.assertEqual(status, 403, (method, path))
            elif self.chat in path or "answer-of-anna" in path:
                self.assertEqual(status, 404, (method, path, text))
            self.assertLess(status, 500, (method, path, text))
        self.assertEqual(self.bert.good("GET", f"conversations?q={MARK}")["conversations"], [])
        after = self.anna.good("GET", "me/export")
        for part in ("user", "settings", "presets", "conversations"):
            self.assertEqual(before[part], after[part], part)
        self.assertEqual({s["id"] for s in before["sessions"]}, {s["id"] for s in after["sessions"]})

    def test_admins_see_numbers_and_no_content(self):
        for method, path, access in self.paths():
            if access == "admins" and method == "GET":
                status, text, _ = self.admin.ask(method, path)
                self.assertEqual(status, 200, path)
                self.assertNotIn(MARK, text, path)
        users = {u["name"]: u for u in self.admin.good("GET", "admin/users")["users"]}
        self.assertEqual(users["anna"]["n_conversations"], 1)
        self.assertTrue(self.admin.good("GET", "admin/audit")["is_intact"])
        self.assertEqual(self.admin.ask("GET", f"conversations/{self.chat}")[0], 404)

    def test_keys_of_programs_are_made_shown_once_and_revoked(self):
        made = self.admin.good("POST", "admin/keys", {"name": "laptop", "scopes": "chat",
                                                      "limits": {"tokens_per_day": 1000}})
        use = {"Authorization": "Bearer " + made["key"]}
        self.assertEqual(self.server.ask("GET", "/v1/models", headers=use)[0], 200)
        status, text, _ = self.admin.ask("GET", "admin/keys")
        self.assertNotIn(made["key"], text)
        listed = json.loads(text)["keys"]
        self.assertEqual([k["name"] for k in listed], ["laptop"])  # none of the accounts'
        self.assertEqual(listed[0]["limits"]["tokens_per_day"], 1000)
        path = "admin/keys/" + made["prefix"]
        self.admin.good("PATCH", path, {"enabled": False})
        self.assertEqual(self.server.ask("GET", "/v1/models", headers=use)[0], 401)
        self.admin.good("PATCH", path, {"enabled": True})
        self.assertEqual(self.server.ask("GET", "/v1/models", headers=use)[0], 200)
        self.admin.good("DELETE", path)
        self.assertEqual(self.server.ask("GET", "/v1/models", headers=use)[0], 401)
        self.assertEqual(self.admin.ask("DELETE", path)[0], 404)
        status, text, _ = self.admin.ask("POST", "admin/keys", {"name": "x", "limit": 1})
        self.assertEqual((status, json.loads(text)["error"]["code"]), (400, "invalid"))
        done = [e["action"] for e in self.admin.good("GET", "admin/audit")["entries"]
                if e["object"] and e["object"] in made["prefix"]]
        self.assertEqual(done, ["delete_key", "change_key", "change_key", "add_key"])
        for line in self.server.keys("list", "--json").split("\n"):
            if '"account-' in line:
                name = line.split('"')[3]
                self.assertEqual(self.admin.ask("DELETE", "admin/keys/" + name)[0], 404)

    def test_an_admin_sees_models_health_and_ends_sessions(self):
        model = self.admin.good("GET", "admin/models")["models"][0]
        self.assertEqual((model["name"], model["is_loaded"], model["context"]),
                         (served.NAME, True, 1024))
        self.assertGreater(model["bytes"], 1 << 20)
        checks = {c["name"]: c for c in self.admin.good("GET", "admin/health")["checks"]}
        for name in ("store", "audit log", "disk", "network", "files", "engine"):
            self.assertIn(name, checks)
        self.assertTrue(checks["store"]["is_good"] and checks["audit log"]["is_good"])
        path = f"admin/users/{self.ids['bert']}/sessions"
        sessions = self.admin.good("GET", path)["sessions"]
        self.assertGreaterEqual(len(sessions), 1)
        self.assertEqual(set(sessions[0]), {"id", "created", "last_used"})
        self.admin.good("DELETE", path)
        self.assertEqual(self.bert.ask("GET", "me")[0], 401)
        self.assertEqual(self.admin.good("GET", path)["sessions"], [])
        self.assertEqual(self.bert.login("bert", "password of bert"), 200)
        self.assertIn("prices", self.admin.good("GET", "admin/usage?by=user"))

    def test_a_reader_changes_nothing(self):
        for method, path, access in self.paths():
            if access == "changes":
                status, text, _ = self.reader.ask(method, path, {"content": "x"})
                self.assertEqual(status, 403, (method, path, text))
        self.assertEqual(self.reader.good("GET", "conversations")["conversations"], [])

    def test_quotas_are_per_user(self):
        self.admin.good("PATCH", f"admin/users/{self.ids['bert']}", {"limits": {"n_ctx": 8}})
        chat = self.bert.good("POST", "conversations", {})["id"]
        status, text, _ = self.bert.ask("POST", f"conversations/{chat}/answers",
                                        {"content": "A question with more than eight tokens."})
        self.assertEqual((status, json.loads(text)["error"]["code"]),
                         (400, "context_length_exceeded"))
        self.assertEqual(self.bert.good("GET", "me")["limits"]["n_ctx"], 8)
        self.assertEqual(self.anna.good("GET", "me")["limits"]["n_ctx"], 0)
        self.admin.good("PATCH", f"admin/users/{self.ids['bert']}", {"limits": {"n_ctx": 0}})

    def test_who_is_disabled_or_erased_is_out_at_once(self):
        carl = Client(self.server)
        user = self.admin.good("POST", "admin/users", {"name": "carl", "password": "of carl 1"})
        self.assertEqual(carl.login("carl", "wrong password"), 401)
        self.assertEqual(carl.login("carl", "of carl 1"), 200)
        carl.good("GET", "me")
        self.admin.good("PATCH", f"admin/users/{user['id']}", {"is_disabled": True})
        self.assertEqual(carl.ask("GET", "me")[0], 401)
        self.assertEqual(carl.login("carl", "of carl 1"), 401)
        self.admin.good("PATCH", f"admin/users/{user['id']}", {"is_disabled": False})
        self.assertEqual(carl.login("carl", "of carl 1"), 200)
        self.admin.good("DELETE", f"admin/users/{user['id']}")
        self.assertEqual(carl.ask("GET", "me")[0], 401)
        root = next(u for u in self.admin.good("GET", "admin/users")["users"]
                    if u["name"] == "root")
        self.assertEqual(self.admin.ask("DELETE", f"admin/users/{root['id']}")[0], 409)

    def test_a_new_password_ends_the_other_sessions_and_guessing_the_old_one_is_slow(self):
        self.admin.good("POST", "admin/users", {"name": "dora", "password": "of dora 1"})
        here, there = Client(self.server), Client(self.server)
        self.assertEqual(here.login("dora", "of dora 1"), 200)
        self.assertEqual(there.login("dora", "of dora 1"), 200)
        change = {"old_password": "of dora 1", "password": "of dora 2"}
        while here.ask("PATCH", "me", change)[0] == 429:
            pass
        here.good("GET", "me")
        self.assertEqual(there.ask("GET", "me")[0], 401)
        seen = []
        while 429 not in seen[5:] and len(seen) < 40:
            path, body = [("me", {"old_password": "guess", "password": "of dora 3"}),
                          ("me/erase", {"what": "account", "password": "guess"})][len(seen) % 2]
            seen.append(here.ask("PATCH" if path == "me" else "POST", path, body)[0])
        self.assertEqual(set(seen), {403, 429})
        # Who guesses with a session keeps nobody from logging in.
        self.assertEqual(there.login("dora", "of dora 1"), 401)
        self.assertEqual(there.login("dora", "of dora 2"), 200)

    def guess(self, name, device=None):
        """How many guesses are answered before one has to wait."""
        seen = []
        while len(seen) < 60:
            client = Client(self.server)
            client.device = device
            status, _, headers = client.ask("POST", "login", {"name": name, "password": "a guess"})
            if status == 429 and int(headers["Retry-After"]) > 1:
                return seen.count(401)
            if status != 429:  # a wait that is nearly over is asked again
                seen.append(status)
        self.fail(seen)

    def test_a_stranger_who_guesses_locks_nobody_out(self):
        self.admin.good("POST", "admin/users", {"name": "gustav", "password": "of gustav"})
        gustav = Client(self.server)
        self.assertEqual(gustav.login("gustav", "of gustav"), 200)
        self.assertIn("tiefsee_device_", gustav.device)
        self.assertEqual(self.guess("gustav"), 5)  # then it takes longer and longer
        again = Client(self.server)
        again.device = gustav.device
        self.assertEqual(again.ask("POST", "login", {"name": "gustav",
                                                     "password": "of gustav"})[0], 200)
        gustav.good("GET", "me")
        # One that was changed is a stranger's: nothing is free any more.
        self.assertLess(self.guess("gustav", gustav.device[:-4] + "AAAA"), 5)

    def test_an_admin_ends_one_session_of_somebody(self):
        self.admin.good("POST", "admin/users", {"name": "fritz", "password": "of fritz"})
        here, there = Client(self.server), Client(self.server)
        self.assertEqual(here.login("fritz", "of fritz"), 200)
        self.assertEqual(there.login("fritz", "of fritz"), 200)
        user = here.good("GET", "me")["user"]["id"]
        mine = [s["id"] for s in here.good("GET", "me/sessions")["sessions"] if s["is_this"]][0]
        path = f"admin/users/{user}/sessions/"
        self.assertEqual(self.bert.ask("DELETE", path + mine)[0], 403)
        self.assertEqual(self.admin.ask("DELETE", path + self.session)[0], 404)  # of Anna
        self.admin.good("DELETE", path + mine)
        self.assertEqual(here.ask("GET", "me")[0], 401)
        there.good("GET", "me")
        self.anna.good("GET", "me")

    def test_a_failed_login_is_in_the_audit_log_without_its_name(self):
        client = Client(self.server)
        self.assertEqual(client.login("rita", "not her password"), 401)
        entry = next(e for e in self.admin.good("GET", "admin/audit")["entries"]
                     if e["result"] == "failed" and e["object"] == self.ids["rita"])
        self.assertEqual((entry["action"], entry["actor"]), ("login", ""))

    def test_who_is_disabled_while_a_body_arrives_changes_nothing(self):
        user = self.admin.good("POST", "admin/users", {"name": "emil", "password": "of emil 1"})
        emil = Client(self.server)
        self.assertEqual(emil.login("emil", "of emil 1"), 200)
        body = b'{"title": "late"}'
        with socket.create_connection(("127.0.0.1", self.server.port), served.LIMIT_S) as s:
            s.sendall(b"POST /app/api/conversations HTTP/1.1\r\nHost: localhost\r\nX-Tiefsee: 1\r\n"
                      b"Connection: close\r\nCookie: %s\r\nContent-Type: application/json\r\n"
                      b"Content-Length: %d\r\n\r\n" % (emil.cookie.encode(), len(body)) + body[:1])
            while emil.good("GET", "me")["user"]["name"] != "emil":
                pass  # the headers were read by now: one I/O thread
            self.admin.good("PATCH", f"admin/users/{user['id']}", {"is_disabled": True})
            s.sendall(body[1:])
            answer = s.makefile("rb").read()
        self.assertIn(b" 401 ", answer.split(b"\r\n")[0])

    def test_of_two_admins_who_leave_each_other_one_stays(self):
        self.admin.good("POST", "admin/users", {"name": "second", "role": "admin",
                                                "password": "of second 1"})
        second = Client(self.server)
        self.assertEqual(second.login("second", "of second 1"), 200)
        ids = {u["name"]: u["id"] for u in self.admin.good("GET", "admin/users")["users"]}
        got = [None, None]

        def demote(i, client, name):
            got[i] = client.ask("PATCH", f"admin/users/{ids[name]}", {"role": "member"})[0]

        threads = [threading.Thread(target=demote, args=a)
                   for a in ((0, self.admin, "second"), (1, second, "root"))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(got.count(200), 1, got)
        left = self.admin if got[0] == 200 else second
        left.good("PATCH", f"admin/users/{ids['root']}", {"role": "admin"})
        self.admin.good("DELETE", f"admin/users/{ids['second']}")

    def test_cookies_are_not_for_scripts_or_other_sites(self):
        client = Client(self.server)
        for _ in range(200):
            status, _, headers = client.ask("POST", "login", {"name": "anna",
                                                              "password": "password of anna"})
            if status != 429:
                break
        cookies = headers.get_all("Set-Cookie")
        self.assertEqual(len(cookies), 2)  # the session, and that this browser is known
        for cookie in cookies:
            for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
                self.assertIn(part, cookie)
        client.keep(headers)
        client.good("GET", "me")
        client.good("POST", "logout", {})
        self.assertEqual(client.ask("GET", "me")[0], 401)


class Keys(unittest.TestCase):
    def test_where_a_key_is_asked_for_nobody_gets_in_without_accounts(self):
        server = served.Server("--require-key")
        for path in ("conversations", "me/export", "admin/users", "session"):
            status, text, _ = Client(server).ask("GET", path)
            self.assertEqual((status, json.loads(text)["error"]["code"]), (503, "no_store"), path)
        self.assertEqual(server.stop(), 0)


served.main()
