#!/usr/bin/env python3
"""OpenAI's own client for Python, its Responses, against the real server.

    test_responses_python.py PATH_OF_TIEFSEE"""
import sdk

sdk.python("openai==3.54.0")

import json
import unittest
from typing import Literal

import openai
import pydantic

from served import LIMIT_S, NAME, Server, main

QUICK = {"reasoning": {"effort": "none"}}


class Sum(pydantic.BaseModel):
    sign: Literal["plus", "minus"]
    digits: list[Literal[1, 2, 3]]


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.client = openai.OpenAI(base_url=f"{cls.server.url}/v1", api_key="none", max_retries=0,
                                   timeout=LIMIT_S)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def asked(self, **more):
        return {"model": NAME, "input": "What is 17 + 25?", "max_output_tokens": 200,
                "extra_body": {"seed": 1}, **more}

    def test_responses_whole_and_streamed(self):
        for more in ({}, QUICK, {"instructions": "Be short."}):
            whole = self.client.responses.create(**self.asked(**more))
            with self.client.responses.stream(**self.asked(**more)) as stream:
                text = "".join(e.delta for e in stream
                               if e.type == "response.output_text.delta")
                final = stream.get_final_response()
            self.assertEqual(text, whole.output_text)
            self.assertEqual(final.output_text, whole.output_text)
            self.assertEqual(final.usage.output_tokens, whole.usage.output_tokens)

    def test_parse_gives_what_was_declared(self):
        answer = self.client.responses.parse(**self.asked(max_output_tokens=900, text_format=Sum,
                                                          **QUICK))
        self.assertIsInstance(answer.output_parsed, Sum)

    def test_tools(self):
        tool = {"type": "function", "name": "pick", "strict": True, "parameters": {
            "type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"],
            "additionalProperties": False}}
        first = self.client.responses.create(**self.asked(
            tools=[tool], tool_choice="required", parallel_tool_calls=False))
        call = first.output[-1]
        self.assertIn(json.loads(call.arguments)["n"], (1, 2))
        again = self.client.responses.create(**self.asked(tools=[tool], input=[
            {"role": "user", "content": "What is 17 + 25?"}, *first.output,
            {"type": "function_call_output", "call_id": call.call_id, "output": "42"}]))
        self.assertIsNone(again.error)

    def test_counts_and_errors(self):
        count = self.client.responses.input_tokens.count(model=NAME, input="What is 17 + 25?")
        answer = self.client.responses.create(**self.asked(max_output_tokens=1))
        self.assertEqual(count.input_tokens, answer.usage.input_tokens)
        self.assertEqual(answer.status, "incomplete")
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client.responses.create(**self.asked(previous_response_id="resp_x"))
        self.assertEqual(caught.exception.param, "previous_response_id")


main()
