/** Marks of Apple's file systems, at the start of a device. */
import { type Fields, isPowerOfTwo } from '../fields';
import type { FoundSignature } from './signature';

type Test = (head: Fields) => FoundSignature | undefined;

/** Apple File System Reference, `nx_superblock_t`. */
function apfs(head: Fields): FoundSignature | undefined {
  const blockSize = head.u32(36);
  if (!head.is(32, 'NXSB') || !isPowerOfTwo(blockSize, 4096, 65_536)) return undefined;
  return {
    kind: 'apfs',
    name: 'APFS',
    offset: 32,
    uuid: head.uuid(72),
    size: head.u64(40) * blockSize,
  };
}

const VOLUME_AT = 1024;

/** Apple Technical Note TN1150, volume header. */
function hfsplus(head: Fields): FoundSignature | undefined {
  const version = head.u16(VOLUME_AT + 2, false);
  const isPlus = head.is(VOLUME_AT, 'H+') && version === 4;
  const isX = head.is(VOLUME_AT, 'HX') && version === 5;
  const blockSize = head.u32(VOLUME_AT + 40, false);
  if (!(isPlus || isX) || !isPowerOfTwo(blockSize, 512, 2 ** 31)) return undefined;
  return {
    kind: 'hfsplus',
    name: isX ? 'HFSX' : 'HFS+',
    offset: VOLUME_AT,
    size: head.u32(VOLUME_AT + 44, false) * blockSize,
  };
}

/** Inside Macintosh: Files, master directory block. It may hold an HFS+. */
function hfs(head: Fields): FoundSignature | undefined {
  const blockSize = head.u32(VOLUME_AT + 20, false);
  if (!head.is(VOLUME_AT, 'BD') || blockSize === 0 || blockSize % 512 !== 0) return undefined;
  return {
    kind: 'hfs',
    name: 'HFS',
    offset: VOLUME_AT,
    label: head.latin1(VOLUME_AT + 37, Math.min(27, head.u8(VOLUME_AT + 36))),
  };
}

export const OTHER_TESTS: readonly Test[] = [apfs, hfsplus, hfs];
