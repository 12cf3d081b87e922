/* Keeps the page itself, so that it opens while the server is away, and says so.  Nothing
 * else goes through here: no chat, no answer, no request of the API is seen or kept. */

interface Lifetime extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetch extends Lifetime {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Scope {
  readonly registration: { scope: string };
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(type: 'install' | 'activate', listener: (event: Lifetime) => void): void;
  addEventListener(type: 'fetch', listener: (event: Fetch) => void): void;
}

const scope = self as unknown as Scope;
const home = scope.registration.scope; // also below a path

/* What the page begins with; vite.config.ts puts the names of the build here. */
const files = 'FILES_OF_THE_BUILD'.split(' ');
const PREFIX = 'tiefsee-page-';
const NAME = PREFIX + 'HASH_OF_THE_BUILD';

async function install(): Promise<void> {
  const cache = await caches.open(NAME);
  await cache.addAll([home, ...files.map((file) => new URL(file, home).href)]);
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

/* The newest one if the server is there; of a gateway's errors the kept one is better. */
async function newest(request: Request, kept: string): Promise<Response> {
  try {
    const response = await fetch(request);
    if (response.status < 500) return response;
  } catch {
    // away: the kept one
  }
  return (await caches.match(kept)) ?? Response.error();
}

/* The name changes with what is in it: a kept one is right for ever. */
const HASHED = /-[\w-]{8}\.\w+$/;

async function file(request: Request): Promise<Response> {
  if (!HASHED.test(request.url)) return newest(request, request.url);
  return (await caches.match(request.url)) ?? fetch(request);
}

scope.addEventListener('install', (event) => { event.waitUntil(install()); });
scope.addEventListener('activate', (event) => { event.waitUntil(activate()); });
scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  url.hash = url.search = '';
  if (request.method !== 'GET') return;
  if (request.mode === 'navigate' && url.href === home) event.respondWith(newest(request, home));
  else if (url.href.startsWith(`${home}assets/`)) event.respondWith(file(request));
});
