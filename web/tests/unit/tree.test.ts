import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newestLeaf, pathTo, versionsOf } from '../../src/core/tree';
import type { Message } from '../../src/core/types';

let clock = 0;
function message(id: string, parent: string | null, role: Message['role'] = 'user'): Message {
  return { id, parent, role, content: id, reasoning: '', created: ++clock };
}

const messages = [
  message('q1', null),
  message('a1', 'q1', 'assistant'),
  message('a2', 'q1', 'assistant'),
  message('q2', 'a1'),
  message('a3', 'q2', 'assistant'),
];

test('the shown branch goes from the first message to the leaf', () => {
  assert.deepEqual(pathTo(messages, 'a3').map((m) => m.id), ['q1', 'a1', 'q2', 'a3']);
  assert.deepEqual(pathTo(messages, 'a2').map((m) => m.id), ['q1', 'a2']);
  assert.deepEqual(pathTo(messages, null), []);
});

test('a loop in the parents ends', () => {
  const loop = [message('x', 'y'), message('y', 'x')];
  assert.equal(pathTo(loop, 'x').length, 2);
  assert.ok(newestLeaf(loop, 'x'));
});

test('versions are the children of one parent, oldest first', () => {
  const second = messages[2];
  assert.ok(second);
  assert.deepEqual(versionsOf(messages, second).map((m) => m.id), ['a1', 'a2']);
});

test('switching to a version goes to its newest end', () => {
  assert.equal(newestLeaf(messages, 'a1'), 'a3');
  assert.equal(newestLeaf(messages, 'a2'), 'a2');
});
