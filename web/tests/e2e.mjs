/* All files of browser tests (or those that are named) with one browser, several at a time:
 *     node web/tests/e2e.mjs build/tiefsee [chat kept ...]
 * Each still runs alone: node web/tests/e2e/chat.test.mjs $PWD/build/tiefsee */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { findChromium, SKIPPED, startBrowserServer } from './e2e/browser.mjs';

const [binary, ...wanted] = process.argv.slice(2);
if (!findChromium()) {
  console.log('skipped: there is no Chromium here (apt-get install chromium)');
  process.exit(SKIPPED);
}
const folder = new URL('e2e/', import.meta.url).pathname;
const ENDING = '.test.mjs';
const all = readdirSync(folder).filter((file) => file.endsWith(ENDING)).map((file) => file.slice(0, -ENDING.length));
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) throw new Error(`no such file of tests: ${unknown.join(' ')}`);

/* The longest first, so that none is alone at the end. */
const LONG = ['corpora', 'walk', 'rough', 'hostile', 'files'];
const rank = (name) => (LONG.includes(name) ? LONG.indexOf(name) : LONG.length);
const left = (wanted.length > 0 ? wanted : all).sort((a, b) => rank(a) - rank(b));

const browser = await startBrowserServer();
const failed = [];
const running = new Set();

/* Whoever ends this ends all of it; the browser would take the signal for itself. */
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
  process.once(signal, () => {
    left.length = 0;
    for (const child of running) child.kill();
    void browser.kill().then(() => process.exit(1));
  });

function run(name) {
  return new Promise((done) => {
    const begun = performance.now();
    let told = '';
    const child = spawn(process.execPath, [`${folder}${name}${ENDING}`, resolve(binary)], {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, WEB_BROWSER: browser.wsEndpoint() },
    });
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => { told += bytes; });
    child.on('close', (code) => {
      running.delete(child);
      console.log(`${code === 0 ? 'good' : 'FAILED'} ${name} ${((performance.now() - begun) / 1000).toFixed(1)} s`);
      if (code !== 0) {
        failed.push(name);
        console.log(told);
      }
      done();
    });
  });
}

async function lane() {
  for (let name = left.shift(); name !== undefined; name = left.shift()) await run(name);
}

/* Half of a file's time is waiting for pages and servers. */
await Promise.all(Array.from({ length: Math.min(6, availableParallelism() + 1) }, lane));
await browser.close();
if (failed.length > 0) {
  console.log(`failed: ${failed.join(' ')}`);
  process.exitCode = 1;
}
