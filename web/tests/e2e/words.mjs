/* The page's own texts, so that a test can press its buttons in every language. */
import { build } from 'esbuild';

const { outputFiles } = await build({
  stdin: {
    contents: `export { en } from './src/i18n/en'; export { de } from './src/i18n/de'; export { zh } from './src/i18n/zh';`,
    resolveDir: new URL('../..', import.meta.url).pathname,
  },
  bundle: true, format: 'esm', write: false,
});

export const catalogues = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
export const locales = { en: 'en-US', de: 'de-DE', zh: 'zh-CN' };
