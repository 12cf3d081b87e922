/* Pictures of the main screens for the documentation, and of every dialog in a folder that is
 * not kept, to be looked at:
 *     node web/tests/screenshots.mjs build/tiefsee docs/screenshots [/tmp/dialogs] */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startBrowser, startServer } from './e2e/browser.mjs';
import { startProxy } from './e2e/proxy.mjs';
import { catalogues } from './e2e/words.mjs';

const [tiefsee, folder, dialogFolder] = process.argv.slice(2);
for (const name of [folder, dialogFolder]) if (name) mkdirSync(name, { recursive: true });

const thoughts = `The question is about pressure at depth. Water adds about one atmosphere every ten metres, so at 10,935 m it is roughly 1,090 atmospheres plus the air above.

Let me compute it with the density of seawater.`;
const answer = `At the bottom of the **Challenger Deep** the pressure is about **110 MPa**, more than a thousand times that of the air at sea level.

## Where it comes from

Each metre of water adds its own weight:

$$p(h) = p_0 + \\int_0^h \\rho(z)\\, g\\, \\mathrm{d}z \\approx 0.1 + 0.0101\\,h \\;\\text{MPa}$$

| Place | Depth | Pressure |
| --- | ---: | ---: |
| Free diver's record | 214 m | 2.3 MPa |
| Titanic | 3,800 m | 38 MPa |
| Challenger Deep | 10,935 m | 110 MPa |

\`\`\`python
def pressure(depth_m, rho=1027.0, g=9.81):
    """Pressure in MPa; seawater is taken as incompressible."""
    return (101_325 + rho * g * depth_m) / 1e6
\`\`\`

The real value is a little higher, because water *is* compressed down there.`;

const old = ['Sonar and whale songs', 'Plan for a week in Kiel', 'Explain residual networks', 'Rechnung als CSV lesen'];

const server = await startServer(tiefsee);
const proxy = await startProxy(server.url);
const browser = await startBrowser();

async function open(options) {
  const page = await (await browser.newContext({ reducedMotion: 'reduce', ...options })).newPage();
  await page.goto(proxy.url);
  await page.waitForSelector('#message-input');
  return page;
}

async function ask(page, text, script, title = '') {
  proxy.script = (body) => (body.max_tokens ? [[0, { content: title }]] : script);
  await page.fill('#message-input', text);
  await page.keyboard.press('Control+Enter');
}

async function talk(page) {
  for (const title of old) {
    await ask(page, title, [[0, { content: 'Yes.' }]]);
    await page.waitForSelector('.answer:not(.is-live)');
    await page.keyboard.press('Control+Shift+O');
  }
  await ask(page, 'How high is the pressure at the deepest point of the sea?', [
    [0, { reasoning_content: thoughts }],
    [1200, { content: answer }],
    ...Array.from({ length: 120 }, () => [2, {}]),
  ], 'Pressure in the deep sea');
  await page.waitForSelector('.answer:not(.is-live)');
  await page.waitForSelector('.katex');
  await page.waitForSelector('.hljs-keyword');
  await page.evaluate(() => document.querySelector('.thread')?.scrollTo(0, 0));
  await page.waitForTimeout(300);
}

const desktop = { viewport: { width: 1180, height: 860 } };
const phone = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 1.5, hasTouch: true, isMobile: true };

for (const colorScheme of ['light', 'dark']) {
  const page = await open({ ...desktop, colorScheme });
  if (colorScheme === 'light') await page.screenshot({ path: join(folder, 'empty-light.png') });
  await talk(page);
  await page.screenshot({ path: join(folder, `chat-${colorScheme}.png`) });
  await page.context().close();
}
{
  const page = await open({ ...desktop, colorScheme: 'dark', locale: 'de' });
  await ask(page, 'Wie hoch ist der Druck am tiefsten Punkt?', [[0, { reasoning_content: thoughts }], [60_000, {}]]);
  await page.waitForSelector('.thoughts');
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(folder, 'thinking-dark-de.png') });
  await page.context().close();
}
{
  const page = await open({ ...phone, colorScheme: 'light', locale: 'zh' });
  await talk(page);
  await page.screenshot({ path: join(folder, 'phone-light-zh.png') });
  await page.context().close();
}

/* ------------------------------------------------------------------ dialogs, with accounts */
const words = (language) => catalogues[language];
const button = (page, name) => page.getByRole('button', { name, exact: true });
const password = 'correct horse battery staple';

/** Of the dialogs these are shown in docs/. */
const KEPT = ['proof-dark-de', 'privacy-light', 'admin-usage-light', 'phone-admin-dark-zh'];

/** A dialog, and where `clip` is false the page around it. */
async function shot(page, name, clip = true) {
  await page.waitForLoadState('networkidle');
  await page.waitForTimeout(200);
  const target = clip ? page.locator('dialog') : page;
  const path = join(dialogFolder, `${name}.png`);
  await target.screenshot({ path });
  if (KEPT.includes(name)) copyFileSync(path, join(folder, `${name}.png`));
}

async function close(page) {
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog', { state: 'detached' });
}

async function fromSettings(page, t, item) {
  await button(page, t.settings).click();
  await button(page, item).click();
  await page.getByRole('heading', { name: item, exact: true }).waitFor();
}

const asAdmin = (page, method, path, body) => page.evaluate(([m, p, b]) => fetch(`app/api/${p}`, {
  method: m, headers: { 'X-Tiefsee': '1', 'Content-Type': 'application/json' }, body: JSON.stringify(b),
}).then((r) => r.text()), [method, path, body]);

async function dialogs(page, language, suffix) {
  const t = words(language);
  await button(page, t.settings).click();
  await shot(page, `settings-${suffix}`);
  await close(page);
  await button(page, t.instructions).click();
  await shot(page, `instructions-${suffix}`);
  await close(page);
  await fromSettings(page, t, t.administration);
  for (const [name, title] of [['users', t.users], ['keys', t.adminKeys], ['models', t.adminModels], ['usage', t.adminUsage],
    ['audit', t.adminAudit], ['health', t.adminHealth], ['server', t.adminServer]]) {
    await button(page, title).click();
    await shot(page, `admin-${name}-${suffix}`);
  }
  await button(page, t.users).click();
  await page.getByRole('button', { name: t.userMenu('bob') }).click();
  await page.getByRole('menuitem', { name: t.edit }).click();
  await shot(page, `admin-limits-${suffix}`);
  await close(page);
  await fromSettings(page, t, t.privacy);
  await shot(page, `privacy-${suffix}`);
  await page.getByLabel(t.rangeFrom).fill('2026-11-01');
  await page.getByLabel(t.rangeTo).fill('2026-11-07');
  await page.locator('.rights').scrollIntoViewIfNeeded();
  await shot(page, `rights-${suffix}`);
  await button(page, t.eraseRange).click();
  await shot(page, `erase-range-${suffix}`);
  await close(page);
  await fromSettings(page, t, t.proof);
  await shot(page, `proof-${suffix}`);
  await close(page);
}

async function withAccounts() {
  const people = await startServer(tiefsee, '--accounts');
  const context = await browser.newContext({ reducedMotion: 'reduce', ...desktop, colorScheme: 'light', locale: 'en' });
  const admin = await context.newPage();
  await admin.goto(people.url);
  await admin.waitForSelector('.login');
  await shot(admin, 'login-light', false);
  await admin.getByLabel(catalogues.en.setupCode).fill(/minutes: (\S+)/.exec(people.log())[1]);
  await admin.getByLabel(catalogues.en.userName).fill('ada');
  await admin.getByLabel(catalogues.en.password).fill(password);
  await button(admin, catalogues.en.setupButton).click();
  await admin.waitForSelector('#message-input');
  for (const [name, role] of [['bob', 'member'], ['carla', 'member'], ['dorothea', 'reader']])
    await asAdmin(admin, 'POST', 'admin/users', { name, role, password, limits: { tokens_per_day: 50_000, requests_per_minute: 30, concurrent: 2, n_ctx: 0 } });
  await asAdmin(admin, 'POST', 'admin/keys', { name: 'ci-runner', scopes: 'chat' });
  for (const [name, system] of [['Translator', 'Translate into English.'], ['Editor', 'Shorten what I write.']])
    await asAdmin(admin, 'PUT', `presets/preset-${name}`, { name, system });
  await admin.fill('#message-input', 'What is 12 + 7?');
  await admin.keyboard.press('Enter');
  await admin.waitForSelector('.answer:not(.is-live)');

  await dialogs(admin, 'en', 'light');
  const german = await (await browser.newContext({ reducedMotion: 'reduce', ...desktop, colorScheme: 'dark', locale: 'de', storageState: await context.storageState() })).newPage();
  await german.goto(people.url);
  await german.waitForSelector('#message-input');
  await dialogs(german, 'de', 'dark-de');
  const small = await (await browser.newContext({ reducedMotion: 'reduce', ...phone, colorScheme: 'dark', locale: 'zh', storageState: await context.storageState() })).newPage();
  await small.goto(people.url);
  await small.waitForSelector('#message-input');
  await button(small, catalogues.zh.showSidebar).click();
  await shot(small, 'phone-sidebar-dark-zh', false);
  await fromSettings(small, catalogues.zh, catalogues.zh.administration);
  await shot(small, 'phone-admin-dark-zh', false);
  await people.stop();
}

/* ------------------------------------------------------------------ what goes wrong */
async function withTrouble() {
  const little = await startServer(tiefsee, '--ctx', '256');
  const full = await (await browser.newContext({ reducedMotion: 'reduce', ...desktop, colorScheme: 'light', locale: 'de' })).newPage();
  await full.goto(little.url);
  await full.waitForSelector('.composer button[type=submit]');
  const turns = Array.from({ length: 12 }, (_, i) => ({
    id: `turn-${i}-long`, parent: i > 0 ? `turn-${i - 1}-long` : null, role: i % 2 === 0 ? 'user' : 'assistant', created: 1e12 + i,
    content: i % 2 === 0 ? `Frage ${i / 2 + 1}: Wie tief ist der Graben, und wer war schon unten?` : 'Fast elf Kilometer; nur wenige Menschen waren dort, die ersten im Jahr 1960.',
  }));
  await asAdmin(full, 'POST', 'import', { conversations: [{ id: 'chat-that-is-long', title: 'Der Graben', created: 1e12, updated: 1e12, messages: turns, leaf: turns.at(-1).id }] });
  await full.reload();
  await full.click('.chat-link');
  await full.waitForSelector('.answer');
  await full.fill('#message-input', 'Was ist 3 + 4?');
  await full.keyboard.press('Enter');
  await full.waitForSelector('.is-full');
  await shot(full, 'full-light-de', false);
  await button(full, catalogues.de.goOnShorter).click();
  await full.waitForSelector('.read-from');
  await full.waitForSelector('.answer:not(.is-live) .numbers');
  await full.evaluate(() => document.querySelector('.read-from').scrollIntoView({ block: 'center' }));
  await shot(full, 'read-from-light-de', false);
  await little.stop();
  await full.fill('#message-input', 'Und jetzt?');
  await full.keyboard.press('Enter');
  await full.waitForSelector('.outcome.is-error');
  await shot(full, 'away-light-de', false);
}

if (dialogFolder) {
  await withAccounts();
  await withTrouble();
}
await browser.close();
await proxy.stop();
await server.stop();
