// OpenAI's own client for Node against a running server: openai_client.mjs BASE_URL MODEL
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [base, model, folder] = process.argv.slice(2);
const require = createRequire(path.join(folder, "x.js"));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { default: OpenAI } = await load("openai");
const { zodResponseFormat, zodFunction } = await load("openai/helpers/zod");
const { z } = (await load("zod")).default ?? (await load("zod"));

const client = new OpenAI({ baseURL: base, apiKey: "none", maxRetries: 0, timeout: 120e3 });
const messages = [{ role: "user", content: "What is 17 + 25?" }];
const asked = { model, messages, seed: 1, max_tokens: 200 };
const quick = { thinking: { type: "disabled" } };

const tests = {
  async chat() {
    const answer = await client.chat.completions.create(asked);
    const message = answer.choices[0].message;
    assert.ok(message.content && message.reasoning_content);
    assert.equal(answer.usage.total_tokens,
      answer.usage.prompt_tokens + answer.usage.completion_tokens);
  },

  async stream() {
    const whole = await client.chat.completions.create(asked);
    let content = "", reasoning = "";
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
      content += chunk.choices[0]?.delta.content ?? "";
      reasoning += chunk.choices[0]?.delta.reasoning_content ?? "";
    }
    assert.equal(content, whole.choices[0].message.content);
    assert.equal(reasoning, whole.choices[0].message.reasoning_content);
  },

  async "stream helper"() {
    const stream = client.chat.completions.stream({ ...asked, ...quick });
    let said = "";
    stream.on("content", (delta) => { said += delta; });
    const final = await stream.finalChatCompletion();
    assert.equal(final.choices[0].message.content, said);
  },

  async parse() {
    const Sum = z.object({ sign: z.enum(["plus", "minus"]), carry: z.boolean() });
    const answer = await client.chat.completions.parse(
      { ...asked, max_tokens: 900, response_format: zodResponseFormat(Sum, "sum") });
    assert.deepEqual(Object.keys(answer.choices[0].message.parsed), ["sign", "carry"]);
  },

  async runTools() {
    const seen = [];
    const runner = client.chat.completions.runTools({
      ...asked, max_tokens: 300,
      tool_choice: { type: "function", function: { name: "add" } },
      tools: [zodFunction({
        name: "add", parameters: z.object({ a: z.enum(["x", "y"]), b: z.boolean() }),
        function: (it) => { seen.push(it); return "42"; } })],
    });
    await runner.done();
    assert.equal(seen.length, 1);
    assert.ok(["x", "y"].includes(seen[0].a) && typeof seen[0].b === "boolean");
  },

  async "runTools, streamed, goes on until it is told to stop"() {
    let n = 0;
    const runner = client.chat.completions.runTools({
      ...asked, max_tokens: 300, stream: true, tool_choice: "required", parallel_tool_calls: false,
      tools: [{ type: "function", function: {
        name: "now", parameters: { type: "object", properties: {}, additionalProperties: false },
        parse: JSON.parse, function: () => { n++; return "12:00"; } } }],
    }, { maxChatCompletions: 3 });
    await runner.done();
    assert.equal(n, 3);
  },

  async completions() {
    const raw = { model, prompt: "1 2 3 4", max_tokens: 8, seed: 1 };
    const text = (await client.completions.create(raw)).choices[0].text;
    let streamed = "";
    for await (const chunk of await client.completions.create({ ...raw, stream: true }))
      streamed += chunk.choices[0].text;
    assert.equal(streamed, text);
  },

  async models() {
    const names = [];
    for await (const m of client.models.list()) names.push(m.id);
    assert.deepEqual(names, [model]);
    assert.equal((await client.models.retrieve(model)).object, "model");
  },

  async errors() {
    await assert.rejects(client.chat.completions.create({ ...asked, model: "gpt-4" }),
      (e) => e instanceof OpenAI.NotFoundError && e.code === "model_not_found");
    await assert.rejects(client.chat.completions.create({ ...asked, temperature: 9 }),
      (e) => e instanceof OpenAI.BadRequestError && e.param === "temperature");
  },

  async "abort and time-out"() {
    const bias = Object.fromEntries(["0", "1", "2"].map((id) => [id, -100]));
    const endless = { model, prompt: "1", max_tokens: 100000, logit_bias: bias };
    const stop = new AbortController();
    await assert.rejects(async () => {
      for await (const _ of await client.completions.create({ ...endless, stream: true },
        { signal: stop.signal })) stop.abort();
      throw new OpenAI.APIUserAbortError();
    }, OpenAI.APIUserAbortError);
    await assert.rejects(client.completions.create(endless, { timeout: 50 }),
      OpenAI.APIConnectionTimeoutError);
  },
};

for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
  } catch (error) {
    console.error(`${name}:`, error);
    process.exitCode = 1;
  }
}
