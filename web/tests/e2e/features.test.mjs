/* Everything around the chat: sidebar, files, instructions, export, import, keys. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { answered, ask, fileOf, openPage, useStage } from './stage.mjs';

const all = useStage();
const button = (page, name) => page.getByRole('button', { name, exact: true });

async function chatNamed(page, text) {
  all.proxy.script = () => [[0, { content: `About ${text}` }]];
  await page.keyboard.press('Control+Shift+O');
  await ask(page, text);
  await answered(page);
}

async function menu(page, title, item) {
  await page.getByRole('button', { name: `Actions for ${title}` }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

test('chats are renamed, pinned, put into folders, found and deleted', async () => {
  const page = await openPage(all);
  await chatNamed(page, 'whales');
  await chatNamed(page, 'corals');
  await menu(page, 'whales', 'Rename');
  await page.fill('dialog input', 'Blue whales');
  await button(page, 'Save').click();
  await page.waitForSelector('.chat-link:has-text("Blue whales")');
  await menu(page, 'Blue whales', 'Pin');
  await page.waitForSelector('h2:has-text("Pinned")');
  await menu(page, 'corals', 'Move to folder');
  await page.fill('dialog input', 'Reefs');
  await button(page, 'Save').click();
  await page.waitForSelector('summary:has-text("Reefs")');
  await page.keyboard.press('Control+K');
  await page.waitForSelector('#chat-search:focus');
  await page.keyboard.type('About whales');
  await page.waitForFunction(() => document.querySelectorAll('.chat-link').length === 1);
  assert.match(await page.textContent('.chat-link'), /Blue whales/);
  await page.fill('#chat-search', '');
  await menu(page, 'Blue whales', 'Delete');
  await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.waitForFunction(() => !document.body.textContent.includes('Blue whales'));
  await page.check();
});

test('a file becomes text in the prompt; what is no text is refused', async () => {
  const page = await openPage(all);
  all.proxy.script = () => [[0, { content: 'Read.' }]];
  all.proxy.asked.length = 0;
  await page.setInputFiles('input[multiple]', [
    { name: 'depths.csv', mimeType: 'text/csv', buffer: Buffer.from('place,m\r\nMariana,10935\r\n') },
    { name: 'x.bin', mimeType: '', buffer: Buffer.from([1, 0, 2, 0]) },
  ]);
  await page.waitForSelector('.composer .files:has-text("depths.csv")');
  await page.waitForSelector('.notices .is-error:has-text("x.bin")');
  await ask(page, 'What is in it?');
  await answered(page);
  const { content } = all.proxy.asked[0].messages.at(-1);
  assert.match(content, /depths\.csv/);
  assert.match(content, /Mariana,10935\n/);
  assert.match(content, /What is in it\?$/);
  await page.waitForSelector('.question .files:has-text("depths.csv")');
  await page.check();
});

test('instructions reach the model, and presets are kept', async () => {
  const page = await openPage(all);
  all.proxy.asked.length = 0;
  all.proxy.script = () => [[0, { content: 'Aye.' }]];
  await button(page, 'Instructions').click();
  await page.fill('dialog textarea', 'Speak like a sailor.');
  await page.fill('.preset-name', 'Sailor');
  await button(page, 'Save as preset').click();
  await page.waitForSelector('.presets:has-text("Sailor")');
  await button(page, 'Save').click();
  await ask(page, 'Hello');
  await answered(page);
  assert.deepEqual(all.proxy.asked[0].messages[0], { role: 'system', content: 'Speak like a sailor.' });
  await page.check();
});

test('editing a question makes a branch', async () => {
  const page = await openPage(all);
  all.proxy.script = (body) => [[0, { content: `You said ${body.messages.at(-1).content}` }]];
  await ask(page, 'one');
  await answered(page);
  await button(page, 'Edit').click();
  await page.fill('.editor textarea', 'two');
  await page.locator('.editor').getByRole('button', { name: 'Send' }).click();
  await page.waitForFunction(() => document.querySelector('.answer .markdown')?.textContent === 'You said two');
  assert.match(await page.textContent('.question .versions'), /2\/2/);
  await button(page, 'Previous version').click();
  await page.waitForFunction(() => document.querySelector('.answer .markdown')?.textContent === 'You said one');
  await page.check();
});

test('export and import give the same chat', async () => {
  const page = await openPage(all);
  await chatNamed(page, 'squids');
  const [download] = await Promise.all([page.waitForEvent('download'), menu(page, 'squids', 'Export as JSON')]);
  const path = await fileOf(download);
  const file = JSON.parse(readFileSync(path, 'utf8'));
  assert.equal(file.format, 'tiefsee-export');
  assert.equal(file.ai_generated, true);
  await menu(page, 'squids', 'Delete');
  await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
  await button(page, 'Settings').click();
  await page.setInputFiles('input[accept*=json]', path);
  await page.waitForSelector('.notices:has-text("1 chat imported")');
  await page.keyboard.press('Escape');
  await page.click('.chat-link:has-text("squids")');
  await page.waitForSelector('.answer:has-text("About squids")');
  await page.check();
});

test('a temporary chat is in no list', async () => {
  const page = await openPage(all);
  await button(page, 'Temporary chat').click();
  await page.waitForSelector('.badge');
  await ask(page, 'Between us');
  await answered(page);
  assert.equal(await page.locator('.chat-link').count(), 0);
  await button(page, 'New chat').click();
  await page.waitForSelector('.greeting');
  assert.doesNotMatch(await page.textContent('body'), /Between us/);
  await page.check();
});

test('every text is there in German and Chinese', async () => {
  const page = await openPage(all);
  for (const [name, language, word] of [['Deutsch', 'de', 'Einstellungen'], ['中文', 'zh', '设置'], ['English', 'en', 'Settings']]) {
    await page.locator('.sidebar-foot .text-button').click();
    await page.locator('dialog select').first().selectOption(language);
    await page.waitForSelector(`dialog h2:has-text("${word}")`);
    assert.equal(await page.getAttribute('html', 'lang'), language);
    assert.ok(await page.locator(`option:has-text("${name}")`).count());
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    assert.doesNotMatch(await page.textContent('body'), /undefined|\[object/);
  }
  await page.check();
});

test('typing asks nothing of the server', async () => {
  const page = await openPage(all);
  const asked = () => page.requests.filter((url) => !url.includes('/assets/')).length; // parts of the page may still come
  const before = asked();
  await page.focus('#message-input');
  await page.keyboard.type('a'.repeat(200));
  assert.equal(asked(), before);
  await page.check();
});

test('keys: the list of shortcuts, the sidebar, the last answer', async () => {
  const page = await openPage(all);
  await page.keyboard.press('Control+/');
  await page.waitForSelector('dialog .shortcuts');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
  await page.keyboard.press('Control+b');
  await page.waitForSelector('.sidebar', { state: 'detached' });
  await page.keyboard.press('Control+b');
  await page.waitForSelector('.sidebar');
  await page.check();
});
