#!/usr/bin/env python3
"""Anthropic's Messages API, spoken to over real sockets.

    test_anthropic.py PATH_OF_TIEFSEE"""
import json
import unittest

import served

QUESTION = [{"role": "user", "content": "What is 17 + 25?"}]
THINK = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
PATH = "/v1/messages"


def ask_for(**more):
    return {"model": "claude-sonnet-4-5", "max_tokens": 120, "seed": 42, "messages": QUESTION,
            **more}


def gather(events):
    """The message that the events make, and a check of their order."""
    message = open_block = None
    ended = False
    for name, e in events:
        assert not ended, "something came behind message_stop"
        if name == "ping":
            continue
        if name == "message_start":
            assert message is None
            message = e["message"]
        elif name == "content_block_start":
            assert open_block is None and e["index"] == len(message["content"])
            open_block = e["content_block"]
            message["content"].append(open_block)
            partial = ""
        elif name == "content_block_delta":
            assert e["index"] == len(message["content"]) - 1
            d = e["delta"]
            if d["type"] == "input_json_delta":
                partial += d["partial_json"]
            else:
                field = {"text_delta": "text", "thinking_delta": "thinking",
                         "signature_delta": "signature"}[d["type"]]
                open_block[field] += d[field]
        elif name == "content_block_stop":
            assert e["index"] == len(message["content"]) - 1
            if open_block["type"] == "tool_use":
                open_block["input"] = json.loads(partial or "{}")
            open_block = None
        elif name == "message_delta":
            assert open_block is None
            message.update(e["delta"])
            message["usage"].update(e["usage"])
        else:
            assert name == "message_stop", name
            ended = True
    assert ended
    return message


def plain(message):
    """Without what differs from one answer to the next."""
    usage = message["usage"]
    return {**message, "id": "", "usage": {
        "prompt": usage["input_tokens"] + usage["cache_read_input_tokens"],
        "output_tokens": usage["output_tokens"]}}


class Anthropic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = served.Server()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def ask(self, body, path=PATH):
        status, answer, headers = self.server.ask("POST", path, body,
                                                  {"anthropic-version": "2023-06-01"})
        self.assertEqual(headers["request-id"], headers["X-Request-Id"])
        return status, answer

    def test_an_answer_has_every_member_that_clients_require(self):
        status, a = self.ask(ask_for())
        self.assertEqual(status, 200, a)
        self.assertEqual(set(a), {"id", "type", "role", "model", "content", "stop_reason",
                                  "stop_sequence", "usage"})
        self.assertTrue(a["id"].startswith("msg_"))
        self.assertEqual([b["type"] for b in a["content"]], ["text"])
        self.assertEqual(a["stop_reason"], "end_turn")

    def test_events_add_up_to_the_whole_answer(self):
        for more in ({}, THINK, {"stop_sequences": ["+"]}, {"max_tokens": 3}, {**THINK,
                                                                             "max_tokens": 3}):
            _, whole = self.ask(ask_for(**more))
            self.assertEqual(plain(gather(self.server.events(PATH, ask_for(stream=True, **more)))),
                             plain(whole))

    def test_a_title_comes_if_it_is_asked_for(self):
        asked = ask_for(title={"enabled": True}, max_tokens=4)
        _, whole = self.ask(asked)
        self.assertEqual(whole["title"], QUESTION[0]["content"])
        deltas = [e["delta"] for name, e in self.server.events(PATH, {**asked, "stream": True})
                  if name == "message_delta"]
        self.assertEqual([d["title"] for d in deltas], [whole["title"]])
        status, a = self.ask(ask_for(title="yes"))
        self.assertEqual((status, "title" in a["error"]["message"]), (400, True))

    def test_the_text_is_that_of_openai(self):
        _, a = self.ask(ask_for(**THINK))
        _, b, _ = self.server.ask("POST", "/v1/chat/completions", {
            "model": served.NAME, "messages": QUESTION, "seed": 42, "max_tokens": 120})
        message = b["choices"][0]["message"]
        self.assertEqual(a["content"][0]["thinking"], message["reasoning_content"])
        self.assertEqual(a["content"][1]["text"], message["content"])
        self.assertEqual(a["usage"]["output_tokens"], b["usage"]["completion_tokens"])

    def test_deepseeks_route_thinks_unless_told_otherwise(self):
        _, a = self.ask(ask_for(), "/anthropic" + PATH)
        self.assertEqual(a["content"][0]["type"], "thinking")
        _, b = self.ask(ask_for(thinking={"type": "disabled"}), "/anthropic" + PATH)
        self.assertEqual(b["content"][0]["type"], "text")

    def test_a_stop_sequence_is_named(self):
        _, a = self.ask(ask_for(stop_sequences=["nothing like it", "+"]))
        self.assertEqual((a["stop_reason"], a["stop_sequence"]), ("stop_sequence", "+"))

    def test_thinking_comes_back_unchanged_or_not_at_all(self):
        _, a = self.ask(ask_for(**THINK))
        again = QUESTION + [{"role": "assistant", "content": a["content"]},
                            {"role": "user", "content": "1+1="}]
        self.assertEqual(self.ask(ask_for(messages=again, **THINK))[0], 200)
        a["content"][0]["thinking"] += "!"
        status, b = self.ask(ask_for(messages=again, **THINK))
        self.assertEqual((status, b["error"]["type"]), (400, "invalid_request_error"))
        self.assertIn("signature", b["error"]["message"])

    def test_what_was_remembered_is_told_apart(self):
        prompt = [{"role": "user", "content": " ".join(str(i) for i in range(150))}]
        body = ask_for(messages=prompt, max_tokens=1)
        _, count = self.ask({"model": served.NAME, "messages": prompt}, PATH + "/count_tokens")
        _, first = self.ask(body)
        _, second = self.ask(body)
        for a in (first, second):
            usage = a["usage"]
            self.assertEqual(usage["input_tokens"] + usage["cache_read_input_tokens"],
                             count["input_tokens"])
        self.assertGreater(second["usage"]["cache_read_input_tokens"], 100)

    def test_counts_also_what_does_not_fit(self):
        body = {"model": "claude-x", "messages": [{"role": "user", "content": "1 " * 3000}]}
        status, a = self.ask(body, PATH + "/count_tokens")
        self.assertEqual(status, 200)
        self.assertGreater(a["input_tokens"], 3000)
        status, b = self.ask({**body, "max_tokens": 1})
        self.assertEqual(status, 400)
        self.assertRegex(b["error"]["message"], "1024 .* [0-9]{4} tokens")

    def test_a_tool_is_used_and_its_result_taken(self):
        tool = {"name": "pick", "input_schema": {
            "type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"],
            "additionalProperties": False}}
        body = ask_for(tools=[tool], tool_choice={"type": "tool", "name": "pick",
                                                  "disable_parallel_tool_use": True})
        _, whole = self.ask(body)
        self.assertEqual(whole["stop_reason"], "tool_use")
        use = whole["content"][-1]
        self.assertIn(use["input"]["n"], (1, 2))
        streamed = gather(self.server.events(PATH, {**body, "stream": True}))["content"][-1]
        self.assertEqual((use["name"], use["input"]), (streamed["name"], streamed["input"]))
        status, a = self.ask(ask_for(tools=[tool], messages=QUESTION + [
            {"role": "assistant", "content": whole["content"]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use["id"],
                                          "content": "42"}]}]))
        self.assertEqual(status, 200, a)

    def test_a_format_bounds_the_text(self):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
                  "additionalProperties": False}
        _, a = self.ask(ask_for(max_tokens=300, output_config={
            "format": {"type": "json_schema", "schema": schema}}))
        if a["stop_reason"] == "end_turn":
            self.assertEqual(set(json.loads(a["content"][0]["text"])), {"n"})

    def test_errors_have_the_envelope(self):
        for path, body, status, kind, part in (
                (PATH, {}, 400, "invalid_request_error", "model"),
                (PATH, {"model": "gpt-4"}, 404, "not_found_error", "gpt-4"),
                (PATH, ask_for(max_tokens="x"), 400, "invalid_request_error", "max_tokens"),
                (PATH + "/none", {}, 404, "not_found_error", "/none"),
                ("/anthropic/v1/none", {}, 404, "not_found_error", "/none")):
            got, a = self.ask(body, path)
            self.assertEqual((got, a["type"], a["error"]["type"]), (status, "error", kind))
            self.assertIn(part, a["error"]["message"])
            self.assertTrue(a["request_id"].startswith("req_"))

    def test_models_are_listed(self):
        _, a, _ = self.server.ask("GET", "/anthropic/v1/models")
        self.assertEqual(a["data"][0]["id"], served.NAME)
        self.assertFalse(a["has_more"])
        status, b, _ = self.server.ask("GET", "/anthropic/v1/models/claude-x")
        self.assertEqual((status, b["type"]), (200, "model"))
        self.assertEqual(self.server.ask("GET", "/anthropic/v1/models/x")[0], 404)


if __name__ == "__main__":
    served.main()
