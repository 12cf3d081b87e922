/* How fast the page is, on this machine and on a processor four times slower:
 *     node web/tests/bench.mjs build/tiefsee
 * Prints figures; nothing here fails, because a busy machine is no fault of the page. */
import { startBrowser, startServer } from './e2e/browser.mjs';
import { startProxy } from './e2e/proxy.mjs';

const TURNS = 200;
const RATE = 200; // tokens/s
const SECONDS = 10;

const paragraph = 'The pressure grows with depth, about **one atmosphere** every ten metres; `rho` is $1027$. ';
const long = `${paragraph.repeat(12)}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n\`\`\`c\nint main(void) { return 0; }\n\`\`\`\n\n${paragraph.repeat(8)}`;

/** About 100,000 tokens (four letters each) in our own export's form. */
function longChat() {
  const messages = [];
  for (let i = 0; i < TURNS; i++) {
    const role = i % 2 === 0 ? 'user' : 'assistant';
    messages.push({ id: `message${i}`, parent: i > 0 ? `message${i - 1}` : null, role, content: role === 'user' ? `Question ${i}` : long + long, created: i });
  }
  const chat = { id: 'longchat', title: 'Long', created: 1, updated: 1, messages, leaf: `message${TURNS - 1}` };
  return { text: JSON.stringify({ format: 'tiefsee-export', conversations: [chat] }), letters: messages.reduce((n, m) => n + m.content.length, 0) };
}

const server = await startServer(process.argv[2]);
const proxy = await startProxy(server.url);
const browser = await startBrowser();

async function measure(slower) {
  const page = await browser.newPage({ viewport: { width: 1180, height: 860 } });
  page.setDefaultTimeout(600_000);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await page.goto(proxy.url);
  await page.waitForSelector('#message-input');
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  console.log(`x${slower}: first paint ${paint?.toFixed(0)} ms`);

  const { text, letters } = longChat();
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.setInputFiles('input[accept*=json]', { name: 'c.json', mimeType: 'application/json', buffer: Buffer.from(text) });
  await page.waitForSelector('.chat-link');
  await page.keyboard.press('Escape');
  const started = Date.now();
  await page.click('.chat-link');
  await page.waitForSelector('.answer');
  console.log(`x${slower}: a chat of about ${Math.round(letters / 4000)},000 tokens shows its end after ${Date.now() - started} ms`);
  await page.waitForFunction((n) => document.querySelectorAll('.column > article').length === n, TURNS);

  await page.evaluate(() => {
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map((e) => e.duration))).observe({ type: 'longtask' });
    window.frames = 0;
    const count = () => (window.frames++, requestAnimationFrame(count));
    requestAnimationFrame(count);
  });
  const words = paragraph.repeat(400).match(/.{1,4}/gs).slice(0, RATE * SECONDS);
  proxy.script = () => words.map((content, i) => [i % 4 === 0 ? 4000 / RATE : 0, { content: content + (i % 300 === 299 ? '\n\n' : '') }]);
  await page.fill('#message-input', 'Stream');
  const begin = Date.now();
  await page.keyboard.press('Enter');
  await page.waitForSelector('.answer.is-live .markdown p');
  await page.waitForSelector('.answer.is-live', { state: 'detached' });
  const took = (Date.now() - begin) / 1000;
  const { long: tasks, frames } = await page.evaluate(() => ({ long: window.long, frames: window.frames }));
  console.log(`x${slower}: ${words.length} tokens in ${took.toFixed(1)} s, ${(frames / took).toFixed(0)} frames/s, ` +
    `${tasks.length} tasks over 50 ms, the longest ${Math.max(0, ...tasks).toFixed(0)} ms`);
  await page.context().close();
}

for (const slower of [1, 4]) await measure(slower);
await browser.close();
await proxy.stop();
await server.stop();
