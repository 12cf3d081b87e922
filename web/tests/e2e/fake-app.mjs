/* A small stand-in for /app/api (docs/app-api.md), so that the page can be tried with
 * answers that take their time, end early and lose their listener. */

const json = (response, status, body) => {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(body === undefined ? '' : JSON.stringify(body));
};
const fail = (response, status, code) => json(response, status, { error: { code, message: code, field: null } });

export class FakeApp {
  constructor() {
    this.chats = new Map();
    this.running = new Map(); // by answer id
    this.script = async () => {}; // (run) => writes with run.say(type, text)
    this.user = { id: 'local', name: 'local', role: 'admin' };
    this.mode = 'single';
    this.needsSetup = false;
    this.isBusy = false; // refuses every question
  }

  session() {
    const server = { version: '0', has_store: true };
    return { api: 1, mode: this.mode, needs_setup: this.needsSetup, user: this.user, server };
  }

  summary({ messages, ...chat }) {
    return { ...chat, n_messages: messages.length, is_live: false };
  }

  /** path without /app/api/; true: answered. */
  handle(method, path, query, body, headers, response) {
    if (method !== 'GET' && headers['x-tiefsee'] !== '1') return fail(response, 403, 'csrf');
    const [what, id, part, mid] = path.split('/');
    if (what === 'session') return json(response, 200, this.session());
    if (what === 'login' || what === 'setup') return this.enter(what, body, response);
    if (!this.user) return fail(response, 401, 'login_required');
    if (what === 'me' || what === 'presets') return this.mine(method, path, body, response);
    if (what === 'answers') return this.answer({ messages: body.messages }, { answer_id: 'temporary0' }, response);
    if (what === 'import') return this.import(body, response);
    if (what !== 'conversations') return fail(response, 404, 'not_found');
    if (!id) return this.list(method, query, body, response);
    const chat = this.chats.get(id);
    if (!chat) return fail(response, 404, 'not_found');
    if (part === 'title') return json(response, 200, { title: (chat.title = 'Named by the server') });
    if (part === 'answers') return this.answers(method, chat, mid, body, response);
    if (method === 'PATCH') Object.assign(chat, body);
    if (method === 'DELETE') this.chats.delete(id);
    const live = [...this.running.values()].find((run) => run.chat === chat)?.answer.id ?? null;
    return method === 'DELETE' ? json(response, 204) : json(response, 200, { ...chat, live });
  }

  /** Settings as they were put; no presets. */
  mine(method, path, body, response) {
    if (path === 'me/settings' && method === 'PUT') this.settings = body;
    if (method !== 'GET') return json(response, 204);
    return json(response, 200, path === 'presets' ? { presets: [] } : (this.settings ?? {}));
  }

  enter(what, body, response) {
    const isRight = what === 'setup' ? body.code === '123456' : body.password === 'right';
    if (!isRight) return fail(response, 401, 'login_failed');
    this.user = { id: 'u', name: body.name, role: 'admin' };
    this.needsSetup = false;
    return json(response, 200, this.session());
  }

  list(method, query, body, response) {
    if (method === 'POST') {
      const now = Date.now();
      const chat = { folder: '', is_pinned: false, created: now, updated: now, leaf: null, messages: [], ...body };
      this.chats.set(chat.id, chat);
      return json(response, 201, this.summary(chat));
    }
    const wanted = query.get('q') ?? '';
    const found = [...this.chats.values()].filter((c) => JSON.stringify(c).includes(wanted));
    return json(response, 200, { conversations: found.map((c) => this.summary(c)), next: null, is_partial: false });
  }

  import({ conversations }, response) {
    const fresh = conversations.filter((c) => !this.chats.has(c.id));
    for (const c of fresh) this.chats.set(c.id, c);
    return json(response, 200, { n_conversations: fresh.length, n_messages: 0, n_skipped: conversations.length - fresh.length });
  }

  answers(method, chat, mid, body, response) {
    if (!mid && this.isBusy) return fail(response, 429, 'too_many_requests');
    if (!mid && [...this.running.values()].some((run) => run.chat === chat && chat.messages)) return fail(response, 409, 'conflict');
    if (!mid) return this.answer(chat, body, response);
    const run = this.running.get(mid);
    if (method === 'POST') {
      run?.steer(body.action);
      return json(response, 202, {});
    }
    return run ? run.join(response) : fail(response, 404, 'not_found');
  }

  async answer(chat, body, response) {
    const made = { finish: 'live', content: '', reasoning: '', role: 'assistant', created: Date.now() };
    let parent = body.parent ?? null;
    if (body.content !== undefined) {
      const user = { id: body.user_id, parent, role: 'user', content: body.content, files: body.files, created: Date.now() };
      chat.messages.push(user);
      parent = user.id;
    }
    const old = chat.messages.find((m) => m.id === body.continues);
    const answer = old ?? { ...made, id: body.answer_id, parent };
    if (!old) chat.messages.push(answer);
    chat.leaf = answer.id;
    const run = new Run(chat, answer, body);
    this.running.set(answer.id, run);
    run.join(response);
    await this.script(run);
    answer.finish = run.action === 'stop' ? 'stopped' : 'stop';
    answer.usage = { prompt: 10, cached: 4, completion: 12, reasoning: 2 };
    this.running.delete(answer.id);
    const { content, reasoning, ...end } = answer;
    run.send({ type: 'done', answer: end, is_saved: !this.isFull, summary: {} });
    for (const listener of run.listeners) listener.end();
  }
}

class Run {
  constructor(chat, answer, body) {
    Object.assign(this, { chat, answer, body, listeners: new Set(), action: null, waiters: [] });
  }

  join(response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    this.listeners.add(response);
    response.write(`data: ${JSON.stringify({ type: 'start', user: null, answer: this.answer })}\n\n`);
  }

  send(event) {
    for (const listener of this.listeners) listener.write(`data: ${JSON.stringify(event)}\n\n`);
  }

  say(type, text) {
    this.answer[type] += text;
    this.send({ type, text });
  }

  steer(action) {
    this.action = action;
    for (const wake of this.waiters.splice(0)) wake();
  }

  /** Until the user steers, or somebody calls `go`. */
  wait() {
    return new Promise((resolve) => {
      this.waiters.push(resolve);
      this.go = resolve;
    });
  }
}
