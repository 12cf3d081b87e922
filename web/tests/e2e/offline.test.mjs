/* The installed page: what a browser asks of one, and what it shows while the server is
 * away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, ask, openPage, useStage } from './stage.mjs';

const all = useStage();

async function openInstalled() {
  const page = await openPage(all, { serviceWorkers: 'allow' });
  await page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready;
    while (active.state !== 'activated') await new Promise((resolve) => { active.onstatechange = resolve; });
  });
  return page;
}

test('the browser finds nothing that stands against installing it', async () => {
  const page = await openInstalled();
  const cdp = await page.context().newCDPSession(page);
  const { errors } = await cdp.send('Page.getAppManifest');
  assert.deepEqual(errors, []);
  const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors');
  assert.deepEqual(installabilityErrors.filter((e) => e.errorId !== 'in-incognito'), []); // as every test is
  const registration = await page.evaluate(async () => (await navigator.serviceWorker.ready).scope);
  assert.equal(registration, all.proxy.url); // below the path, no further
  await page.check();
});

test('the page opens while the server is away, says so, and goes on when it is back', async () => {
  const page = await openInstalled();
  page.mayFail = true; // the browser writes failed requests on the console
  all.proxy.isDown = true;
  await page.reload();
  await page.waitForSelector('.banner:has-text("does not answer")');
  await page.fill('#message-input', 'Written while nobody listens');
  assert.ok(await page.locator('.composer button[type=submit]').isDisabled());
  all.proxy.isDown = false;
  await page.waitForSelector('.banner', { state: 'detached' });
  all.proxy.script = () => [[0, { content: 'There you are.' }]];
  await ask(page, 'Hello again');
  await answered(page);
  await page.check();
});

test('nothing that was said is kept by the browser', async () => {
  const page = await openInstalled();
  all.proxy.script = () => [[0, { content: 'a secret of the model' }]];
  await ask(page, 'a secret of the user');
  await answered(page);
  const kept = await page.evaluate(async () => {
    const texts = [JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
    const addresses = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        addresses.push(new URL(request.url).pathname);
        texts.push(await (await cache.match(request)).text());
      }
    }
    return { texts, addresses, databases: await indexedDB.databases() };
  });
  assert.ok(!kept.texts.some((text) => text.includes('a secret of')));
  assert.ok(kept.addresses.every((path) => /\/deep\/sea\/(assets\/[\w.-]+)?$/.test(path)), String(kept.addresses));
  assert.deepEqual(kept.databases, []);
  await page.check();
});
