/** All verbs, in the order in which help lists them. */
import { CHANGING } from './declarations/changing';
import { READING } from './declarations/reading';
import type { VerbDeclaration } from './declaration';

const { info, map, ...readings } = READING;
const { check, ...changes } = CHANGING;

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const DECLARATIONS = {
  info,
  map,
  check,
  ...readings,
  ...changes,
  help: {
    summary: 'describe the verbs, or one of them',
    description: ['The same as "qcow2 --help" and "qcow2 VERB --help".'],
    operands: { VERB: { kind: 'verb', isOptional: true, description: 'The verb to describe.' } },
    options: {},
    isAboutProgram: true,
    examples: [{ command: 'qcow2 help check', does: 'Describe a verb.' }],
  },
  completion: {
    summary: 'print a completion script for a shell',
    description: ['The script completes verbs, options, their values and file names.'],
    operands: { SHELL: { kind: 'choice', choices: SHELLS, description: 'The shell.' } },
    options: {},
    isAboutProgram: true,
    examples: [
      { command: 'source <(qcow2 completion bash)', does: 'Use it in this bash; put the line in ~/.bashrc.' },
      { command: 'source <(qcow2 completion zsh)', does: 'Use it in this zsh; put the line in ~/.zshrc.' },
      {
        command: 'qcow2 completion fish > ~/.config/fish/completions/qcow2.fish',
        does: 'Install it for fish.',
      },
    ],
  },
} as const satisfies Readonly<Record<string, VerbDeclaration>>;

export type VerbName = keyof typeof DECLARATIONS;

export const VERB_NAMES = Object.keys(DECLARATIONS) as readonly VerbName[];

export const isVerbName = (name: string): name is VerbName => Object.hasOwn(DECLARATIONS, name);

/** What holds for all verbs: a title and a paragraph each. */
export const TOPICS: readonly (readonly [title: string, text: string])[] = [
  [
    'Offsets and lengths',
    'Bytes (4096, 0x1f0000), with a unit (64k, 64KiB, 1.5G; k M G T P E are powers of 1024), clusters (#12, to be quoted ' +
      'in a shell) or sectors of 512 bytes (s2048).',
  ],
  [
    'Output',
    'What verbs that read print is what qemu-img prints. Control and other hidden characters in names are shown as ' +
      String.raw`\x1b or \u202e; JSON has the names as they are. A failure is one line on standard error.`,
  ],
  [
    'Changes',
    'A change is saved completely or not at all. If the machine stops during a save, the journal beside the image ' +
      '(NAME.qcow2-journal) lets the next change, or "qcow2 recover", undo it. An image that is damaged, or that a ' +
      'running QEMU holds, is refused. The refcounts of an image that was not closed properly are rebuilt first. An ' +
      "external data file outside the image's folder is written only with --allow-external-data-file.",
  ],
  [
    'Reading beside other programs',
    'An image that is being saved is shown as it was before. If another program changes the image while it is read, it ' +
      'is read again; after several attempts the command fails with exit code 1.',
  ],
];
