/* With a server that keeps conversations (its part played by fake-app.mjs). */
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { FakeApp } from './fake-app.mjs';
import { answered, ask, openPage, useStage } from './stage.mjs';

const all = useStage();
const button = (page, name) => page.getByRole('button', { name, exact: true });

beforeEach(() => {
  all.proxy.app = new FakeApp();
});

test('what was said is there again after a reload, in the same chat', async () => {
  all.proxy.app.script = async (run) => run.say('content', 'Kept.');
  const page = await openPage(all);
  await ask(page, 'Keep this');
  await answered(page);
  await page.waitForSelector('.chat-link:has-text("Named by the server")');
  await page.reload();
  await page.waitForSelector('.answer:has-text("Kept.")');
  assert.equal(await page.textContent('.bubble'), 'Keep this');
  await page.check();
});

test('"answer now" ends the thinking', async () => {
  all.proxy.app.script = async (run) => {
    run.say('reasoning', 'Well, on the one hand');
    await run.wait();
    run.say('content', run.action === 'answer_now' ? 'Yes.' : 'No.');
  };
  const page = await openPage(all);
  await ask(page, 'Quick!');
  await button(page, 'Answer now').click();
  await answered(page);
  assert.equal(await page.textContent('.answer .markdown'), 'Yes.');
  await page.check();
});

test('an answer that was stopped is written on', async () => {
  all.proxy.app.script = async (run) => {
    run.say('content', run.body.continues ? ' and the end' : 'The beginning');
    if (!run.body.continues) await run.wait();
  };
  const page = await openPage(all);
  await ask(page, 'A story');
  await page.waitForSelector('.answer.is-live:has-text("The beginning")');
  await button(page, 'Stop').click();
  await page.waitForSelector('.outcome:has-text("Stopped")');
  await button(page, 'Continue').click();
  await page.waitForFunction(
    () => document.querySelector('.answer:not(.is-live) .markdown')?.textContent === 'The beginning and the end',
  );
  assert.equal(await page.locator('.answer').count(), 1);
  await page.check();
});

test('a reload in the middle of an answer listens in again', async () => {
  let going;
  all.proxy.app.script = async (run) => {
    going = run;
    run.say('content', 'First half');
    await run.wait();
    run.say('content', ', second half.');
  };
  const page = await openPage(all);
  await ask(page, 'Long one');
  await page.waitForSelector('.answer.is-live:has-text("First half")');
  await page.reload();
  await page.waitForSelector('.answer.is-live:has-text("First half")');
  going.go();
  await page.waitForFunction(
    () => document.querySelector('.answer:not(.is-live) .markdown')?.textContent === 'First half, second half.',
  );
  await page.check();
});

test('a question that was refused is in the field again after a reload, with its file', async () => {
  const { app } = all.proxy;
  app.script = async (run) => run.say('content', `You said ${run.body.content} with ${run.body.files.length}`);
  app.isBusy = true;
  const page = await openPage(all);
  page.mayFail = true; // a refusal is written on the console
  await page.setInputFiles('input[multiple]', { name: 'a.txt', mimeType: '', buffer: Buffer.from('text') });
  await page.waitForSelector('.composer .files:has-text("a.txt")');
  await ask(page, 'Too early?');
  await page.waitForSelector('.outcome.is-error');
  await page.fill('#message-input', 'And this?');
  await page.reload();
  await page.waitForFunction(() => document.getElementById('message-input')?.value === 'Too early?\n\nAnd this?');
  await page.waitForSelector('.composer .files:has-text("a.txt")');
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  app.isBusy = false;
  await page.waitForSelector('.composer button[type=submit]:enabled');
  await button(page, 'Send').click();
  await page.waitForSelector('.answer:not(.is-live):has-text("with 1")');
  await page.reload();
  await page.waitForSelector('.answer:has-text("with 1")');
  assert.equal(await page.inputValue('#message-input'), '');
  await button(page, 'Temporary chat').click();
  await page.fill('#message-input', 'Between us');
  await page.evaluate(() => { window.dispatchEvent(new PageTransitionEvent('pagehide')); });
  assert.equal(await page.evaluate(() => sessionStorage.length), 0); // of a temporary chat nothing is kept
  await page.check();
});

test('accounts: the code of the console, then name and password', async () => {
  Object.assign(all.proxy.app, { user: null, mode: 'accounts', needsSetup: true });
  const page = await openPage(all, { first: '.login' });
  page.mayFail = true; // a refused login is a 401, which the browser writes on the console
  await page.getByLabel('Code from the console').fill('000000');
  await page.getByLabel('Name').fill('ada');
  await page.getByLabel('Password').fill('right');
  await button(page, 'Create account').click();
  await page.waitForSelector('.outcome.is-error');
  await page.getByLabel('Code from the console').fill('123456');
  await button(page, 'Create account').click();
  await page.waitForSelector('#message-input');
  all.proxy.app.user = null;
  await page.reload();
  await page.getByLabel('Name').fill('ada');
  await page.getByLabel('Password').fill('right');
  await button(page, 'Sign in').click();
  await page.waitForSelector('#message-input');
  await page.check();
});
