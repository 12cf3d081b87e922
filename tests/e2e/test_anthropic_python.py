#!/usr/bin/env python3
"""Anthropic's own client for Python against the real server.

    test_anthropic_python.py PATH_OF_TIEFSEE"""
import sdk

sdk.python("anthropic==2.12.0")

import asyncio
import unittest
from typing import Literal

import anthropic
import pydantic

from served import LIMIT_S, NAME, Server, main

MESSAGES = [{"role": "user", "content": "What is 17 + 25?"}]
THINK = {"type": "enabled", "budget_tokens": 1024}
TOOL = {"name": "pick", "description": "Pick one.", "input_schema": {
    "type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"],
    "additionalProperties": False}}


class Sum(pydantic.BaseModel):
    sign: Literal["plus", "minus"]
    digits: list[Literal[1, 2, 3]]


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.client = anthropic.Anthropic(base_url=cls.server.url, api_key="none", max_retries=0,
                                         timeout=LIMIT_S)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def asked(self, **more):
        return {"model": NAME, "max_tokens": 200, "messages": MESSAGES,
                "extra_body": {"seed": 1}, **more}

    def test_messages_whole_and_streamed(self):
        for more in ({}, {"thinking": THINK}, {"stop_sequences": ["+"]}):
            whole = self.client.messages.create(**self.asked(**more))
            with self.client.messages.stream(**self.asked(**more)) as stream:
                text = "".join(stream.text_stream)
                final = stream.get_final_message()
            self.assertEqual([b.to_dict() | {"parsed_output": None} for b in final.content],
                             [b.to_dict() | {"parsed_output": None} for b in whole.content])
            self.assertEqual(text, "".join(b.text for b in final.content if b.type == "text"))
            self.assertEqual((final.stop_reason, final.stop_sequence),
                             (whole.stop_reason, whole.stop_sequence))
            self.assertEqual(final.usage.output_tokens, whole.usage.output_tokens)
            self.assertEqual(final.content[0].type, "thinking" if "thinking" in more else "text")

    def test_tools(self):
        with self.client.messages.stream(**self.asked(
                tools=[TOOL], tool_choice={"type": "tool", "name": "pick"})) as stream:
            final = stream.get_final_message()
        self.assertEqual(final.stop_reason, "tool_use")
        uses = [b for b in final.content if b.type == "tool_use"]
        self.assertIn(uses[0].input["n"], (1, 2))
        again = self.client.messages.create(**self.asked(tools=[TOOL], messages=MESSAGES + [
            {"role": "assistant", "content": final.content},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id,
                                          "content": "42"} for use in uses]}]))
        self.assertGreater(again.usage.output_tokens, 0)

    def test_parse_gives_what_was_declared(self):
        answer = self.client.messages.parse(**self.asked(max_tokens=900, output_format=Sum))
        self.assertIsInstance(answer.parsed_output, Sum)

    def test_counts_and_models(self):
        count = self.client.messages.count_tokens(model="claude-x", messages=MESSAGES)
        usage = self.client.messages.create(**self.asked(max_tokens=1)).usage
        self.assertEqual(count.input_tokens, usage.input_tokens + usage.cache_read_input_tokens)
        deepseek = self.client.with_options(base_url=self.server.url + "/anthropic")
        self.assertEqual([m.id for m in deepseek.models.list()], [NAME])

    def test_errors_are_of_the_kinds_that_programs_catch(self):
        with self.assertRaises(anthropic.NotFoundError) as caught:
            self.client.messages.create(**self.asked(model="gpt-4"))
        self.assertTrue(caught.exception.request_id.startswith("req_"))
        with self.assertRaises(anthropic.BadRequestError):
            self.client.messages.create(**self.asked(max_tokens=0))
        server = Server("--require-key")
        with self.assertRaises(anthropic.AuthenticationError):
            self.client.with_options(base_url=server.url).messages.create(**self.asked())
        self.assertEqual(server.stop(), 0)

    def test_many_at_once(self):
        async def ask_all():
            async with anthropic.AsyncAnthropic(base_url=self.server.url, api_key="none",
                                                max_retries=0, timeout=LIMIT_S) as client:
                return await asyncio.gather(*(client.messages.create(**self.asked())
                                              for _ in range(8)))
        texts = {a.content[0].text for a in asyncio.run(ask_all())}
        self.assertEqual(len(texts), 1)


main()
