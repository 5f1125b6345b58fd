/** Operands and options that several verbs take. */
import type { Operand, Operands, Options } from '../declaration';

export const IMAGE = { FILE: { kind: 'path', description: 'The image.' } } as const satisfies Operands;

/** A file inside the disk. */
export const INSIDE_PATH = {
  kind: 'text',
  description:
    'A path inside the disk. It begins with a partition or volume (1:/etc, vg0/root:/etc), or is a path alone where only one ' +
    'file system has it.',
} as const satisfies Operand;

/** A range of the guest disk. */
export const RANGE = {
  OFFSET: { kind: 'bytes', description: 'Where the range begins on the guest disk.' },
  LENGTH: { kind: 'bytes', description: 'Length of the range.' },
} as const satisfies Operands;

export const OUTPUT_OPTION = {
  output: {
    choices: ['human', 'json'],
    default: 'human',
    description: 'Form of the output.',
  },
} as const satisfies Options;

/** Of verbs that write guest data. */
export const DATA_FILE_OPTION = {
  'allow-external-data-file': {
    description: "Write to an external data file even if it is outside the image's folder.",
  },
} as const satisfies Options;

export const POLICY_OPTION = {
  policy: {
    choices: ['unallocate', 'zero-flag'],
    default: 'unallocate',
    description:
      'What is left where there is no backing file: unallocated clusters, or the zero flag as QEMU leaves it.',
  },
} as const satisfies Options;

export const ZERO_OPTIONS = {
  unmap: {
    description: 'Give up the clusters that hold the data now. Without it they stay reserved.',
  },
  'no-fallback': {
    description:
      'Fail where zeroes would have to be written as data: in parts of clusters, and in version 2 unless --unmap makes ' +
      'the cluster unallocated.',
  },
  thorough: {
    description:
      'With a backing file, make a cluster unallocated if everything that would show through is zero.',
  },
  policy: {
    choices: ['unallocate', 'zero-flag'],
    default: 'unallocate',
    description:
      'What --unmap leaves where there is no backing file: unallocated clusters, or the zero flag as QEMU does.',
  },
} as const satisfies Options;
