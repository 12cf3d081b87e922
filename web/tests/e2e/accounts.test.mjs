/* A real server with accounts: the console's code, a second user, and nothing shared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, ask, openPage, ready, useStage } from './stage.mjs';
import { catalogues, locales } from './words.mjs';

const all = useStage('--accounts');
const button = (page, name) => page.getByRole('button', { name, exact: true });
const password = 'correct horse battery staple';

function openDoor(locale) {
  return openPage(all, { url: all.server.url, first: '.login', mayFail: true, locale });
}

async function enter(page, t, name) {
  await page.getByLabel(t.userName).fill(name);
  await page.getByLabel(t.password).fill(password);
  await button(page, t.loginButton).click();
  await page.waitForSelector('#message-input');
}

async function openUsers(page, t) {
  await button(page, t.settings).click();
  await button(page, t.administration).click();
  await page.waitForSelector('.users li:has-text("ada")');
}

/** Made, limited, disabled, enabled. */
async function manage(page, t, name) {
  const row = page.locator(`.users li:has-text("${name}")`);
  const menu = async (item) => {
    await page.getByRole('button', { name: t.userMenu(name) }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  await page.getByLabel(t.userName).fill(name);
  await page.getByLabel(t.password).fill(password);
  await page.getByLabel(t.role).selectOption({ label: t.roleMember });
  await button(page, t.addUser).click();
  await row.waitFor();
  await menu(t.edit);
  await page.getByLabel(t.limitTokens).fill('50000');
  for (const label of [t.limitRequests, t.limitConcurrent, t.limitContext, t.newPassword]) await page.getByLabel(label).waitFor();
  await button(page, t.save).click();
  await page.waitForSelector(`.users li:has-text("${name}"):has-text("50")`);
  await menu(t.disable);
  await page.waitForSelector(`.users .is-off:has-text("${t.disabled}")`);
  await menu(t.enable);
  await page.waitForSelector('.users .is-off', { state: 'detached' });
}

test('the first admin, other users, and lists of chats that are nobody else\'s, in each language', async () => {
  const { en } = catalogues;
  const admin = await openDoor(locales.en);
  const code = /minutes: (\S+)/.exec(all.server.log())?.[1];
  assert.ok(code, all.server.log());
  await admin.getByLabel(en.setupCode).fill(code);
  await admin.getByLabel(en.userName).fill('ada');
  await admin.getByLabel(en.password).fill(password);
  await button(admin, en.setupButton).click();
  await admin.waitForSelector('#message-input');
  await ask(admin, 'What is 1 + 2?');
  await answered(admin);
  await admin.waitForSelector('.chat-link');
  await admin.waitForFunction(() => location.hash.startsWith('#chat/'));

  for (const [language, locale] of Object.entries(locales)) {
    const t = catalogues[language];
    const name = `bob-${language}`;
    const boss = await openDoor(locale);
    await enter(boss, t, 'ada');
    await openUsers(boss, t);
    await manage(boss, t, name);
    await boss.getByRole('button', { name: t.userMenu('ada') }).waitFor();

    const other = await openDoor(locale);
    await enter(other, t, name);
    await ready(other);
    assert.equal(await other.locator('.chat-link').count(), 0);
    await other.goto(admin.url()); // the address of another user's chat opens nothing
    await other.reload();
    await ready(other);
    await other.waitForSelector('.greeting');
    assert.equal(await other.locator('.answer').count(), 0);
    await other.check();

    await boss.getByRole('button', { name: t.userMenu(name) }).click();
    await boss.getByRole('menuitem', { name: t.remove, exact: true }).click();
    await boss.waitForSelector(`dialog :text("${t.removeUser(name)}")`); // not at one click
    await boss.locator('dialog').getByRole('button', { name: t.remove, exact: true }).click();
    await openAfterwards(boss, name);
    await boss.check();
  }
  await admin.check();
});

async function openAfterwards(page, name) {
  await page.waitForSelector('.users li:has-text("ada")');
  await page.waitForSelector(`.users li:has-text("${name}")`, { state: 'detached' });
}
