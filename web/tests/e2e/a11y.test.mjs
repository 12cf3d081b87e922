/* axe-core finds nothing: light, dark, phone, with and without a chat, in dialogs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { answered, ask, openPage, useStage } from './stage.mjs';
import { catalogues } from './words.mjs';

const all = useStage();
const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const everything = `# Heading\n\nText with \`code\`, $x^2$, [a link](https://example.org) and ![i](https://example.org/i.png).

| a | b |\n|---|--:|\n| 1 | 2 |\n\n\`\`\`js\nconst a = "b"; // c\n\`\`\`\n\n- [ ] one\n- two\n\n> quote\n\n$$\\int \\vec{x}\\, \\overbrace{a+b}^{c} \\pmb{x} \\sqrt{2}$$\n`;

async function check(page, where) {
  // The page's policy allows no script from outside: axe comes through the debugger.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  );
  const told = violations.map((v) => `${where}: ${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`);
  assert.deepEqual(told, []);
}

for (const [name, options] of [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
])
  test(`no violations: ${name}`, async () => {
    const page = await openPage(all, { reducedMotion: 'reduce', ...options });
    await check(page, 'empty');
    if (name === 'phone') { // where the sidebar lies over the page, and is away until it is asked for
      await page.getByRole('button', { name: 'Show sidebar' }).click();
      await check(page, 'sidebar');
      await page.getByRole('button', { name: 'Hide sidebar' }).click();
    }
    all.proxy.script = () => [[0, { reasoning_content: 'hm' }], [0, { content: everything }]];
    await ask(page, 'Show me everything');
    await answered(page);
    await page.waitForSelector('.katex');
    await page.waitForSelector('.hljs-keyword');
    await page.click('.thinking .fold');
    await check(page, 'chat');
    for (const opener of ['Instructions', 'Settings', 'Keyboard shortcuts']) {
      const button = page.getByRole('button', { name: opener, exact: true });
      if (!(await button.isVisible())) continue; // in the sidebar, which a phone hides
      await button.click();
      await page.waitForSelector('dialog');
      await check(page, opener);
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog', { state: 'detached' });
    }
    await page.check();
  });

const open = (page, name) => page.getByRole('button', { name, exact: true }).click();

for (const colorScheme of ['light', 'dark'])
  test(`no violations: privacy, proof and administration, ${colorScheme}`, async () => {
    const page = await openPage(all, { url: all.server.url, reducedMotion: 'reduce', colorScheme });
    const { en: t } = catalogues;
    for (const [name, text] of [[t.privacy, t.yourRights], [t.proof, t.packetsOwn], [t.administration, t.addKey]]) {
      await open(page, t.settings);
      await open(page, name);
      await page.waitForSelector(`dialog :text("${text}")`);
      await check(page, name);
      if (name !== t.administration) await page.keyboard.press('Escape');
    }
    for (const [name, text] of [[t.adminModels, t.modelMemory], [t.adminUsage, t.usageTitle(30)],
      [t.adminAudit, t.auditIntact], [t.adminHealth, 'store'], [t.adminServer, t.operatorName]]) {
      await open(page, name);
      await page.waitForSelector(`dialog :text("${text}")`);
      await check(page, name);
    }
    await page.check();
  });
