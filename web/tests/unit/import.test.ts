import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathTo } from '../../src/core/tree';
import type { Conversation } from '../../src/core/types';
import { readImport } from '../../src/io/import';
import { toMarkdown } from '../../src/io/markdown-export';
import { conversationOf, wireConversation } from '../../src/io/wire';

const said = (c: Conversation | undefined) =>
  c ? pathTo(c.messages, c.leaf).map((m) => [m.role, m.content, m.reasoning]) : [];

const deepseek = [
  {
    id: 'x',
    title: 'Tides',
    inserted_at: '2026-01-02T03:04:05+08:00',
    updated_at: '2026-01-02T03:05:05+08:00',
    mapping: {
      root: { id: 'root', parent: null, children: ['1'], message: null },
      '1': { id: '1', parent: 'root', children: ['2'], message: { model: 'deepseek-chat', inserted_at: '2026-01-02T03:04:05+08:00', fragments: [{ type: 'REQUEST', content: 'Why tides?' }] } },
      '2': { id: '2', parent: '1', children: [], message: { model: 'deepseek-chat', inserted_at: '2026-01-02T03:04:09+08:00', fragments: [{ type: 'THINK', content: 'Moon.' }, { type: 'RESPONSE', content: 'The moon.' }] } },
    },
  },
];

const chatgpt = [
  {
    title: 'Hi',
    create_time: 1700000000.5,
    update_time: 1700000100,
    current_node: 'c',
    mapping: {
      a: { parent: null, message: null },
      s: { parent: 'a', message: { author: { role: 'system' }, content: { parts: [''] } } },
      b: { parent: 's', message: { author: { role: 'user' }, create_time: 1700000001, content: { content_type: 'text', parts: ['Hello'] } } },
      t: { parent: 'b', message: { author: { role: 'tool' }, content: { parts: ['x'] } } },
      c: { parent: 't', message: { author: { role: 'assistant' }, create_time: 1700000002, content: { parts: ['Hi ', 'you'] }, metadata: { model_slug: 'gpt' } } },
      d: { parent: 'b', message: { author: { role: 'assistant' }, create_time: 1700000003, content: { parts: ['Other'] } } },
    },
  },
];

test("DeepSeek's export: questions, thoughts, answers", () => {
  const [chat] = readImport(JSON.stringify(deepseek));
  assert.equal(chat?.title, 'Tides');
  assert.deepEqual(said(chat), [['user', 'Why tides?', ''], ['assistant', 'The moon.', 'Moon.']]);
});

test("ChatGPT's export: the shown branch, and the other one is kept", () => {
  const [chat] = readImport(JSON.stringify(chatgpt));
  assert.deepEqual(said(chat), [['user', 'Hello', ''], ['assistant', 'Hi you', '']]);
  assert.equal(chat?.messages.length, 3);
  assert.equal(chat.created, 1700000000500);
});

test('our own export comes back as it was', () => {
  const [chat] = readImport(JSON.stringify(deepseek));
  assert.ok(chat);
  const file = { format: 'tiefsee-export', version: 1, conversations: [wireConversation(chat)] };
  const [again] = readImport(JSON.stringify(file));
  assert.deepEqual(said(again), said(chat));
  assert.ok(again);
  assert.equal(again.id, chat.id);
  assert.deepEqual(said(conversationOf(wireConversation(chat))), said(chat));
});

test('what is no export gives nothing', () => {
  for (const bad of ['', '{', 'null', '1', '[]', '[null]', '[{"mapping":{"a":{"message":5}}}]', '{"format":"tiefsee-export"}',
    '{"format":"tiefsee-export","conversations":[{"id":1}]}', '[{"mapping":{"a":{"parent":"a","message":{"author":{}}}}}]'])
    assert.deepEqual(readImport(bad), [], bad);
});

test('of our own form, what the page could not show or address is left out', () => {
  const good = { id: 'chat-0001', title: 'x', created: 1, updated: 1, messages: [{ id: 'said-0001', role: 'user', content: 'x' }] };
  const read = (change: object) =>
    readImport(JSON.stringify({ format: 'tiefsee-export', conversations: [{ ...good, ...change }] })).length;
  const message = (change: object) => read({ messages: [{ ...good.messages[0], ...change }] });
  assert.equal(read({}), 1);
  for (const id of ['../me/erase?', 'constructor', 'short', 'a'.repeat(33), 5]) {
    assert.equal(read({ id }), 0, String(id));
    assert.equal(message({ id }), 0, String(id));
  }
  for (const bad of [{ system: {} }, { folder: 5 }, { model: [] }, { leaf: 7 }, { updated: 'x' }])
    assert.equal(read(bad), 0, JSON.stringify(bad));
  for (const bad of [{ content: {} }, { reasoning: 1 }, { files: 'abc' }, { files: [{ name: 1, bytes: 1 }] }, { error: 'x' }, { parent: '..' }])
    assert.equal(message(bad), 0, JSON.stringify(bad));
});

test('a loop of empty nodes ends', () => {
  const loop = [{ title: '', mapping: {
    a: { parent: 'b', message: null },
    b: { parent: 'a', message: null },
    c: { parent: 'a', message: { author: { role: 'user' }, content: { parts: ['x'] } } },
  } }];
  assert.equal(readImport(JSON.stringify(loop))[0]?.messages[0]?.parent, null);
});

test('Markdown has the branch, and a fence that no text can close', () => {
  const [chat] = readImport(JSON.stringify(deepseek));
  assert.ok(chat?.messages[1]);
  chat.messages[1].reasoning = 'a ```` b';
  const text = toMarkdown(chat);
  assert.match(text, /^# Tides\n/);
  assert.match(text, /ai_generated: true/);
  assert.match(text, /`````thinking\na ```` b\n`````/);
});
