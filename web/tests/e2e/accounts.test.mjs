/* A real server with accounts: the console's code, a second user, and nothing shared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, ask, openPage, useStage } from './stage.mjs';

const all = useStage('--accounts');
const button = (page, name) => page.getByRole('button', { name, exact: true });
const password = 'correct horse battery staple';

function openDoor() {
  return openPage(all, { url: all.server.url, first: '.login', mayFail: true });
}

async function enter(page, name) {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await button(page, 'Sign in').click();
  await page.waitForSelector('#message-input');
}

test('the first admin, another user, and two lists of chats', async () => {
  const admin = await openDoor();
  const code = /minutes: (\S+)/.exec(all.server.log())?.[1];
  assert.ok(code, all.server.log());
  await admin.getByLabel('Code from the console').fill(code);
  await admin.getByLabel('Name').fill('ada');
  await admin.getByLabel('Password').fill(password);
  await button(admin, 'Create account').click();
  await admin.waitForSelector('#message-input');
  await ask(admin, 'What is 1 + 2?');
  await answered(admin);
  await admin.waitForSelector('.chat-link');

  await button(admin, 'Settings').click();
  await button(admin, 'Administration').click();
  await admin.getByLabel('Name').fill('bob');
  await admin.getByLabel('Password').fill(password);
  await button(admin, 'Add').click();
  await admin.waitForSelector('.users li:has-text("bob")');

  const other = await openDoor();
  await enter(other, 'bob');
  await other.waitForLoadState('networkidle');
  assert.equal(await other.locator('.chat-link').count(), 0);
  await other.goto(admin.url()); // the address of another user's chat opens nothing
  await other.reload();
  await other.waitForSelector('.greeting');
  await other.check();
  await admin.check();
});
