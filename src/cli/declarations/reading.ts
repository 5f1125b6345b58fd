/** Verbs that only read: they open their files read-only, create nothing and lock nothing. */
import type { VerbDeclaration } from '../declaration';
import { IMAGE, OUTPUT_OPTION, RANGE } from './shared';

export const READING = {
  info: {
    summary: 'show size, format and backing file of an image',
    description: ['Prints the fields of "qemu-img info", in the same form.'],
    operands: IMAGE,
    options: {
      ...OUTPUT_OPTION,
      'backing-chain': { description: 'Show every image of the backing chain, from the top to the base.' },
    },
    examples: [
      { command: 'qcow2 info disk.qcow2', does: 'Show one image.' },
      { command: 'qcow2 info --backing-chain --output=json disk.qcow2', does: 'Show the chain as JSON.' },
    ],
  },
  map: {
    summary: 'list what each range of the guest disk consists of',
    description: ['Prints the extents of "qemu-img map", merged in the same way.'],
    operands: IMAGE,
    options: {
      ...OUTPUT_OPTION,
      'start-offset': { short: 's', value: 'N', kind: 'bytes', description: 'Start at this guest offset.' },
      'max-length': { short: 'l', value: 'N', kind: 'bytes', description: 'List at most this much.' },
    },
    examples: [
      { command: 'qcow2 map disk.qcow2', does: 'List the data of the disk.' },
      {
        command: 'qcow2 map --output=json --start-offset=1G --max-length=64M disk.qcow2',
        does: 'List the extents between 1 GiB and 1 GiB + 64 MiB as JSON.',
      },
    ],
  },
  space: {
    summary: 'show where the bytes of an image file are',
    description: [
      'Lists what the file consists of, with what the host has allocated for each part and what giving it up would free. ' +
        'The sizes add up to the length of the file. Fragmentation is counted as "qemu-img check" does.',
    ],
    operands: IMAGE,
    options: OUTPUT_OPTION,
    examples: [
      { command: 'qcow2 space disk.qcow2', does: 'Show why an image is as big as it is.' },
      { command: 'qcow2 space --output=json disk.qcow2', does: 'The same as JSON.' },
    ],
  },
  read: {
    summary: 'print bytes of the guest disk',
    description: ['Prints guest data as it is, read through the backing chain.'],
    operands: { ...IMAGE, ...RANGE },
    options: {},
    examples: [
      { command: 'qcow2 read disk.qcow2 0 512 | hexdump -C', does: 'Look at the boot sector.' },
      { command: 'qcow2 read disk.qcow2 s2048 1G > part.img', does: 'Copy 1 GiB from sector 2048 on.' },
    ],
  },
} as const satisfies Readonly<Record<string, VerbDeclaration>>;
