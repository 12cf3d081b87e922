import { render } from 'preact';
import { watchServer } from './state/server';
import './style/tokens.css';
import './style/base.css';
import './style/layout.css';
import './style/thread.css';
import './style/markdown.css';
import './style/composer.css';
import './style/dialog.css';
import { App } from './view/app';

const root = document.getElementById('app');
if (root) render(<App />, root);
watchServer();
