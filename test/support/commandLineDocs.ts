/** docs/command-line.md, made from what the verbs declare. */
import {
  COMMON_OPTIONS,
  EXIT_CODES,
  exitCodesOf,
  HELP_OPTION,
  type VerbDeclaration,
} from '../../src/cli/declaration';
import { DECLARATIONS, TOPICS, VERB_NAMES, type VerbName } from '../../src/cli/declarations';
import { optionRows, usageLine } from '../../src/cli/help';

export function commandLineDocs(): string {
  return [
    '<!-- Made from src/cli/declarations.ts: `npx vitest run test/cli/help.test.ts -u` writes it again. -->',
    '# The command `qcow2`',
    'Reads, checks and changes qcow2 disk images without an editor. `qcow2 --help` and `qcow2 VERB --help` print what is ' +
      'here; `qcow2 completion SHELL` prints a completion script for bash, zsh or fish.',
    'It is on the `PATH` of VS Code’s integrated terminal while the extension is enabled. From a checkout: `npm run build`, ' +
      'then `node dist/cli.js`.',
    table(
      ['verb', 'does'],
      VERB_NAMES.map((name) => [`[\`${name}\`](#${name})`, DECLARATIONS[name].summary]),
    ),
    '## For all verbs',
    ...TOPICS.map(([title, text]) => `**${title}.** ${asMarkdown(text)}`),
    'Every verb that works on an image takes these options:',
    optionTable(optionRows({ ...COMMON_OPTIONS, ...HELP_OPTION })),
    'Exit codes, where a verb does not list its own:',
    table(
      ['code', 'means'],
      EXIT_CODES.map(({ code, means }) => [String(code), asMarkdown(means)]),
    ),
    ...VERB_NAMES.flatMap(verbSection),
  ].join('\n\n');
}

function verbSection(name: VerbName): readonly string[] {
  const declared: VerbDeclaration = DECLARATIONS[name];
  const { description, operands, options, examples, exitCodes } = declared;
  const optionList = optionRows(options);
  return [
    `## ${name}`,
    `\`\`\`text\n${usageLine(name).replace('usage: ', '')}\n\`\`\``,
    ...description.map(asMarkdown),
    table(
      ['argument', 'is'],
      Object.entries(operands).map(([word, { description }]) => [`\`${word}\``, asMarkdown(description)]),
    ),
    ...(optionList.length === 0 ? [] : [optionTable(optionList)]),
    `\`\`\`sh\n${examples.map(({ command, does }) => `# ${does}\n${command}`).join('\n')}\n\`\`\``,
    ...(exitCodes === undefined
      ? []
      : [
          table(
            ['exit code', 'means'],
            exitCodesOf(declared).map(({ code, means }) => [String(code), asMarkdown(means)]),
          ),
        ]),
  ];
}

const optionTable = (rows: readonly (readonly [string, string])[]): string =>
  table(
    ['option', 'does'],
    rows.map(([option, does]) => [`\`${option}\``, asMarkdown(does)]),
  );

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`)
    .join('\n');
}

const CODE = /(?<!\w)(?:--?[a-z][a-z-]*(?: (?:all|leaks)\b)?|\\x1b|\\u202e|#12)(?!\w)/g;

/** Commands in quotation marks, options and escapes are code. */
const asMarkdown = (text: string): string =>
  text
    .split('"')
    .map((part, index) => (index % 2 === 1 ? `\`${part}\`` : part.replace(CODE, '`$&`')))
    .join('');
