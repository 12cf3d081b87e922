#!/usr/bin/env python3
"""OpenAI's and DeepSeek's endpoints, spoken to over real sockets.

    test_openai.py PATH_OF_TIEFSEE"""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TIEFSEE = os.path.abspath(sys.argv[1])
FOLDER = tempfile.mkdtemp(prefix="tiefsee-openai-")
MODEL_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../assets",
                          "tiefsee-mini.gguf")
NAME = "Tiefsee-mini"
LIMIT_S = 60
QUESTION = "What is 17 + 25?"


class Server:
    def __init__(self, context, *args):
        log = tempfile.NamedTemporaryFile("wb", dir=FOLDER, delete=False)
        self.process = subprocess.Popen(
            [TIEFSEE, "serve", "--port", "0", "--db", os.path.join(FOLDER, "db"), "--ctx",
             str(context), "--cache", "64", "--threads", "1", "--drain", "1", *map(str, args)],
            stdin=subprocess.DEVNULL, stderr=log)
        log.close()
        self.port = self.read_port(log.name)

    def read_port(self, path):
        end = time.time() + LIMIT_S
        while time.time() < end and self.process.poll() is None:
            with open(path) as f:
                port = re.search(r"127.0.0.1:(\d+)/v1", f.read())
            if port:
                return int(port.group(1))
            time.sleep(0.02)
        raise RuntimeError("the server did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LIMIT_S)
        return code

    def send(self, method, path, body=None):
        """(connection, response) with nothing read yet."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        c.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        return c, c.getresponse()

    def ask(self, method, path, body=None):
        """(status, JSON, headers)"""
        c, r = self.send(method, path, body)
        text = r.read()
        c.close()
        return r.status, json.loads(text), r.headers

    def stream(self, path, body):
        """(chunks, whether [DONE] came)"""
        c, r = self.send("POST", path, {**body, "stream": True})
        text = r.read().decode()
        c.close()
        assert r.status == 200, text
        assert r.getheader("Content-Type") == "text/event-stream"
        events = [e for e in text.split("\n\n") if e and not e.startswith(":")]
        assert all(e.startswith("data: ") for e in events), text
        done = events[-1:] == ["data: [DONE]"]
        return [json.loads(e[6:]) for e in events[:-1 if done else None]], done

    def seen(self):
        """The engine's counters."""
        c, r = self.send("GET", "/metrics")
        text = r.read().decode()
        c.close()
        return {n: int(re.search(rf"^tiefsee_{m}{{[^}}]*}} (\d+)", text, re.M).group(1))
                for n, m in (("running", "jobs_running"), ("queued", "jobs_queued"),
                             ("jobs", "jobs_total"))}


def chat(**more):
    return {"model": NAME, "messages": [{"role": "user", "content": QUESTION}], "seed": 42,
            "max_tokens": 100, **more}


QUICK = {"thinking": {"type": "disabled"}}


def endless(**more):
    """Nothing that ends an answer may come."""
    return {"model": NAME, "prompt": "1", "max_tokens": 100000, "temperature": 1,
            "logit_bias": {i: -100 for i in END_TOKENS}, **more}


def joined(chunks, name="content"):
    return "".join(c["choices"][0]["delta"].get(name) or "" for c in chunks if c["choices"])


class Whole(unittest.TestCase):
    def test_an_answer_has_every_member_that_clients_require(self):
        status, a, headers = SERVER.ask("POST", "/v1/chat/completions", chat())
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(a["object"], "chat.completion")
        self.assertTrue(a["id"].startswith("chatcmpl-"))
        self.assertEqual(a["model"], NAME)
        self.assertTrue(a["system_fingerprint"].startswith("fp_"))
        self.assertLess(abs(a["created"] - time.time()), 60)
        choice, = a["choices"]
        self.assertEqual(set(choice), {"index", "message", "logprobs", "finish_reason"})
        self.assertIsNone(choice["logprobs"])
        self.assertEqual(choice["message"]["role"], "assistant")
        self.assertIsNone(choice["message"]["refusal"])
        self.assertIn(choice["finish_reason"], ("stop", "length"))

    def test_the_text_is_that_of_the_command_line(self):
        for temperature, think in ((0, True), (1, True), (1, False)):
            run = json.loads(subprocess.run(
                [TIEFSEE, "run", "-p", QUESTION, "--seed", "42", "-n", "100", "--json",
                 "--temp", str(temperature)] + ["--no-think"] * (not think),
                check=True, stdin=subprocess.DEVNULL,
                capture_output=True).stdout)
            _, a, _ = SERVER.ask("POST", "/v1/chat/completions", chat(
                temperature=temperature, **({} if think else QUICK)))
            message = a["choices"][0]["message"]
            self.assertEqual(message["content"], run["content"])
            self.assertEqual(message.get("reasoning_content", ""), run["reasoning"])
            self.assertEqual(a["usage"]["completion_tokens_details"]["reasoning_tokens"],
                             run["usage"]["reasoning_tokens"])
            self.assertEqual(a["choices"][0]["finish_reason"], run["finish_reason"])
            for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
                self.assertEqual(a["usage"][name], run["usage"][name])

    def test_usage_adds_up_and_knows_the_cache(self):
        long = chat(messages=[{"role": "user", "content": "1 + 1 " * 60}], max_tokens=4)
        for _ in range(2):
            _, a, _ = SERVER.ask("POST", "/v1/chat/completions", long)
        u = a["usage"]
        self.assertGreaterEqual(u["prompt_cache_hit_tokens"], 64)
        self.assertEqual(u["prompt_cache_hit_tokens"] + u["prompt_cache_miss_tokens"],
                         u["prompt_tokens"])
        self.assertEqual(u["prompt_tokens_details"]["cached_tokens"], u["prompt_cache_hit_tokens"])
        self.assertLessEqual(u["completion_tokens_details"]["reasoning_tokens"], 4)

    def test_other_end_users_do_not_share_the_cache(self):
        long = chat(messages=[{"role": "user", "content": "2 + 2 " * 60}], max_tokens=1)
        for name in ("a", "b"):
            _, a, _ = SERVER.ask("POST", "/v1/chat/completions", {**long, "user_id": name})
            self.assertEqual(a["usage"]["prompt_cache_hit_tokens"], 0)

    def test_length_and_stop_end_an_answer(self):
        _, a, _ = SERVER.ask("POST", "/v1/chat/completions", chat(max_tokens=1))
        self.assertEqual(a["choices"][0]["finish_reason"], "length")
        self.assertEqual(a["usage"]["completion_tokens"], 1)
        _, whole, _ = SERVER.ask("POST", "/v1/chat/completions", chat(temperature=0, **QUICK))
        text = whole["choices"][0]["message"]["content"]
        _, a, _ = SERVER.ask("POST", "/v1/chat/completions", chat(temperature=0, stop=text[1:2], **QUICK))
        self.assertEqual(a["choices"][0]["message"]["content"], text[:text.index(text[1:2])])
        self.assertEqual(a["choices"][0]["finish_reason"], "stop")

    def test_every_token_has_one_log_probability(self):
        body = chat(logprobs=True, top_logprobs=3, temperature=0)
        _, a, _ = SERVER.ask("POST", "/v1/chat/completions", body)
        logprobs = a["choices"][0]["logprobs"]
        entries = logprobs["reasoning_content"] + logprobs["content"]
        self.assertEqual(len(entries), a["usage"]["completion_tokens"])
        for e in entries:
            self.assertLessEqual(e["logprob"], 0)
            self.assertEqual(len(e["top_logprobs"]), 3)
            self.assertEqual(e["top_logprobs"][0]["token"], e["token"])
        text = b"".join(bytes(e["bytes"]) for e in logprobs["content"]).decode()
        self.assertEqual(text, a["choices"][0]["message"]["content"])
        chunks, _ = SERVER.stream("/v1/chat/completions", body)
        for name in ("content", "reasoning_content"):
            streamed = [e for c in chunks for e in (c["choices"][0]["logprobs"] or {}).get(name, [])]
            self.assertEqual(streamed, logprobs[name])

    def test_raw_prompts_are_continued(self):
        body = {"model": NAME, "prompt": "1 2 3 4", "max_tokens": 8, "seed": 1}
        status, a, _ = SERVER.ask("POST", "/v1/completions", body)
        self.assertEqual((status, a["object"]), (200, "text_completion"))
        chunks, done = SERVER.stream("/v1/completions", body)
        self.assertTrue(done)
        self.assertEqual("".join(c["choices"][0]["text"] for c in chunks), a["choices"][0]["text"])

    def test_a_title_comes_if_it_is_asked_for(self):
        asked = chat(title={"enabled": True}, max_tokens=4)
        for path in ("/chat/completions", "/v1/chat/completions"):
            _, a, _ = SERVER.ask("POST", path, asked)
            self.assertEqual(a["choices"][0]["message"]["title"], QUESTION)
            chunks, _ = SERVER.stream(path, asked)
            self.assertEqual([c["choices"][0]["delta"]["title"] for c in chunks if c["choices"]
                              and "title" in c["choices"][0]["delta"]], [QUESTION])
        _, a, _ = SERVER.ask("POST", "/chat/completions", chat(max_tokens=4))
        self.assertNotIn("title", a["choices"][0]["message"])

    def test_filling_in_needs_a_model_that_was_made_for_it(self):
        status, a, _ = SERVER.ask("POST", "/beta/completions", {
            "model": NAME, "prompt": "def f(x):", "suffix": "return y"})
        self.assertEqual((status, a["error"]["param"]), (400, "suffix"))
        self.assertIn("fim▁begin", a["error"]["message"])
        chunks, done = SERVER.stream("/beta/completions", {
            "model": NAME, "prompt": "1 2 3 4", "max_tokens": 4})
        self.assertTrue(done and chunks[-1]["usage"]["completion_tokens"] <= 4)

    def test_raw_prompts_have_log_probabilities_side_by_side(self):
        body = {"model": NAME, "prompt": "1 2 3 4", "max_tokens": 8, "seed": 1, "logprobs": 2}
        _, a, _ = SERVER.ask("POST", "/v1/completions", body)
        choice = a["choices"][0]
        logprobs = choice["logprobs"]
        n = a["usage"]["completion_tokens"]
        self.assertEqual({name: len(of) for name, of in logprobs.items()}, dict.fromkeys(
            ("tokens", "token_logprobs", "top_logprobs", "text_offset"), n))
        self.assertEqual("".join(logprobs["tokens"]), choice["text"])
        for token, offset in zip(logprobs["tokens"], logprobs["text_offset"]):
            self.assertEqual(choice["text"][offset:offset + len(token)], token)
        self.assertTrue(all(len(top) == 2 for top in logprobs["top_logprobs"]))
        chunks, _ = SERVER.stream("/v1/completions", body)
        for name, of in logprobs.items():
            self.assertEqual([x for c in chunks for x in c["choices"][0]["logprobs"][name]], of)

    def test_a_schema_bounds_the_answer(self):
        schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9,
                                                         "minimum": 0}},
                  "required": ["n"], "additionalProperties": False}
        _, a, _ = SERVER.ask("POST", "/v1/chat/completions", chat(response_format={
            "type": "json_schema", "json_schema": {"name": "n", "schema": schema}}))
        answer = a["choices"][0]
        self.assertEqual(answer["finish_reason"], "stop", a)
        value = json.loads(answer["message"]["content"])
        self.assertEqual(list(value), ["n"])
        self.assertIn(value["n"], range(10))


def function(name, properties=None, **more):
    schema = {"type": "object", "properties": properties or {},
              "required": list(properties or {}), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": f"To {name}.",
                                             "parameters": schema, **more}}


DIGIT = {"type": "integer", "minimum": 0, "maximum": 9}
TOOLS = [function("add", {"a": DIGIT, "b": DIGIT}), function("now", strict=True)]
NAMED = {"type": "function", "function": {"name": "add"}}


class Tools(unittest.TestCase):
    """The embedded model was never taught to call; the constraint makes it."""

    def check(self, calls, names):
        for call in calls:
            self.assertEqual(call["type"], "function")
            self.assertIn(call["function"]["name"], names)
            arguments = json.loads(call["function"]["arguments"])
            if call["function"]["name"] == "add":
                self.assertEqual(set(arguments), {"a", "b"})
                self.assertTrue(all(n in range(10) for n in arguments.values()))
            else:
                self.assertEqual(arguments, {})
        self.assertEqual(len({call["id"] for call in calls}), len(calls))

    def call(self, path="/v1/chat/completions", **more):
        status, a, _ = SERVER.ask("POST", path, {**chat(tools=TOOLS, max_tokens=250), **more})
        self.assertEqual(status, 200, a)
        return a["choices"][0]

    def test_a_forced_call_comes_and_keeps_its_schema(self):
        for path in ("/v1/chat/completions", "/chat/completions"):
            for seed in range(4):
                choice = self.call(path, tool_choice="required", seed=seed,
                                   parallel_tool_calls=False)
                self.assertEqual(choice["finish_reason"], "tool_calls", choice)
                self.assertEqual(len(choice["message"]["tool_calls"]), 1)
                self.check(choice["message"]["tool_calls"], {"add", "now"})
                self.assertIn(choice["message"]["content"], (None, ""))
                self.assertNotIn("reasoning_content", choice["message"])

    def test_a_named_call_is_of_that_name_also_behind_reasoning(self):
        choice = self.call(tool_choice=NAMED)
        self.check(choice["message"]["tool_calls"], {"add"})
        choice = self.call(tool_choice=NAMED, thinking={"type": "enabled"}, max_tokens=700)
        self.assertTrue(choice["message"]["reasoning_content"])
        if choice["finish_reason"] != "length":  # it never stopped thinking
            self.assertEqual(choice["finish_reason"], "tool_calls", choice)
            self.check(choice["message"]["tool_calls"], {"add"})

    def test_only_allowed_tools_are_called(self):
        allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "now"}}]}
        for seed in range(3):
            choice = self.call(seed=seed, tool_choice={"type": "allowed_tools",
                                                       "allowed_tools": allowed})
            self.check(choice["message"]["tool_calls"], {"now"})

    def test_streams_say_the_same_in_pieces(self):
        for path in ("/v1/chat/completions", "/chat/completions"):
            for seed in range(3):
                more = {"tool_choice": "required", "seed": seed}
                whole = self.call(path, **more)
                chunks, done = SERVER.stream(path, chat(tools=TOOLS, max_tokens=250, **more))
                self.assertTrue(done)
                calls = []
                for chunk in chunks:
                    for part in chunk["choices"][0]["delta"].get("tool_calls", []):
                        if part["index"] == len(calls):
                            calls.append({"name": part["function"]["name"], "arguments": ""})
                            self.assertTrue(part["id"].startswith("call_"))
                        else:
                            self.assertEqual(set(part), {"index", "function"})
                        calls[part["index"]]["arguments"] += part["function"]["arguments"]
                self.assertEqual(calls, [c["function"] for c in whole["message"]["tool_calls"]])
                self.assertEqual(joined(chunks), "")
                self.assertEqual(chunks[-1]["choices"][0]["finish_reason"], whole["finish_reason"])

    def test_none_and_auto_may_answer_in_words(self):
        for choice in ("none", "auto"):
            answer = self.call(tool_choice=choice, temperature=0)
            self.assertNotIn("tool▁", json.dumps(answer, ensure_ascii=False))

    def test_a_conversation_goes_on_behind_the_answers_of_tools(self):
        first = self.call(tool_choice=NAMED)["message"]
        messages = chat()["messages"] + [first] + [
            {"role": "tool", "tool_call_id": call["id"], "content": "42"}
            for call in first["tool_calls"]]
        choice = self.call(messages=messages)
        self.assertIn(choice["finish_reason"], ("stop", "tool_calls", "length"))
        status, a, _ = SERVER.ask("POST", "/v1/chat/completions", chat(
            messages=chat()["messages"] + messages[-1:], tools=TOOLS))
        self.assertEqual((status, a["error"]["param"]), (400, "messages"))

    def test_a_schema_and_tools_go_together(self):
        choice = self.call(response_format={"type": "json_object"}, temperature=0, max_tokens=60)
        if choice["finish_reason"] == "stop":
            json.loads(choice["message"]["content"])

    def test_a_prefix_is_continued(self):
        messages = chat()["messages"] + [{"role": "assistant", "content": "17 + 25 = ",
                                          "prefix": True}]
        for path in ("/beta/chat/completions", "/chat/completions", "/v1/chat/completions"):
            _, bare, _ = SERVER.ask("POST", path, chat(temperature=0, max_tokens=1, **QUICK))
            status, a, _ = SERVER.ask("POST", path, chat(messages=messages, temperature=0))
            self.assertEqual(status, 200, a)
            self.assertFalse((a["choices"][0]["message"]["content"] or "").startswith("17 + 25 ="))
            self.assertGreater(a["usage"]["prompt_tokens"], bare["usage"]["prompt_tokens"])


class Harness(unittest.TestCase):
    """What DeepSeek's own client, the adapter of deepseek-harness, sends and counts on."""

    HEADERS = {"Content-Type": "application/json", "User-Agent": "deepseek-harness/0.1",
               "X-Deepseek-Harness-User-Id": "00000000-0000-4000-8000-000000000001",
               "X-Deepseek-Harness-Session-Id": "s", "X-Deepseek-Harness-Compact": "true"}

    def stream(self, **more):
        """(kinds of deltas in order, the last one's choice, usage, the calls)"""
        body = {"model": "deepseek-v4-flash", "stream": True, "max_tokens": 256_000, "seed": 1,
                "stream_options": {"include_usage": True}, **more}
        c = http.client.HTTPConnection("127.0.0.1", SERVER.port, timeout=LIMIT_S)
        c.request("POST", "/chat/completions", json.dumps(body), self.HEADERS)
        r = c.getresponse()
        text = r.read().decode()
        c.close()
        self.assertEqual(r.status, 200, text)
        self.assertTrue(r.getheader("x-request-id"))
        events = [e for e in text.split("\n\n") if e and not e.startswith(":")]
        self.assertEqual(events.pop(), "data: [DONE]")
        chunks = [json.loads(e[6:]) for e in events]
        self.assertEqual({len(c["choices"]) for c in chunks}, {1})
        self.assertEqual({c["usage"] for c in chunks[:-1]}, {None})
        kinds, calls = [], []
        for delta in (c["choices"][0]["delta"] for c in chunks):
            full = [k for k in ("reasoning_content", "content", "tool_calls") if delta.get(k)]
            self.assertLessEqual(len(full), 1, delta)
            kinds += [k for k in full if kinds[-1:] != [k]]
            for part in delta.get("tool_calls") or []:
                if part["index"] == len(calls):
                    calls.append({"id": part["id"], "type": part["type"],
                                  "function": {"name": part["function"]["name"], "arguments": ""}})
                calls[part["index"]]["function"]["arguments"] += part["function"]["arguments"]
        self.assertEqual([k for k in ("reasoning_content", "content", "tool_calls") if k in kinds],
                         kinds)
        return kinds, chunks[-1]["choices"][0]["finish_reason"], chunks[-1]["usage"], calls

    def test_thinking_is_switched_and_counted(self):
        ask = [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]
        kinds, _, usage, _ = self.stream(messages=ask, thinking={"type": "disabled"},
                                         max_tokens=30)
        self.assertNotIn("reasoning_content", kinds)
        self.assertEqual(usage["completion_tokens_details"]["reasoning_tokens"], 0)
        for effort in ("low", "high", "max"):
            kinds, finish, usage, _ = self.stream(
                messages=ask, thinking={"type": "enabled"}, reasoning_effort=effort)
            self.assertEqual(kinds[0], "reasoning_content")
            self.assertIn(finish, ("stop", "length"))
            self.assertGreater(usage["completion_tokens_details"]["reasoning_tokens"], 0)
            self.assertEqual(usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"],
                             usage["prompt_tokens"])
            self.assertEqual(usage["prompt_tokens_details"]["cached_tokens"],
                             usage["prompt_cache_hit_tokens"])

    def test_a_call_goes_round_with_its_reasoning(self):
        ask = {"role": "user", "content": QUESTION}
        _, finish, _, calls = self.stream(messages=[ask], tools=TOOLS, tool_choice=NAMED,
                                          thinking={"type": "disabled"}, max_tokens=250)
        self.assertEqual(finish, "tool_calls")
        json.loads(calls[0]["function"]["arguments"])
        for reasoning in ({"reasoning_content": "The user asks for a sum."}, {}):  # or it was lost
            _, finish, _, _ = self.stream(
                messages=[ask, {"role": "assistant", "content": "", "tool_calls": calls, **reasoning},
                          *({"role": "tool", "tool_call_id": call["id"], "content": "42"}
                            for call in calls)],
                tools=TOOLS, thinking={"type": "enabled"}, reasoning_effort="max", max_tokens=300)
            self.assertIn(finish, ("stop", "tool_calls", "length"))

    def test_its_errors_have_words_that_it_knows(self):
        long = [{"role": "user", "content": "1 + 1 " * 2000}]
        for body, status, words in (
                ({"messages": long}, 400, "context_length_exceeded"),
                ({"messages": []}, 400, "messages"),
                ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {
                    "url": "data:image/png;base64,AAAA"}}]}]}, 400, "image_url"),
                ({"messages": [{"role": "user", "content": [
                    {"type": "file", "file_id": "file-api-1"}]}]}, 400, "file")):
            got, answer, _ = SERVER.ask("POST", "/chat/completions",
                                        {"model": "deepseek-v4-pro", "stream": True, **body})
            self.assertEqual(got, status, answer)
            self.assertIn(words, answer["error"]["code"] + answer["error"]["message"])


class Fenced(unittest.TestCase):
    """The embedded model under the name of a format whose calls are fenced (V2.5, V3)."""

    def test_calls_are_parsed_and_given_back(self):
        path = os.path.join(FOLDER, "fenced.gguf")
        with open(MODEL_FILE, "rb") as f:
            model = f.read()
        self.assertEqual(model.count(b"deepseek-v3.1"), 1)
        with open(path, "wb") as f:
            f.write(model.replace(b"deepseek-v3.1", b"deepseek-v2.5"))
        server = Server(1024, path)
        try:
            for seed in range(3):
                asked = {**chat(tools=TOOLS, tool_choice="required", max_tokens=300, seed=seed),
                         "model": "fenced"}
                status, a, _ = server.ask("POST", "/v1/chat/completions", asked)
                self.assertEqual(status, 200, a)
                choice = a["choices"][0]
                if choice["finish_reason"] == "length":
                    continue
                Tools.check(self, choice["message"]["tool_calls"], {"add", "now"})
                chunks, _ = server.stream("/v1/chat/completions", asked)
                parts = [p for c in chunks for p in c["choices"][0]["delta"].get("tool_calls", [])]
                self.assertEqual(
                    "".join(p["function"]["arguments"] for p in parts),
                    "".join(c["function"]["arguments"] for c in choice["message"]["tool_calls"]))
                status, a, _ = server.ask("POST", "/v1/chat/completions", {
                    **asked, "max_tokens": 4, "tool_choice": "auto",
                    "messages": asked["messages"] + [choice["message"]] + [
                        {"role": "tool", "tool_call_id": c["id"], "content": "1"}
                        for c in choice["message"]["tool_calls"]]})
                self.assertEqual(status, 200, a)
        finally:
            self.assertEqual(server.stop(), 0)


class Streams(unittest.TestCase):
    def test_give_the_same_text_as_a_whole_answer(self):
        for path in ("/v1/chat/completions", "/chat/completions"):
            _, whole, _ = SERVER.ask("POST", path, chat())
            chunks, done = SERVER.stream(path, chat())
            self.assertTrue(done)
            message = whole["choices"][0]["message"]
            self.assertTrue(message["content"] and message["reasoning_content"])
            self.assertEqual(joined(chunks), message["content"])
            self.assertEqual(joined(chunks, "reasoning_content"), message["reasoning_content"])
            self.assertEqual(len({(c["id"], c["created"], c["model"]) for c in chunks}), 1)
            self.assertEqual(chunks[0]["choices"][0]["delta"]["role"], "assistant")
            last = [c for c in chunks if c["choices"]][-1]["choices"][0]
            self.assertEqual(last["finish_reason"], whole["choices"][0]["finish_reason"])

    def test_openai_usage_comes_behind_the_choices_and_only_if_asked_for(self):
        chunks, _ = SERVER.stream("/v1/chat/completions", chat())
        self.assertFalse([c for c in chunks if "usage" in c])
        chunks, _ = SERVER.stream("/v1/chat/completions",
                                  chat(stream_options={"include_usage": True}))
        self.assertEqual(chunks[-1]["choices"], [])
        self.assertGreater(chunks[-1]["usage"]["total_tokens"], 1)
        self.assertTrue(all(c["usage"] is None for c in chunks[:-1]))

    def test_deepseek_usage_rides_on_the_last_choice(self):
        for options in ({}, {"stream_options": {"include_usage": True}}):
            chunks, _ = SERVER.stream("/chat/completions", chat(**options))
            self.assertTrue(all(len(c["choices"]) == 1 for c in chunks))
            self.assertGreater(chunks[-1]["usage"]["completion_tokens"], 0)
            self.assertIsNotNone(chunks[-1]["choices"][0]["finish_reason"])
            for c in chunks[:-1]:
                self.assertEqual("usage" in c, bool(options))

    def test_many_at_once_say_what_one_alone_says(self):
        _, alone, _ = SERVER.ask("POST", "/v1/chat/completions", chat(temperature=1, **QUICK))
        texts = [None] * 12

        def one(i):
            texts[i] = joined(SERVER.stream("/v1/chat/completions", chat(temperature=1, **QUICK))[0])

        threads = [threading.Thread(target=one, args=(i,)) for i in range(len(texts))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(set(texts), {alone["choices"][0]["message"]["content"]})


class Errors(unittest.TestCase):
    def refused(self, status, param, body, path="/v1/chat/completions"):
        got, answer, headers = SERVER.ask("POST", path, body)
        self.assertEqual(got, status, answer)
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(set(answer), {"error"})
        self.assertEqual(set(answer["error"]), {"message", "type", "param", "code"})
        self.assertEqual(answer["error"]["param"], param)
        return answer["error"]

    def test_name_the_field(self):
        self.refused(400, "temperature", chat(temperature=3))
        self.refused(400, "temperature", chat(temperature="warm"), "/chat/completions")
        self.refused(400, None, b'{"model": NAME, "model": NAME}')
        self.refused(400, None, b'\xff\xfe')
        self.refused(400, None, b'[' * 100000)
        self.refused(400, None, b'')
        self.assertEqual(self.refused(404, "model", chat(model="gpt-4"))["code"],
                         "model_not_found")

    def test_say_both_numbers_when_the_context_is_full(self):
        e = self.refused(400, "messages",
                         chat(messages=[{"role": "user", "content": "1 + 1 " * 1000}]))
        self.assertEqual(e["code"], "context_length_exceeded")
        self.assertIn(" 1024 tokens", e["message"])

    def test_unknown_paths_and_methods_have_the_envelope_too(self):
        status, answer, _ = SERVER.ask("GET", "/v1/nothing")
        self.assertEqual((status, answer["error"]["type"]), (404, "invalid_request_error"))
        status, answer, headers = SERVER.ask("GET", "/v1/chat/completions")
        self.assertEqual(status, 405)
        self.assertIn("POST", headers["Allow"])

    def test_unknown_fields_are_taken(self):
        status, _, _ = SERVER.ask("POST", "/v1/chat/completions", chat(
            max_tokens=1, metadata={"a": "b"}, store=False, service_tier="auto", user="x",
            parallel_tool_calls=True, something_new=[1], tools=None))
        self.assertEqual(status, 200)


class Models(unittest.TestCase):
    def test_are_listed_and_found(self):
        for root in ("", "/v1"):
            status, a, _ = SERVER.ask("GET", root + "/models")
            self.assertEqual((status, a["object"]), (200, "list"))
            model, = a["data"]
            self.assertEqual((model["id"], model["object"]), (NAME, "model"))
            self.assertEqual(model["context_window"], 1024)
            self.assertIsInstance(model["created"], int)
            self.assertEqual(SERVER.ask("GET", root + "/models/" + NAME)[1], model)
            self.assertEqual(SERVER.ask("GET", root + "/models/deepseek-chat")[1], model)
            self.assertEqual(SERVER.ask("GET", root + "/models/x/y")[0], 404)

    def test_the_balance_has_exactly_the_members_that_strict_clients_take(self):
        status, a, _ = SERVER.ask("GET", "/user/balance")
        self.assertEqual((status, set(a)), (200, {"is_available", "balance_infos"}))
        self.assertEqual(set(a["balance_infos"][0]),
                         {"currency", "total_balance", "granted_balance", "topped_up_balance"})


class Jobs(unittest.TestCase):
    def wait_until(self, server, name, value):
        end = time.time() + 10
        while server.seen()[name] != value:
            self.assertLess(time.time(), end, server.seen())
            time.sleep(0.01)

    def test_end_when_their_client_leaves(self):
        server = Server(1024)
        try:
            for streamed in (True, False):
                before = server.seen()["jobs"]
                body = endless(stream=streamed)
                c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
                c.request("POST", "/v1/completions", json.dumps(body))
                if streamed:
                    self.assertTrue(c.getresponse().read(10))
                self.wait_until(server, "running", 1)
                c.close()
                self.wait_until(server, "running", 0)
                after = server.seen()
                self.assertEqual(after["jobs"], before + 1)
        finally:
            self.assertEqual(server.stop(), 0)

    def test_beyond_a_full_queue_are_refused_with_retry_after(self):
        server = Server(1024, "--max-running", 1, "--queue", 1)
        connections = []
        try:
            for name in ("running", "queued"):
                c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LIMIT_S)
                c.request("POST", "/v1/completions", json.dumps(endless(stream=True)))
                connections.append(c)
                self.wait_until(server, name, 1)
            status, a, headers = server.ask("POST", "/v1/completions", endless())
            self.assertEqual((status, a["error"]["type"]), (429, "rate_limit_error"))
            self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        finally:
            for c in connections:
                c.close()
            self.assertEqual(server.stop(), 0)

    def test_are_cut_by_a_stop_without_harm(self):
        server = Server(1024)
        c, r = server.send("POST", "/v1/completions", endless(stream=True))
        self.assertTrue(r.read(10))
        self.assertEqual(server.stop(), 0)
        c.close()


END_TOKENS = subprocess.run([TIEFSEE, "tokenize", "--special"], input="<｜end▁of▁sentence｜>",
                            check=True, capture_output=True, text=True).stdout.split()
SERVER = Server(1024)

if __name__ == "__main__":
    result = unittest.main(argv=sys.argv[:1], verbosity=0, exit=False).result
    code = SERVER.stop()
    shutil.rmtree(FOLDER)
    sys.exit(not result.wasSuccessful() or code != 0)
