// Type-aware lint over every folder; the rooms' import directions (ARCHITECTURE.md) are rules here.
import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';

/** Who may import whom: room → rooms it may use. */
const ROOMS = {
  extension: ['editor', 'chains', 'commands', 'worker', 'base'],
  commands: ['editor', 'chains', 'worker', 'base'],
  editor: ['worker', 'base'],
  chains: ['worker', 'base'],
  worker: ['scan', 'chain', 'image', 'format', 'io', 'base'],
  cli: ['scan', 'chain', 'image', 'format', 'io', 'base'],
  scan: ['chain', 'image', 'format', 'io', 'base'],
  chain: ['image', 'format', 'io', 'base'],
  image: ['format', 'io', 'base'],
  format: ['io', 'base'],
  io: ['base'],
  base: [],
};

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.vscode-test/**', 'test/extension/fixtures/**'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './webview/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-non-null-assertion': 'off', // hot loops whose bounds were just checked
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    plugins: { boundaries },
    settings: {
      'import/resolver': { node: { extensions: ['.ts', '.js'] } },
      'boundaries/elements': [
        { type: 'io', pattern: 'src/qcow2/io/**', mode: 'full' },
        { type: 'format', pattern: 'src/qcow2/format/**', mode: 'full' },
        { type: 'image', pattern: 'src/qcow2/image/**', mode: 'full' },
        { type: 'scan', pattern: 'src/qcow2/scan/**', mode: 'full' },
        { type: 'chain', pattern: 'src/qcow2/chain/**', mode: 'full' },
        { type: 'base', pattern: 'src/qcow2/*.ts', mode: 'full' },
        { type: 'worker', pattern: 'src/worker/**', mode: 'full' },
        { type: 'editor', pattern: 'src/editor/**', mode: 'full' },
        { type: 'chains', pattern: 'src/chains/**', mode: 'full' },
        { type: 'commands', pattern: 'src/commands/**', mode: 'full' },
        { type: 'cli', pattern: 'src/cli/**', mode: 'full' },
        { type: 'extension', pattern: 'src/extension.ts', mode: 'full' },
      ],
    },
    rules: {
      'boundaries/element-types': [
        'error',
        {
          default: 'disallow',
          rules: Object.entries(ROOMS).map(([from, allow]) => ({ from, allow: [from, ...allow] })),
        },
      ],
    },
  },
  {
    files: ['src/qcow2/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: ['vscode', 'node:worker_threads', 'worker_threads'],
          patterns: ['**/worker/**', '**/editor/**'],
        },
      ],
    },
  },
  { files: ['**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
);
