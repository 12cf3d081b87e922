import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventParser } from '../../src/api/sse';

const stream = 'data: {"a":1}\n\n: keep-alive\n\ndata: one\ndata: two\r\n\r\nevent: x\ndata:[DONE]\n\n';
const events = ['{"a":1}', 'one\ntwo', '[DONE]'];

test('events are the same however the bytes arrive', () => {
  for (let size = 1; size <= stream.length; size++) {
    const parser = new EventParser();
    const got: string[] = [];
    for (let at = 0; at < stream.length; at += size) got.push(...parser.push(stream.slice(at, at + size)));
    assert.deepEqual(got, events, `in pieces of ${size}`);
  }
});

test('an event that is not finished is not told', () => {
  assert.deepEqual(new EventParser().push('data: half'), []);
});
