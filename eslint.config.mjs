// Type-aware lint over every folder; the rooms' import directions (ARCHITECTURE.md) are rules here.
import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';

const ENGINE = 'edit report map space repair save change check chain image format io base'.split(' ');

/** Rooms: the folder of each (inner folders first), and which rooms it may import from (itself and `text` always). */
const ROOMS = {
  text: { at: 'src/text', uses: [] },
  io: { at: 'src/qcow2/io', uses: ['base'] },
  format: { at: 'src/qcow2/format', uses: ['io', 'base'] },
  image: { at: 'src/qcow2/image', uses: ['format', 'io', 'base'] },
  chain: { at: 'src/qcow2/chain', uses: ['image', 'format', 'io', 'base'] },
  check: { at: 'src/qcow2/check', uses: ['image', 'format', 'io', 'base'] },
  map: { at: 'src/qcow2/map', uses: ['check', 'image', 'format', 'io', 'base'] },
  report: { at: 'src/qcow2/report', uses: ['map', 'check', 'image', 'format', 'io', 'base'] },
  change: { at: 'src/qcow2/change', uses: ['image', 'format', 'io', 'base'] },
  repair: { at: 'src/qcow2/repair', uses: ['check', 'change', 'image', 'format', 'io', 'base'] },
  save: { at: 'src/qcow2/save', uses: ['image', 'format', 'io', 'base'] },
  space: { at: 'src/qcow2/space', uses: ['save', 'check', 'image', 'format', 'io', 'base'] },
  edit: {
    at: 'src/qcow2/edit',
    uses: ['space', 'repair', 'save', 'change', 'check', 'chain', 'image', 'format', 'io', 'base'],
  },
  base: { at: 'src/qcow2', uses: [] },
  worker: { at: 'src/worker', uses: ENGINE },
  cli: { at: 'src/cli', uses: ENGINE },
  words: { at: 'src/words', uses: ['worker', 'base'] },
  chains: { at: 'src/chains', uses: ['words', 'worker', 'base'] },
  editor: { at: 'src/editor', uses: ['words', 'worker', 'base'] },
  commands: { at: 'src/commands', uses: ['editor', 'chains', 'words', 'worker', 'base'] },
  extension: { at: 'src', uses: ['commands', 'editor', 'chains', 'words', 'worker', 'base'] },
  webview: { at: 'webview', uses: [] },
};

const policies = Object.entries(ROOMS).map(([room, { uses }]) => ({
  from: { element: { type: room } },
  allow: { to: { element: { types: { anyOf: [room, 'text', ...uses] } } } },
}));

/** VS Code's ways to show text, each with what this extension uses instead: names from files are not markup there. */
const TELLS = {
  'words/tell.ts': [
    'showInformationMessage',
    'showWarningMessage',
    'showErrorMessage',
    'withProgress',
    'withScmProgress',
    'setStatusBarMessage',
    // What a command throws is shown, too.
    'registerCommand',
    'registerTextEditorCommand',
  ],
  'words/choose.ts': ['showQuickPick', 'createQuickPick', 'showInputBox', 'createInputBox'],
  'words/items.ts': ['TreeItem', 'MarkdownString', 'Diagnostic', 'createStatusBarItem', 'FileDecoration'],
  'words/logChannel.ts': ['createOutputChannel'],
};

const notOutsideWords = Object.entries(TELLS).flatMap(([file, names]) =>
  names.map((property) => ({
    property,
    message: `Text is shown through src/${file}, which neutralises it.`,
  })),
);

/** Masks of table entries, as numbers, as parts of a `bigint`, or in a text. */
const ENTRY_MASKS = [
  'Literal[raw=/^.?0x(80000000|40000000|3fffffff|3f000000|7f000000|ff000000|00e0+|ffe00000)/]',
  'Literal[raw=/^.?0x(00ffffff|fffffe00|0*1f[ef])n?\\b/]',
].map((selector) => ({ selector, message: 'The bits of table entries have names in format/entryBits.ts.' }));

export default tseslint.config(
  {
    ignores: ['dist/**', 'node_modules/**', '.vscode-test/**', 'out/**', '.cache/**', 'samples/**'],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './webview/tsconfig.json', './test/browser/tsconfig.json'],
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
    files: ['src/**/*.ts', 'webview/**/*.ts'],
    plugins: { boundaries },
    settings: {
      'import/resolver': { node: { extensions: ['.ts', '.js'] } },
      'boundaries/elements': Object.entries(ROOMS).map(([type, { at }]) => ({
        type,
        pattern: at,
        partialMatch: false,
      })),
    },
    rules: {
      'boundaries/dependencies': [
        'error',
        {
          default: 'disallow',
          policies: [
            ...policies,
            // The webview runs elsewhere: of the editor it has types, and no code.
            {
              from: { element: { type: 'webview' } },
              allow: { to: { element: { type: 'editor' } }, dependency: { kind: 'type' } },
            },
            { allow: { to: { module: { origin: ['external', 'core'] } } } },
          ],
        },
      ],
    },
  },
  {
    files: ['src/qcow2/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { paths: ['vscode', 'node:worker_threads', 'worker_threads'] }],
    },
  },
  {
    files: ['src/qcow2/**/*.ts'],
    ignores: ['src/qcow2/format/entryBits.ts'],
    rules: { 'no-restricted-syntax': ['error', ...ENTRY_MASKS] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/words/{tell,choose,items,logChannel}.ts'],
    rules: { 'no-restricted-properties': ['error', ...notOutsideWords] },
  },
  {
    files: ['src/extension.ts', 'src/{commands,editor,chains,words}/**/*.ts'],
    ignores: ['src/words/items.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ImportDeclaration[source.value="vscode"][importKind!="type"] > ImportSpecifier',
          message: 'Import vscode as a whole: the rules on what may be called look for its members.',
        },
        {
          selector:
            'AssignmentExpression > MemberExpression.left[property.name=/^(message|badge|label|description)$/]',
          message: 'Text is shown through src/words/items.ts, which neutralises it.',
        },
        {
          selector: 'ThrowStatement > NewExpression[callee.name="Error"]',
          message: 'VS Code shows the message of an error: throw what `told` of src/words/tell.ts returns.',
        },
      ],
    },
  },
  { files: ['**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
);
