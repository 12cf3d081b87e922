/* The chat itself: the real model through the page, and scripted answers for what takes
 * time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, never } from './proxy.mjs';
import { answered, ask, openPage, useStage } from './stage.mjs';

const all = useStage();

test('the embedded model answers a question', async () => {
  all.proxy.script = () => null;
  const page = await openPage(all);
  await ask(page, 'What is 12 + 7?');
  await answered(page);
  await page.waitForSelector('.answer .numbers'); // it said something; what, is the model's business
  assert.equal(await page.locator('.outcome.is-error').count(), 0);
  assert.equal(await page.textContent('.bubble'), 'What is 12 + 7?');
  await page.check();
});

test('the page works without a proxy too, and says what it may not do', async () => {
  const page = await openPage(all, { url: all.server.url });
  const response = await page.request.get(all.server.url);
  const policy = response.headers()['content-security-policy'];
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /connect-src 'self'/);
  assert.match(policy, /require-trusted-types-for 'script'/);
  assert.doesNotMatch(policy, /unsafe/);
  await page.check();
});

test('files with hashes are kept, the page is asked for anew', async () => {
  const page = await openPage(all, { url: all.server.url });
  const script = page.requests.find((url) => /-[\w-]{8}\.js$/.test(url));
  const file = await page.request.get(script);
  assert.match(file.headers()['cache-control'], /immutable/);
  const root = await page.request.get(all.server.url);
  assert.equal(root.headers()['cache-control'], 'no-cache');
  const again = await fetch(all.server.url, {
    headers: { 'If-None-Match': root.headers()['etag'], 'Accept-Encoding': 'gzip' },
  });
  assert.equal(again.status, 304);
  await page.check();
});

test('thoughts are shown while they come and fold when the answer begins', async () => {
  const page = await openPage(all);
  const thought = gate(), said = gate();
  all.proxy.script = () => [
    [0, { reasoning_content: 'First I think.' }],
    [thought.opened, { content: 'Then I **say**.' }],
    [said.opened, { content: ' More.' }],
  ];
  await ask(page, 'Think!');
  await page.waitForSelector('.thinking.is-live .thoughts');
  assert.match(await page.textContent('.thinking .fold'), /Thinking for/);
  thought.go();
  await page.waitForSelector('.answer.is-live strong');
  assert.equal(await page.locator('.thoughts').count(), 0);
  said.go();
  await answered(page);
  assert.match(await page.textContent('.thinking .fold'), /Thought for/);
  await page.click('.thinking .fold');
  assert.match(await page.textContent('.thoughts'), /First I think/);
  await page.check();
});

test('stop ends the answer and keeps what was said', async () => {
  const page = await openPage(all);
  all.proxy.script = () => [[0, { content: 'Begun' }], [never, {}]];
  await ask(page, 'Stop me');
  await page.waitForFunction(() => document.querySelector('.answer')?.textContent.includes('Begun'));
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await answered(page);
  assert.match(await page.textContent('.answer'), /Begun/);
  assert.match(await page.textContent('.outcome'), /Stopped/);
  await page.check();
});

test('regenerate makes a version, and versions can be switched', async () => {
  const page = await openPage(all);
  let n = 0;
  all.proxy.script = () => [[0, { content: `Answer ${++n}` }]];
  await ask(page, 'Again?');
  await answered(page);
  await page.waitForFunction(() => !document.querySelector('.is-live'));
  const first = await page.textContent('.answer .markdown');
  await page.getByRole('button', { name: 'Regenerate' }).click();
  await page.waitForSelector('.answer .versions');
  await answered(page);
  assert.notEqual(await page.textContent('.answer .markdown'), first);
  await page.getByRole('button', { name: 'Previous version' }).click();
  await page.waitForFunction((text) => document.querySelector('.answer .markdown').textContent === text, first);
  await page.check();
});

test('a server that is away is told, and its return too', async () => {
  const page = await openPage(all);
  page.mayFail = true; // the browser writes failed requests on the console
  all.proxy.isDown = true;
  await ask(page, 'Anybody there?');
  await page.waitForSelector('.banner');
  await page.waitForSelector('.outcome.is-error');
  all.proxy.isDown = false;
  await page.waitForSelector('.banner', { state: 'detached' });
  await page.check();
});

test('while an answer streams, only its last block is drawn again', async () => {
  const page = await openPage(all);
  const paragraphs = Array.from({ length: 30 }, (_, i) => `Paragraph ${i} with *words* and \`code\`.\n\n`);
  all.proxy.script = () => paragraphs.flatMap((p) => [...p.matchAll(/.{1,8}/gs)].map(([s]) => [1, { content: s }]));
  await page.evaluate(() => {
    window.touched = 0;
    let known = 0; // blocks that were there before, the last of them not finished
    new MutationObserver((records) => {
      const blocks = document.querySelector('.answer.is-live .markdown')?.children ?? [];
      for (const { target } of records)
        for (let i = 0; i < known - 1; i++) if (blocks[i]?.contains(target)) window.touched++;
      known = blocks.length;
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
  });
  await ask(page, 'Go on');
  await answered(page);
  assert.equal(await page.locator('.answer .markdown > p').count(), 30);
  assert.equal(await page.evaluate(() => window.touched), 0);
  await page.check();
});
