/* Many users with accounts of their own stream at once; everyone gets their own answer and sees
 * nothing of another's:
 *     node web/tests/users.mjs build/tiefsee [users, 200] [chats of each, 1]
 * Most of the time goes into two passwords for each, which are slow to hash on purpose. */
import assert from 'node:assert/strict';
import { startServer } from './e2e/browser.mjs';

const [tiefsee, howMany = '200', ofEach = '1'] = process.argv.slice(2);
const N = Number(howMany);
const CHATS = Number(ofEach);
const password = 'correct horse battery staple';
const server = await startServer(tiefsee, '--accounts');
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class User {
  constructor(name) {
    this.name = name;
    this.answers = [];
  }

  send(method, path, body) {
    const headers = { 'X-Tiefsee': '1', 'Content-Type': 'application/json', ...(this.cookie && { Cookie: this.cookie }) };
    return fetch(`${server.url}app/api/${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  }

  /* One password is hashed at a time: the others are told to wait. */
  async good(method, path, body) {
    for (;;) {
      const response = await this.send(method, path, body);
      if (response.status === 429) {
        await wait(200);
        continue;
      }
      assert.ok(response.ok, `${this.name} ${method} ${path}: ${response.status} ${response.ok ? '' : await response.text()}`);
      const cookie = response.headers.get('set-cookie');
      if (cookie) this.cookie = cookie.split(';')[0];
      return response.status === 204 ? null : response.json();
    }
  }

  /** The text of the answer, and when its parts came. */
  async ask(i) {
    const id = `chat-of-${this.name}-${i}`;
    let first;
    await this.good('POST', 'conversations', { id, title: `Secret of ${this.name}` });
    const begun = performance.now();
    const response = await this.send('POST', `conversations/${id}/answers`, { content: `I am ${this.name}. What is 1 + 1?`, effort: 'off' });
    assert.equal(response.status, 200, await (response.ok ? '' : response.text()));
    let text = '';
    for await (const bytes of response.body) {
      first ??= performance.now() - begun;
      text += Buffer.from(bytes).toString();
    }
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json));
    const done = events.at(-1);
    assert.equal(done.type, 'done', JSON.stringify(done));
    assert.ok(done.is_saved);
    this.chat = id;
    this.answers.push({ first, took: performance.now() - begun, tokens: done.answer.usage.completion });
  }

  async check(others) {
    const all = JSON.stringify([await this.good('GET', 'conversations'), await this.good('GET', `conversations/${this.chat}`)]);
    assert.ok(all.includes(`I am ${this.name}.`));
    for (const other of others) assert.ok(other === this || !all.includes(other.name), `${this.name} sees ${other.name}`);
    const other = others[(others.indexOf(this) + 1) % others.length];
    if (other !== this) assert.equal((await this.send('GET', `conversations/${other.chat}`)).status, 404);
  }
}

try {
  const admin = new User('root');
  const code = /minutes: (\S+)/.exec(server.log())[1];
  await admin.good('POST', 'setup', { code, name: 'root', password });
  const users = Array.from({ length: N }, (_, i) => new User(`user${String(i).padStart(4, '0')}`));
  for (const user of users) {
    await admin.good('POST', 'admin/users', { name: user.name, role: 'member', password });
    await user.good('POST', 'login', { name: user.name, password });
  }
  console.log(`${N} users are signed in`);
  const begun = performance.now();
  await Promise.all(users.flatMap((user) => Array.from({ length: CHATS }, (_, i) => user.ask(i))));
  const took = (performance.now() - begun) / 1000;
  await Promise.all(users.map((user) => user.check(users)));
  const answers = users.flatMap((user) => user.answers);
  const sorted = (get) => answers.map(get).sort((a, b) => a - b);
  const at = (list, part) => list[Math.min(list.length - 1, Math.floor(list.length * part))].toFixed(0);
  const first = sorted((a) => a.first);
  const whole = sorted((a) => a.took);
  const tokens = answers.reduce((sum, a) => sum + a.tokens, 0);
  console.log(`${answers.length} answers at once: ${took.toFixed(1)} s, ${tokens} tokens, ${(tokens / took).toFixed(0)} tokens/s, no error, nothing of another's`);
  console.log(`first event p50 ${at(first, 0.5)} ms, p99 ${at(first, 0.99)} ms; whole answer p50 ${at(whole, 0.5)} ms, p99 ${at(whole, 0.99)} ms`);
} finally {
  await server.stop();
}
