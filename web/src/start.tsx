/* The page itself; main.ts calls for it. */
import { render } from 'preact';
import { registerServiceWorker } from './core/trusted';
import { watchServer } from './state/server';
import { watchSession } from './state/session';
import { App } from './view/app';
import { listenToKeys } from './view/shortcuts';

const root = document.getElementById('app');
if (root) {
  root.replaceChildren(); // the shell of index.html
  render(<App />, root);
}
watchServer();
watchSession();
listenToKeys();

function keepPage(): void {
  void registerServiceWorker('sw.js').catch(() => undefined);
}

/* Not there on plain http beyond this machine, nor in every private window. */
if ('serviceWorker' in navigator) {
  if (document.readyState === 'complete') keepPage();
  else window.addEventListener('load', keepPage);
}
