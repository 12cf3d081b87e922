/* What is a user's: settings on the server, rights, the proof; and the administration. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPage, until, useStage } from './stage.mjs';
import { catalogues, locales } from './words.mjs';

const all = useStage();
const button = (page, name) => page.getByRole('button', { name, exact: true });
const kept = (page, path) => page.evaluate((p) => fetch(`app/api/${p}`).then((r) => r.json()), path);

async function open(options = {}) {
  return openPage(all, { url: all.server.url, ...options });
}

async function openDialog(page, t, name) {
  await button(page, t.settings).click();
  await button(page, name).click();
  await page.getByRole('heading', { name, exact: true }).waitFor();
}

test('what a browser kept comes to the server and from there to the next browser', async () => {
  const page = await open();
  await page.evaluate(() => {
    localStorage.setItem('tiefsee.settings', JSON.stringify({
      instructions: 'Answer in one word.', presets: [{ name: 'Short', text: 'Be short.' }],
    }));
  });
  await page.evaluate(() => fetch('app/api/me/erase', {
    method: 'POST', headers: { 'X-Tiefsee': '1', 'Content-Type': 'application/json' }, body: '{"what":"all"}',
  }).then((r) => r.json()));
  await page.reload();
  await page.waitForSelector('#message-input');
  await page.waitForFunction(() => JSON.parse(localStorage.getItem('tiefsee.settings')).owner !== undefined);
  await until(page, 'me/settings', (settings) => settings.instructions === 'Answer in one word.');
  const { presets } = await until(page, 'presets', (answer) => answer.presets.length > 0);
  assert.deepEqual(presets.map((p) => [p.name, p.system]), [['Short', 'Be short.']]);
  /* What was told the model stays with its user, not with the browser. */
  assert.doesNotMatch(await page.evaluate(() => localStorage.getItem('tiefsee.settings')), /one word|Be short/);
  await page.check();

  const other = await open();
  await button(other, 'Settings').click();
  assert.equal(await other.locator('dialog textarea').inputValue(), 'Answer in one word.');
  await other.locator('dialog textarea').fill('Answer in two words.');
  await other.locator('dialog textarea').blur();
  await until(other, 'me/settings', (settings) => settings.instructions === 'Answer in two words.');
  await other.check();
});

async function limitsAndErasure({ page, t }) {
  await openDialog(page, t, t.privacy);
  const days = page.getByLabel(t.retention);
  await days.fill('30');
  await days.blur();
  await page.waitForSelector(`.notices :text("${t.saved}")`);
  const freeze = async (isFrozen) => {
    /* The box is what the server has said: it must have said it before it is touched again. */
    await Promise.all([page.waitForResponse((r) => r.request().method() === 'PATCH'), page.getByLabel(t.freeze).click()]);
    const { user } = await until(page, 'me', (me) => me.user.is_frozen === isFrozen);
    await page.getByLabel(t.freeze).and(page.locator(isFrozen ? ':checked' : ':not(:checked)')).waitFor();
    return user;
  };
  assert.equal((await freeze(true)).retention_days, 30);
  await freeze(false);
  for (const text of [t.exportMe, t.usageTitle(30), t.yourRights, t.usageCloud])
    await page.waitForSelector(`dialog :text("${text}")`);
  await page.getByLabel(t.rangeFrom).fill('2020-01-01');
  await page.getByLabel(t.rangeTo).fill('2020-01-31');
  await button(page, t.eraseRange).click();
  await page.waitForSelector('dialog :text("2020-01-01")');
  await Promise.all([page.waitForEvent('load'), page.locator('dialog').getByRole('button', { name: t.eraseRange }).click()]);
  await page.waitForSelector('#message-input');
}

async function proof({ page, t, language }) {
  await openDialog(page, t, t.proof);
  await page.waitForSelector(`dialog :text("${t.packetsOwn}")`);
  const { privacy } = await kept(page, 'status');
  const tried = [...privacy.tried, ...privacy.file_access.tried];
  const shown = await page.locator('dialog').textContent();
  for (const { route, error } of tried)
    for (const said of [route, error].filter((text) => text !== '')) {
      const own = (language === 'en' ? said : t.serverWords[said]) ?? (said === error ? said : undefined); // a kernel may say more
      assert.ok(own && shown.includes(own), `${language}: ${said}`);
    }
  for (const [isSealed, sealed, open] of [[privacy.network === 'sealed', t.networkSealed, t.networkOpen], [privacy.file_access.is_sealed, t.filesSealed, t.filesOpen]])
    assert.ok(shown.includes(isSealed ? sealed : open), shown);
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });

  const why = (name) => `this kernel has no ${name} (Function not implemented)`; // tests/e2e/test_app.py has such a one
  const old = { ...privacy, network: 'open', why: why('seccomp'), tried: [], file_access: { is_sealed: false, why: why('Landlock'), tried: [], allowed: [] } };
  await page.route('**/app/api/status', (route) => route.fulfill({ json: { version: '0', uptime_s: 1, privacy: old } }));
  await openDialog(page, t, t.proof);
  for (const name of ['seccomp', 'Landlock']) {
    const words = (text) => (language === 'en' ? text : t.serverWords[text]);
    await page.waitForSelector(`dialog :text("${words(`this kernel has no ${name}`)} (${words('Function not implemented')})")`);
  }
  await page.unroute('**/app/api/status');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
}

async function administration({ page, t }) {
  await openDialog(page, t, t.administration);
  await page.getByLabel(t.keyName).fill('laptop');
  await button(page, t.addKey).click();
  const shown = await page.locator('.made-key').textContent();
  assert.match(shown, /^sk-ts-\w{66}$/);
  const menu = async (item) => {
    await page.getByRole('button', { name: t.userMenu('laptop') }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  await menu(t.disable);
  await page.waitForSelector(`.users .is-off:has-text("${t.keyStates.disabled}")`);
  await menu(t.revoke);
  await page.waitForSelector(`dialog :text("${t.noKeys}")`);
  for (const [name, text] of [
    [t.adminModels, t.modelMemory], [t.adminUsage, t.usageTitle(30)], [t.adminAudit, t.auditIntact],
    [t.adminHealth, 'store'], [t.adminServer, t.operatorName],
  ]) {
    await button(page, name).click();
    await page.waitForSelector(`dialog :text("${text}")`);
  }
  await page.getByLabel(t.operatorName).fill('Kantine GmbH');
  await button(page, t.save).click();
  await page.waitForSelector(`.notices :text("${t.saved}")`);
  assert.equal((await kept(page, 'admin/settings')).operator_name, 'Kantine GmbH');
}

for (const [language, locale] of Object.entries(locales))
  test(`rights, proof and administration by their ${locale} names`, async () => {
    const t = catalogues[language];
    const page = await open({ locale });
    await proof({ page, t, language });
    await administration({ page, t });
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    await limitsAndErasure({ page, t });
    assert.doesNotMatch(await page.textContent('body'), /undefined|\[object/);
    await page.check();
  });
