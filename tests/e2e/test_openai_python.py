#!/usr/bin/env python3
"""OpenAI's own client for Python against the real server.

    test_openai_python.py PATH_OF_TIEFSEE"""
import sdk

sdk.python("openai==3.54.0")

import asyncio
import json
import time
import unittest
from typing import Literal

import openai
import pydantic

from served import LIMIT_S, NAME, Server, main

MESSAGES = [{"role": "user", "content": "What is 17 + 25?"}]
QUICK = {"thinking": {"type": "disabled"}}
END = -100


class Sum(pydantic.BaseModel):
    sign: Literal["plus", "minus"]
    digits: list[Literal[1, 2, 3]]


class add(pydantic.BaseModel):
    """Adds."""
    a: Literal[1, 2, 3]
    b: Literal[4, 5, 6]


def client_of(server, key="none", **more):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key,
                         **{"max_retries": 0, "timeout": LIMIT_S, **more})


def jobs_running(server):
    c, r = server.send("GET", "/metrics")
    text = r.read().decode()
    c.close()
    return int(next(line.split()[-1] for line in text.splitlines()
                    if line.startswith("tiefsee_jobs_running{")))


def endless(end_tokens):
    return {"model": NAME, "prompt": "1", "max_tokens": 100000,
            "logit_bias": {token: END for token in end_tokens}}


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.client = client_of(cls.server)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def create(self, **more):
        return self.client.chat.completions.create(
            **{"model": NAME, "messages": MESSAGES, "seed": 1, "max_tokens": 200, **more})

    def test_chat(self):
        answer = self.create()
        message = answer.choices[0].message
        self.assertEqual(message.role, "assistant")
        self.assertTrue(message.content and message.reasoning_content)
        self.assertEqual(answer.usage.total_tokens,
                         answer.usage.prompt_tokens + answer.usage.completion_tokens)
        self.assertGreater(answer.usage.completion_tokens_details.reasoning_tokens, 0)
        self.assertEqual(self.create(extra_body=QUICK).usage.completion_tokens_details
                         .reasoning_tokens, 0)

    def test_stream(self):
        whole = self.create()
        content = reasoning = ""
        usage = None
        for chunk in self.create(stream=True, stream_options={"include_usage": True}):
            for choice in chunk.choices:
                content += choice.delta.content or ""
                reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            usage = chunk.usage or usage
        self.assertEqual(content, whole.choices[0].message.content)
        self.assertEqual(reasoning, whole.choices[0].message.reasoning_content)
        self.assertEqual(usage.completion_tokens, whole.usage.completion_tokens)

    def test_stream_helper(self):
        with self.client.chat.completions.stream(
                model=NAME, messages=MESSAGES, seed=1, max_tokens=200, extra_body=QUICK) as stream:
            said = "".join(e.delta for e in stream if e.type == "content.delta")
            final = stream.get_final_completion()
        self.assertEqual(final.choices[0].message.content, said)
        self.assertEqual(final.choices[0].finish_reason, "stop")

    def test_logprobs(self):
        answer = self.create(logprobs=True, top_logprobs=2, extra_body=QUICK)
        entries = answer.choices[0].logprobs.content
        self.assertEqual("".join(e.token for e in entries), answer.choices[0].message.content)
        self.assertEqual(len(entries[0].top_logprobs), 2)

    def test_parse_gives_what_was_declared(self):
        for more in ({}, {"extra_body": QUICK}):
            answer = self.client.chat.completions.parse(
                model=NAME, messages=MESSAGES, seed=1, max_tokens=900, response_format=Sum, **more)
            self.assertIsInstance(answer.choices[0].message.parsed, Sum)

    def test_tools(self):
        answer = self.client.chat.completions.parse(
            model=NAME, messages=MESSAGES, seed=1, max_tokens=300, tool_choice="required",
            tools=[openai.pydantic_function_tool(add)])
        self.assertEqual(answer.choices[0].finish_reason, "tool_calls")
        calls = answer.choices[0].message.tool_calls
        for call in calls:
            self.assertIsInstance(call.function.parsed_arguments, add)
        messages = MESSAGES + [answer.choices[0].message] + [
            {"role": "tool", "tool_call_id": call.id, "content": "7"} for call in calls]
        self.assertTrue(self.create(messages=messages, max_tokens=8).id)

    def test_tools_in_a_stream(self):
        with self.client.chat.completions.stream(
                model=NAME, messages=MESSAGES, seed=1, max_tokens=300, tool_choice="required",
                tools=[openai.pydantic_function_tool(add)]) as stream:
            kinds = [e.type for e in stream]
            final = stream.get_final_completion()
        self.assertIn("tool_calls.function.arguments.delta", kinds)
        self.assertIn("tool_calls.function.arguments.done", kinds)
        for call in final.choices[0].message.tool_calls:
            self.assertIsInstance(call.function.parsed_arguments, add)

    def test_completions(self):
        asked = {"model": NAME, "prompt": "1 2 3 4", "max_tokens": 8, "seed": 1}
        text = self.client.completions.create(**asked).choices[0].text
        streamed = self.client.completions.create(**asked, stream=True)
        self.assertEqual("".join(c.choices[0].text for c in streamed), text)

    def test_models(self):
        self.assertEqual([m.id for m in self.client.models.list()], [NAME])
        self.assertEqual(self.client.models.retrieve(NAME).object, "model")

    def test_errors_have_their_classes(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.create(model="gpt-4")
        self.assertEqual((caught.exception.code, caught.exception.param),
                         ("model_not_found", "model"))
        with self.assertRaises(openai.BadRequestError) as caught:
            self.create(temperature=9)
        self.assertEqual(caught.exception.param, "temperature")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("none")
        with self.assertRaises(openai.NotFoundError):
            self.client.embeddings.create(model=NAME, input="x")

    def test_deepseek_s_address_too(self):
        for base in ("", "/beta"):
            client = openai.OpenAI(base_url=self.server.url + base, api_key="none", max_retries=0)
            asked = {"model": "deepseek-reasoner", "seed": 1, "max_tokens": 200,
                     "messages": MESSAGES}
            whole = client.chat.completions.create(**asked)
            content = ""
            for chunk in client.chat.completions.create(**asked, stream=True):
                content += chunk.choices[0].delta.content or ""
                usage = chunk.usage
            self.assertEqual(content, whole.choices[0].message.content)
            self.assertEqual(usage.completion_tokens, whole.usage.completion_tokens)
            answer = client.chat.completions.create(
                model="deepseek-chat", max_tokens=20, temperature=0, messages=MESSAGES + [
                    {"role": "assistant", "content": "17 + 25 = ", "prefix": True}])
            self.assertRegex(answer.choices[0].message.content, r"^\d")

    def test_async(self):
        async def ask():
            async with openai.AsyncOpenAI(base_url=f"{self.server.url}/v1", api_key="none") as c:
                return await asyncio.gather(*(c.chat.completions.create(
                    model=NAME, messages=MESSAGES, seed=1, max_tokens=200) for _ in range(8)))
        texts = {a.choices[0].message.content for a in asyncio.run(ask())}
        self.assertEqual(len(texts), 1)

    def wait_until_idle(self):
        end = time.monotonic() + LIMIT_S
        while jobs_running(self.server):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def end_tokens(self):
        status, answer, _ = self.server.ask("POST", "/tokenize", {
            "model": NAME, "content": "<｜end▁of▁sentence｜>", "parse_special": True})
        self.assertEqual(status, 200, answer)
        return answer["tokens"]

    def test_a_stream_that_is_left_ends_its_job(self):
        stream = self.client.completions.create(**endless(self.end_tokens()), stream=True)
        next(iter(stream))
        stream.close()
        self.wait_until_idle()

    def test_a_time_out_ends_its_job(self):
        with self.assertRaises(openai.APITimeoutError):
            client_of(self.server, timeout=0.05).completions.create(**endless(self.end_tokens()))
        self.wait_until_idle()


class Keys(unittest.TestCase):
    def test_authentication_and_quota_have_their_classes(self):
        server = Server("--require-key")
        try:
            with self.assertRaises(openai.AuthenticationError):
                client_of(server).models.list()
            key = server.keys("add", "a", "--tokens-per-day", "40").split()[0]
            server.reload()
            client = client_of(server, key, max_retries=2)
            with self.assertRaises(openai.RateLimitError) as caught:
                for _ in range(40):
                    client.chat.completions.create(model=NAME, messages=MESSAGES)
            self.assertEqual(caught.exception.code, "insufficient_quota")
        finally:
            server.stop()


main()
