/** Usage lines and help pages, made from what the verbs declare. */
import {
  exitCodesOf,
  HELP_OPTION,
  type Option,
  type Options,
  optionsOf,
  shownName,
  shownOperands,
  shownOption,
  isChoice,
  type VerbDeclaration,
} from './declaration';
import { DECLARATIONS, isVerbName, TOPICS, VERB_NAMES, type VerbName } from './declarations';
import { printable } from '../text/printable';
import { UsageError } from './arguments';
import { suggestion } from './nearest';
import type { Run } from './verb';

/** Columns of a terminal. */
const WIDTH = 80;

export const GENERAL_USAGE = `usage: qcow2 ${VERB_NAMES.join('|')} [OPTION]... FILE [ARGUMENT]...`;

export function usageLine(name: VerbName): string {
  const declared: VerbDeclaration = DECLARATIONS[name];
  const input = declared.input === undefined ? '' : ` <${declared.input}`;
  const caution = declared.caution === undefined ? '' : `  (${declared.caution})`;
  const words = [...optionalWords(declared), shownOperands(declared)].filter((word) => word !== '');
  return `usage: qcow2 ${name} ${words.join(' ')}${input}${caution}`;
}

/** Options in brackets; one that needs another stands within that one's. */
function optionalWords(declared: VerbDeclaration): string[] {
  const all = Object.entries(optionsOf(declared));
  const word = ([name, option]: readonly [string, Option]): string => {
    const within = all.filter(([, { needs }]) => needs?.option === name).map(word);
    return `[${[shownOption(name, option), ...within].join(' ')}]`;
  };
  return all.filter(([, { needs }]) => needs === undefined).map(word);
}

/** What `qcow2 --help` prints. */
export function overview(): string {
  const verbs = VERB_NAMES.map((name) => [name, DECLARATIONS[name].summary] as const);
  return [
    'usage: qcow2 VERB [OPTION]... FILE [ARGUMENT]...',
    'Reads, checks and changes qcow2 disk images.',
    section('Verbs', table(verbs)),
    ...TOPICS.map(([title, text]) => section(title, wrap(text, '  '))),
    '"qcow2 VERB --help" describes a verb, "qcow2 --version" prints the version.',
  ].join('\n\n');
}

/** What `qcow2 VERB --help` prints. */
export function verbHelp(name: VerbName): string {
  const declared: VerbDeclaration = DECLARATIONS[name];
  const { operands, examples } = declared;
  const described = Object.entries(operands).map(([word, { description }]) => [word, description] as const);
  return [
    usageLine(name),
    ...declared.description.map((paragraph) => wrap(paragraph, '')),
    section('Arguments', table(described)),
    section('Options', table(optionRows({ ...declared.options, ...commonOf(declared) }))),
    section(
      'Examples',
      examples.map(({ command, does }) => `  ${command}\n${wrap(does, '      ')}`).join('\n'),
    ),
    section(
      'Exit codes',
      table(exitCodesOf(declared).map(({ code, means }) => [String(code), means] as const)),
    ),
  ].join('\n\n');
}

/** A verb's own options come first in help. */
function commonOf(declared: VerbDeclaration): Options {
  const own = Object.keys(declared.options);
  return Object.fromEntries(
    Object.entries({ ...optionsOf(declared), ...HELP_OPTION }).filter(([name]) => !own.includes(name)),
  );
}

/** An option in all its spellings, and what it does. */
export function optionRows(options: Options): (readonly [string, string])[] {
  return Object.entries(options).map(([name, option]) => {
    const letter = option.short === undefined ? '' : `-${option.short}, `;
    return [
      `${letter}${shownOption(name, option, `--${name}`)}`,
      optionDescription(option, options),
    ] as const;
  });
}

function optionDescription(option: Option, options: Options): string {
  const { needs, description } = option;
  const other = needs === undefined ? undefined : options[needs.option];
  const only =
    needs === undefined || other === undefined
      ? ''
      : ` Only with ${shownName(needs.option, other)} ${needs.value}.`;
  const usual = isChoice(option) && option.default !== undefined ? ` Default: ${option.default}.` : '';
  return `${description}${only}${usual}`;
}

const section = (title: string, text: string): string => `${title}\n${text}`;

/** Two columns; what is too wide for the first one has a line of its own. */
function table(rows: readonly (readonly [string, string])[]): string {
  const widest = Math.max(...rows.map(([name]) => name.length));
  const column = Math.min(widest, 24) + 4;
  return rows
    .map(([name, text]) => {
      const wrapped = wrap(text, ' '.repeat(column));
      const head = `  ${name}`;
      return head.length + 2 > column
        ? `${head}\n${wrapped}`
        : `${head.padEnd(column)}${wrapped.slice(column)}`;
    })
    .join('\n');
}

function wrap(text: string, indentation: string): string {
  const lines: string[] = [];
  let line = indentation;
  for (const word of text.split(' ')) {
    const isFirst = line === indentation;
    if (!isFirst && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = `${indentation}${word}`;
    } else line += isFirst ? word : ` ${word}`;
  }
  return [...lines, line].join('\n');
}

/** The reason why there is no such verb, for people. */
export const unknownVerb = (name: string): string =>
  `no verb '${printable(name)}'${suggestion(name, VERB_NAMES)}`;

export const help: Run<'help'> = ({ operands, output }) => {
  const { VERB: name } = operands;
  if (name !== undefined && !isVerbName(name)) throw new UsageError(unknownVerb(name));
  output.write(Buffer.from(`${name === undefined ? overview() : verbHelp(name)}\n`));
  return undefined;
};
