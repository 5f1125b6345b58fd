/**
 * Feature bits of the superblock (`xfs_format.h`): which are known, what follows from those that are not, and what else in
 * the superblock keeps the map of free space from being believed.
 */
import type { BlockDevice } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import { hex } from './bigEndian';
import { type Superblock, VERSION_SHARED } from './superblock';

/** Of v4, `features2`: lazy counters, version 2 attributes, 32-bit project IDs, file types. */
const KNOWN_FEATURES_2 = 0x2 | 0x8 | 0x80 | 0x200;
/** Of v5, `features2`, too: the bit that says that there are checksums. */
const CHECKSUMS = 0x100;
const KNOWN_READ_ONLY_COMPATIBLE =
  0x1 | // tree of free inodes
  0x2 | // tree of reverse mappings
  0x4 | // shared extents
  0x8; // counters of inode tree blocks
const NEEDS_REPAIR = 0x10;
const KNOWN_INCOMPATIBLE =
  0x1 | // file types in directories
  0x2 | // sparse chunks of inodes
  0x4 | // a UUID of its own for metadata
  0x8 | // timestamps beyond 2038
  NEEDS_REPAIR |
  0x20 | // counters of extents with 64 bits
  0x40 | // exchange of extents
  0x80; // parent pointers
/** Metadata directories, zoned real-time devices, gaps in zones: none of them changes how files of the data device are read. */
const READABLE_INCOMPATIBLE = KNOWN_INCOMPATIBLE | 0x100 | 0x200 | 0x400;
/** Extended attributes in the log. */
const KNOWN_LOG_INCOMPATIBLE = 0x1;

/** @throws GuestError `guest.notRead` where unknown features would make files look like what they are not */
export function expectReadable(superblock: Superblock): void {
  const unknown = superblock.raw.incompatible & ~READABLE_INCOMPATIBLE;
  if (unknown !== 0)
    throw new GuestError('guest.notRead', { what: 'XFS', value: `incompatible features ${hex(unknown)}` });
}

/** Why the map of free space may not be believed, as far as the superblock tells. */
export function superblockDoubts(superblock: Superblock, device: BlockDevice): GuestProblem[] {
  const doubts: GuestProblem[] = [];
  const size = superblock.blocks * superblock.blockSize;
  if (!superblock.hasRightChecksum) doubts.push({ code: 'guest.checksum', what: 'superblock', offset: 0 });
  if (size > device.size) doubts.push({ code: 'xfs.shorterDevice', value: size, limit: device.size });
  if (superblock.isInProgress) doubts.push({ code: 'xfs.inProgress' });
  if ((superblock.raw.incompatible & NEEDS_REPAIR) !== 0) doubts.push({ code: 'xfs.needsRepair' });
  for (const [what, bits] of unknownFeatures(superblock))
    if (bits !== 0) doubts.push({ code: 'xfs.feature', what, value: hex(bits) });
  return doubts;
}

function unknownFeatures({ version, raw }: Superblock): [string, number][] {
  const known2 = version === 5 ? KNOWN_FEATURES_2 | CHECKSUMS : KNOWN_FEATURES_2;
  return [
    ['versionnum', raw.sharedVersion === 0 ? 0 : raw.versionBits & VERSION_SHARED],
    ['features2', raw.features2 & ~known2],
    // No compatible feature has ever been defined.
    ['features_compat', raw.compatible],
    ['features_ro_compat', raw.readOnlyCompatible & ~KNOWN_READ_ONLY_COMPATIBLE],
    ['features_incompat', raw.incompatible & ~KNOWN_INCOMPATIBLE],
    ['features_log_incompat', raw.logIncompatible & ~KNOWN_LOG_INCOMPATIBLE],
  ];
}
