/* What goes wrong in life: two windows on one chat, clocks that jump, a full disk, names with
 * characters that turn a line around.  With the real server and its store. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { FakeApp } from './fake-app.mjs';
import { answered, ask, openPage, until, useStage } from './stage.mjs';

const all = useStage();
const button = (page, name) => page.getByRole('button', { name, exact: true });
const own = (options = {}) => openPage(all, { url: all.server.url, ...options });

/** Another window of the same browser, on the same chat. */
async function beside(page) {
  await page.waitForFunction(() => location.hash.startsWith('#chat/'));
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.waitForSelector('.answer');
  return other;
}

test('two windows on one chat see each other\'s turns, and nothing is lost', async () => {
  const page = await own();
  await ask(page, 'What is 1 + 1?');
  await answered(page);
  const other = await beside(page);
  await ask(other, 'What is 2 + 2?');
  await answered(other, 2);
  await page.waitForSelector('.bubble:has-text("What is 2 + 2?")');
  await answered(page, 2);
  await page.locator('.question').first().getByRole('button', { name: 'Edit' }).click();
  await page.fill('.editor textarea', 'What is 3 + 3?');
  await page.locator('.editor').getByRole('button', { name: 'Send' }).click();
  await answered(page);
  await other.waitForSelector('.question .versions:has-text("/2")');
  await other.reload();
  await other.waitForSelector('.question .versions:has-text("2/2")');
  await button(other, 'Previous version').first().click();
  await other.waitForSelector('.bubble:has-text("What is 2 + 2?")');
  await page.check();
});

test('a question to a chat that is being answered elsewhere is not lost', async () => {
  const app = (all.proxy.app = new FakeApp());
  let going;
  app.script = async (run) => {
    going = run;
    run.say('content', `About ${run.chat.messages.findLast((m) => m.role === 'user').content}`);
    if (run.chat.messages.length > 2) await run.wait();
  };
  const page = await openPage(all);
  await ask(page, 'whales');
  await answered(page);
  const other = await beside(page);
  page.mayFail = true; // the refusal is a 409, which the browser writes on the console
  const before = app.running.size;
  // the first window does not learn of it in time
  await other.evaluate(() => { BroadcastChannel.prototype.postMessage = () => undefined; });
  await ask(other, 'corals');
  await other.waitForSelector('.answer.is-live:has-text("About corals")');
  assert.equal(app.running.size, before + 1);
  await ask(page, 'squids');
  await page.waitForSelector('.outcome:has-text("another window")');
  going.go();
  await answered(other, 2);
  await page.waitForFunction(() => !document.querySelector('.is-live'));
  await button(page, 'Regenerate').last().click();
  await page.waitForSelector('.answer.is-live:has-text("About squids")');
  going.go();
  await page.waitForFunction(() => !document.querySelector('.is-live'));
  assert.deepEqual([...app.chats.values()][0].messages.filter((m) => m.role === 'user').map((m) => m.content), ['whales', 'corals', 'squids']);
  all.proxy.app = null;
  await page.check();
});

test('a question that found no server is asked again when it is back', async () => {
  const app = (all.proxy.app = new FakeApp());
  app.script = async (run) => run.say('content', 'Here.');
  const page = await openPage(all);
  page.mayFail = true;
  all.proxy.isDown = true;
  await ask(page, 'Are you there?');
  await page.waitForSelector('.outcome.is-error');
  all.proxy.isDown = false;
  await page.waitForSelector('.banner', { state: 'detached' });
  await button(page, 'Regenerate').click();
  await page.waitForSelector('.answer:not(.is-live):has-text("Here.")');
  await page.reload();
  await page.waitForSelector('.answer:has-text("Here.")');
  assert.equal(await page.textContent('.bubble'), 'Are you there?');
  all.proxy.app = null;
  await page.check();
});

test('a clock that jumps back a year changes no order and no time of thinking', async () => {
  const page = await openPage(all);
  let n = 0;
  all.proxy.script = () => [[0, { reasoning_content: 'hm' }], [50, { content: `Answer ${++n}` }]];
  await ask(page, 'When?');
  await answered(page);
  await page.waitForFunction(() => !document.querySelector('.is-live'));
  const first = await page.textContent('.answer .markdown');
  await page.evaluate(() => {
    const then = Date.now() - 365 * 86400e3;
    Date.now = () => then;
  });
  await button(page, 'Regenerate').click();
  await page.waitForSelector('.versions:has-text("2/2")');
  await answered(page);
  assert.notEqual(await page.textContent('.answer .markdown'), first);
  assert.match(await page.textContent('.thinking .fold'), /Thought for \d{1,3} s/); // no year of it
  await button(page, 'Previous version').click();
  await page.waitForFunction((text) => document.querySelector('.answer .markdown').textContent === text, first);
  await page.check();
});

test('a full disk: the user is told, what was there before stays, and it goes on when there is room', async () => {
  const page = await own();
  page.mayFail = true;
  await ask(page, 'What is 5 + 5?');
  await answered(page);
  const before = await page.textContent('.answer .markdown');
  const limit = (bytes) => execFileSync('prlimit', ['--pid', String(all.server.pid), `--fsize=${bytes}`]);
  limit('0:');
  try {
    await ask(page, 'What is 6 + 6?');
    await page.waitForSelector('.notices :has-text("disk"), .outcome:has-text("disk")');
    await page.waitForFunction(() => !document.querySelector('.is-live'));
  } finally {
    limit('unlimited:');
  }
  await page.reload();
  await page.waitForSelector('.answer .numbers');
  assert.equal(await page.locator('.answer .markdown').first().textContent(), before);
  await ask(page, 'What is 7 + 7?');
  await page.waitForSelector('.bubble:has-text("7 + 7")');
  await page.waitForFunction(() => !document.querySelector('.is-live') && !document.querySelector('.outcome.is-error'));
  await page.reload();
  await page.waitForSelector('.bubble:has-text("7 + 7")');
  await page.check();
});

/** One answer of the real server, whose disk fills up when it has begun: its events. */
async function answerWithoutRoom(id) {
  const headers = { 'X-Tiefsee': '1', 'Content-Type': 'application/json' };
  const send = (path, body) => fetch(`${all.server.url}app/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  await send('conversations', { id });
  /* Long to read, so that it is not done when its beginning is heard. */
  const response = await send(`conversations/${id}/answers`, { content: 'What is 123 + 456? '.repeat(50), max_tokens: 200 });
  assert.equal(response.status, 200, await (response.ok ? '' : response.text()));
  let text = '';
  let isFull = false;
  for await (const bytes of response.body) {
    text += Buffer.from(bytes).toString();
    if (isFull) continue;
    process.kill(all.server.pid, 'SIGSTOP'); // it must not be done before the disk is full
    execFileSync('prlimit', ['--pid', String(all.server.pid), '--fsize=0:']);
    process.kill(all.server.pid, 'SIGCONT');
    isFull = true;
  }
  execFileSync('prlimit', ['--pid', String(all.server.pid), '--fsize=unlimited:']);
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json));
}

test('a disk that fills up while an answer streams: it goes on to its end and says that it is not kept', async () => {
  for (let i = 0; i < 50; i++) {
    const events = await answerWithoutRoom(`fills-up-${i}-of-many`);
    const done = events.at(-1);
    assert.equal(done.type, 'done', JSON.stringify(done));
    assert.ok(['stop', 'length'].includes(done.answer.finish), done.answer.finish);
    assert.ok(events.some((e) => e.type === 'content' || e.type === 'reasoning'));
    if (!done.is_saved) return;
  }
  assert.fail('fifty answers were done before the disk was full');
});

test('an answer that could not be kept is shown with a word', async () => {
  const app = (all.proxy.app = new FakeApp());
  app.isFull = true;
  app.script = async (run) => run.say('content', 'Said, not kept.');
  const page = await openPage(all);
  await ask(page, 'Keep this');
  await page.waitForSelector('.notices .is-error:has-text("not saved")');
  await page.waitForSelector('.answer:not(.is-live):has-text("Said, not kept.")');
  all.proxy.app = null;
  await page.check();
});

const STRANGE = 'a\u202egpj.exe\u2066 b\u0007c\u001b[31m\u200e';

test('names with characters that turn a line around or ring a bell are one plain line', async () => {
  const page = await own();
  await page.setInputFiles('input[multiple]', { name: STRANGE, mimeType: '', buffer: Buffer.from('text') });
  await page.waitForSelector('.composer .files li:not([aria-busy])');
  await ask(page, `Who is ${STRANGE}?`);
  await answered(page);
  await page.getByRole('button', { name: /^Actions for / }).first().click(); // the model may have named it by now
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.waitForSelector('dialog input');
  await page.evaluate((name) => {
    const field = document.querySelector('dialog input');
    field.value = name;
    field.dispatchEvent(new InputEvent('input', { bubbles: true }));
  }, STRANGE);
  await button(page, 'Save').click();
  await until(page, 'conversations', (list) => list.conversations.some((c) => /gpj.*exe.*b/.test(c.title)));
  await page.reload();
  await page.waitForSelector('.question .files');
  const names = await page.$$eval('.chat-link bdi, .files bdi, header h1 bdi', (all) => all.map((e) => e.textContent));
  assert.ok(names.some((name) => name.includes('exe')), String(names));
  for (const name of names) assert.doesNotMatch(name, /[\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/, JSON.stringify(name));
  await page.check();
});
