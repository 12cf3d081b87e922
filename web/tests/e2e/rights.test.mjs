/* What is a user's: settings on the server, rights, the proof; and the administration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, useStage } from './stage.mjs';

const all = useStage();
const button = (page, name) => page.getByRole('button', { name, exact: true });
const kept = (page, path) => page.evaluate((p) => fetch(`app/api/${p}`).then((r) => r.json()), path);

async function open(options = {}) {
  return openPage(all, { url: all.server.url, ...options });
}

async function openDialog(page, name) {
  await button(page, 'Settings').click();
  await button(page, name).click();
  await page.getByRole('heading', { name, exact: true }).waitFor();
}

test('what a browser kept comes to the server and from there to the next browser', async () => {
  const page = await open();
  await page.evaluate(() => {
    localStorage.setItem('tiefsee.settings', JSON.stringify({
      instructions: 'Answer in one word.', presets: [{ name: 'Short', text: 'Be short.' }], language: 'en',
    }));
  });
  await page.evaluate(() => fetch('app/api/me/erase', {
    method: 'POST', headers: { 'X-Tiefsee': '1', 'Content-Type': 'application/json' }, body: '{"what":"all"}',
  }).then((r) => r.json()));
  await page.reload();
  await page.waitForSelector('#message-input');
  await page.waitForFunction(() => JSON.parse(localStorage.getItem('tiefsee.settings')).owner !== undefined);
  await page.waitForLoadState('networkidle');
  assert.equal((await kept(page, 'me/settings')).instructions, 'Answer in one word.');
  const { presets } = await kept(page, 'presets');
  assert.deepEqual(presets.map((p) => [p.name, p.system]), [['Short', 'Be short.']]);
  /* What was told the model stays with its user, not with the browser. */
  assert.doesNotMatch(await page.evaluate(() => localStorage.getItem('tiefsee.settings')), /one word|Be short/);
  await page.check();

  const other = await open();
  await button(other, 'Settings').click();
  assert.equal(await other.locator('dialog textarea').inputValue(), 'Answer in one word.');
  await other.locator('dialog textarea').fill('Answer in two words.');
  await other.locator('dialog textarea').blur();
  await other.waitForLoadState('networkidle');
  assert.equal((await kept(other, 'me/settings')).instructions, 'Answer in two words.');
  await other.check();
});

test('time limits, freezing, and erasing of days', async () => {
  const page = await open();
  await openDialog(page, 'Privacy and usage');
  await page.getByLabel(/^Delete my chats after/).fill('30');
  await page.getByLabel(/^Delete my chats after/).blur();
  await page.waitForSelector('.notices :text("Saved.")');
  await page.getByLabel(/^Freeze my account/).check();
  await page.waitForFunction(() => fetch('app/api/me').then((r) => r.json()).then((me) => me.user.is_frozen));
  assert.equal((await kept(page, 'me')).user.retention_days, 30);
  await page.getByLabel(/^Freeze my account/).uncheck();
  await page.waitForFunction(() => fetch('app/api/me').then((r) => r.json()).then((me) => !me.user.is_frozen));
  await page.getByLabel('First day').fill('2020-01-01');
  await page.getByLabel('Last day').fill('2020-01-31');
  await button(page, 'Erase these days').click();
  await page.waitForSelector('dialog :text("2020-01-01")');
  await page.locator('dialog').getByRole('button', { name: 'Erase these days' }).click();
  await page.waitForSelector('#message-input');
  await page.check();
});

test('every attempt to get out is shown, and every page of the administration', async () => {
  const page = await open();
  await openDialog(page, 'Proof');
  await page.waitForSelector('dialog :text("Sent beyond this machine by this server")');
  assert.ok(await page.locator('dialog dd').count() > 4);
  await page.keyboard.press('Escape');
  await openDialog(page, 'Administration');
  await page.getByLabel('Name of the key').fill('laptop');
  await button(page, 'Create key').click();
  const shown = await page.locator('.made-key').textContent();
  assert.match(shown, /^sk-ts-\w{66}$/);
  await page.waitForSelector('.users li:has-text("laptop")');
  for (const [name, text] of [
    ['Models', 'Memory with one context'], ['Usage', 'Used in the last 30 days'],
    ['Audit log', 'the log is intact'], ['Health', 'store'], ['Server', 'Who runs this server'],
  ]) {
    await button(page, name).click();
    await page.waitForSelector(`dialog :text("${text}")`);
  }
  await page.getByLabel('Who runs this server').fill('Kantine GmbH');
  await button(page, 'Save').click();
  await page.waitForSelector('.notices :text("Saved.")');
  assert.equal((await kept(page, 'admin/settings')).operator_name, 'Kantine GmbH');
  await page.check();
});
