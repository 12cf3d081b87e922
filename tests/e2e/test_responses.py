#!/usr/bin/env python3
"""OpenAI's Responses, spoken to over real sockets.

    test_responses.py PATH_OF_TIEFSEE"""
import json
import unittest

import served
from ws import Ws

QUESTION = "What is 17 + 25?"
PATH = "/v1/responses"
TOOL = {"type": "function", "name": "pick", "description": "Pick one.", "parameters": {
    "type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"],
    "additionalProperties": False}}
CALLING = {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False}


def ask_for(**more):
    return {"model": served.NAME, "input": QUESTION, "seed": 42, "max_output_tokens": 150, **more}


def check_item(item, events):
    """What the events between added and done say is what the item says."""
    kinds = [name for name, _ in events]
    if item["type"] == "function_call":
        text = item["arguments"]
        start, end, delta = [], ["response.function_call_arguments.done"], \
            "response.function_call_arguments.delta"
        assert events[-1][1]["arguments"] == text and events[-1][1]["name"] == item["name"]
    else:
        word = {"message": "output_text", "reasoning": "reasoning_text"}[item["type"]]
        part, = item["content"]
        text = part["text"]
        start = ["response.content_part.added"]
        end = [f"response.{word}.done", "response.content_part.done"]
        delta = f"response.{word}.delta"
        assert events[0][1]["part"]["text"] == ""
        assert events[-2][1]["text"] == text and events[-1][1]["part"] == part
    n = len(kinds) - len(start) - len(end)
    assert kinds == start + [delta] * n + end, kinds
    assert "".join(e["delta"] for _, e in events[len(start):len(start) + n]) == text
    for _, e in events:
        assert e["item_id"] == item["id"]


def gather(events):
    """The response that ends the stream, and a check of everything before it."""
    names = [name for name, _ in events]
    assert [e["sequence_number"] for _, e in events] == list(range(len(events)))
    assert names[:2] == ["response.created", "response.in_progress"]
    final = events[-1][1]["response"]
    assert names[-1] == "response." + final["status"]
    items, inside = [], None
    for name, e in events[2:-1]:
        if name == "response.output_item.added":
            assert inside is None and e["output_index"] == len(items)
            added, inside = e["item"], []
            assert added["status"] == "in_progress"
        elif name == "response.output_item.done":
            assert e["item"]["id"] == added["id"] and e["output_index"] == len(items)
            check_item(e["item"], inside)
            items.append(e["item"])
            inside = None
        else:
            assert e["output_index"] == len(items)
            inside.append((name, e))
    assert inside is None and items == final["output"], (items, final)
    assert events[0][1]["response"]["id"] == final["id"]
    return final


def plain(response):
    """Without what differs from one answer to the next."""
    ids = {"id": "", "created_at": 0, "completed_at": 0, "usage": {
        **response["usage"], "input_tokens_details": {}}}
    return {**response, **ids, "output": [{**o, "id": "", "call_id": ""}
                                          for o in response["output"]]}


def text_of(response):
    return "".join(p["text"] for o in response["output"] if o["type"] == "message"
                   for p in o["content"])


class Responses(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = served.Server()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def ask(self, body, path=PATH):
        status, answer, _ = self.server.ask("POST", path, body)
        return status, answer

    def test_a_response_has_every_member_that_clients_require(self):
        status, a = self.ask(ask_for())
        self.assertEqual(status, 200, a)
        for name in ("id", "object", "created_at", "status", "error", "incomplete_details",
                     "instructions", "model", "output", "parallel_tool_calls", "tool_choice",
                     "tools", "usage", "text", "temperature", "top_p", "metadata", "reasoning",
                     "truncation", "max_output_tokens", "previous_response_id", "store"):
            self.assertIn(name, a)
        self.assertEqual((a["object"], a["status"], a["store"]), ("response", "completed", False))
        self.assertEqual([o["type"] for o in a["output"]], ["reasoning", "message"])
        usage = a["usage"]
        self.assertEqual(usage["total_tokens"], usage["input_tokens"] + usage["output_tokens"])
        self.assertGreater(usage["output_tokens_details"]["reasoning_tokens"], 0)

    def test_events_add_up_to_the_whole_response(self):
        for more in ({}, {"reasoning": {"effort": "none"}}, {"max_output_tokens": 3},
                     CALLING, {**CALLING, "max_output_tokens": 4},
                     {"top_logprobs": 2, "reasoning": {"effort": "none"}},
                     {"instructions": "be short", "metadata": {"a": "b"}}):
            status, whole = self.ask(ask_for(**more))
            self.assertEqual(status, 200, whole)
            final = gather(self.server.events(PATH, ask_for(stream=True, **more)))
            self.assertEqual(plain(final), plain(whole))

    def test_a_title_comes_if_it_is_asked_for(self):
        for path in (PATH, "/responses"):
            asked = ask_for(title={"enabled": True}, max_output_tokens=4)
            _, whole, _ = self.server.ask("POST", path, asked)
            self.assertEqual(whole["title"], QUESTION)
            events = self.server.events(path, {**asked, "stream": True})
            self.assertNotIn("title", events[0][1]["response"])
            self.assertEqual(events[-1][1]["response"]["title"], QUESTION)

    def test_the_text_is_that_of_chat(self):
        _, a = self.ask(ask_for(instructions="Be short."))
        _, b, _ = self.server.ask("POST", "/v1/chat/completions", {
            "model": served.NAME, "seed": 42, "max_tokens": 150, "messages": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": QUESTION}]})
        message = b["choices"][0]["message"]
        self.assertEqual(text_of(a), message["content"])
        self.assertEqual(a["output"][0]["content"][0]["text"], message["reasoning_content"])
        self.assertEqual(a["usage"]["input_tokens"], b["usage"]["prompt_tokens"])

    def test_a_call_is_forced_and_its_output_taken(self):
        _, a = self.ask(ask_for(**CALLING))
        call = a["output"][-1]
        self.assertEqual((call["type"], call["name"]), ("function_call", "pick"))
        self.assertIn(json.loads(call["arguments"])["n"], (1, 2))
        items = [{"role": "user", "content": QUESTION}, *a["output"],
                 {"type": "function_call_output", "call_id": call["call_id"], "output": "42"}]
        status, b = self.ask(ask_for(input=items, tools=[TOOL]))
        self.assertEqual(status, 200, b)
        self.assertGreater(b["usage"]["input_tokens"], a["usage"]["input_tokens"])

    def test_a_tool_may_live_in_a_namespace(self):
        space = {"type": "namespace", "name": "box", "description": "x", "tools": [TOOL]}
        more = {**CALLING, "tools": [space]}
        _, a = self.ask(ask_for(**more))
        call = a["output"][-1]
        self.assertEqual((call["name"], call["namespace"]), ("pick", "box"))
        self.assertEqual(a["tools"], [space])
        self.assertEqual(plain(gather(self.server.events(PATH, ask_for(stream=True, **more)))),
                         plain(a))
        for wrong in ({"type": "namespace"}, {**space, "tools": [{"type": "web_search"}]}):
            self.assertEqual(self.ask(ask_for(tools=[wrong]))[0], 400)

    def test_reasoning_survives_clients_that_keep_only_the_encoded(self):
        _, a = self.ask(ask_for(include=["reasoning.encrypted_content"]))
        reasoning, message = a["output"]
        tail = {"role": "user", "content": "1+1="}
        bare = {"type": "reasoning", "summary": [],
                "encrypted_content": reasoning["encrypted_content"]}
        counts = []
        for first in (reasoning, bare):
            status, c = self.ask(ask_for(input=[{"role": "user", "content": QUESTION}, first,
                                                message, tail]), PATH + "/input_tokens")
            self.assertEqual(status, 200, c)
            counts.append(c["input_tokens"])
        self.assertEqual(*counts)
        bare["encrypted_content"] = "ts1.***"
        self.assertEqual(self.ask(ask_for(input=[bare, tail]))[0], 400)

    def test_a_format_bounds_the_text(self):
        for form in ({"type": "json_object"}, {"type": "json_schema", "name": "x", "schema": {
                "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
                "additionalProperties": False}}):
            _, a = self.ask(ask_for(text={"format": form}, reasoning={"effort": "none"}))
            if a["status"] == "completed":
                json.loads(text_of(a))
            self.assertEqual(a["text"]["format"], form)

    def test_what_is_not_here_is_refused_by_name(self):
        for more, part in (
                ({"previous_response_id": "resp_1"}, "previous_response_id"),
                ({"conversation": "c"}, "conversation"), ({"background": True}, "background"),
                ({"tools": [{"type": "web_search"}]}, "web_search"),
                ({"tools": [{"type": "custom", "name": "x"}]}, "custom"),
                ({"input": [{"type": "item_reference", "id": "x"}]}, "item_reference"),
                ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
                 "input_image"),
                ({"input": 3}, "input"), ({"input": []}, "0 items"),
                ({"input": [{"role": "boss", "content": "x"}]}, "boss"),
                ({"input": [{"type": "function_call", "name": "x"}]}, "call_id"),
                ({"text": {"format": {"type": "xml"}}}, "text.format"),
                ({"reasoning": {"effort": "much"}}, "effort"),
                ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
                ({"instructions": 3}, "instructions"),
                ({"max_output_tokens": 0}, "max_output_tokens")):
            status, a = self.ask(ask_for(**more))
            self.assertEqual(status, 400, a)
            self.assertEqual(set(a["error"]), {"message", "type", "param", "code"})
            self.assertIn(part, a["error"]["message"])

    def test_deepseeks_path_ignores_what_would_be_stored(self):
        status, a = self.ask(ask_for(previous_response_id="resp_1", background=True),
                             "/responses")
        self.assertEqual((status, a["previous_response_id"], a["background"]), (200, None, False))

    def test_counts_also_what_does_not_fit(self):
        status, a = self.ask(ask_for(input="1 " * 3000), PATH + "/input_tokens")
        self.assertEqual((status, a["object"]), (200, "response.input_tokens"))
        self.assertGreater(a["input_tokens"], 3000)
        status, b = self.ask(ask_for(input="1 " * 3000))
        self.assertEqual((status, b["error"]["code"]), (400, "context_length_exceeded"))
        self.assertEqual(b["error"]["param"], "input")


    def compact(self, items, **more):
        return self.ask({"model": served.NAME, "input": items, **more}, PATH + "/compact")

    def test_a_conversation_is_compacted_and_gone_on_with(self):
        items = [{"role": "user", "content": "My name is Ada."},
                 {"role": "assistant", "content": "Hello, Ada."},
                 {"role": "user", "content": "x" * 9000}, {"role": "user", "content": QUESTION}]
        status, a = self.compact(items[:2] + items[3:], max_output_tokens=20)
        self.assertEqual((status, a["object"]), (200, "response.compaction"), a)
        self.assertEqual([o["type"] for o in a["output"]], ["message", "message", "compaction"])
        self.assertEqual(a["output"][1]["content"], [{"type": "input_text", "text": QUESTION}])
        self.assertLessEqual(a["usage"]["output_tokens"], 20)
        window = [*a["output"], {"role": "user", "content": "1+1="}]
        status, b = self.ask(ask_for(input=window))
        self.assertEqual(status, 200, b)
        self.assertGreater(b["usage"]["input_tokens"], 20)
        _, whole = self.ask(ask_for(input=items), PATH + "/compact")
        self.assertEqual(whole["error"]["code"], "context_length_exceeded")
        for change in (lambda s: s[:-1], lambda s: "gAAA" + s, lambda s: s[:30] + "x" + s[31:],
                       lambda s: 3):
            bad = {**a["output"][-1], "encrypted_content": change(
                a["output"][-1]["encrypted_content"])}
            status, c = self.ask(ask_for(input=[bad, window[-1]]))
            self.assertEqual((status, c["error"]["param"]), (400, "input[0]"), c)

    def test_compacting_is_refused_by_name(self):
        for body, part in (({"input": "x"}, "model"), ({"model": served.NAME}, "input"),
                           ({"model": served.NAME, "input": "x",
                             "previous_response_id": "resp_1"}, "previous_response_id")):
            status, a = self.ask(body, PATH + "/compact")
            self.assertEqual(status, 400, a)
            self.assertIn(part, a["error"]["message"])

    def talk(self, ws, **body):
        """The events of one answer over a WebSocket."""
        ws.send(1, json.dumps({"type": "response.create", **body}))
        events = []
        while not events or events[-1][0] not in ("error", "response.completed",
                                                  "response.incomplete", "response.failed"):
            e = json.loads(ws.text())
            events.append((e["type"], e))
        return events

    def test_a_websocket_says_what_a_stream_does(self):
        with Ws(self.server.port, PATH) as ws:
            self.assertEqual(ws.status, 101)
            for more in ({}, CALLING, {"max_output_tokens": 3}):
                over = gather(self.talk(ws, **ask_for(**more)))
                self.assertEqual(plain(over), plain(self.ask(ask_for(**more))[1]))

    def test_a_websocket_goes_on_from_its_last_response(self):
        first = {"role": "user", "content": QUESTION}
        second = {"role": "user", "content": "And twice that?"}
        with Ws(self.server.port, PATH) as ws:
            a = gather(self.talk(ws, **ask_for()))
            b = gather(self.talk(ws, **ask_for(input=[second], previous_response_id=a["id"])))
            c = gather(self.talk(ws, **ask_for(input="More.", previous_response_id=b["id"])))
            self.assertEqual(b["previous_response_id"], a["id"])
            _, whole = self.ask(ask_for(input=[first, *a["output"], second]))
            self.assertEqual(text_of(whole), text_of(b))
            self.assertEqual(whole["usage"]["input_tokens"], b["usage"]["input_tokens"])
            _, whole = self.ask(ask_for(input=[first, *a["output"], second, *b["output"],
                                               {"role": "user", "content": "More."}]))
            self.assertEqual(text_of(whole), text_of(c))
            # One that failed is forgotten, older ones and other connections' are not known.
            for previous in (a["id"], "resp_x", b["id"]):
                (name, e), = self.talk(ws, **ask_for(previous_response_id=previous))
                self.assertEqual((name, e["status"], e["error"]["code"]),
                                 ("error", 400, "previous_response_not_found"))
            (name, e), = self.talk(ws, **ask_for(input=3, previous_response_id=c["id"]))
            self.assertEqual((name, e["error"]["param"]), ("error", "input"))
            (name, e), = self.talk(ws, **ask_for(previous_response_id=c["id"]))
            self.assertEqual(e["error"]["code"], "previous_response_not_found")
            self.assertEqual(text_of(gather(self.talk(ws, **ask_for()))), text_of(a))

    def test_a_websocket_can_be_warmed(self):
        with Ws(self.server.port, PATH) as ws:
            a = gather(self.talk(ws, **ask_for(generate=False)))
            self.assertEqual((a["output"], a["status"]), ([], "completed"))
            b = gather(self.talk(ws, **ask_for(input="1+1=", previous_response_id=a["id"])))
            self.assertGreater(b["usage"]["input_tokens"], a["usage"]["input_tokens"])
            for more in ({"instructions": "Be short."}, {}):  # no question yet, as Codex has it
                a = gather(self.talk(ws, **ask_for(input=[], generate=False, **more)))
                b = gather(self.talk(ws, **ask_for(previous_response_id=a["id"], **more)))
                self.assertEqual(text_of(b), text_of(self.ask(ask_for(**more))[1]))

    def test_a_websocket_refuses_by_name(self):
        with Ws(self.server.port, PATH) as ws:
            for text, part in (("{", ""), ("[]", ""), ("{}", "model"), (json.dumps(ask_for()), "type"),
                               (json.dumps({"type": "response.cancel", **ask_for()}), "type"),
                               (json.dumps({"type": "response.create", **ask_for(generate=1)}),
                                "generate")):
                e = json.loads(ws.ask(text))
                self.assertEqual((e["type"], e["status"]), ("error", 400), e)
                self.assertIn(part, e["error"]["message"])
            (_, e), = self.talk(ws, **ask_for(background=True))
            self.assertEqual(e["error"]["param"], "background")
            self.assertEqual(len(gather(self.talk(ws, **ask_for()))["output"]), 2)

    def test_a_websockets_key_is_asked_for_each_message(self):
        server = served.Server("--require-key")
        try:
            key = server.keys("add", "ann").split()[0]
            server.reload()
            with Ws(server.port, PATH) as ws:
                self.assertEqual(ws.status, 401)
            with Ws(server.port, PATH, Authorization=f"Bearer {key}") as ws:
                self.assertEqual(len(gather(self.talk(ws, **ask_for()))["output"]), 2)
                server.keys("disable", "ann")
                server.reload()
                (_, e), = self.talk(ws, **ask_for())
                self.assertEqual((e["status"], e["error"]["code"]), (401, "invalid_api_key"))
        finally:
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    served.main()
