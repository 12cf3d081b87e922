/* One browser test file: server, proxy and browser around its tests, and what holds for
 * every page: no request to another origin, no error on the console. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before } from 'node:test';
import { findChromium, LIMIT_MS, SKIPPED, startBrowser, startServer } from './browser.mjs';
import { startProxy } from './proxy.mjs';

export const tiefsee = process.argv[2];
const FIELD = '#message-input';

if (!findChromium()) {
  console.log('skipped: there is no Chromium here (apt-get install chromium)');
  process.exit(SKIPPED);
}

/** before/after of a file; what it returns is filled in when the tests run. */
export function useStage(...options) {
  const all = {};
  before(async () => {
    all.server = await startServer(tiefsee, ...options);
    all.proxy = await startProxy(all.server.url);
    all.browser = await startBrowser();
  }, { timeout: LIMIT_MS });
  after(async () => {
    await all.browser?.close();
    await all.proxy?.stop();
    await all.server?.stop();
  }, { timeout: LIMIT_MS });
  return all;
}

/** A server without the assistant's API says 404 once; the browser writes that down. */
const isMissingApi = (message) => /\/app\/api\/session/.test(message.location().url);

/** A new page that watches itself; `page.check()` at the end says what was wrong. */
export async function openPage(all, options = {}) {
  const { url = all.proxy.url, first = FIELD, mayFail = false, ...context } = options;
  // The service worker has a test of its own (offline.test.mjs); elsewhere it would only be
  // started with every page.
  const page = await (await all.browser.newContext({ locale: 'en-US', serviceWorkers: 'block', ...context })).newPage();
  const origin = new URL(url).origin;
  const wrong = [];
  page.requests = [];
  page.mayFail = mayFail; // the browser writes refused and failed requests on the console
  page.setDefaultTimeout(LIMIT_MS);
  page.wrong = wrong; // a test may add its own findings
  page.on('request', (request) => {
    page.requests.push(request.url());
    if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== origin)
      wrong.push(`foreign request: ${request.url()}`);
  });
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('console', (message) => {
    if (message.type() === 'error' && !page.mayFail && !isMissingApi(message)) wrong.push(`console: ${message.text()}`);
  });
  page.check = async () => {
    await page.context().close();
    assert.deepEqual(wrong, []);
  };
  await page.goto(url);
  await page.waitForSelector(first);
  if (first === FIELD) await ready(page);
  return page;
}

/** It is known who asks and where chats are kept, and those that are kept are listed. */
export async function ready(page) {
  await page.fill(FIELD, 'x');
  await page.waitForSelector('.composer button[type=submit]:enabled');
  await page.fill(FIELD, '');
}

const PAUSE_MS = 50;

/** Until the server's own account of something is as wanted; gives that account. */
export async function until(page, path, isWanted) {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const got = await page.evaluate((p) => fetch(`app/api/${p}`).then((r) => r.json()), path);
    if (isWanted(got)) return got;
    assert.ok(performance.now() < end, `${path}: ${JSON.stringify(got)}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** The path of what was downloaded; a browser that several files share has it elsewhere. */
export async function fileOf(download) {
  const path = join(mkdtempSync(join(tmpdir(), 'tiefsee-web-')), 'download');
  await download.saveAs(path);
  after(() => { rmSync(dirname(path), { recursive: true, force: true }); });
  return path;
}

export async function ask(page, text) {
  await page.fill(FIELD, text);
  await page.waitForSelector('.composer button[type=submit]:enabled'); // where chats are kept is known
  await page.focus(FIELD);
  await page.keyboard.press('Enter');
}

export async function answered(page, n = 1) {
  await page.waitForFunction(
    (wanted) =>
      document.querySelectorAll('.answer:not(.is-live)').length >= wanted &&
      !document.querySelector('.answer.is-live'),
    n,
  );
}
