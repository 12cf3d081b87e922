/* What the browser tests share: the real binary with its embedded model, and Chromium. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const LIMIT_MS = Number(process.env.WEB_TEST_LIMIT_MS ?? 120_000);
export const SKIPPED = 77; // meson's word for it

const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export function findChromium() {
  return candidates.find((path) => path && existsSync(path));
}

/** A server of its own, with a state folder that is gone afterwards. */
export async function startServer(tiefsee, ...options) {
  const home = mkdtempSync(join(tmpdir(), 'tiefsee-web-'));
  const child = spawn(tiefsee, ['serve', '--port', '0', ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { HOME: home, PATH: process.env.PATH, LANG: 'C.UTF-8' },
  });
  let log = '';
  const url = await new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('no server:\n' + log)), LIMIT_MS);
    child.stderr.on('data', (bytes) => {
      log += bytes;
      const found = /tiefsee: serving.* (https?:\/\/\S+)\/v1/.exec(log);
      if (!found) return;
      clearTimeout(limit);
      resolve(found[1] + '/');
    });
    child.on('exit', () => reject(new Error('the server ended:\n' + log)));
  });
  const stop = async () => {
    if (child.exitCode === null) {
      const ended = new Promise((resolve) => child.on('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(home, { recursive: true, force: true });
  };
  return { url, stop, home, pid: child.pid, log: () => log };
}

const options = () => ({
  executablePath: findChromium(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--lang=en'],
  timeout: LIMIT_MS,
});

/** For several files of tests at once (e2e.mjs): each connects by WEB_BROWSER. */
export async function startBrowserServer() {
  return chromium.launchServer({ ...options(), handleSIGTERM: false, handleSIGINT: false, handleSIGHUP: false });
}

export async function startBrowser() {
  const shared = process.env.WEB_BROWSER;
  return shared ? chromium.connect(shared, { timeout: LIMIT_MS }) : chromium.launch(options());
}
