import { render } from 'preact';
import { registerServiceWorker } from './core/trusted';
import { watchServer } from './state/server';
import { watchSession } from './state/session';
import './style/tokens.css';
import './style/base.css';
import './style/layout.css';
import './style/thread.css';
import './style/markdown.css';
import './style/composer.css';
import './style/dialog.css';
import './style/sidebar.css';
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

/* Not there on plain http beyond this machine, nor in every private window. */
if ('serviceWorker' in navigator)
  window.addEventListener('load', () => void registerServiceWorker('sw.js').catch(() => undefined));
