/** Headers of allocation groups: `struct xfs_agf` (free space) and `struct xfs_agfl` (blocks kept for the trees). */
import type { DeviceOffset } from '../units';
import { deviceOffset } from '../units';
import { sameBytes, viewOf } from './bigEndian';
import { hasRightChecksum } from './checksum';
import { errorOf, invalid } from './problems';
import { type GroupBlock, groupBlock, type Volume } from './volume';
import type { GuestError } from '../errors';

const AGF = 'AGF';
const AGF_MAGIC = 0x58414746; // XAGF
const AGF_CHECKSUM = 216;
const AGF_UUID = 64;
const AGFL = 'AGFL';
const AGFL_MAGIC = 0x5841464c; // XAFL
const AGFL_CHECKSUM = 32;
const AGFL_UUID = 8;
const AGFL_HEADER = 36;

export interface GroupFreeSpace {
  readonly place: DeviceOffset;
  /** Root of the tree of free blocks by their numbers. */
  readonly root: GroupBlock;
  /** Levels of that tree: 1 where the root has the records. */
  readonly levels: number;
  /** Blocks that the tree has. */
  readonly freeBlocks: number;
  /** Blocks of the list, which the trees take from and give to. */
  readonly listBlocks: number;
  /** Blocks of both trees of free blocks but for the roots; only with lazy counters. */
  readonly treeBlocks: number;
  readonly listFirst: number;
  readonly listLast: number;
}

/** @throws GuestError where it is not the header of this group, or its checksum is wrong */
export function readGroup(volume: Volume, group: number): GroupFreeSpace {
  const { sectorSize, version, metaUuid } = volume.superblock;
  const place = deviceOffset(volume.groupStart(group) + sectorSize);
  const bytes = volume.read(place, sectorSize, AGF);
  const view = viewOf(bytes);
  if (view.getUint32(0) !== AGF_MAGIC) throw invalid(AGF, place, view.getUint32(0), AGF_MAGIC);
  if (version === 5) {
    if (!hasRightChecksum(bytes, AGF_CHECKSUM)) throw wrongChecksum(AGF, place);
    if (!sameBytes(bytes.subarray(AGF_UUID, AGF_UUID + 16), metaUuid)) throw wrongUuid(AGF, place, volume);
  }
  const length = volume.groupLength(group);
  const field = (at: number, limit: number): number => {
    const value = view.getUint32(at);
    if (value > limit) throw invalid(AGF, place, value, limit);
    return value;
  };
  if (view.getUint32(4) !== 1) throw invalid(AGF, place, view.getUint32(4), 1);
  if (view.getUint32(8) !== group) throw invalid(AGF, place, view.getUint32(8), group);
  if (view.getUint32(12) !== length) throw invalid(AGF, place, view.getUint32(12), length);
  return {
    place,
    root: groupBlock(field(16, length - 1)),
    levels: view.getUint32(28),
    listFirst: view.getUint32(40),
    listLast: view.getUint32(44),
    listBlocks: field(48, length),
    freeBlocks: field(52, length),
    treeBlocks: field(60, length),
  };
}

/** The blocks on the list of a group: in use, for trees that grow. @throws GuestError */
export function readFreeList(
  volume: Volume,
  group: number,
  { listFirst, listLast, listBlocks }: GroupFreeSpace,
): GroupBlock[] {
  const { sectorSize, version, metaUuid } = volume.superblock;
  const place = deviceOffset(volume.groupStart(group) + 3 * sectorSize);
  const bytes = volume.read(place, sectorSize, AGFL);
  const view = viewOf(bytes);
  const isV5 = version === 5;
  if (isV5) {
    if (view.getUint32(0) !== AGFL_MAGIC) throw invalid(AGFL, place, view.getUint32(0), AGFL_MAGIC);
    if (!hasRightChecksum(bytes, AGFL_CHECKSUM)) throw wrongChecksum(AGFL, place);
    if (view.getUint32(4) !== group) throw invalid(AGFL, place, view.getUint32(4), group);
    if (!sameBytes(bytes.subarray(AGFL_UUID, AGFL_UUID + 16), metaUuid)) throw wrongUuid(AGFL, place, volume);
  }
  const first = isV5 ? AGFL_HEADER : 0;
  const room = Math.floor((sectorSize - first) / 4);
  if (listBlocks === 0) return [];
  // Two kernels disagreed on how many blocks the list has room for: a list that wraps at another length is not read.
  if (listFirst >= room || listLast >= room)
    throw invalid(AGFL, place, Math.max(listFirst, listLast), room - 1);
  const counted = ((listLast - listFirst + room) % room) + 1;
  if (counted !== listBlocks) throw invalid(AGFL, place, listBlocks, counted);
  const limit = volume.groupLength(group);
  return Array.from({ length: listBlocks }, (_, index) => {
    const block = view.getUint32(first + ((listFirst + index) % room) * 4);
    if (block === 0 || block >= limit) throw invalid(AGFL, place, block, limit - 1);
    return groupBlock(block);
  });
}

function wrongChecksum(what: string, offset: number): GuestError {
  return errorOf({ code: 'guest.checksum', what, offset });
}

function wrongUuid(what: string, offset: number, volume: Volume): GuestError {
  return invalid(what, offset, 'another UUID', volume.superblock.uuid);
}
