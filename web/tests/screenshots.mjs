/* Pictures of the main screens for the documentation:
 *     node web/tests/screenshots.mjs build/tiefsee docs/screenshots */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startBrowser, startServer } from './e2e/browser.mjs';
import { startProxy } from './e2e/proxy.mjs';

const [tiefsee, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });

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
await browser.close();
await proxy.stop();
await server.stop();
