/* The scripts that run beside the page (the reader of PDF files, the service worker).  The
 * page's policy takes an address of a script from this one place only, and this place
 * hands on those that it was built with: no other script can be named, and no markup at
 * all can be made, because the only rule here is one for addresses. */
import { address } from '../api/base';

interface Rules {
  createScriptURL(url: string): string;
}
interface Factory {
  createPolicy(name: string, rules: Rules): Rules;
}

const known = new Set<string>();

const rules: Rules = {
  createScriptURL(url) {
    if (known.has(url)) return url;
    throw new TypeError(`no script of this page: ${url}`);
  },
};
const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes; // not every browser has it
const policy = factory?.createPolicy('tiefsee', rules) ?? rules;

/** path: of a file of this build. */
function scriptUrl(path: string): string {
  const url = address(path);
  known.add(url);
  return policy.createScriptURL(url);
}

export function startWorker(path: string): Worker {
  return new Worker(scriptUrl(path), { type: 'module' });
}

export function registerServiceWorker(path: string): Promise<unknown> {
  return navigator.serviceWorker.register(scriptUrl(path));
}
