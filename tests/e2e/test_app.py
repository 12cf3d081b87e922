#!/usr/bin/env python3
"""The assistant's API (docs/app-api.md): one user, conversations, answers, rights.

    test_app.py PATH_OF_TIEFSEE"""
import ctypes
import errno
import http.client
import json
import os
import platform
import re
import socket
import struct
import subprocess
import threading
import time
import unittest

import served

OURS = {"X-Tiefsee": "1"}
QUESTION = "What is 17 + 25?"
MARK = "Quittenbrotmarkierung"
SECCOMP_CALL = {"x86_64": 317, "aarch64": 277}


def events_of(text):
    parts = [p for p in text.split("\n\n") if p and not p.startswith(":")]
    assert all(p.startswith("data: ") for p in parts), text
    return [json.loads(p[6:]) for p in parts]


class Client:
    def __init__(self, server, cookie=None):
        self.server, self.cookie = server, cookie

    def headers(self, extra=None):
        return {**OURS, **({"Cookie": self.cookie} if self.cookie else {}), **(extra or {})}

    def ask(self, method, path, body=None, headers=None):
        return self.server.ask(method, "/app/api/" + path, body, self.headers(headers))

    def good(self, method, path, body=None, status=(200, 201, 202, 204)):
        got, answer, _ = self.ask(method, path, body)
        assert got in status, (method, path, got, answer)
        return answer

    def stream(self, method, path, body=None):
        c, r = self.server.send(method, "/app/api/" + path, body, self.headers())
        text = r.read().decode()
        c.close()
        return r.status, (events_of(text) if r.status == 200 else json.loads(text))

    def answer(self, chat, **body):
        body.setdefault("seed", 1)
        body.setdefault("max_tokens", 60)
        status, events = self.stream("POST", f"conversations/{chat}/answers", body)
        assert status == 200, events
        return events

    def chat(self, **body):
        return self.good("POST", "conversations", body)["id"]


def text_of(events, kind):
    return "".join(e["text"] for e in events if e["type"] == kind)


class Base(unittest.TestCase):
    args = ()

    @classmethod
    def setUpClass(cls):
        cls.server = served.Server(*cls.args)
        cls.me = Client(cls.server)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def refused(self, client, method, path, status, code, body=None, headers=None):
        got, answer, _ = client.ask(method, path, body, headers)
        self.assertEqual((got, answer["error"]["code"]), (status, code), answer)
        self.assertEqual(set(answer["error"]), {"code", "message", "field"})


class OneUser(Base):
    def test_session_says_who_and_what(self):
        s = self.me.good("GET", "session")
        self.assertEqual((s["api"], s["mode"], s["needs_setup"]), (1, "single", False))
        self.assertEqual((s["user"]["name"], s["user"]["role"]), ("local", "admin"))
        self.assertIn("KI", s["server"]["ai_notice"]["de"])

    def test_changes_need_our_header_and_our_own_page(self):
        for headers in ({}, {"X-Tiefsee": "1", "Sec-Fetch-Site": "cross-site"}):
            status, answer, _ = self.server.ask("POST", "/app/api/conversations", {}, headers)
            self.assertEqual((status, answer["error"]["code"]), (403, "csrf"))
        status, _, _ = self.server.ask("POST", "/app/api/conversations", {},
                                       {**OURS, "Origin": "http://evil.example"})
        self.assertEqual(status, 403)
        self.refused(self.me, "GET", "nowhere", 404, "not_found")

    def test_an_answer_is_streamed_kept_and_continued_as_a_tree(self):
        chat = self.me.chat(title="Sums", system="Be short.")
        events = self.me.answer(chat, content=QUESTION)
        self.assertEqual([events[0]["type"], events[-1]["type"]], ["start", "done"])
        start, done = events[0], events[-1]
        self.assertEqual(start["user"]["content"], QUESTION)
        self.assertEqual(start["answer"]["finish"], "live")
        self.assertTrue(done["is_saved"])
        self.assertNotIn("content", done["answer"])
        self.assertGreater(done["answer"]["usage"]["completion"], 0)
        c = self.me.good("GET", f"conversations/{chat}")
        self.assertEqual([m["role"] for m in c["messages"]], ["user", "assistant"])
        user, answer = c["messages"]
        self.assertEqual(answer["content"], text_of(events, "content"))
        self.assertEqual(answer["reasoning"], text_of(events, "reasoning"))
        self.assertEqual((answer["parent"], c["leaf"], user["parent"]),
                         (user["id"], answer["id"], None))
        self.assertTrue(answer["ai_generated"])

        again = self.me.answer(chat, parent=user["id"], seed=2)  # regenerate
        self.assertIsNone(again[0]["user"])
        self.assertEqual(again[0]["answer"]["parent"], user["id"])
        edited = self.me.answer(chat, parent=None, content="What is 1 + 1?")  # another branch
        self.assertIsNone(edited[0]["user"]["parent"])
        more = self.me.answer(chat, content="And 2 + 2?")  # below the leaf
        self.assertEqual(more[0]["user"]["parent"], edited[0]["answer"]["id"])
        c = self.me.good("GET", f"conversations/{chat}")
        self.assertEqual(len(c["messages"]), 7)
        self.assertEqual(c["n_messages"], 7)
        self.me.good("DELETE", f"conversations/{chat}/messages/{edited[0]['user']['id']}")
        self.assertEqual(len(self.me.good("GET", f"conversations/{chat}")["messages"]), 3)

    def test_a_cut_answer_goes_on(self):
        chat = self.me.chat()
        cut = self.me.answer(chat, content="Count to twenty.", max_tokens=3)
        self.assertEqual(cut[-1]["answer"]["finish"], "length")
        before = self.me.good("GET", f"conversations/{chat}")["messages"][1]
        on = self.me.answer(chat, continues=before["id"], max_tokens=4)
        self.assertEqual(on[0]["answer"]["content"], before["content"])
        after = self.me.good("GET", f"conversations/{chat}")["messages"][1]
        self.assertTrue(after["content"].startswith(before["content"]))
        self.assertTrue((after["reasoning"] + after["content"]) >
                        (before["reasoning"] + before["content"]))
        self.assertEqual(after["id"], before["id"])

    def test_an_answer_goes_on_without_its_listener_and_can_be_joined_and_stopped(self):
        chat = self.me.chat()
        c, r = self.server.send("POST", f"/app/api/conversations/{chat}/answers",
                                {"content": "Tell me everything.", "max_tokens": 900, "seed": 3,
                                 "answer_id": "answer-to-join"}, self.me.headers())
        first = r.readline()
        self.assertIn(b'"start"', first)
        c.sock.close()
        c.close()
        status, events = None, None

        def join():
            nonlocal status, events
            status, events = self.me.stream("GET",
                                            f"conversations/{chat}/answers/answer-to-join")
        listener = threading.Thread(target=join)
        listener.start()
        self.me.ask("POST", f"conversations/{chat}/answers/answer-to-join", {"action": "stop"})
        listener.join(served.LIMIT_S)
        self.assertEqual(status, 200)
        self.assertEqual((events[0]["type"], events[-1]["type"]), ("start", "done"))
        self.assertIn(events[-1]["answer"]["finish"], ("stopped", "stop", "length"))
        got = self.me.good("GET", f"conversations/{chat}/messages/answer-to-join")
        said = events[0]["answer"]["reasoning"] + text_of(events, "reasoning")
        self.assertEqual(got["reasoning"], said)

    def test_thinking_ends_when_it_is_asked_to_and_the_answer_has_what_is_left(self):
        for seed in range(100):
            n_max = 16 + seed * 2  # too few for the answer, enough for the request to come in time
            chat = self.me.chat()
            path = f"conversations/{chat}/answers"
            c, r = self.server.send("POST", "/app/api/" + path,
                                    {"content": "987654 * 123456", "effort": "high", "seed": seed,
                                     "temperature": 2, "max_tokens": n_max,
                                     "answer_id": "answer-now"}, self.me.headers())
            lines = [r.readline()]
            while b'"reasoning","text"' not in lines[-1]:
                lines.append(r.readline())
            status, _, _ = self.me.ask("POST", path + "/answer-now", {"action": "answer_now"})
            events = events_of(b"".join(lines + [r.read()]).decode())
            c.close()
            self.assertIn(status, (202, 404, 409))
            done, kinds = events[-1]["answer"], [e["type"] for e in events]
            self.assertIn(done["finish"], ("stop", "length"))
            self.assertLessEqual(done["usage"]["completion"], n_max)
            if status == 202 and kinds.count("prompt") == 2:
                self.assertNotIn("reasoning", kinds[kinds.index("prompt", 2):])
                if done["finish"] == "length":  # both jobs together have what was asked for
                    self.assertEqual(done["usage"]["completion"], n_max)
                    return
        self.fail("no answer in a hundred was asked for in time")

    def test_a_temporary_chat_is_answered_and_not_written(self):
        status, events = self.me.stream("POST", "answers", {
            "messages": [{"role": "user", "content": MARK + "temporary"}], "max_tokens": 5})
        self.assertEqual((status, events[-1]["type"], events[-1]["is_saved"]), (200, "done", False))
        for name in os.listdir(served.FOLDER):
            with open(os.path.join(served.FOLDER, name), "rb") as f:
                self.assertFalse((MARK + "temporary").encode() in f.read(), name)

    def test_files_come_before_the_question_and_are_taken_along(self):
        chat = self.me.chat()
        files = [{"name": "a\u202eb.txt", "bytes": 5, "text": "Hello"}]
        events = self.me.answer(chat, content="Read it.", files=files, max_tokens=3)
        user = events[0]["user"]
        self.assertEqual(user["files"], [{"name": "a b.txt", "bytes": 5, "chars": 5}])
        got = self.me.good("GET", f"conversations/{chat}/messages/{user['id']}")
        self.assertEqual(got["files"][0]["text"], "Hello")
        self.assertGreater(events[1]["n_prompt"], 20)
        again = self.me.answer(chat, parent=None, content="Once more.", max_tokens=3,
                               files=[{"of": user["id"], "index": 0}])
        got = self.me.good("GET", f"conversations/{chat}/messages/{again[0]['user']['id']}")
        self.assertEqual(got["files"][0]["text"], "Hello")

    def test_list_search_folders_and_pages(self):
        ids = [self.me.chat(title=f"Zeppelin {i}", folder="air" if i % 2 else "") for i in range(5)]
        self.me.good("PATCH", f"conversations/{ids[0]}", {"is_pinned": True, "title": "x\ny"})
        page = self.me.good("GET", "conversations?limit=2")
        self.assertEqual(page["conversations"][0]["id"], ids[0])
        self.assertEqual(page["conversations"][0]["title"], "x y")
        rest = self.me.good("GET", f"conversations?limit=500&before={page['next']}")
        seen = [c["id"] for c in page["conversations"] + rest["conversations"]]
        self.assertEqual(len(seen), len(set(seen)))
        self.assertTrue(set(ids) <= set(seen))
        found = self.me.good("GET", "conversations?q=ZEPP")["conversations"]
        self.assertEqual({c["id"] for c in found}, set(ids[1:]))
        self.assertIn("Zeppelin", found[0]["snippet"])
        air = self.me.good("GET", "conversations?folder=air")["conversations"]
        self.assertEqual({c["id"] for c in air}, {ids[1], ids[3]})
        self.assertIn({"name": "air", "n": 2}, self.me.good("GET", "folders")["folders"])
        for i in ids:
            self.me.good("DELETE", f"conversations/{i}")
        self.assertEqual(self.me.good("GET", "conversations?q=zepp")["conversations"], [])

    def test_the_model_names_a_conversation(self):
        chat = self.me.chat()
        self.refused(self.me, "POST", f"conversations/{chat}/title", 409, "conflict", {})
        self.me.answer(chat, content=QUESTION, max_tokens=5)
        title = self.me.good("POST", f"conversations/{chat}/title", {})["title"]
        self.assertTrue(0 < len(title) <= 80)
        self.assertNotRegex(title, r"[\n{}<>|]")
        self.assertEqual(self.me.good("GET", f"conversations/{chat}")["title"], title)

    def n_running(self):
        c, r = self.server.send("GET", "/metrics")
        text = r.read().decode()
        c.close()
        return int(re.search(r"^tiefsee_jobs_running\S* (\d+)$", text, re.M).group(1))

    def test_a_name_that_the_user_gives_meanwhile_is_not_overruled(self):
        for i in range(100):
            chat = self.me.chat(title="as asked")
            self.me.answer(chat, content=QUESTION, max_tokens=5)
            named = []
            t = threading.Thread(target=lambda: named.append(
                self.me.good("POST", f"conversations/{chat}/title", {})["title"]))
            t.start()
            was_running = False
            while t.is_alive() and not was_running:
                was_running = self.n_running() > 0
            self.me.good("PATCH", f"conversations/{chat}", {"title": "as the user wishes"})
            t.join(served.LIMIT_S)
            now = self.me.good("GET", f"conversations/{chat}")["title"]
            if was_running:  # it had begun; it may have been done before the change, or not
                self.assertEqual(now, "as the user wishes")
                if named[0] == now:
                    return
        self.fail("a hundred titles were done before they could be changed")

    def test_settings_and_presets(self):
        self.assertEqual(self.me.good("GET", "me/settings"), {})
        self.me.good("PUT", "me/settings", {"theme": "dark"})
        self.assertEqual(self.me.good("GET", "me/settings"), {"theme": "dark"})
        self.me.good("PUT", "presets/preset-one", {"name": "Pirate", "system": "Arr."})
        self.assertEqual([p["name"] for p in self.me.good("GET", "presets")["presets"]], ["Pirate"])
        self.me.good("DELETE", "presets/preset-one")
        self.assertEqual(self.me.good("GET", "presets")["presets"], [])

    def test_what_is_wrong_is_named(self):
        chat = self.me.chat()
        path = f"conversations/{chat}/answers"
        self.refused(self.me, "POST", path, 400, "invalid", {})
        self.refused(self.me, "POST", path, 400, "invalid", {"content": 5})
        self.refused(self.me, "POST", path, 400, "invalid", {"content": "x", "effort": "some"})
        self.refused(self.me, "POST", path, 404, "not_found", {"content": "x", "parent": "nobody-at-all"})
        self.refused(self.me, "POST", path, 400, "context_length_exceeded", {"content": "x " * 9000})
        self.refused(self.me, "POST", "conversations", 400, "invalid", {"id": "a b c d e"})
        self.refused(self.me, "GET", "conversations/not-there-at-all", 404, "not_found")
        self.assertEqual(self.me.good("GET", f"conversations/{chat}")["messages"], [])

    def test_a_full_context_goes_on_with_the_newest_turns_when_that_is_wished(self):
        words = "one two three four five six seven eight nine ten " * 8
        chat = self.me.chat(system="Be short.")
        path = f"conversations/{chat}/answers"
        since = []
        for i in range(40):
            status, _ = self.me.stream("POST", path, {"content": f"{i}: {words}", "seed": 1,
                                                      "max_tokens": 4})
            if status == 400:
                break
        self.assertEqual(status, 400, "the context was never full")
        for i in range(12):
            events = self.me.answer(chat, content=f"again {i}: {words}", shorten=True, max_tokens=4)
            last = events[-1]["answer"]
            self.assertLess(last["usage"]["prompt"], 1024)
            self.assertEqual(events[0]["answer"]["since"], last["since"])
            since.append(last["since"])
        kept = self.me.good("GET", f"conversations/{chat}")["messages"]
        role = {m["id"]: m["role"] for m in kept}
        self.assertEqual({role[s] for s in since}, {"user"})
        # The beginning stays for some turns, so that the cache is of use, and then moves on.
        self.assertGreater(len(set(since)), 1)
        self.assertLess(len(set(since)), len(since))
        self.assertEqual(kept[-1]["since"], since[-1])
        # Without the wish nothing is left out, and one message that is too long is refused.
        self.refused(self.me, "POST", path, 400, "context_length_exceeded", {"content": "x"})
        self.refused(self.me, "POST", path, 400, "context_length_exceeded",
                     {"content": "x " * 9000, "shorten": True})
        self.refused(self.me, "POST", path, 400, "invalid", {"content": "x", "shorten": 1})

    def test_a_full_temporary_chat_goes_on_too(self):
        words = "one two three four five six seven eight nine ten " * 3
        messages = [{"id": f"m{i}", "role": "assistant" if i % 2 else "user",
                     "content": f"{i}: {words}"} for i in range(41)]
        body = {"messages": messages, "seed": 1, "max_tokens": 4}
        self.assertEqual(self.me.stream("POST", "answers", body)[0], 400)
        status, events = self.me.stream("POST", "answers", {**body, "shorten": True})
        self.assertEqual(status, 200, events)
        self.assertIn(events[0]["answer"]["since"], [m["id"] for m in messages[2:-1:2]])

    def test_the_same_id_twice_is_the_same_conversation(self):
        self.assertEqual(self.me.ask("POST", "conversations", {"id": "twice-the-same"})[0], 201)
        status, answer, _ = self.me.ask("POST", "conversations", {"id": "twice-the-same", "title": "b"})
        self.assertEqual((status, answer["title"]), (200, ""))

    def test_status_and_notice(self):
        status = self.me.good("GET", "status")
        self.assertEqual(status["models"][0]["name"], served.NAME)
        privacy = status["privacy"]
        if privacy["seccomp"]:
            self.assertEqual((privacy["network"], privacy["why"]), ("sealed", ""))
            self.assertGreaterEqual(len(privacy["tried"]), 9)
            self.assertTrue(all(t["is_refused"] for t in privacy["tried"]), privacy)
            self.assertEqual(privacy["sockets"], {"listening": 1, "other": 0})
        else:
            self.assertTrue(privacy["why"])
        files = privacy["file_access"]
        if files["is_sealed"]:
            self.assertGreaterEqual(len(files["tried"]), 3)
            self.assertTrue(all(t["is_refused"] for t in files["tried"]), files)
            folder = os.path.realpath(os.path.dirname(self.server.db))
            self.assertIn({"path": folder, "right": "write"}, files["allowed"])
        else:
            self.assertTrue(files["why"])
        self.assertEqual(privacy["packets"]["answered_beyond"], 0)  # all callers are here
        titles = {n: self.me.good("GET", f"notice?language={n}")["title"] for n in ("en", "de", "zh")}
        self.assertEqual(len(set(titles.values())), 3)

    def test_usage_is_counted(self):
        chat = self.me.chat()
        before = sum(d["n_requests"] for d in self.me.good("GET", "me/usage")["days"])
        self.me.answer(chat, content=QUESTION, max_tokens=4)
        days = self.me.good("GET", "me/usage")["days"]
        self.assertEqual(sum(d["n_requests"] for d in days), before + 1)


class Rights(Base):
    def test_export_comes_in_again_and_erasing_leaves_nothing(self):
        chat = self.me.chat(title=MARK + " title", folder=MARK + " folder", system=MARK + " system")
        self.me.answer(chat, content=MARK + " question", max_tokens=4,
                       files=[{"name": MARK + ".txt", "text": MARK + " file"}])
        self.me.good("PUT", "me/settings", {"note": MARK})
        exported = self.me.good("GET", "me/export")
        text = json.dumps(exported)
        for part in (" title", " folder", " system", " question", ".txt", " file"):
            self.assertIn(MARK + part, text)
        self.assertTrue(exported["ai_generated"])
        one = self.me.good("GET", f"conversations/{chat}/export")
        self.assertEqual(one["conversations"], exported["conversations"])
        again = self.me.good("POST", "import", {"conversations": exported["conversations"]})
        self.assertEqual((again["n_conversations"], again["n_skipped"]), (0, 1))

        cert = self.me.good("POST", "me/erase", {"what": "all"})["certificate"]
        self.assertEqual((cert["what"], cert["n_conversations"], cert["n_messages"]), ("all", 1, 2))
        self.assertEqual(self.me.good("GET", "conversations")["conversations"], [])
        self.assertEqual(self.me.good("GET", "me/settings"), {})

        back = self.me.good("POST", "import", {"conversations": exported["conversations"]})
        self.assertEqual((back["n_conversations"], back["n_messages"]), (1, 2))
        restored = self.me.good("GET", "me/export")["conversations"]
        self.assertEqual([m["content"] for m in restored[0]["messages"]],
                         [m["content"] for m in exported["conversations"][0]["messages"]])
        self.assertEqual(restored[0]["messages"][0]["files"][0]["text"], MARK + " file")
        self.assertIn(MARK, json.dumps(self.me.good("GET", "conversations?q=" + MARK)))

        user_id = self.me.good("GET", "session")["user"]["id"]
        self.assertTrue(self.disk_has(chat))
        self.me.good("POST", "me/erase", {"what": "account"})
        self.assertEqual(self.me.good("GET", "conversations")["conversations"], [])
        self.assertNotEqual(self.me.good("GET", "session")["user"]["id"], user_id)
        self.assertFalse(self.disk_has(chat))
        self.assertFalse(self.disk_has(MARK))

    def disk_has(self, text):
        found = False
        for end in ("", "-wal", "-shm", ".key"):
            with open(self.server.db + end, "rb") as f:
                found = found or text.encode() in f.read()
        return found

    def memory(self, name):
        with open(f"/proc/{self.server.process.pid}/status") as f:
            return int(re.search(name + r":\s+(\d+) kB", f.read()).group(1)) >> 10

    def test_an_export_of_any_size_takes_little_memory_and_may_be_left(self):
        text = MARK + "x" * (1 << 20)
        for i in range(4):
            messages = [{"id": f"message-{k}", "parent": None, "role": "user", "content": text,
                         "files": [{"name": "f", "text": text}]} for k in range(8)]
            self.me.good("POST", "import", {"conversations": [{"id": f"large-{i:04}",
                                                               "messages": messages}]})
        c, r = self.server.send("GET", "/app/api/me/export", headers=OURS)
        self.assertEqual((r.status, r.getheader("X-AI-Generated")), (200, "true"))
        r.read(1 << 20)
        r.close()  # left: nothing is kept of it
        c.close()
        try:
            with open(f"/proc/{self.server.process.pid}/clear_refs", "w") as f:
                f.write("5")  # the peak is forgotten
        except OSError:
            self.skipTest("the peak of memory cannot be reset here")
        before = self.memory("VmRSS")
        c, r = self.server.send("GET", "/app/api/me/export", headers=OURS)
        parts = []
        while part := r.read(1 << 16):
            parts.append(part)
            if len(parts) == 16:
                self.me.good("DELETE", "conversations/large-0000")
        c.close()
        peak = self.memory("VmHWM")
        exported = json.loads(b"".join(parts))
        self.assertGreater(sum(map(len, parts)), 45 << 20)
        self.assertLess(peak - before, 48, (before, peak))  # MiB
        found = {x["id"]: x for x in exported["conversations"]}
        for i in range(1, 4):
            for m in found[f"large-{i:04}"]["messages"]:
                self.assertEqual((m["content"], m["files"][0]["text"]), (text, text))
        one = self.me.good("GET", "conversations/large-0003/export")["conversations"]
        self.assertEqual(one, [found["large-0003"]])
        self.me.good("POST", "me/erase", {"what": "all"})
        self.assertFalse(self.disk_has(MARK))

    def test_a_range_is_erased_and_no_more(self):
        day = 86400000
        now = self.me.good("GET", "conversations/" + self.me.chat(id="of-today"))["updated"]
        old = [{"id": f"{n}-days-old", "updated": now - n * day, "messages": []} for n in (1, 2, 3)]
        self.me.good("POST", "import", {"conversations": old})
        path, times = "me/erase", {"from": now - 2 * day, "to": now - 1 * day}
        for name in times:
            for wrong in (None, "1764000000000", 1.5):
                self.refused(self.me, "POST", path, 400, "invalid",
                             {"what": "range", **times, name: wrong})
        self.assertEqual(len(self.me.good("GET", "conversations")["conversations"]), 4)
        cert = self.me.good("POST", path, {"what": "range", **times})["certificate"]
        self.assertEqual((cert["what"], cert["n_conversations"]), ("range", 2))
        left = self.me.good("GET", "conversations")["conversations"]
        self.assertEqual([c["id"] for c in left], ["of-today", "3-days-old"])
        for c in left:
            self.me.good("DELETE", "conversations/" + c["id"])

    def test_a_frozen_account_reads_and_exports_only(self):
        chat = self.me.chat(title="kept")
        self.me.good("PATCH", "me", {"is_frozen": True})
        self.refused(self.me, "DELETE", f"conversations/{chat}", 403, "frozen")
        self.refused(self.me, "POST", f"conversations/{chat}/answers", 403, "frozen", {"content": "x"})
        self.assertTrue(self.me.good("GET", "me/export")["user"]["is_frozen"])
        self.me.good("PATCH", "me", {"is_frozen": False})
        self.me.good("DELETE", f"conversations/{chat}")


    def test_messages_without_an_answer_and_markdown(self):
        chat = self.me.chat(title="Rezept")
        first = self.me.good("POST", f"conversations/{chat}/messages",
                             {"role": "user", "content": "Wie viel Mehl?"})
        self.me.good("POST", f"conversations/{chat}/messages",
                     {"role": "assistant", "content": "**500 g**", "parent": first["id"],
                      "model": "m"})
        self.refused(self.me, "POST", f"conversations/{chat}/messages", 409, "conflict",
                     {"role": "user", "content": "x", "id": first["id"]})
        c, r = self.server.send("GET", f"/app/api/conversations/{chat}/export?format=markdown")
        text = r.read().decode()
        c.close()
        self.assertEqual(text, "# Rezept\n\nParts of this text were made by AI.\n\n## User\n\n"
                               "Wie viel Mehl?\n\n## AI: m\n\n**500 g**\n")

    def test_an_import_may_say_anything_and_becomes_a_tree(self):
        def said(name, parent, role="user"):
            return {"id": name * 8, "parent": parent and parent * 8, "role": role, "content": name}
        far = 1 << 60
        chat = {"id": "hostile-tree", "title": "t", "created": far, "updated": far, "messages": [
            said("c", "b"), said("b", "a", "assistant"), said("a", None),  # children first
            said("d", "nobody"), said("e", "e"),
            said("f", "h"), said("g", "f"), said("h", "g")]}  # a circle
        done = self.me.good("POST", "import", {"conversations": [chat]})
        self.assertEqual((done["n_conversations"], done["n_messages"]), (1, 8))
        got = self.me.good("GET", "conversations/hostile-tree")
        self.assertLess(got["updated"], far)
        parents = {m["content"]: (m["parent"] or " ")[0].strip() for m in got["messages"]}
        self.assertEqual({n: parents[n] for n in "abcde"},
                         {"a": "", "b": "a", "c": "b", "d": "", "e": ""})
        self.assertEqual(sum(not parents[n] for n in "fgh"), 1)
        place = {m["id"]: i for i, m in enumerate(got["messages"])}
        for m in got["messages"]:
            self.assertTrue(m["parent"] is None or place[m["parent"]] < place[m["id"]], m)
        self.me.good("DELETE", "conversations/hostile-tree/messages/" + "a" * 8)
        got = self.me.good("GET", "conversations/hostile-tree")
        self.assertEqual(sorted(m["content"] for m in got["messages"]), list("defgh"))
        self.me.good("DELETE", "conversations/hostile-tree")
        twice = {"id": "two-of-one-id", "messages": [said("a", None), said("a", None)]}
        self.refused(self.me, "POST", "import", 400, "invalid", {"conversations": [twice]})
        self.refused(self.me, "GET", "conversations/two-of-one-id", 404, "not_found")

    def test_a_long_branch_is_deleted_to_its_end(self):
        n = 5000
        messages = [{"id": f"long-{i:06}", "parent": f"long-{i - 1:06}" if i else None,
                     "role": "user", "content": "x"} for i in range(n)]
        self.me.good("POST", "import", {"conversations": [{"id": "long-branch",
                                                           "messages": messages}]})
        self.me.good("DELETE", "conversations/long-branch/messages/long-000001")
        got = self.me.good("GET", "conversations/long-branch")
        self.assertEqual([m["id"] for m in got["messages"]], ["long-000000"])
        self.assertEqual(got["n_messages"], 1)
        self.me.good("DELETE", "conversations/long-branch")

    def test_the_record_of_processing_says_what_the_admin_entered(self):
        self.me.good("PATCH", "admin/settings", {"operator_name": "Kantine GmbH"})
        self.refused(self.me, "PATCH", "admin/settings", 400, "invalid", {"minimum_age": -1})
        text = subprocess.run([served.TIEFSEE, "gdpr", "record", "--db", self.server.db],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=served.LIMIT_S).stdout.decode()
        self.assertIn("| Controller | Kantine GmbH |", text)
        self.assertIn("| Purpose | **not entered**", text)
        notice = self.me.good("GET", "notice?language=de")
        self.assertIn("Kantine GmbH", notice["sections"][0]["text"])


class Beyond(unittest.TestCase):
    def test_packets_to_other_machines_are_counted(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.connect(("192.0.2.1", 9))  # sends nothing; says which address we would have
                address = s.getsockname()[0]
            except OSError:
                address = "127.0.0.1"
        if address.startswith("127."):
            self.skipTest("this machine has no address beyond the loopback")
        server = served.Server("--host", "0.0.0.0", "--insecure-listen")
        self.addCleanup(server.process.kill)

        def ask():
            c = http.client.HTTPConnection(address, server.port, timeout=served.LIMIT_S)
            c.request("GET", "/app/api/status")
            got = json.loads(c.getresponse().read())["privacy"]["packets"]["answered_beyond"]
            c.close()
            return got

        first, second = ask(), ask()
        self.assertGreater(first, 0)  # of the connection that asks
        self.assertGreater(second, first)  # and of the one that is closed
        self.assertNotIn(address, server.read_log().split("serving", 1)[1].split("\n", 2)[2])
        self.assertIn("peer-", server.read_log())
        self.assertEqual(server.stop(), 0)


LANDLOCK_CALLS = (444, 445, 446)


def forget(*numbers):
    """From here on this process has a kernel without these calls: a filter says that they are not
    implemented."""
    libc = ctypes.CDLL(None, use_errno=True)
    load, equal, give = 0x20, 0x15, 0x06  # BPF_LD+W+ABS, BPF_JMP+JEQ+K, BPF_RET+K
    rules = [(load, 0, 0, 0)]
    rules += [(equal, len(numbers) - i, 0, n) for i, n in enumerate(numbers)]
    rules += [(give, 0, 0, 0x7fff0000), (give, 0, 0, 0x00050000 | errno.ENOSYS)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *r) for r in rules))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rules),
                                                      ctypes.addressof(code)))
    for option, value, more in ((38, 1, 0), (22, 2, ctypes.addressof(program))):
        if libc.prctl(option, *map(ctypes.c_ulong, (value, more, 0, 0))) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


class OldKernel(unittest.TestCase):
    @unittest.skipUnless(platform.machine() in SECCOMP_CALL, "numbers of calls")
    def test_without_seccomp_and_landlock_it_goes_on_and_says_so(self):
        def all_of_it():
            forget(SECCOMP_CALL[platform.machine()], *LANDLOCK_CALLS)
        server = served.Server(before=all_of_it)
        me = Client(server)
        privacy = me.good("GET", "status")["privacy"]
        log = server.read_log()
        self.assertEqual(server.stop(), 0)
        if privacy["why"].startswith("built with sanitizers"):
            self.skipTest(privacy["why"])
        self.assertEqual((privacy["network"], privacy["seccomp"], privacy["landlock"]),
                         ("open", False, False))
        self.assertEqual((privacy["tried"], privacy["file_access"]["is_sealed"]), ([], False))
        for why, name in ((privacy["why"], "seccomp"), (privacy["file_access"]["why"], "Landlock")):
            self.assertEqual(why, f"this kernel has no {name} (Function not implemented)")
            self.assertIn(why, log)
        r = self.prove(all_of_it)
        self.assertEqual(r.returncode, 1, r)  # no proof without a filter
        self.assertIn(b"this kernel has no seccomp (Function not implemented)", r.stderr)
        r = self.prove(lambda: forget(*LANDLOCK_CALLS))
        self.assertIn(b"files are open to this process: this kernel has no Landlock", r.stdout)
        self.assertEqual(r.returncode, 0, r)

    def prove(self, before):
        return subprocess.run([served.TIEFSEE, "prove-offline"], preexec_fn=before,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=served.LIMIT_S)


class Opening(unittest.TestCase):
    def test_open_shows_the_page_where_there_is_a_desktop(self):
        tools = os.path.join(served.FOLDER, "tools")
        seen = os.path.join(served.FOLDER, "seen")
        os.mkdir(tools)
        with open(os.path.join(tools, "xdg-open"), "w") as f:
            f.write(f'#!/bin/sh\necho "$1" >{seen}.part && mv {seen}.part {seen}\n')
        os.chmod(os.path.join(tools, "xdg-open"), 0o755)
        before = dict(os.environ)
        os.environ.update(DISPLAY=":99", PATH=tools + ":" + before["PATH"])
        try:
            server = served.Server("--open")
        finally:
            os.environ.clear()
            os.environ.update(before)
        end = time.time() + served.LIMIT_S
        while not os.path.exists(seen) and time.time() < end:
            time.sleep(0.05)
        self.assertEqual(server.stop(), 0)
        with open(seen) as f:
            self.assertEqual(f.read(), server.url + "/\n")


class Secret(unittest.TestCase):
    def test_a_credential_of_the_service_manager_seals_the_master_key(self):
        folder = os.path.join(served.FOLDER, "credentials")
        os.mkdir(folder)
        with open(os.path.join(folder, "tiefsee-key-secret"), "w") as f:
            f.write("a secret of some length\n")
        os.chmod(f.name, 0o440)
        plain = served.Server()
        Client(plain).chat(title=MARK)
        self.assertEqual(Client(plain).good("GET", "status")["privacy"]["key_source"], "file")
        self.assertEqual(plain.stop(), 0)
        os.environ["CREDENTIALS_DIRECTORY"] = folder
        try:
            server = served.Server("--db", plain.db)
        finally:
            del os.environ["CREDENTIALS_DIRECTORY"]
        me = Client(server)
        self.assertEqual(me.good("GET", "status")["privacy"]["key_source"], "secret")
        self.assertEqual(me.good("GET", "conversations")["conversations"][0]["title"], MARK)
        me.good("POST", "me/erase", {"what": "account"})  # turns the key in its seal
        chat = me.chat(title=MARK + "2")
        done = me.answer(chat, content=QUESTION, max_tokens=2)[-1]
        self.assertRegex(done["answer"]["model_hash"], "^[0-9a-f]{16}$")
        self.assertEqual(server.stop(), 0)
        for end in (".key", ".key.audit"):
            self.assertEqual(os.path.getsize(plain.db + end), 128)
        # Without the secret it does not start, with it by option it does.
        r = subprocess.run([served.TIEFSEE, "serve", "--port", "0", "--db", plain.db],
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=served.LIMIT_S)
        self.assertEqual(r.returncode, 1)
        self.assertIn(b"--key-secret is needed", r.stderr)
        server = served.Server("--db", plain.db, "--key-secret", f.name)
        self.assertEqual(Client(server).good("GET", "conversations")["conversations"][0]["title"],
                         MARK + "2")
        self.assertEqual(server.stop(), 0)
        os.chmod(f.name, 0o444)
        r = subprocess.run([served.TIEFSEE, "serve", "--port", "0", "--db", plain.db,
                            "--key-secret", f.name],
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=served.LIMIT_S)
        self.assertIn(b"others can read the secret", r.stderr)


class Killed(unittest.TestCase):
    def test_what_done_acknowledged_survives_kill_9_and_what_streamed_is_there_as_broken(self):
        server = served.Server()
        me = Client(server)
        chat = me.chat()
        done = me.answer(chat, content=QUESTION, max_tokens=6)
        c, r = server.send("POST", f"/app/api/conversations/{chat}/answers",
                           {"content": "Go on.", "max_tokens": 900}, me.headers())
        self.assertIn(b"start", r.readline())
        server.process.kill()
        server.process.wait(served.LIMIT_S)
        c.close()
        second = served.Server("--db", server.db)
        try:
            messages = Client(second).good("GET", f"conversations/{chat}")["messages"]
            self.assertEqual(messages[1]["content"], text_of(done, "content"))
            self.assertEqual([m["role"] for m in messages], ["user", "assistant"] * 2)
            self.assertIn(messages[3]["finish"], ("broken", "stop", "length"))
        finally:
            self.assertEqual(second.stop(), 0)


served.main()
