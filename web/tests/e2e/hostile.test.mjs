/* Hostile texts as answer, thought, question, file name and title: nothing runs, nothing is
 * fetched, nothing but known elements appears. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arm, inspect } from './inspect.mjs';
import { payloads } from './payloads.mjs';
import { answered, ask, openPage, useStage } from './stage.mjs';

const all = useStage();

async function armed(options) {
  const page = await openPage(all, options);
  await arm(page);
  return page;
}

test('as answer and thought, alone and all together', async () => {
  const page = await armed();
  all.proxy.script = () => payloads.flatMap((p) => [[0, { reasoning_content: `${p}\n\n` }]])
    .concat(payloads.map((p) => [0, { content: `${p}\n\n` }]));
  await ask(page, 'All of it');
  await answered(page);
  await page.click('.thinking .fold');
  await page.waitForSelector('.katex');
  await inspect(page, all.proxy.url);
  for (const [i, payload] of payloads.entries()) {
    if (i % 4 !== 0) continue; // alone: a payload cannot hide in the one before
    all.proxy.script = () => [[0, { content: payload }]];
    await page.keyboard.press('Control+Shift+O');
    await ask(page, 'One');
    await answered(page);
    await inspect(page, all.proxy.url);
  }
  await page.check();
});

test('nested deeper than any stack', async () => {
  const page = await armed();
  const n = 5000;
  all.proxy.script = () => [[0, { content: '*a '.repeat(n) + 'b* '.repeat(n) }]];
  await ask(page, 'Deep');
  await answered(page);
  const said = await page.textContent('.answer .markdown');
  assert.equal(said.replaceAll(/[^ab]/g, ''), 'a'.repeat(n) + 'b'.repeat(n));
  await page.check();
});

test('as question, title and file name', async () => {
  const page = await armed();
  for (const payload of payloads.filter((p, i) => i % 5 === 0)) {
    all.proxy.script = (body) => [[0, { content: body.max_tokens ? payload : 'Fine.' }]];
    await page.keyboard.press('Control+Shift+O');
    await page.setInputFiles('input[multiple]', [
      { name: payload.replaceAll('/', '_').replaceAll('\u0000', '') || 'x', mimeType: '', buffer: Buffer.from(payload.replaceAll('\u0000', '')) },
    ]);
    await page.waitForSelector('.composer .files li');
    await ask(page, payload);
    await answered(page);
  }
  await inspect(page, all.proxy.url);
  await page.check();
});

test('a link says where it goes and waits for a second click', async () => {
  const page = await armed();
  all.proxy.script = () => [[0, { content: 'See [here](https://evil.example/path?q=secret) and ![img](https://evil.example/i.png).' }]];
  await ask(page, 'Link?');
  await answered(page);
  await page.click('.answer a');
  await page.waitForSelector('dialog .address:has-text("https://evil.example/path?q=secret")');
  assert.equal(await page.textContent('dialog .address strong'), 'evil.example');
  await page.keyboard.press('Escape');
  await page.click('.answer .inert-image');
  await page.waitForSelector('dialog .address:has-text("https://evil.example/i.png")');
  assert.equal(page.context().pages().length, 1);
  await page.check();
});

test('the page itself cannot make elements of a string', async () => {
  const page = await armed();
  page.mayFail = true;
  const refused = await page.evaluate(() => {
    try {
      document.createElement('div').innerHTML = '<b>x</b>';
      return false;
    } catch (e) {
      return e instanceof TypeError;
    }
  });
  assert.ok(refused);
  await page.check();
});
