/** Marks of what Linux uses, at the start of a device. Fields are named as in the kernel's headers. */
import { type Fields, isPowerOfTwo } from '../fields';
import type { FoundSignature } from './signature';

type Test = (head: Fields) => FoundSignature | undefined;

const EXT_AT = 1024;
const EXT_MAGIC = 0xef53;
const EXT_HAS_JOURNAL = 0x4;
const EXT_JOURNAL_DEVICE = 0x8;
const EXT_64BIT = 0x80;
/** Features that ext3 has; any other makes an ext4. */
const EXT3_INCOMPATIBLE = 0x2 | 0x4 | 0x10;
const EXT3_READ_ONLY = 0x1 | 0x2 | 0x4;

function ext(head: Fields): FoundSignature | undefined {
  const shift = head.u32(EXT_AT + 24);
  if (head.u16(EXT_AT + 56) !== EXT_MAGIC || shift > 6) return undefined;
  const compatible = head.u32(EXT_AT + 92);
  const incompatible = head.u32(EXT_AT + 96);
  const readOnly = head.u32(EXT_AT + 100);
  const high = (incompatible & EXT_64BIT) === 0 ? 0 : head.u32(EXT_AT + 336);
  const isJournal = (incompatible & EXT_JOURNAL_DEVICE) !== 0;
  const is4 = (incompatible & ~EXT3_INCOMPATIBLE) !== 0 || (readOnly & ~EXT3_READ_ONLY) !== 0;
  return {
    kind: isJournal ? 'jbd' : 'ext',
    name: isJournal
      ? 'ext external journal'
      : is4
        ? 'ext4'
        : (compatible & EXT_HAS_JOURNAL) === 0
          ? 'ext2'
          : 'ext3',
    offset: EXT_AT + 56,
    label: head.utf8(EXT_AT + 120, 16),
    uuid: head.uuid(EXT_AT + 104),
    size: (high * 2 ** 32 + head.u32(EXT_AT + 4)) * 1024 * 2 ** shift,
  };
}

function xfs(head: Fields): FoundSignature | undefined {
  const blockSize = head.u32(4, false);
  if (!head.is(0, 'XFSB') || !isPowerOfTwo(blockSize, 512, 65_536)) return undefined;
  return {
    kind: 'xfs',
    name: 'XFS',
    offset: 0,
    label: head.utf8(108, 12),
    uuid: head.uuid(32),
    size: head.u64(8, false) * blockSize,
  };
}

const PAGES = [4096, 8192, 16_384, 32_768, 65_536];
const SWAP_MARKS = ['SWAPSPACE2', 'SWAP-SPACE'];
/** What a hibernated system writes over the mark: swsusp, uswsusp, TuxOnIce. */
const SUSPEND_MARKS = [
  'S1SUSPEND',
  'S2SUSPEND',
  'ULSUSPEND',
  'LINHIB0001',
  '\xed\xc3\x02\xe9\x98\x56\xe5\x0c',
];
const SWAP_HEADER = 1024;

function swap(head: Fields): FoundSignature | undefined {
  for (const page of PAGES) {
    const offset = page - 10;
    const isSwap = SWAP_MARKS.some((mark) => head.is(offset, mark));
    const hibernation = SUSPEND_MARKS.find((mark) => head.is(offset, mark));
    if (!isSwap && hibernation === undefined) continue;
    return {
      kind: 'swap',
      name: hibernation === undefined ? 'Linux swap' : 'Linux swap (hibernated)',
      offset,
      label: head.utf8(SWAP_HEADER + 28, 16),
      uuid: head.uuid(SWAP_HEADER + 12),
      // Only version 1 has these fields, and a hibernated system has left them.
      ...(head.u32(SWAP_HEADER) === 1 ? { size: (head.u32(SWAP_HEADER + 4) + 1) * page } : {}),
      ...(hibernation === undefined ? {} : { hibernation: printable(hibernation) }),
    };
  }
  return undefined;
}

const printable = (mark: string): string => (/^\w+$/.test(mark) ? mark : 'TuxOnIce');

const BTRFS_AT = 65_536;

function btrfs(head: Fields): FoundSignature | undefined {
  if (!head.is(BTRFS_AT + 64, '_BHRfS_M')) return undefined;
  return {
    kind: 'btrfs',
    name: 'Btrfs',
    offset: BTRFS_AT + 64,
    label: head.utf8(BTRFS_AT + 299, 256),
    uuid: head.uuid(BTRFS_AT + 32),
    // Of this device; others may belong to it.
    size: head.u64(BTRFS_AT + 201 + 8),
  };
}

const LUKS_MAGIC = 'LUKS\xba\xbe';
const LUKS2_SECOND_MAGIC = 'SKUL\xba\xbe';
/** Where the second header of a LUKS2 may be, as far as the start reaches; 16 KiB is usual. */
const LUKS2_SECOND = [0x4000, 0x8000, 0x10000];

function luks(head: Fields): FoundSignature | undefined {
  const second = LUKS2_SECOND.find((at) => head.is(at, LUKS2_SECOND_MAGIC));
  const at = head.is(0, LUKS_MAGIC) ? 0 : second;
  if (at === undefined) return undefined;
  const version = head.u16(at + 6, false);
  return {
    kind: 'luks',
    name: `LUKS${version}`,
    offset: at,
    label: version === 2 ? head.utf8(at + 24, 48) : '',
    uuid: head.utf8(at + 168, 40) || undefined,
  };
}

/** The label is in one of the first four sectors; what it says is read in volumes/lvmLabel.ts. */
function lvm(head: Fields): FoundSignature | undefined {
  const at = [0, 512, 1024, 1536].find(
    (offset) => head.is(offset, 'LABELONE') && head.is(offset + 24, 'LVM2 001'),
  );
  if (at === undefined) return undefined;
  const header = at + head.u32(at + 20);
  const id = head.latin1(header, 32);
  return {
    kind: 'lvm',
    name: 'LVM2 physical volume',
    offset: at,
    uuid:
      id === ''
        ? undefined
        : id.replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6})$/, '$1-$2-$3-$4-$5-$6-$7'),
    size: head.u64(header + 32),
  };
}

function squashfs(head: Fields): FoundSignature | undefined {
  if (!head.is(0, 'hsqs') || head.u16(28) < 1 || head.u16(28) > 4) return undefined;
  const bytes = head.u16(28) === 4 ? { size: head.u64(40) } : {};
  return { kind: 'squashfs', name: 'SquashFS', offset: 0, ...bytes };
}

function erofs(head: Fields): FoundSignature | undefined {
  const shift = head.u8(1024 + 12);
  if (head.u32(1024) !== 0xe0f5e1e2 || shift < 9 || shift > 16) return undefined;
  return {
    kind: 'erofs',
    name: 'EROFS',
    offset: 1024,
    label: head.utf8(1024 + 64, 16),
    uuid: head.uuid(1024 + 48),
    size: head.u32(1024 + 36) * 2 ** shift,
  };
}

function f2fs(head: Fields): FoundSignature | undefined {
  // There are two copies.
  const at = [1024, 4096 + 1024].find((offset) => head.u32(offset) === 0xf2f52010);
  if (at === undefined) return undefined;
  const shift = head.u32(at + 16);
  return {
    kind: 'f2fs',
    name: 'F2FS',
    offset: at,
    label: head.utf16(at + 124, 1024),
    uuid: head.uuid(at + 108),
    ...(shift <= 16 ? { size: head.u64(at + 36) * 2 ** shift } : {}),
  };
}

const BCACHE_AT = 4096;

/** Both have the same header: bcachefs began as bcache. */
function bcache(head: Fields): FoundSignature | undefined {
  switch (head.uuid(BCACHE_AT + 24)) {
    case 'c68573f6-4e1a-45ca-8265-f57f48ba6d81':
      return { kind: 'bcache', name: 'bcache', offset: BCACHE_AT + 24, uuid: head.uuid(BCACHE_AT + 40) };
    case 'c68573f6-66ce-90a9-d96a-60cf803df7ef':
      return {
        kind: 'bcachefs',
        name: 'bcachefs',
        offset: BCACHE_AT + 24,
        label: head.utf8(BCACHE_AT + 72, 32),
        uuid: head.uuid(BCACHE_AT + 56),
      };
    default:
      return undefined;
  }
}

export const LINUX_TESTS: readonly Test[] = [ext, xfs, swap, btrfs, luks, lvm, squashfs, erofs, f2fs, bcache];
