/* Features one by one that no other file has: looks, copying, keys, imports, small screens. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gate, never } from './proxy.mjs';
import { answered, ask, fileOf, openPage, ready, useStage } from './stage.mjs';

const all = useStage();
const button = (page, name) => page.getByRole('button', { name, exact: true });
const clipboard = { permissions: ['clipboard-read', 'clipboard-write'] };

async function answer(page, content, question = 'Show me') {
  all.proxy.script = () => [[0, { content }]];
  await ask(page, question);
  await answered(page);
}

const copied = (page, text) =>
  page.waitForFunction((wanted) => navigator.clipboard.readText().then((got) => got === wanted), text);

test('Markdown: tables, lists, quotes, formulas, coloured code, and diagrams as source', async () => {
  const page = await openPage(all, clipboard);
  await answer(page, '# Head\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n1. one\n   - two\n\n> said\n\n~~gone~~ $x^2$ and\n\n$$\\int_0^1 x\\,dx$$\n\n```js\nconst a = "b";\n```\n\n```mermaid\ngraph TD; A-->B\n```\n');
  for (const selector of ['h3:has-text("Head")', 'table td.align-right:has-text("2")', 'ol li ul li', 'blockquote', 's', '.math .katex', '.math-display .katex', '.hljs-keyword'])
    await page.waitForSelector(`.answer ${selector}`);
  await page.waitForSelector('.answer figure:has-text("Diagram source") pre:has-text("graph TD; A-->B")');
  assert.equal(await page.locator('.answer figure svg:not(.icon)').count(), 0);
  await page.locator('.answer figure').first().getByRole('button', { name: 'Copy code' }).click();
  await copied(page, 'const a = "b";\n');
  await page.keyboard.press('Control+Shift+Y');
  await page.waitForFunction(() => navigator.clipboard.readText().then((got) => got.startsWith('# Head')));
  await page.check();
});

test('thinking is asked for or not, and the numbers of an answer are shown', async () => {
  const page = await openPage(all);
  all.proxy.asked.length = 0;
  await page.locator('.composer select').selectOption({ label: 'No thinking' });
  const begun = gate();
  all.proxy.script = () => [[0, { content: 'a' }], ...Array.from({ length: 9 }, () => [begun.opened, { content: ' b' }])];
  await ask(page, 'Quick');
  await page.waitForSelector('.answer.is-live:has-text("a")');
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100))); // less has no speed
  begun.go();
  await answered(page);
  assert.equal(all.proxy.asked[0].thinking.type, 'disabled');
  const numbers = await page.textContent('.numbers');
  assert.match(numbers, /tokens\/s/);
  assert.match(numbers, /10 tokens/);
  assert.match(numbers, /8 from cache/);
  const gauge = page.getByRole('meter', { name: 'Context' });
  assert.match(await gauge.getAttribute('aria-valuetext'), /Context: 30 of [\d,]+ tokens/);
  await page.check();
});

test('light and dark: by the system, or as chosen, also after a reload', async () => {
  const page = await openPage(all, { colorScheme: 'dark' });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).color);
  const dark = await ground();
  await button(page, 'Settings').click();
  await page.locator('dialog select').nth(1).selectOption({ label: 'Light' });
  const light = await ground();
  assert.notEqual(light, dark);
  await page.reload();
  await page.waitForSelector('#message-input');
  assert.equal(await ground(), light);
  await page.check();
});

test('every key of the list does what it says', async () => {
  const page = await openPage(all);
  await answer(page, 'One');
  await page.keyboard.press('Control+Shift+O');
  await page.waitForSelector('.greeting');
  await page.keyboard.press('Control+K');
  await page.waitForSelector('#chat-search:focus');
  await page.keyboard.press('Shift+Escape');
  await page.waitForSelector('#message-input:focus');
  all.proxy.script = () => [[0, { content: 'Begun' }], [never, {}]];
  await ask(page, 'Long');
  await page.waitForSelector('.answer.is-live:has-text("Begun")');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.outcome:has-text("Stopped")');
  await page.keyboard.press('Control+b');
  await page.waitForSelector('.sidebar', { state: 'detached' });
  await page.keyboard.press('Control+/');
  await page.waitForSelector('dialog .shortcuts');
  await page.check();
});

const node = (id, parent, role, content, extra = {}) => ({ id, parent, children: [], message: { author: { role }, content, create_time: 1764000000, ...extra } });

test('exports of ChatGPT and DeepSeek come in with their branches', async () => {
  const page = await openPage(all);
  const chatgpt = [{ title: 'From ChatGPT', create_time: 1, update_time: 2, current_node: 'c', mapping: {
    r: { id: 'r', parent: null, message: null },
    a: node('a', 'r', 'user', { content_type: 'text', parts: ['Hi GPT'] }),
    b: node('b', 'a', 'assistant', { content_type: 'text', parts: ['First reply'] }),
    c: node('c', 'a', 'assistant', { content_type: 'text', parts: ['Second reply'] }),
  } }];
  const deepseek = [{ title: 'From DeepSeek', inserted_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-02T00:00:00Z', mapping: {
    root: { id: 'root', parent: null, message: null },
    1: { id: '1', parent: 'root', message: { model: 'deepseek-chat', inserted_at: '2026-01-01T00:00:00Z', fragments: [{ type: 'REQUEST', content: 'Hi whale' }] } },
    2: { id: '2', parent: '1', message: { model: 'deepseek-chat', inserted_at: '2026-01-01T00:00:01Z', fragments: [{ type: 'THINK', content: 'hm' }, { type: 'RESPONSE', content: 'Hello human' }] } },
  } }];
  await button(page, 'Settings').click();
  for (const [i, file] of [chatgpt, deepseek].entries()) {
    await page.setInputFiles('input[accept*=json]', { name: `${i}.json`, mimeType: '', buffer: Buffer.from(JSON.stringify(file)) });
    await page.waitForFunction((n) => document.querySelectorAll('.chat-link').length === n, i + 1);
  }
  await page.setInputFiles('input[accept*=json]', { name: 'no.json', mimeType: '', buffer: Buffer.from('{"a":') });
  await page.waitForSelector('.notices .is-error:has-text("no chats")');
  await page.keyboard.press('Escape');
  await page.click('.chat-link:has-text("From ChatGPT")');
  await page.waitForSelector('.answer:has-text("Second reply")');
  await button(page, 'Previous version').click();
  await page.waitForSelector('.answer:has-text("First reply")');
  await page.click('.chat-link:has-text("From DeepSeek")');
  await page.waitForSelector('.answer .thinking');
  await page.waitForSelector('.answer:has-text("Hello human")');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Actions for From DeepSeek' }).click()
      .then(() => page.getByRole('menuitem', { name: 'Export as Markdown' }).click()),
  ]);
  const text = readFileSync(await fileOf(download), 'utf8');
  assert.match(text, /# From DeepSeek[\s\S]*ai_generated[\s\S]*Hi whale[\s\S]*```thinking\nhm\n```[\s\S]*Hello human/);
  await page.check();
});

test('on a phone the sidebar lies over the page and goes when a chat is chosen', async () => {
  const page = await openPage(all, { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true });
  await page.fill('#message-input', 'Small');
  all.proxy.script = () => [[0, { content: 'Yes, '.repeat(200) }]];
  await page.keyboard.press('Enter'); // a new line, as a phone has no Shift + Enter
  assert.equal(await page.inputValue('#message-input'), 'Small\n');
  await button(page, 'Send').tap();
  await answered(page);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
  await button(page, 'Show sidebar').tap();
  await page.locator('.chat-link').tap();
  await page.waitForSelector('.sidebar', { state: 'detached' });
  await page.waitForSelector('.answer');
  await page.check();
});

test('a server that is loading its model is told', async () => {
  const page = await openPage(all);
  await page.route('**/v1/models', (route) => route.fulfill({ status: 503, body: '{"error":{"message":"loading"}}' }));
  page.mayFail = true;
  await page.reload();
  await page.waitForSelector('.banner:has-text("The server is starting")');
  await page.unroute('**/v1/models');
  await page.waitForSelector('.banner', { state: 'detached' });
  await answer(page, 'Ready.');
  await page.check();
});

test('the page begins with less than 400 KB and fetches the rest when it is needed', async () => {
  const page = await openPage(all);
  await ready(page);
  const bytes = await page.evaluate(() =>
    performance.getEntriesByType('resource').reduce((sum, e) => sum + e.encodedBodySize, 0));
  assert.ok(bytes > 50_000 && bytes < 400_000, `${bytes} bytes`);
  assert.ok(!page.requests.some((url) => /katex|languages|pdf/.test(url)), String(page.requests));
  await page.check();
});
