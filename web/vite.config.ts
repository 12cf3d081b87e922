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

export default defineConfig({
  base: './', // relative, so that the app works below any path
  plugins: [onlyWoff2],
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the page's policy has no data: fonts
    modulePreload: { polyfill: false },
    emptyOutDir: true,
    reportCompressedSize: false,
  },
});
