/* Runs tests/unit/*.test.ts: bundled by esbuild, run by node's own test runner. */
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'tiefsee-web-unit-'));
const names = readdirSync(join(here, 'unit')).filter((name) => name.endsWith('.test.ts'));

/* `?worker&url` is Vite's own; no unit test starts one. */
const noWorkers = {
  name: 'no-workers',
  setup(builder) {
    builder.onResolve({ filter: /\?worker&url$/ }, ({ path }) => ({ path, namespace: 'worker' }));
    builder.onLoad({ filter: /.*/, namespace: 'worker' }, () => ({ contents: 'export default "";' }));
  },
};

try {
  await build({
    entryPoints: names.map((name) => join(here, 'unit', name)),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.css': 'empty' },
    plugins: [noWorkers],
    logLevel: 'error',
  });
  const files = names.map((name) => join(out, name.replace(/\.ts$/, '.mjs')));
  process.exitCode = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
