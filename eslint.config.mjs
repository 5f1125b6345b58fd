// Type-aware lint over every folder; the rooms' import directions (ARCHITECTURE.md) are rules here.
import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';

const ENGINE = 'edit report map space repair save change check chain bulk image format io base'.split(' ');

const EDITOR = ['host', 'page', 'health', 'guards', 'watch', 'model'];
const TEXT = ['shown', 'worker', 'base'];

/** The rooms of the page. */
const WEBVIEW = {
  webviewBase: { at: 'webview/base', uses: [] },
  webviewHost: { at: 'webview/host', uses: ['webviewBase'] },
  webviewMap: { at: 'webview/map', uses: ['webviewHost', 'webviewBase'] },
  webviewBytes: { at: 'webview/bytes', uses: ['webviewHost', 'webviewBase'] },
  webviewState: { at: 'webview/state', uses: ['webviewMap', 'webviewHost', 'webviewBase'] },
  webviewDialogs: { at: 'webview/dialogs', uses: ['webviewMap', 'webviewHost', 'webviewBase'] },
  webviewPanels: {
    at: 'webview/panels',
    uses: ['webviewState', 'webviewBytes', 'webviewMap', 'webviewBase'],
  },
  webviewShell: {
    at: 'webview/shell',
    uses: [
      'webviewPanels',
      'webviewDialogs',
      'webviewState',
      'webviewBytes',
      'webviewMap',
      'webviewHost',
      'webviewBase',
      'webviewStyles',
    ],
  },
  webviewStyles: { at: 'webview/styles', uses: [] },
  webview: { at: 'webview', uses: ['webviewShell'] },
};

/** Rooms: the folder of each (inner folders first), and which rooms it may import from (itself and `text` always). */
const ROOMS = {
  shown: { at: 'src/text/vscode', uses: ['worker', 'inside', 'base'] },
  text: { at: 'src/text', uses: [] },
  io: { at: 'src/qcow2/io', uses: ['base'] },
  format: { at: 'src/qcow2/format', uses: ['io', 'base'] },
  image: { at: 'src/qcow2/image', uses: ['format', 'io', 'base'] },
  bulk: { at: 'src/qcow2/bulk', uses: ['image', 'format', 'io', 'base'] },
  chain: { at: 'src/qcow2/chain', uses: ['image', 'format', 'io', 'base'] },
  check: { at: 'src/qcow2/check', uses: ['image', 'format', 'io', 'base'] },
  map: { at: 'src/qcow2/map', uses: ['check', 'image', 'format', 'io', 'base'] },
  report: { at: 'src/qcow2/report', uses: ['map', 'check', 'image', 'format', 'io', 'base'] },
  change: { at: 'src/qcow2/change', uses: ['image', 'format', 'io', 'base'] },
  repair: { at: 'src/qcow2/repair', uses: ['check', 'change', 'image', 'format', 'io', 'base'] },
  save: { at: 'src/qcow2/save', uses: ['check', 'image', 'format', 'io', 'base'] },
  space: {
    at: 'src/qcow2/space',
    uses: ['save', 'change', 'check', 'bulk', 'image', 'format', 'io', 'base'],
  },
  edit: {
    at: 'src/qcow2/edit',
    uses: ['space', 'repair', 'save', 'change', 'check', 'chain', 'image', 'format', 'io', 'base'],
  },
  base: { at: 'src/qcow2', uses: [] },
  guest: { at: 'src/guest', uses: [] },
  inside: { at: 'src/inside', uses: ['guest', 'edit', 'chain', 'image', 'io', 'base'] },
  threads: { at: 'src/threads', uses: ['bulk', 'image', 'io', 'base'] },
  worker: { at: 'src/worker', uses: ['threads', 'inside', 'guest', ...ENGINE] },
  cli: { at: 'src/cli', uses: ['threads', 'inside', 'guest', ...ENGINE] },
  chains: { at: 'src/chains', uses: TEXT },
  model: { at: 'src/editor/model', uses: ['worker'] },
  watch: { at: 'src/editor/watch', uses: ['model', ...TEXT] },
  guards: { at: 'src/editor/guards', uses: ['model', ...TEXT] },
  health: { at: 'src/editor/health', uses: ['watch', 'model', ...TEXT] },
  page: { at: 'src/editor/page', uses: ['health', 'guards', 'model', ...TEXT] },
  host: { at: 'src/editor/host', uses: ['page', 'health', 'guards', 'watch', 'model', ...TEXT] },
  contents: { at: 'src/contents', uses: ['host', 'model', ...TEXT] },
  commands: { at: 'src/commands', uses: [...EDITOR, 'chains', 'contents', ...TEXT] },
  extension: { at: 'src', uses: ['commands', ...EDITOR, 'chains', 'contents', ...TEXT] },
  ...WEBVIEW,
};

const policies = Object.entries(ROOMS).map(([room, { uses }]) => ({
  from: { element: { type: room } },
  allow: { to: { element: { types: { anyOf: [room, 'text', ...uses] } } } },
}));

/** VS Code's ways to show text, each with what this extension uses instead: names from files are not markup there. */
const TELLS = {
  'tell.ts': [
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
  'choose.ts': ['showQuickPick', 'createQuickPick', 'showInputBox', 'createInputBox'],
  'items.ts': ['TreeItem', 'MarkdownString', 'Diagnostic', 'createStatusBarItem', 'FileDecoration'],
  'logChannel.ts': ['createOutputChannel'],
};

const notOutsideText = Object.entries(TELLS).flatMap(([file, names]) =>
  names.map((property) => ({
    property,
    message: `Text is shown through src/text/vscode/${file}, which neutralises it.`,
  })),
);

/** Positions are made by the functions of units.ts, which say what was computed. */
const notCastToPosition = {
  selector: 'TSAsExpression > TSTypeReference[typeName.name=/^(Guest|Host)(Offset|Cluster)$/]',
  message: 'Positions come from the functions of src/qcow2/units.ts.',
};

/** What is private is so when the program runs, too. */
const notPrivateByKeyword = {
  selector:
    ':matches(PropertyDefinition, MethodDefinition[kind!="constructor"], TSParameterProperty)[accessibility="private"]',
  message: 'Name it #name instead.',
};

const SYNTAX = [notCastToPosition, notPrivateByKeyword];

/** Masks of table entries, as numbers, as parts of a `bigint`, or in a text. */
const ENTRY_MASKS = [
  'Literal[raw=/^.?0x(80000000|40000000|3fffffff|3f000000|7f000000|ff000000|00e0+|ffe00000)/]',
  'Literal[raw=/^.?0x(00ffffff|fffffe00|0*1f[ef])n?\\b/]',
].map((selector) => ({ selector, message: 'The bits of table entries have names in format/entryBits.ts.' }));

/**
 * Files with hot loops over tables, bytes and cells, whose bounds were just checked: an index is not checked again there,
 * entry by entry.
 */
const HOT = [
  'src/guest/crc32c.ts',
  'src/guest/ext/{bitmap,crc16,directory,metadataRuns}.ts',
  'src/guest/ntfs/lznt1.ts',
  'src/qcow2/bitSet.ts',
  'src/qcow2/change/{dataWriter,entryChanger,entryRewriter,giveUp,l2Tables}.ts',
  'src/qcow2/check/{clusterCounts,compareRefcounts,countReferences,diskRefcounts}.ts',
  'src/qcow2/check/{references,regionReceiver,walkL2}.ts',
  'src/qcow2/format/refcountWidth.ts',
  'src/qcow2/image/{activeTables,clusterEntry,contiguous,entryReader,refcounts,tableEntries,walkTable}.ts',
  'src/qcow2/io/checksum.ts',
  'src/qcow2/map/{cellCounts,hostLayout,hostUses,kindWalk,map,mapExport}.ts',
  'src/qcow2/repair/{refcounts,structures}.ts',
  'src/qcow2/save/{clusterRanges,groupContent,hidden,refcountReader,runs,uses}.ts',
  'src/qcow2/space/freeClusters.ts',
  'src/text/byteWriter.ts',
];

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
            // The webview runs elsewhere: of the editor it has the types of the messages, and no code.
            {
              from: { element: { types: { anyOf: Object.keys(WEBVIEW) } } },
              allow: { to: { element: { type: 'page' } }, dependency: { kind: 'type' } },
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
    // Tests look into what they have just built.
    files: ['test/**', 'scripts/**', ...HOT],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    rules: { 'no-restricted-syntax': ['error', notPrivateByKeyword] },
  },
  {
    files: ['src/**/*.ts', 'webview/**/*.ts'],
    ignores: ['src/qcow2/units.ts'],
    rules: { 'no-restricted-syntax': ['error', ...SYNTAX] },
  },
  {
    files: ['src/qcow2/**/*.ts'],
    ignores: ['src/qcow2/{units,format/entryBits}.ts'],
    rules: { 'no-restricted-syntax': ['error', ...SYNTAX, ...ENTRY_MASKS] },
  },
  {
    // What runs without VS Code: the command line, the page, the threads, and the model, which the tests run in Node.
    files: [
      'src/{text/*,cli/**/*,worker/**/*,editor/model/**/*}.ts',
      'src/editor/{page/messages,guards/guardReport}.ts',
    ],
    rules: { 'no-restricted-imports': ['error', { paths: ['vscode'] }] },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/text/vscode/{tell,choose,items,logChannel}.ts'],
    rules: { 'no-restricted-properties': ['error', ...notOutsideText] },
  },
  {
    files: ['src/extension.ts', 'src/{commands,contents,editor,chains,text}/**/*.ts'],
    ignores: ['src/text/vscode/items.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...SYNTAX,
        {
          selector: 'ImportDeclaration[source.value="vscode"][importKind!="type"] > ImportSpecifier',
          message: 'Import vscode as a whole: the rules on what may be called look for its members.',
        },
        {
          selector:
            'AssignmentExpression > MemberExpression.left[property.name=/^(message|badge|label|description)$/]',
          message: 'Text is shown through src/text/vscode/items.ts, which neutralises it.',
        },
        {
          selector: 'ThrowStatement > NewExpression[callee.name="Error"]',
          message:
            'VS Code shows the message of an error: throw what `told` of src/text/vscode/tell.ts returns.',
        },
      ],
    },
  },
  { files: ['**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
);
