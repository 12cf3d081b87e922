import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Blocks } from '../../src/markdown/blocks';

const text = `# Title

Some *text* with $x^2$ and a [link](https://example.org).

- one
- two

  still two

\`\`\`js
let a = 1;

let b = 2;
\`\`\`

| a | b |
|---|--:|
| 1 | 2 |

$$
\\int_0^1 x\\,dx

= \\tfrac12
$$

> quote

the end`;

const shape = (blocks: { source: string; tokens: { type: string; content: string }[] }[]) =>
  blocks.map((b) => [b.source, b.tokens.map((token) => `${token.type} ${token.content}`)]);

test('text that grows in any pieces gives the blocks of the whole', () => {
  const whole = shape(new Blocks().update(text));
  for (const step of [1, 2, 3, 7, 20]) {
    const blocks = new Blocks();
    let last = blocks.update('');
    for (let n = step; n < text.length + step; n += step) last = blocks.update(text.slice(0, n));
    assert.deepEqual(shape(last), whole, `in steps of ${step}`);
  }
});

test('the sources joined are the text', () => {
  assert.equal(new Blocks().update(text).map((b) => b.source).join(''), text);
});

test('finished blocks keep their identity, so they are not drawn again', () => {
  const blocks = new Blocks();
  const before = blocks.update('one\n\ntwo\n\nthr');
  const after = blocks.update('one\n\ntwo\n\nthree and more');
  assert.equal(after[0], before[0]);
  assert.equal(after[1], before[1]);
  assert.notEqual(after[2], before[2]);
});

test('another text begins anew', () => {
  const blocks = new Blocks();
  blocks.update('one\n\ntwo');
  assert.equal(blocks.update('three').length, 1);
});

const kinds = (source: string) =>
  new Blocks().update(source).flatMap((b) => b.tokens.flatMap((token) => [token, ...(token.children ?? [])]));

test('formulas in all four spellings', () => {
  for (const source of ['a $x$ b', 'a \\(x\\) b', 'a \\[x\\] b', 'a $$x$$ b'])
    assert.deepEqual(kinds(source).filter((k) => k.type === 'math').map((k) => k.content), ['x'], source);
  for (const source of ['$$\nx\n$$', '\\[\nx\n\\]', '\\[ x \\]'])
    assert.deepEqual(kinds(source).filter((k) => k.type === 'math_block').map((k) => k.content), ['x'], source);
});

test('prices are no formulas', () => {
  for (const source of ['$5 and $6', 'costs $ 5 $ or', 'a \\$x\\$ b', '5$ or 6$'])
    assert.equal(kinds(source).filter((k) => k.type.startsWith('math')).length, 0, source);
});

test('openers without an end, and very many blocks, are read in time that grows with their length', () => {
  const begun = process.cpuUsage(); // of this process: how busy the machine is does not count
  for (const opener of ['\\(', 'a \\[ x', '$$ a\n'])
    assert.equal(new Blocks().update(opener.repeat(20_000)).map((b) => b.source).join('').length, opener.length * 20_000);
  assert.equal(new Blocks().update('a\n\n'.repeat(150_000)).length, 150_000);
  assert.ok(process.cpuUsage(begun).user < 10e6);
});

test('html is text', () => {
  const types = new Set(kinds('<b>x</b>\n\n<script>alert(1)</script>').map((k) => k.type));
  assert.ok(![...types].some((type) => type.startsWith('html')), [...types].join());
});
