import assert from 'node:assert/strict';
import { test } from 'node:test';
import { merged, newestLeaf, pathTo, placesOf, readFrom, versionsOf } from '../../src/core/tree';
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

test('the places of all messages are those of each', () => {
  const places = placesOf(messages);
  for (const m of messages) {
    const all = versionsOf(messages, m);
    assert.deepEqual(places.get(m.id), { i: all.indexOf(m), n: all.length }, m.id);
  }
});

test('what the model reads is what its newest whole answer read', () => {
  const [q1, a1, , q2, a3] = messages;
  assert.ok(q1 && a1 && q2 && a3);
  assert.equal(readFrom([q1, a1, q2, a3]), null);
  assert.equal(readFrom([q1, a1, q2, { ...a3, since: 'q2' }]), 'q2');
  assert.equal(readFrom([q1, { ...a1, since: 'q1' }, q2, { ...a3, finish: 'error' }]), 'q1');
  assert.equal(readFrom([q1, { ...a1, since: 'q1' }, q2, a3]), null); // there was room again
});

test('switching to a version goes to its newest end', () => {
  assert.equal(newestLeaf(messages, 'a1'), 'a3');
  assert.equal(newestLeaf(messages, 'a2'), 'a2');
});

test('a clock that jumps back changes neither versions nor ends', () => {
  const late = [...messages, { ...message('a4', 'q1', 'assistant'), created: -5 }, { ...message('q3', 'a2'), created: -9 }];
  const first = late[1];
  assert.ok(first);
  assert.deepEqual(versionsOf(late, first).map((m) => m.id), ['a1', 'a2', 'a4']);
  assert.equal(newestLeaf([...late, { ...message('a5', 'q2', 'assistant'), created: -7 }], 'a1'), 'a5');
});

test('what another window said comes in, and what only this one knows stays', () => {
  const base = { id: 'c', title: '', folder: '', isPinned: false, isTemporary: false, created: 0, updated: 0, model: '', system: '' };
  const here = { ...base, messages: [...messages, message('q9', 'a3')], leaf: 'q9' };
  const stored = { ...base, messages: [...messages, message('q4', 'a3'), message('a6', 'q4', 'assistant')], leaf: 'a6' };
  const kept = merged(here, stored, (m) => m.id === 'q9');
  assert.deepEqual(kept.messages.map((m) => m.id), ['q1', 'a1', 'a2', 'q2', 'a3', 'q4', 'a6', 'q9']);
  assert.equal(kept.leaf, 'q9'); // what is read does not move away
  assert.equal(merged({ ...here, leaf: 'a3' }, stored, () => false).leaf, 'a6'); // written on: the end is shown
  assert.equal(merged({ ...here, leaf: 'a2' }, stored, () => false).leaf, 'a2'); // another branch
  assert.equal(merged(here, stored, () => false).leaf, 'a6'); // what was shown is gone
});
