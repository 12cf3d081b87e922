/* A reverse proxy in front of the real server: puts it below a path, and can play the
 * model.  A scripted answer is [[delay, delta] ...], where a delay is a time in milliseconds or
 * something to wait for; everything else passes through. */
import http from 'node:http';

export const PREFIX = '/deep/sea/';

const event = (value) => `data: ${JSON.stringify(value)}\n\n`;

export function chunk(delta, finish = null, usage = undefined) {
  return { choices: [{ index: 0, delta, finish_reason: finish }], ...(usage && { usage }) };
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());

/** What an answer waits for until the test says `go`, however long a step of it takes. */
export function gate() {
  let go;
  const opened = new Promise((resolve) => { go = resolve; });
  return { opened, go };
}

/** An answer that does not go on. */
export const never = new Promise(() => {});

async function play(script, body, response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const gone = new Promise((resolve) => response.on('close', resolve));
  let n = 0;
  for (const [delay, delta] of script) {
    if (delay !== 0) await Promise.race([typeof delay === 'number' ? wait(delay) : delay, gone]);
    if (response.destroyed) return;
    n++;
    response.write(event(chunk(delta)));
  }
  const usage = { prompt_tokens: 20, completion_tokens: n, prompt_cache_hit_tokens: 8 };
  response.write(event(chunk({}, 'stop', usage)));
  response.end('data: [DONE]\n\n');
}

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

/** `stage.script = (body) => [...] | null` plays the model; null: the real one answers.
 *  `stage.isDown = true`: as if nobody was there. */
export async function startProxy(target) {
  const stage = { script: () => null, isDown: false, asked: [], app: null };
  const to = new URL(target);
  const server = http.createServer(async (request, response) => {
    if (stage.isDown) {
      request.socket.destroy();
      return;
    }
    if (!request.url.startsWith(PREFIX)) {
      response.writeHead(404).end('outside of the prefix');
      return;
    }
    const path = '/' + request.url.slice(PREFIX.length);
    const body = await read(request);
    if (path.startsWith('/app/api/')) {
      const { pathname, searchParams } = new URL(path, to);
      const sent = body.length > 0 ? JSON.parse(body) : {};
      if (stage.app)
        stage.app.handle(request.method, pathname.slice(9), searchParams, sent, request.headers, response);
      else response.writeHead(404).end(); // as a server that keeps nothing
      return;
    }
    if (path === '/chat/completions') {
      const asked = JSON.parse(body);
      stage.asked.push(asked);
      const script = stage.script(asked);
      if (script) {
        await play(script, asked, response);
        return;
      }
    }
    const headers = { ...request.headers, host: to.host };
    if (headers.origin) headers.origin = to.origin;
    const onward = http.request(
      { host: to.hostname, port: to.port, method: request.method, path, headers },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    onward.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  stage.url = `http://127.0.0.1:${server.address().port}${PREFIX}`;
  stage.stop = () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    });
  return stage;
}
