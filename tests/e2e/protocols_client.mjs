// Anthropic's, Ollama's and OpenAI's (Responses) own clients for Node against a running
// server: protocols_client.mjs ORIGIN MODEL FOLDER
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [origin, model, folder] = process.argv.slice(2);
const require = createRequire(path.join(folder, "x.js"));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const { default: Anthropic } = await load("@anthropic-ai/sdk");
const { betaTool } = await load("@anthropic-ai/sdk/helpers/beta/json-schema");
const { default: OpenAI } = await load("openai");
const { zodTextFormat } = await load("openai/helpers/zod");
const { Ollama } = await load("ollama");
const { z } = (await load("zod")).default ?? (await load("zod"));

const patience = { maxRetries: 0, timeout: 240e3 };
const anthropic = new Anthropic({ baseURL: origin, apiKey: "none", ...patience });
const openai = new OpenAI({ baseURL: `${origin}/v1`, apiKey: "none", ...patience });
const ollama = new Ollama({ host: origin });
const messages = [{ role: "user", content: "What is 17 + 25?" }];
const schema = {
  type: "object", required: ["n"], additionalProperties: false,
  properties: { n: { enum: [1, 2] } },
};

const asked = { model, messages, max_tokens: 200, seed: 1 };
const thinking = { type: "enabled", budget_tokens: 1024 };
const tool = { name: "pick", description: "Pick one.", input_schema: schema };
const chosen = { type: "tool", name: "pick", disable_parallel_tool_use: true };

const ofAnthropic = {
  async message() {
    const answer = await anthropic.messages.create(asked);
    assert.equal(answer.type, "message");
    assert.equal(answer.content[0].type, "text");
    assert.match(answer._request_id, /^req_/);
  },

  async stream() {
    for (const more of [{}, { thinking }]) {
      const stream = anthropic.messages.stream({ ...asked, ...more });
      let text = "", thought = "", signature = "";
      stream.on("text", (delta) => { text += delta; });
      stream.on("thinking", (delta) => { thought += delta; });
      stream.on("signature", (all) => { signature = all; });
      const final = await stream.finalMessage();
      const whole = await anthropic.messages.create({ ...asked, ...more });
      assert.deepEqual(final.content, whole.content);
      assert.equal(text, await stream.finalText());
      assert.equal(thought, more.thinking ? final.content[0].thinking : "");
      assert.equal(signature, more.thinking ? final.content[0].signature : "");
      assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
      assert.equal(final.stop_reason, whole.stop_reason);
    }
  },

  async tools() {
    const body = { ...asked, tools: [tool], tool_choice: chosen };
    const seen = [];
    const stream = anthropic.messages.stream(body);
    stream.on("inputJson", (delta, snapshot) => seen.push(snapshot));
    const final = await stream.finalMessage();
    assert.equal(final.stop_reason, "tool_use");
    const use = final.content.at(-1);
    assert.ok([1, 2].includes(use.input.n));
    assert.deepEqual(seen.at(-1), use.input);
    const next = await anthropic.messages.create({
      ...asked, tools: [tool], messages: [...messages,
        { role: "assistant", content: final.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "42" }] }],
    });
    assert.ok(next.usage.output_tokens > 0);
  },

  async "tool runner"() {
    const ran = [];
    const runner = anthropic.beta.messages.toolRunner({
      ...asked, max_iterations: 2, tool_choice: chosen,
      tools: [betaTool({
        name: tool.name, description: tool.description, inputSchema: schema,
        run: (input) => { ran.push(input); return "42"; },
      })],
    });
    for await (const message of runner) assert.equal(message.type, "message");
    assert.ok(ran.length > 0 && [1, 2].includes(ran[0].n));
  },

  async "counts and models"() {
    const count = await anthropic.messages.countTokens({ model: "claude-x", messages });
    const answer = await anthropic.messages.create({ ...asked, max_tokens: 1 });
    assert.equal(count.input_tokens,
      answer.usage.input_tokens + answer.usage.cache_read_input_tokens);
    const deepseek = new Anthropic({ baseURL: `${origin}/anthropic`, apiKey: "none", ...patience });
    const ids = [];
    for await (const m of deepseek.models.list()) ids.push(m.id);
    assert.deepEqual(ids, [model]);
    assert.equal((await deepseek.messages.create(asked)).content[0].type, "thinking");
  },

  async errors() {
    await assert.rejects(anthropic.messages.create({ ...asked, model: "gpt-4" }), (e) =>
      e instanceof Anthropic.NotFoundError && e.error.error.type === "not_found_error" &&
      /^req_/.test(e.requestID));
    await assert.rejects(anthropic.messages.create({ ...asked, max_tokens: 0 }),
      Anthropic.BadRequestError);
  },

  async "a stream that is left"() {
    const stream = await anthropic.messages.create({ ...asked, stream: true, thinking });
    for await (const event of stream) {
      assert.equal(event.type, "message_start");
      break;
    }
    stream.controller.abort();
  },
};

const put = { model, input: messages[0].content, max_output_tokens: 200, seed: 1 };
const quick = { reasoning: { effort: "none" } };

const ofResponses = {
  async response() {
    const answer = await openai.responses.create(put);
    assert.equal(answer.status, "completed");
    assert.ok(answer.output_text.length > 0);
    assert.deepEqual(answer.output.map((o) => o.type), ["reasoning", "message"]);
  },

  async stream() {
    for (const more of [{}, quick]) {
      const stream = openai.responses.stream({ ...put, ...more });
      let text = "";
      stream.on("response.output_text.delta", (e) => { text += e.delta; });
      const final = await stream.finalResponse();
      const whole = await openai.responses.create({ ...put, ...more });
      assert.equal(final.output_text, whole.output_text);
      assert.equal(text, final.output_text);
      assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
    }
  },

  async parse() {
    const Sum = z.object({ sign: z.enum(["plus", "minus"]), carry: z.boolean() });
    const answer = await openai.responses.parse(
      { ...put, ...quick, max_output_tokens: 900, text: { format: zodTextFormat(Sum, "sum") } });
    assert.deepEqual(Object.keys(answer.output_parsed), ["sign", "carry"]);
  },

  async tools() {
    const tools = [{ type: "function", name: "pick", parameters: schema, strict: true }];
    const stream = openai.responses.stream(
      { ...put, tools, tool_choice: "required", parallel_tool_calls: false });
    const first = await stream.finalResponse();
    const call = first.output.at(-1);
    assert.equal(call.type, "function_call");
    assert.ok([1, 2].includes(JSON.parse(call.arguments).n));
    const next = await openai.responses.create({
      ...put, tools, input: [{ role: "user", content: put.input }, ...first.output,
        { type: "function_call_output", call_id: call.call_id, output: "42" }],
    });
    assert.equal(next.error, null);
  },

  async "counts and errors"() {
    const count = await openai.responses.inputTokens.count({ model, input: put.input });
    const answer = await openai.responses.create({ ...put, max_output_tokens: 1 });
    assert.equal(count.input_tokens, answer.usage.input_tokens);
    await assert.rejects(openai.responses.create({ ...put, previous_response_id: "resp_x" }),
      (e) => e instanceof OpenAI.BadRequestError && e.param === "previous_response_id");
  },
};

const options = { seed: 1, num_predict: 200 };

const ofOllama = {
  async chat() {
    const body = { model, messages, options };
    const whole = await ollama.chat({ ...body, stream: false });
    let content = "", thought = "", last;
    for await (const part of await ollama.chat({ ...body, stream: true })) {
      content += part.message.content;
      thought += part.message.thinking ?? "";
      last = part;
    }
    assert.equal(content, whole.message.content);
    assert.equal(thought, whole.message.thinking);
    assert.ok(last.done && last.eval_count === whole.eval_count);
  },

  async generate() {
    const whole = await ollama.generate({ model, prompt: "2+3=", think: false, options });
    let text = "";
    for await (const part of await ollama.generate(
      { model, prompt: "2+3=", think: false, options, stream: true })) text += part.response;
    assert.equal(text, whole.response);
  },

  async "tools and formats"() {
    const tools = [{ type: "function", function: { name: "pick", parameters: schema } }];
    const answer = await ollama.chat({ model, messages, options, tools, tool_choice: "required" });
    assert.ok([1, 2].includes(answer.message.tool_calls[0].function.arguments.n));
    const formed = await ollama.chat({ model, messages, options, format: schema, think: false });
    assert.ok([1, 2].includes(JSON.parse(formed.message.content).n));
  },

  async models() {
    const { models } = await ollama.list();
    assert.equal(models[0].name, `${model}:latest`);
    assert.equal((await ollama.ps()).models[0].digest, models[0].digest);
    assert.ok((await ollama.show({ model })).capabilities.includes("tools"));
    assert.match((await ollama.version()).version, /^\d+\.\d+\.\d+$/);
    await assert.rejects(ollama.embed({ model, input: "x" }), /embeddings/);
    await assert.rejects(ollama.chat({ model: "llama3", messages }), /not found/);
  },

  async "a stream that is left"() {
    const stream = await ollama.chat({ model, messages, options, stream: true });
    await assert.rejects(async () => {
      for await (const part of stream) {
        assert.equal(part.done, false);
        stream.abort();
      }
    }, { name: "AbortError" });
  },
};

let failed = 0;
for (const [whose, tests] of Object.entries({ ofAnthropic, ofResponses, ofOllama })) {
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
      console.log(`ok ${whose} ${name}`);
    } catch (error) {
      failed++;
      console.log(`not ok ${whose} ${name}\n${error.stack}`);
    }
  }
}
process.exit(failed ? 1 : 0);
