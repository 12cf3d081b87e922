/* Whole collections as answer, thought, question, file name, title and folder: nothing runs, nothing
 * is fetched.  With `all` as the second argument every text is also alone in an answer (`make web-full`). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corpora, share } from './corpora.mjs';
import { inspect, arm } from './inspect.mjs';
import { answered, ask, openPage, useStage } from './stage.mjs';

const all = useStage();
const isWhole = process.argv.includes('all');

async function armed() {
  const page = await openPage(all);
  await arm(page);
  return page;
}

for (const [name, texts] of Object.entries(corpora)) {
  test(`${name}: as answer and thought`, async () => {
    assert.ok(texts.length > 80, `${texts.length} texts`);
    const page = await armed();
    all.proxy.script = () => [
      ...texts.map((text) => [0, { reasoning_content: `${text}\n\n` }]),
      ...texts.map((text) => [0, { content: `${text}\n\n` }]),
    ];
    await ask(page, 'All');
    await answered(page);
    await page.click('.thinking .fold');
    await inspect(page, all.proxy.url);
    await page.check();
  });

  test(`${name}: alone`, async () => {
    const page = await armed();
    for (const text of isWhole ? texts : share(texts, 60)) {
      all.proxy.script = () => [[0, { content: text }]];
      await page.keyboard.press('Control+Shift+O');
      await ask(page, 'One');
      await answered(page);
      await inspect(page, all.proxy.url);
    }
    await page.check();
  });

  test(`${name}: as question, file and title of imported chats`, async () => {
    const page = await armed();
    const conversations = texts.map((text, i) => ({
      id: `imported-${i}`, title: text, folder: i % 3 === 0 ? text : '', created: 1, updated: i + 1, leaf: 'answer-00',
      messages: [
        { id: 'question0', role: 'user', content: text, created: 1, files: [{ name: text, bytes: 1, text }] },
        { id: 'answer-00', parent: 'question0', role: 'assistant', content: 'x', reasoning: text, model: text, created: 2, finish: 'error', error: { code: '', message: text } },
      ],
    }));
    const file = { name: 'c.json', mimeType: '', buffer: Buffer.from(JSON.stringify({ format: 'tiefsee-export', conversations })) };
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.setInputFiles('input[accept*=json]', file);
    await page.waitForSelector(`.notices:has-text("${texts.length.toLocaleString('en')} chats imported")`);
    await page.keyboard.press('Escape');
    for (let i = 0; i < (isWhole ? texts.length : 12); i++) {
      await page.evaluate((id) => { location.hash = `#chat/${id}`; }, `imported-${Math.floor((i * texts.length) / (isWhole ? texts.length : 12))}`);
      await page.waitForSelector('.question .files');
      await inspect(page, all.proxy.url);
    }
    await page.check();
  });
}
