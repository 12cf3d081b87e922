/* One browser test file: server, proxy and browser around its tests, and what holds for
 * every page: no request to another origin, no error on the console. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { findChromium, LIMIT_MS, SKIPPED, startBrowser, startServer } from './browser.mjs';
import { startProxy } from './proxy.mjs';

export const tiefsee = process.argv[2];

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
  const { url = all.proxy.url, first = '#message-input', mayFail = false, ...context } = options;
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
  return page;
}

export async function ask(page, text) {
  await page.fill('#message-input', text);
  await page.waitForSelector('.composer button[type=submit]:enabled'); // where chats are kept is known
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
