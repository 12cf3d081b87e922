import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/* KaTeX lists each font three times; every browser that runs this page reads woff2. */
const onlyWoff2: Plugin = {
  name: 'only-woff2',
  enforce: 'pre',
  transform(code, id) {
    if (!id.endsWith('katex.min.css')) return null;
    return code.replace(/,url\([^)]*\.(?:woff|ttf)\) format\("[^"]*"\)/g, '');
  },
};

/* What PDF.js reads old Chinese, Japanese and Korean documents with: fetched by name. */
const cmaps: Plugin = {
  name: 'cmaps',
  generateBundle() {
    const folder = new URL('node_modules/pdfjs-dist/cmaps/', import.meta.url);
    for (const name of readdirSync(folder).filter((name) => name.endsWith('.bcmap')))
      this.emitFile({ type: 'asset', fileName: `assets/cmaps/${name}`, source: readFileSync(new URL(name, folder)) });
  },
};

/* PDF.js compiles functions of documents where a page's policy allows that; ours does not,
 * and asking would be refused aloud. */
const noEval: Plugin = {
  name: 'no-eval',
  transform(code, id) {
    if (!/pdfjs-dist/.test(id)) return null;
    return code.replace(/new Function\(/g, 'unknownFunction(');
  },
};

/* The scripts of the page come while its shell is painted. */
const START = 'start';
const preloadStart: Plugin = {
  name: 'preload-start',
  transformIndexHtml: {
    order: 'post',
    handler(_, { bundle = {} }) {
      const start = Object.values(bundle).find((file) => file.type === 'chunk' && file.name === START);
      if (!start) throw new Error('no scripts of the page');
      return [{ tag: 'link', attrs: { rel: 'modulepreload', crossorigin: true, href: `./${start.fileName}` }, injectTo: 'head' }];
    },
  },
};

/* The service worker has a fixed name and knows what the page begins with: what changes
 * there changes it, and so the browser learns of a new build. */
const serviceWorker: Plugin = {
  name: 'service-worker',
  enforce: 'post',
  generateBundle(_, bundle) {
    const worker = bundle['sw.js'];
    if (worker?.type !== 'chunk') throw new Error('no service worker');
    const first = Object.values(bundle).filter((file) =>
      file.type === 'chunk' ? (file.isEntry && file !== worker) || file.name === START : /index-[^/]*\.css$/.test(file.fileName));
    const names = first.map((file) => file.fileName).sort();
    const hash = createHash('sha256').update(worker.code);
    for (const file of first) hash.update(file.type === 'chunk' ? file.code : file.source);
    hash.update(readFileSync(new URL('public/assets/looks.js', import.meta.url)));
    worker.code = worker.code
      .replace('FILES_OF_THE_BUILD', [...names, 'assets/icon.svg', 'assets/looks.js', 'assets/manifest.webmanifest'].join(' '))
      .replace('HASH_OF_THE_BUILD', hash.digest('hex').slice(0, 16));
  },
};

export default defineConfig({
  base: './', // relative, so that the app works below any path
  plugins: [onlyWoff2, cmaps, preloadStart, serviceWorker],
  worker: { format: 'es', plugins: () => [noEval] },
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the page's policy has no data: fonts
    modulePreload: { polyfill: false },
    emptyOutDir: true,
    reportCompressedSize: false,
    rollupOptions: {
      input: { index: 'index.html', sw: 'src/service-worker.ts' },
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
});
