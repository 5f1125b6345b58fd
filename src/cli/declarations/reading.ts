/** Verbs that only read: they open their files read-only, create nothing and lock nothing. */
import type { VerbDeclaration } from '../declaration';
import { IMAGE, INSIDE_PATH, OUTPUT_OPTION, RANGE } from './shared';

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
  ls: {
    summary: 'list files inside the disk',
    description: [
      'Lists a folder of a file system inside the guest disk, without booting or mounting it. Without PATH, the root folders of all ' +
        'file systems. Read are ext2 to ext4, FAT, exFAT, NTFS and XFS, in partitions (MBR, GPT), LVM2 volumes, or on the whole disk.',
      'What is listed is what is on the disk: a journal of the file system is not replayed.',
    ],
    operands: { ...IMAGE, PATH: { ...INSIDE_PATH, isOptional: true } },
    options: {
      long: { short: 'l', description: 'Show type, permissions, owner, group, size and time (UTC).' },
      recursive: { short: 'R', description: 'List folders within folders as well.' },
      ...OUTPUT_OPTION,
    },
    examples: [
      { command: 'qcow2 ls disk.qcow2', does: 'Show what there is.' },
      { command: 'qcow2 ls -l disk.qcow2 1:/etc', does: 'List a folder of the first partition.' },
      {
        command: 'qcow2 ls -R --output=json disk.qcow2 vg0/root:/',
        does: 'List a whole logical volume as JSON.',
      },
    ],
    exitCodes: [{ code: 1, means: 'Failure, or a part could not be listed: standard error says what.' }],
  },
  cat: {
    summary: 'print a file from inside the disk',
    description: [
      'Prints the contents of a file as they are. Symbolic links are followed within its file system.',
    ],
    operands: { ...IMAGE, PATH: INSIDE_PATH },
    options: {},
    examples: [{ command: 'qcow2 cat disk.qcow2 /etc/os-release', does: 'See which system is installed.' }],
  },
  cp: {
    summary: 'copy files out of the disk',
    description: [
      'Copies a file, or the contents of a folder, to DEST on this machine. DEST must not exist; nothing outside it is written.',
      'Names that this machine cannot hold are changed visibly. Symbolic links that lead out of DEST become small text files; ' +
        'devices are left out; owners and permissions are not taken over. Holes stay holes.',
    ],
    operands: {
      ...IMAGE,
      PATH: INSIDE_PATH,
      DEST: { kind: 'path', description: 'The file or folder to make.' },
    },
    options: {},
    examples: [
      { command: 'qcow2 cp disk.qcow2 1:/home/me/thesis.tex thesis.tex', does: 'Copy a file.' },
      { command: 'qcow2 cp disk.qcow2 1:/etc etc-of-guest', does: 'Copy a folder.' },
    ],
    exitCodes: [{ code: 1, means: 'Failure, or a part could not be copied: standard error says what.' }],
  },
  df: {
    summary: 'show partitions, volumes and how full they are',
    description: [
      'Lists partitions and logical volumes with what they hold, their size and what is used. Where the free space of a file ' +
        'system cannot be believed (it was not closed, say), it says why and what to do.',
    ],
    operands: IMAGE,
    options: OUTPUT_OPTION,
    examples: [{ command: 'qcow2 df disk.qcow2', does: 'Show what is on the disk.' }],
  },
} as const satisfies Readonly<Record<string, VerbDeclaration>>;
