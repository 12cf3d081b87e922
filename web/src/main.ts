/* What is fetched first: the looks.  The shell of index.html is painted with them, and only
 * then are the scripts read, which have been on their way meanwhile (vite.config.ts). */
import './style/tokens.css';
import './style/base.css';
import './style/layout.css';
import './style/thread.css';
import './style/markdown.css';
import './style/composer.css';
import './style/dialog.css';
import './style/sidebar.css';

let isStarted = false;

function start(): void {
  if (isStarted) return;
  isStarted = true;
  void import('./start');
}

const PATIENCE_MS = 200; // a page that nobody sees has no frames

if (document.hidden) start();
else {
  requestAnimationFrame(() => setTimeout(start));
  setTimeout(start, PATIENCE_MS);
}
