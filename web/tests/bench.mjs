/* How fast the page is, on this machine and on a processor four times slower:
 *     node web/tests/bench.mjs build/tiefsee            a long chat, streaming, the first token
 *     node web/tests/bench.mjs build/tiefsee list       a sidebar of ten thousand chats
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
  await page.waitForFunction((n) => document.querySelectorAll('.column article').length === n, TURNS);

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

/** From the last byte that the server wrote to the picture that shows it. */
async function firstToken() {
  const page = await browser.newPage({ viewport: { width: 1180, height: 860 } });
  await page.goto(proxy.url);
  await page.waitForSelector('#message-input');
  await page.waitForLoadState('networkidle');
  await page.evaluate(() => {
    window.delays = [];
    new MutationObserver(() => {
      const stamp = /T(\d{13})/.exec(document.querySelector('.answer.is-live .markdown')?.textContent ?? '')?.[1];
      if (!stamp || window.stamp === stamp) return;
      window.stamp = stamp;
      requestAnimationFrame(() => setTimeout(() => window.delays.push(Date.now() - Number(stamp))));
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
  });
  proxy.script = (body) => (body.max_tokens ? [[0, { content: 'Title' }]]
    : [[100, {}], { *[Symbol.iterator]() { yield 0; yield { content: `T${Date.now()}` }; } }, [400, { content: ' end' }]]);
  for (let i = 0; i < 10; i++) {
    await page.fill('#message-input', 'Now');
    await page.keyboard.press('Enter');
    await page.waitForFunction((n) => document.querySelectorAll('.answer:not(.is-live)').length > n, i);
  }
  const delays = (await page.evaluate(() => window.delays)).sort((a, b) => a - b);
  console.log(`first token drawn after it was written: median ${delays[delays.length >> 1]} ms, longest ${delays.at(-1)} ms (${delays.length} answers)`);
  await page.context().close();
}

const N_CHATS = 10_000;

async function fill() {
  for (let i = 0; i < N_CHATS; i += 500) {
    const conversations = Array.from({ length: 500 }, (_, j) => ({
      id: `chat-${i + j}-of-many`, title: `Chat ${i + j} about ${i + j === 4321 ? 'anglerfish' : 'water'}`, created: 1e12 + i + j, updated: 1e12 + i + j,
      leaf: 'm-question', messages: [{ id: 'm-question', role: 'user', content: `Question ${i + j}: how deep is trench ${i + j}?`, created: 1e12 }],
    }));
    const response = await fetch(`${server.url}app/api/import`, { method: 'POST', headers: { 'X-Tiefsee': '1', 'Content-Type': 'application/json' }, body: JSON.stringify({ conversations }) });
    if (!response.ok) throw new Error(await response.text());
  }
}

async function list() {
  await fill();
  for (const query of ['limit=100', 'limit=100&q=anglerfish', 'limit=100&q=trench%204321', 'limit=100&q=water']) {
    const times = [];
    for (let i = 0; i < 20; i++) {
      const begun = performance.now();
      await (await fetch(`${server.url}app/api/conversations?${query}`)).json();
      times.push(performance.now() - begun);
    }
    times.sort((a, b) => a - b);
    console.log(`GET conversations?${query}: median ${times[10].toFixed(1)} ms, longest of 20 ${times[19].toFixed(1)} ms`);
  }
  const page = await browser.newPage({ viewport: { width: 1180, height: 860 } });
  await page.goto(server.url);
  await page.waitForSelector('.chat-link');
  await page.evaluate(() => {
    window.long = [];
    new PerformanceObserver((l) => window.long.push(...l.getEntries().map((e) => e.duration))).observe({ type: 'longtask' });
  });
  const begun = Date.now();
  await page.evaluate(async (n) => {
    const box = document.querySelector('.chat-list');
    const rows = () => [...document.querySelectorAll('.chat-list ul')].reduce((sum, e) => sum + e.offsetHeight, 0) / 36;
    while (rows() < n - 1) {
      box.scrollTop = box.scrollHeight;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }, N_CHATS);
  const shown = await page.locator('.chat-link').count();
  console.log(`all ${N_CHATS} scrolled into the list in ${Date.now() - begun} ms, ${shown} rows made; ` +
    `tasks over 50 ms: ${await page.evaluate(() => `${window.long.length}, the longest ${Math.max(0, ...window.long).toFixed(0)} ms`)}`);
  const typed = Date.now();
  await page.fill('#chat-search', 'anglerfish');
  await page.waitForFunction(() => document.querySelectorAll('.chat-link').length === 1);
  console.log(`found and drawn ${Date.now() - typed} ms after typing (120 ms of it waiting for more letters)`);
  await page.context().close();
}

if (process.argv[3] === 'list') await list();
else {
  await firstToken();
  for (const slower of [1, 4]) await measure(slower);
}
await browser.close();
await proxy.stop();
await server.stop();
