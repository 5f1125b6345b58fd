/**
 * What a file is that does not begin as a qcow2 image does, as far as its bytes tell: disk images of other kinds,
 * compressed files, downloads that went wrong. A pure function, for the error that names it and for the probing of
 * backing files.
 */

/** By problem code, without `foreign.`. */
export type ForeignKind =
  | 'qcow1'
  | 'vmdk'
  | 'vmdkDescriptor'
  | 'vdi'
  | 'vhdx'
  | 'vhd'
  | 'qed'
  | 'parallels'
  | 'luks'
  | 'gzip'
  | 'xz'
  | 'zstd'
  | 'bzip2'
  | 'lz4'
  | 'zip'
  | '7z'
  | 'tar'
  | 'gpt'
  | 'mbr'
  | 'bootSector'
  | 'iso'
  | 'lfs'
  | 'html'
  | 'xml'
  | 'json'
  | 'text'
  | 'zeroes';

/** Bytes of the file's start that are needed to tell all kinds apart: an ISO 9660 volume is named behind 32 KiB. */
export const HEAD_BYTES = 36 * 1024;
/** Bytes of the file's end: the footer of a fixed VHD. */
export const TAIL_BYTES = 512;

interface Magic {
  readonly kind: ForeignKind;
  /** Bytes as Latin-1. */
  readonly magic: string;
  readonly at: number;
  /** QEMU's name, where QEMU takes a file that begins so for a format of its own. */
  readonly qemuName?: string;
}

const magic = (kind: ForeignKind, text: string, at = 0, qemuName?: string): Magic => ({
  kind,
  magic: text,
  at,
  ...(qemuName === undefined ? {} : { qemuName }),
});

/** The first that fits: an ISO that boots from a disk has a partition table as well. */
const MAGICS: readonly Magic[] = [
  magic('qcow1', 'QFI\xfb\0\0\0\x01', 0, 'qcow'),
  magic('vmdk', 'KDMV', 0, 'vmdk'),
  magic('vmdk', 'COWD', 0, 'vmdk'),
  magic('vmdkDescriptor', '# Disk DescriptorFile', 0, 'vmdk'),
  magic('vhdx', 'vhdxfile', 0, 'vhdx'),
  magic('vhd', 'conectix', 0, 'vpc'),
  magic('qed', 'QED\0', 0, 'qed'),
  magic('luks', 'LUKS\xba\xbe', 0, 'luks'),
  magic('parallels', 'WithoutFreeSpace', 0, 'parallels'),
  magic('parallels', 'WithouFreSpacExt', 0, 'parallels'),
  magic('vdi', '\x7f\x10\xda\xbe', 64, 'vdi'),
  magic('gzip', '\x1f\x8b'),
  magic('xz', '\xfd7zXZ\0'),
  magic('zstd', '\x28\xb5\x2f\xfd'),
  magic('bzip2', 'BZh'),
  magic('lz4', '\x04\x22\x4d\x18'),
  magic('zip', 'PK\x03\x04'),
  magic('7z', '7z\xbc\xaf\x27\x1c'),
  magic('tar', 'ustar', 257),
  magic('iso', 'CD001', 0x8001),
  magic('gpt', 'EFI PART', 512),
  magic('gpt', 'EFI PART', 4096),
];

/**
 * @param head the first `HEAD_BYTES` of the file, or all of it
 * @param tail its last `TAIL_BYTES`, or all of it; empty where only its start is of interest
 * @returns undefined where nothing is recognised, as in an empty file
 */
export function foreignKind(head: Uint8Array, tail: Uint8Array): ForeignKind | undefined {
  const found = magicOf(head);
  if (found !== undefined) return found.kind;
  if (latin1(tail).startsWith('conectix')) return 'vhd';
  return bootSectorKind(head) ?? textKind(head) ?? (isZero(head) ? 'zeroes' : undefined);
}

/** The format other than qcow2 that QEMU takes a file for, going by its first bytes; undefined for raw. */
export const qemuFormatOf = (head: Uint8Array): string | undefined => magicOf(head)?.qemuName;

function magicOf(head: Uint8Array): Magic | undefined {
  return MAGICS.find((each) => latin1(head, each.at, each.magic.length) === each.magic);
}

const latin1 = (bytes: Uint8Array, at = 0, length = bytes.length): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', at, at + length);

const isZero = (bytes: Uint8Array): boolean => bytes.length > 0 && bytes.every((byte) => byte === 0);

/** A disk whose first sector ends as a boot sector does, with four entries that can be partitions, or without. */
function bootSectorKind(head: Uint8Array): 'mbr' | 'bootSector' | undefined {
  if (head.length < 512 || head[510] !== 0x55 || head[511] !== 0xaa) return undefined;
  const entries = [446, 462, 478, 494].map((at) => head.subarray(at, at + 16));
  const areFlags = entries.every(([flag]) => flag === 0 || flag === 0x80);
  const hasPartition = entries.some(
    (entry) => entry[4] !== 0 && entry.subarray(12).some((byte) => byte !== 0),
  );
  return areFlags && hasPartition ? 'mbr' : 'bootSector';
}

/** Bytes that have to be text for a file to be taken for that. */
const TEXT_SAMPLE = 1024;

function textKind(head: Uint8Array): ForeignKind | undefined {
  const text = textOf(head.subarray(0, TEXT_SAMPLE))?.trimStart().toLowerCase();
  if (text === undefined || text === '') return undefined;
  if (text.startsWith('version https://git-lfs.github.com/spec/')) return 'lfs';
  if (/^<!doctype html|^<html|^<\?xml[^>]*>\s*<(?:!doctype )?html/.test(text)) return 'html';
  if (text.startsWith('<')) return 'xml';
  return /^[{[]/.test(text) ? 'json' : 'text';
}

/** UTF-8 without control characters; a letter that the sample ends in is left out. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return /[^\t\n\f\r\P{Cc}]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
