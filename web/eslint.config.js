import tseslint from 'typescript-eslint';

/* What would put a model's text where the browser runs or fetches things. */
const forbidden = [
  ['innerHTML', 'elements are made by Preact; there is no HTML string'],
  ['outerHTML', 'elements are made by Preact; there is no HTML string'],
  ['dangerouslySetInnerHTML', 'elements are made by Preact; there is no HTML string'],
  ['insertAdjacentHTML', 'elements are made by Preact; there is no HTML string'],
];

export default tseslint.config(
  ...tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } } },
  {
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'max-lines': ['error', { max: 300, skipComments: true }],
      'max-lines-per-function': ['error', { max: 90 }],
      'no-restricted-properties': ['error', ...forbidden.map(([property, message]) => ({ property, message }))],
      'no-restricted-syntax': [
        'error',
        { selector: 'JSXAttribute[name.name="dangerouslySetInnerHTML"]', message: forbidden[2][1] },
        { selector: 'CallExpression[callee.name="fetch"]', message: 'requests go through api/base.ts' },
      ],
    },
  },
  {
    files: ['tests/**'],
    rules: {
      // node:test's own test() returns a promise that its runner awaits
      '@typescript-eslint/no-floating-promises': 'off',
    },
  },
  { files: ['src/api/base.ts', 'src/service-worker.ts'], rules: { 'no-restricted-syntax': 'off' } },
);
