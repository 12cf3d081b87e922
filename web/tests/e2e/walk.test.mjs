/* One walk through the whole app in each language: every button is found by the word that
 * the language has for it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FakeApp } from './fake-app.mjs';
import { answered, ask, fileOf, openPage, useStage } from './stage.mjs';
import { catalogues, locales } from './words.mjs';

const all = useStage();

/** A page with the words of its language. */
async function open(language) {
  all.proxy.app = new FakeApp();
  const page = await openPage(all, { locale: locales[language], permissions: ['clipboard-read', 'clipboard-write'] });
  const t = catalogues[language];
  const button = (name) => page.getByRole('button', { name, exact: true });
  const choose = async (title, item) => {
    await button(t.chatMenu(title)).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  const dialog = (name) => page.locator('dialog').getByRole('button', { name, exact: true });
  const closeDialog = async () => {
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
  };
  return { page, t, button, choose, dialog, closeDialog };
}

const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

async function talking({ page, t, button }) {
  all.proxy.app.script = async (run) => {
    if (run.body.continues) run.say('content', ' and the rest');
    else {
      run.say('reasoning', 'A thought');
      await run.wait();
      run.say('content', run.action === 'stop' ? '' : 'First');
    }
  };
  await ask(page, '1 + 1?');
  await page.waitForSelector(`.thinking.is-live .fold:has-text("${t.thinkingFor('').trim().slice(0, 3)}")`);
  await button(t.answerNow).click();
  await answered(page);
  assert.equal(await page.textContent('.answer .markdown'), 'First');
  await page.waitForSelector('.chat-link:has-text("Named by the server")');
  await page.click('.thinking .fold');
  await button(t.copyThoughts).click();
  await page.waitForFunction((text) => navigator.clipboard.readText().then((got) => got === text), 'A thought');
  await page.locator('.answer footer').getByRole('button', { name: t.copy, exact: true }).click();
  await page.waitForFunction((text) => navigator.clipboard.readText().then((got) => got === text), 'First');
  assert.match(await page.textContent('.numbers'), new RegExp(t.tokens(12)));
  assert.ok((await page.textContent('.numbers')).includes(t.cachedTokens(4)));

  await button(t.regenerate).click();
  await page.waitForSelector('.thinking.is-live');
  await button(t.stop).click();
  await page.waitForSelector(`.outcome:has-text("${t.stopped}")`);
  await button(t.continueAnswer).click();
  await page.waitForFunction(() => document.querySelector('.answer:not(.is-live) .markdown')?.textContent === 'and the rest');
  await page.getByRole('group', { name: t.version(2, 2) }).waitFor();
  await button(t.previousVersion).click();
  await page.getByRole('group', { name: t.version(1, 2) }).waitFor();
  await button(t.edit).click();
  await page.getByLabel(t.editMessage).fill('2 + 2?');
  await page.locator('.editor').getByRole('button', { name: t.send, exact: true }).click();
  await button(t.answerNow).click();
  await answered(page);
  assert.equal(await page.textContent('.bubble'), '2 + 2?');
}

async function keeping({ page, t, button, choose, dialog }) {
  const old = 'Named by the server';
  await choose(old, t.rename);
  await page.locator('dialog input').fill('Sums');
  await dialog(t.save).click();
  await choose('Sums', t.pin);
  await page.waitForSelector(`h2:has-text("${t.pinned}")`);
  await choose('Sums', t.unpin);
  await choose('Sums', t.moveToFolder);
  await page.locator('dialog').getByLabel(t.folderName).fill('Maths');
  await dialog(t.save).click();
  await page.waitForSelector('summary:has-text("Maths")');
  await page.locator('#chat-search').fill('no such words');
  await page.waitForSelector(`.chat-list:has-text("${t.noMatches}")`);
  await page.locator('#chat-search').fill('Sums');
  await page.waitForSelector('.chat-list > ul .chat-link:has-text("Sums")');
  for (const item of [t.exportMarkdown, t.exportJson]) {
    const [download] = await Promise.all([page.waitForEvent('download'), choose('Sums', item)]);
    assert.match(readFileSync(await fileOf(download), 'utf8'), /2 \+ 2\?/);
  }
  await choose('Sums', t.remove);
  await dialog(t.remove).click();
  await page.waitForSelector(`.chat-list:has-text("${t.noMatches}")`);
  await page.locator('#chat-search').fill('');
  await page.waitForSelector(`.chat-list:has-text("${t.noChats}")`);
  await button(t.temporaryChat).click();
  await page.waitForSelector(`.badge:has-text("${t.temporaryChat}")`);
  await button(t.newChat).click();
}

async function choosing({ page, t, button, dialog, closeDialog }) {
  await page.locator('.composer select').selectOption({ label: t.effortOff });
  await page.setInputFiles('input[multiple]', { name: 'a.csv', mimeType: '', buffer: Buffer.from('a,b') });
  await page.getByRole('button', { name: t.removeFile('a.csv') }).click();
  await page.setInputFiles('input[multiple]', { name: 'x', mimeType: '', buffer: Buffer.from([0, 1]) });
  await page.waitForSelector(`.notices:has-text("${t.fileRefused.binary('x')}")`);
  await button(t.instructions).click();
  await page.locator('dialog textarea').fill('Rhyme.');
  await page.locator('.preset-name').fill('Poet');
  await dialog(t.addPreset).click();
  await dialog(t.removePreset('Poet')).waitFor();
  await dialog(t.save).click();
  await button(t.shortcuts).click();
  for (const label of ['shortcutNew', 'shortcutSearch', 'shortcutInput', 'shortcutSidebar', 'shortcutStop', 'shortcutCopy', 'shortcutList'])
    await page.waitForSelector(`dialog dt:has-text("${t[label]}")`);
  await closeDialog();
  await button(t.settings).click();
  await page.locator('dialog select').nth(1).selectOption({ label: t.themeDark });
  assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
  await page.locator('dialog select').nth(2).selectOption({ label: t.sendCtrlEnter });
  const chat = { title: 'Von anderswo', mapping: { a: { id: 'a', parent: null, message: { author: { role: 'user' }, content: { parts: ['Hallo'] }, create_time: 1 } } }, current_node: 'a' };
  await page.setInputFiles('input[accept*=json]', { name: 'c.json', mimeType: '', buffer: Buffer.from(JSON.stringify([chat])) });
  await page.waitForSelector(`.notices:has-text("${t.imported(1)}")`);
  await closeDialog();
  await button(t.hideSidebar).click();
  await button(t.showSidebar).click();
}

async function missing({ page, t }) {
  page.mayFail = true; // the browser writes failed requests on the console
  all.proxy.isDown = true;
  await page.fill('#message-input', 'Anybody?');
  await page.keyboard.press('Control+Enter');
  await page.waitForSelector(`.banner:has-text("${t.serverDown}")`);
  all.proxy.isDown = false;
  await page.waitForSelector('.banner', { state: 'detached' });
}

for (const [language, locale] of Object.entries(locales))
  test(`everything by its ${locale} name`, async () => {
    const all = await open(language);
    const { page, t } = all;
    assert.equal(await page.getAttribute('html', 'lang'), language);
    await page.waitForSelector(`.greeting:has-text("${t.greeting}")`);
    assert.ok((await page.textContent('.ai-notice')).includes(t.aiNotice));
    await talking(all);
    await keeping(all);
    await choosing(all);
    await missing(all);
    assert.doesNotMatch(await page.textContent('body'), /undefined|\[object/);
    await page.check();
  });
