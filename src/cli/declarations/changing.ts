/** Verbs that change an image, or can. */
import type { Syntax, VerbDeclaration } from '../declaration';
import { DATA_FILE_OPTION, IMAGE, OUTPUT_OPTION, POLICY_OPTION, RANGE, ZERO_OPTIONS } from './shared';

/** Lines of `batch`: the verb, then what it takes there. */
export const BATCH_LINES = {
  'write-zeroes': { operands: RANGE, options: ZERO_OPTIONS },
  discard: { operands: RANGE, options: {} },
  write: {
    operands: {
      OFFSET: RANGE.OFFSET,
      HEX: { kind: 'text', description: 'The data, two hexadecimal digits a byte.' },
    },
    options: {},
  },
} as const satisfies Readonly<Record<string, Syntax>>;

export const CHANGING = {
  check: {
    summary: 'check the tables and refcounts of an image, and repair them',
    description: [
      'Compares the refcounts with what refers to each cluster. Counts, fields and exit codes are those of "qemu-img ' +
        'check"; overlaps are reported as well.',
      'With -r the image is repaired: -r leaks frees clusters that are not used, -r all repairs everything. What ' +
        'cannot be kept is named as lost. If parts of the file are missing, -r all repairs only leaks: copy the file ' +
        'again first. If that is not possible, --give-up-missing gives up the missing parts and repairs the rest.',
    ],
    operands: IMAGE,
    options: {
      ...OUTPUT_OPTION,
      repair: {
        short: 'r',
        isKnownByLetter: true,
        choices: ['leaks', 'all'],
        description: 'Repair the image.',
      },
      'give-up-missing': {
        needs: { option: 'repair', value: 'all' },
        description: 'Give up parts of the file that are missing.',
      },
    },
    examples: [
      { command: 'qcow2 check disk.qcow2', does: 'Check an image; nothing is changed.' },
      { command: 'qcow2 check -r leaks disk.qcow2', does: 'Free leaked clusters.' },
      { command: 'qcow2 check -r all disk.qcow2', does: 'Repair everything.' },
    ],
    exitCodes: [
      { code: 0, means: 'No errors; after -r: none are left.' },
      { code: 1, means: 'The check or the repair could not be completed.' },
      { code: 2, means: 'The image is corrupt; after -r: still corrupt.' },
      { code: 3, means: 'Clusters are leaked, nothing else is wrong.' },
      { code: 63, means: 'The file is not a qcow2 image.' },
    ],
  },
  'write-zeroes': {
    summary: 'make a range of the guest disk read as zeroes',
    description: [
      'Sets the zero flag of whole clusters. With --unmap clusters become unallocated if the image has no backing ' +
        'file, also in images of version 2; over a backing file they get the zero flag, which hides what is below. ' +
        'Where the format has no other way, zeroes are written.',
      'Freed clusters stay in the file: "qcow2 give-back" makes it smaller.',
    ],
    operands: { ...IMAGE, ...RANGE },
    options: { ...ZERO_OPTIONS, ...DATA_FILE_OPTION },
    examples: [
      {
        command: 'qcow2 write-zeroes --unmap disk.qcow2 1G 512M',
        does: 'Zero 512 MiB and free its clusters.',
      },
      { command: "qcow2 write-zeroes disk.qcow2 '#31' '#1'", does: 'Zero guest cluster 31.' },
    ],
  },
  discard: {
    summary: 'give up whole clusters of a range of the guest disk',
    description: [
      'The clusters read as zero afterwards. Parts of clusters are left alone, and so are clusters of an image of ' +
        'version 2 that has a backing file; the output says so.',
    ],
    operands: { ...IMAGE, ...RANGE },
    options: DATA_FILE_OPTION,
    examples: [{ command: 'qcow2 discard disk.qcow2 0x100000 64k', does: 'Discard 64 KiB at 1 MiB.' }],
  },
  write: {
    summary: 'write standard input to the guest disk',
    description: ['Writes until the end of the input. Clusters are allocated as needed.'],
    operands: { ...IMAGE, OFFSET: { kind: 'bytes', description: 'Where to write on the guest disk.' } },
    options: DATA_FILE_OPTION,
    input: 'DATA',
    examples: [{ command: 'qcow2 write disk.qcow2 0 < mbr.bin', does: 'Write a boot sector.' }],
  },
  batch: {
    summary: 'make several changes in one save',
    description: [
      'Reads one change a line from standard input: "write-zeroes [OPTION]... OFFSET LENGTH", "discard OFFSET LENGTH" ' +
        'or "write OFFSET HEX", where HEX is the data as hexadecimal digits. Empty lines and lines that begin with # ' +
        'are skipped. Either all changes are saved, or none.',
    ],
    operands: IMAGE,
    options: DATA_FILE_OPTION,
    input: 'CHANGES',
    examples: [
      {
        command: String.raw`printf 'write-zeroes --unmap 0 64k\nwrite 2M 414243\n' | qcow2 batch disk.qcow2`,
        does: 'Zero 64 KiB and write three bytes.',
      },
    ],
  },
  rebase: {
    summary: 'name another backing file in the header',
    description: [
      'Does what "qemu-img rebase -u" does: only the name in the header is changed. If the new backing file does not ' +
        'hold the same data as the old one, the guest sees another disk.',
    ],
    operands: {
      ...IMAGE,
      BACKING: {
        kind: 'path',
        isOptional: true,
        description: "The new backing file, as the header names it. Left out or '': none.",
      },
    },
    options: {
      format: {
        value: 'FMT',
        kind: 'text',
        description: 'Format of the backing file. Default: found by probing the file.',
      },
    },
    caution: 'unsafe, as qemu-img rebase -u: only the name is changed',
    examples: [
      { command: 'qcow2 rebase overlay.qcow2 base-moved.qcow2', does: 'Follow a base that was renamed.' },
      { command: "qcow2 rebase overlay.qcow2 ''", does: 'Name no backing file any more.' },
    ],
  },
  shrink: {
    summary: 'give up what an image stores needlessly',
    description: [
      'Without sources it says what each of them would free. With some, it frees that inside the file in one save: ' +
        'guest and snapshots read as before, except that what the guest does not use may read as zero. What a snapshot still holds ' +
        'is left alone.',
      'The file itself gets no shorter by that: --compact moves what is in use to its start and cuts off the rest, --holes ' +
        'returns free space to the host without moving anything. "qcow2 compact" and "qcow2 give-back" do the same later.',
      'Not offered for images that are encrypted (--zeroes and --same-as-backing) or have an external data file, and ' +
        'refused for images that others in the folder use as their backing file.',
    ],
    operands: IMAGE,
    options: {
      zeroes: { description: 'Data that is all zero. All data of the disk is read to find it.' },
      'same-as-backing': {
        description: 'Data that the backing file has as well. All data of the disk is read to find it.',
      },
      'allocated-zeroes': {
        description: 'Space that zero clusters keep, and tables that hold nothing but zeroes.',
      },
      'vm-state': { description: 'VM state past the end of the disk, left behind by an applied snapshot.' },
      leaks: { description: 'Clusters that nothing refers to.' },
      'guest-free': {
        value: 'PARTITION',
        kind: 'text',
        isValueOptional: true,
        description:
          "What the guest's file systems do not use, in all of them or in one (as " +
          '"qcow2 df" names it). It reads as zero then. ' +
          'File systems that were not closed, have errors or are not fully known are left alone.',
      },
      'guest-swap': { description: 'Swap areas of the guest, all but their header.' },
      unpartitioned: { description: 'Space that belongs to no partition.' },
      compact: { description: 'Compact the file afterwards, as "qcow2 compact" does.' },
      holes: { description: 'Return the space to the host afterwards, as "qcow2 give-back" does.' },
      ...POLICY_OPTION,
      'dry-run': { description: 'Only say how much would be freed.' },
      ...OUTPUT_OPTION,
    },
    examples: [
      { command: 'qcow2 shrink disk.qcow2', does: 'Say what can be freed.' },
      {
        command: 'qcow2 shrink --guest-free --compact disk.qcow2',
        does: 'Free what the file systems in the guest do not use.',
      },
      {
        command: 'qcow2 shrink --zeroes --allocated-zeroes --leaks --compact disk.qcow2',
        does: 'Free it, and make the file as short as it can be.',
      },
    ],
  },
  'give-back': {
    summary: 'return unused space of the image file to the file system',
    description: [
      'Makes holes where nothing in the image is in use and cuts off the end of the file behind the last cluster in ' +
        'use. This cannot be undone; what a guest or a snapshot reads does not change.',
      'Leaked clusters are not free: run "qcow2 check -r leaks" first. An external data file is left as it is. Where ' +
        'holes cannot be made (some file systems, systems other than Linux), only the end is cut off.',
    ],
    operands: IMAGE,
    options: {
      'dry-run': { description: 'Only say how much would be returned.' },
      ...OUTPUT_OPTION,
    },
    examples: [
      { command: 'qcow2 give-back --dry-run disk.qcow2', does: 'Say how much smaller the file can be.' },
      { command: 'qcow2 give-back disk.qcow2', does: 'Make it smaller.' },
    ],
    exitCodes: [{ code: 1, means: 'Failure, or only a part of the space was returned; the image is sound.' }],
  },
  compact: {
    summary: 'move clusters into free space and shorten the image file',
    description: [
      'Moves clusters from the end of the file to free clusters before them and cuts off the end. No second file is ' +
        'needed. This cannot be undone; what a guest or a snapshot reads does not change. If it is interrupted, the image ' +
        'is sound, and what was gained until then stays; run it again for the rest.',
      'Leaked clusters are freed first. Refused are encrypted images, images with header extensions or snapshot data that ' +
        'this program does not know, and images with a raw external data file.',
    ],
    operands: IMAGE,
    options: {
      'dry-run': { description: 'Only say how much would be moved, and how long the file would be.' },
      ...OUTPUT_OPTION,
    },
    examples: [
      { command: 'qcow2 compact --dry-run disk.qcow2', does: 'Say how much shorter the file can be.' },
      { command: 'qcow2 compact --progress disk.qcow2', does: 'Make it shorter.' },
    ],
    exitCodes: [{ code: 1, means: 'Failure, or only a part was done; the image is sound.' }],
  },
  recover: {
    summary: 'undo a save that was interrupted',
    description: [
      'Restores the image to what it was before that save. If there is nothing to undo, it says so. Verbs that change an ' +
        'image do this by themselves, except for an image of version 2: it has no mark that shows whether another ' +
        'program has written to it since, so only you can say that it is safe.',
    ],
    operands: IMAGE,
    options: {
      discard: {
        description: 'Remove a journal that does not fit the image any more, and leave the image as it is.',
      },
      'other-machine': { description: 'Recover a save of another machine: you say that it no longer runs.' },
      'allow-external-data-file': {
        description: 'Restore the external data file even if it is not the file that the save changed.',
      },
    },
    examples: [{ command: 'qcow2 recover disk.qcow2', does: 'Take back an interrupted save.' }],
  },
} as const satisfies Readonly<Record<string, VerbDeclaration>>;
