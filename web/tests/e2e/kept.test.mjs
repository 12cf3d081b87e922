/* With the real store of the real server: nothing is played. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from './browser.mjs';
import { answered, ask, openPage, ready, tiefsee, until, useStage } from './stage.mjs';
import { catalogues, locales } from './words.mjs';

const all = useStage();
const button = (page, name) => page.getByRole('button', { name, exact: true });

async function openKept() {
  return openPage(all, { url: all.server.url });
}

test('a chat is there again after a reload and in another browser', async () => {
  const page = await openKept();
  await ask(page, 'What is 12 + 7?');
  await answered(page);
  const shown = () => page.textContent('.answer .markdown'); // whatever the model said, perhaps nothing
  const answer = await shown();
  await page.reload();
  await page.waitForSelector('.answer .numbers');
  assert.equal(await shown(), answer);
  assert.equal(await page.textContent('.bubble'), 'What is 12 + 7?');
  await page.check();
  const other = await openKept();
  await other.waitForSelector('.chat-link');
  await other.check();
});

test('rename, pin, search and delete reach the store', async () => {
  const page = await openKept();
  await ask(page, 'Convert 3 km to m, kelpwood'); // a word that no model says
  await answered(page);
  await page.waitForSelector('.chat-link[aria-current]');
  await page.waitForFunction(() => location.hash.startsWith('#chat/'));
  const row = page.locator('li:has([aria-current])');
  const menu = async (item) => {
    await row.getByRole('button', { name: /^Actions/ }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  await menu('Rename');
  await page.fill('dialog input', 'Kilometres');
  await button(page, 'Save').click();
  await page.waitForSelector('.chat-link:has-text("Kilometres")'); // and stays, when the model's title comes
  await menu('Pin');
  await page.waitForSelector('h2:has-text("Pinned")');
  await until(page, 'conversations', (list) => list.conversations.some((c) => c.is_pinned && c.title === 'Kilometres'));
  await page.reload();
  await page.waitForSelector('section:has(h2:has-text("Pinned")) .chat-link:has-text("Kilometres")');
  await page.fill('#chat-search', 'kelpwood');
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('.chat-link')];
    return rows.length === 1 && rows[0].textContent.includes('Kilometres');
  });
  await page.fill('#chat-search', '');
  await menu('Delete');
  await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
  await until(page, 'conversations', (list) => !list.conversations.some((c) => c.title === 'Kilometres'));
  await page.reload();
  await ready(page);
  assert.equal(await page.locator('.chat-link:has-text("Kilometres")').count(), 0);
  await page.check();
});

test('a temporary chat is answered and not kept', async () => {
  const page = await openKept();
  await button(page, 'Temporary chat').click();
  await ask(page, 'What is 40 - 8?');
  await answered(page);
  await page.waitForSelector('.answer .numbers');
  await page.reload();
  await ready(page);
  assert.doesNotMatch(await page.textContent('body'), /40 - 8/);
  await page.check();
});

test('privacy and usage are the server\'s own words, and everything can be erased', async () => {
  const page = await openKept();
  await page.waitForSelector('.chat-link');
  await button(page, 'Settings').click();
  await button(page, 'Privacy and usage').click();
  await page.waitForSelector('dialog .facts');
  await page.waitForSelector('dialog section p');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Export everything about me' }).click(),
  ]);
  assert.match(download.suggestedFilename(), /json$/);
  await button(page, 'Erase all my chats').click();
  await Promise.all([
    page.waitForEvent('load'),
    page.locator('dialog').getByRole('button', { name: 'Erase all my chats' }).click(),
  ]);
  await ready(page);
  assert.equal(await page.locator('.chat-link').count(), 0);
  await page.check();
});

/** A chat of which a small context holds only a part. */
function longChat(id) {
  const messages = Array.from({ length: 12 }, (_, i) => ({
    id: `turn-${i}-of-${id}`, parent: i > 0 ? `turn-${i - 1}-of-${id}` : null, role: i % 2 === 0 ? 'user' : 'assistant',
    content: `${i}: ${'one two three four five '.repeat(6)}`, created: 1e12 + i,
  }));
  return { id, title: 'Long', created: 1e12, updated: 1e12, messages, leaf: messages.at(-1).id };
}

test('a chat that is full says so and goes on with its newest turns if that is wished', async () => {
  const server = await startServer(tiefsee, '--ctx', '256');
  try {
    for (const [language, locale] of Object.entries(locales)) {
      const t = catalogues[language];
      const conversations = [longChat(`chat-in-${language}`)];
      const imported = await fetch(`${server.url}app/api/import`, {
        method: 'POST', headers: { 'X-Tiefsee': '1', 'Content-Type': 'application/json' }, body: JSON.stringify({ conversations }),
      });
      assert.equal(imported.status, 200);
      const page = await openPage(all, { url: `${server.url}#chat/chat-in-${language}`, locale, mayFail: true });
      await ask(page, '1 + 1?');
      await page.waitForSelector(`.is-full:has-text("${t.contextFull}")`);
      assert.equal(await page.locator('.read-from').count(), 0); // nothing is left out unasked
      await button(page, t.goOnShorter).click();
      await page.waitForSelector('.answer:not(.is-live) .numbers');
      assert.equal(await page.locator('.is-full').count(), 0);
      assert.ok((await page.textContent('.read-from')).includes(t.readFrom));
      await ask(page, '2 + 2?'); // it was allowed once: the chat goes on
      await page.waitForFunction(() => document.querySelectorAll('.answer:not(.is-live) .numbers').length === 2);
      await page.reload(); // and it is still said afterwards
      await page.waitForSelector('.read-from');
      await ask(page, 'word '.repeat(600));
      await page.waitForSelector(`.is-full:has-text("${t.messageTooLong}")`);
      assert.equal(await button(page, t.goOnShorter).count(), 0);
      await page.locator('.is-full').getByRole('button', { name: t.newChat, exact: true }).click();
      await page.waitForSelector('.greeting');
      await page.check();
    }
  } finally {
    await server.stop();
  }
});
