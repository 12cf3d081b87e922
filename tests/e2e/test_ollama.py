#!/usr/bin/env python3
"""Ollama's API, spoken to over real sockets.

    test_ollama.py PATH_OF_TIEFSEE"""
import json
import unittest

import served

QUESTION = [{"role": "user", "content": "What is 17 + 25?"}]
NUMBERS = {"done_reason", "total_duration", "load_duration", "prompt_eval_count",
           "prompt_eval_duration", "eval_count", "eval_duration"}


def chat(**more):
    options = {"seed": 42, "num_predict": 100, **more.pop("options", {})}
    return {"model": served.NAME, "messages": QUESTION, "options": options, **more}


class Ollama(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = served.Server()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def ask(self, path, body=None, method=None):
        status, answer, _ = self.server.ask(method or ("POST" if body else "GET"), path, body)
        return status, answer

    def test_a_stream_of_lines_adds_up_to_the_whole_answer(self):
        for body in (chat(), chat(think=False), chat(logprobs=True, top_logprobs=2)):
            lines = self.server.lines("/api/chat", body)
            _, whole = self.ask("/api/chat", {**body, "stream": False})
            self.assertTrue(all(not line["done"] for line in lines[:-1]))
            last = lines[-1]
            self.assertTrue(last["done"] and NUMBERS <= set(last), last)
            for name in ("content", "thinking"):
                text = "".join(line["message"].get(name, "") for line in lines)
                self.assertEqual(text, whole["message"].get(name, ""))
            for name in ("eval_count", "prompt_eval_count", "done_reason"):
                self.assertEqual(last[name], whole[name])
            entries = [e for line in lines for e in line.get("logprobs", [])]
            self.assertEqual(entries, whole.get("logprobs", []))
            self.assertEqual(bool(entries), "logprobs" in body)

    def test_the_text_is_that_of_openai(self):
        _, a = self.ask("/api/chat", chat(stream=False))
        _, b = self.ask("/v1/chat/completions", {"model": served.NAME, "messages": QUESTION,
                                                 "seed": 42, "max_tokens": 100})
        message = b["choices"][0]["message"]
        self.assertEqual(a["message"]["content"], message["content"])
        self.assertEqual(a["message"]["thinking"], message["reasoning_content"])
        self.assertEqual(a["eval_count"], b["usage"]["completion_tokens"])

    def test_generate_is_a_chat_of_one_prompt(self):
        body = {"model": served.NAME, "prompt": QUESTION[0]["content"],
                "options": {"seed": 42, "num_predict": 100}}
        lines = self.server.lines("/api/generate", body)
        _, a = self.ask("/api/chat", chat(stream=False))
        self.assertEqual("".join(line["response"] for line in lines), a["message"]["content"])
        self.assertEqual("".join(line.get("thinking", "") for line in lines),
                         a["message"]["thinking"])
        self.assertTrue(NUMBERS <= set(lines[-1]))

    def test_a_raw_prompt_is_a_completion(self):
        _, a = self.ask("/api/generate", {
            "model": served.NAME, "prompt": "2+3=", "raw": True, "stream": False,
            "options": {"seed": 1, "num_predict": 8}})
        _, b = self.ask("/v1/completions", {"model": served.NAME, "prompt": "2+3=", "seed": 1,
                                            "max_tokens": 8})
        self.assertEqual(a["response"], b["choices"][0]["text"])

    def test_a_format_bounds_the_content(self):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
                  "additionalProperties": False}
        for form, want in ((schema, {"n"}), ("json", None)):
            _, a = self.ask("/api/chat", chat(format=form, stream=False, think=False,
                                              options={"num_predict": 300}))
            if a["done_reason"] == "stop":
                value = json.loads(a["message"]["content"])
                self.assertTrue(want is None or set(value) == want, value)

    def test_calls_are_objects_in_lines_of_their_own(self):
        tool = {"type": "function", "function": {"name": "pick", "parameters": {
            "type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"],
            "additionalProperties": False}}}
        body = chat(tools=[tool], tool_choice="required", parallel_tool_calls=False)
        _, whole = self.ask("/api/chat", {**body, "stream": False})
        calls = [c for line in self.server.lines("/api/chat", body)
                 for c in line["message"].get("tool_calls", [])]
        self.assertGreater(len(calls), 0)
        self.assertEqual([c["function"] for c in calls],
                         [c["function"] for c in whole["message"]["tool_calls"]])
        self.assertIn(calls[0]["function"]["arguments"]["n"], (1, 2))
        again = QUESTION + [whole["message"], {"role": "tool", "tool_name": "pick",
                                               "content": "42"}]
        status, answer = self.ask("/api/chat", chat(messages=again, tools=[tool], stream=False))
        self.assertEqual(status, 200, answer)

    def test_stop_strings_end_and_are_not_said(self):
        _, a = self.ask("/api/chat", chat(stream=False, think=False))
        self.assertGreater(len(a["message"]["content"]), 4)
        _, b = self.ask("/api/chat", chat(stream=False, think=False, options={
            "stop": a["message"]["content"][2:4]}))
        self.assertNotIn(a["message"]["content"][2:4], b["message"]["content"])
        self.assertEqual(b["done_reason"], "stop")

    def test_models_are_listed_as_clients_look_for_them(self):
        _, tags = self.ask("/api/tags")
        model, = tags["models"]
        self.assertEqual(model["name"], served.NAME + ":latest")
        self.assertRegex(model["digest"], "^[0-9a-f]{64}$")
        self.assertIn("thinking", model["capabilities"])
        _, ps = self.ask("/api/ps")
        self.assertEqual(ps["models"][0]["digest"], model["digest"])
        self.assertEqual(ps["models"][0]["context_length"], 1024)
        _, shown = self.ask("/api/show", {"model": model["name"]})
        family = shown["details"]["family"]
        self.assertEqual(shown["model_info"][family + ".context_length"], 1024)
        self.assertEqual(shown["capabilities"], model["capabilities"])
        self.assertEqual(self.ask("/api/chat", {**chat(stream=False), "model": model["name"]})[0],
                         200)
        self.assertRegex(self.ask("/api/version")[1]["version"], r"^\d+\.\d+\.\d+$")

    def test_a_request_that_asks_nothing_loads(self):
        for path in ("/api/chat", "/api/generate"):
            line, = self.server.lines(path, {"model": served.NAME, "keep_alive": 0})
            self.assertEqual((line["done"], line["done_reason"]), (True, "load"))
        line, = self.server.lines("/api/pull", {"model": served.NAME})
        self.assertEqual(line, {"status": "success"})

    def test_what_there_is_not_is_refused_by_name(self):
        for method, path, body, status, part in (
                ("POST", "/api/embed", {"model": "x"}, 400, "embeddings"),
                ("POST", "/api/embeddings", {"model": "x"}, 400, "embeddings"),
                ("POST", "/api/push", {"model": "x"}, 400, "tiefsee serve"),
                ("POST", "/api/create", {"model": "x"}, 400, "tiefsee serve"),
                ("POST", "/api/copy", {"source": "x"}, 400, "tiefsee serve"),
                ("DELETE", "/api/delete", {"model": "x"}, 400, "tiefsee serve"),
                ("POST", "/api/pull", {"model": "llama3"}, 404, "not downloaded"),
                ("POST", "/api/show", {"model": "llama3"}, 404, "not found"),
                ("POST", "/api/chat", {"model": "llama3"}, 404, "not found"),
                ("POST", "/api/chat", chat(options={"top_p": "x"}), 400, "top_p"),
                ("GET", "/api/none", None, 404, "/api/none"),
                ("GET", "/api/chat", None, 405, "")):
            got, answer = self.ask(path, body, method)
            self.assertEqual(got, status, (path, answer))
            self.assertEqual(set(answer), {"error"})
            self.assertIn(part, answer["error"])

    def test_a_context_that_does_not_fit_is_refused_with_both_numbers(self):
        status, answer = self.ask("/api/chat", {"model": served.NAME, "messages": [
            {"role": "user", "content": "1 " * 3000}]})
        self.assertEqual(status, 400)
        self.assertRegex(answer["error"], "1024 .* [0-9]{4} tokens")


if __name__ == "__main__":
    served.main()
