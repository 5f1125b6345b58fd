/**
 * What v5 adds to every block of metadata: a checksum, the place of the block, the UUID of the file system, and the owner.
 * Each kind of block has these fields at other places.
 */
import type { GuestProblem } from '../errors';
import type { DeviceOffset } from '../units';
import { sameBytes, u64, viewOf } from './bigEndian';
import { hasRightChecksum } from './checksum';
import { wrongValue } from './problems';
import type { Volume } from './volume';

/** Offsets of the fields, in bytes from the start of the block. */
export interface Seal {
  readonly checksum: number;
  /** In units of 512 bytes. */
  readonly place: number;
  readonly uuid: number;
  readonly owner: number;
  readonly ownerLength: 4 | 8;
}

/** `struct xfs_btree_block`, short form: trees of a group. */
export const GROUP_TREE_SEAL: Seal = { checksum: 52, place: 16, uuid: 32, owner: 48, ownerLength: 4 };
/** `struct xfs_btree_block`, long form: trees of extents. */
export const EXTENT_TREE_SEAL: Seal = { checksum: 64, place: 24, uuid: 40, owner: 56, ownerLength: 8 };
/** `struct xfs_dir3_blk_hdr`. */
export const DIRECTORY_SEAL: Seal = { checksum: 4, place: 8, uuid: 24, owner: 40, ownerLength: 8 };
/** `struct xfs_dsymlink_hdr`. */
export const LINK_SEAL: Seal = { checksum: 12, place: 40, uuid: 16, owner: 32, ownerLength: 8 };

/**
 * What is wrong with the seal of a block that is at least as long as its header.
 * @param owner number of the inode or of the group
 */
export function sealProblem(
  bytes: Uint8Array,
  seal: Seal,
  volume: Volume,
  where: { readonly what: string; readonly place: DeviceOffset; readonly owner: number },
): GuestProblem | undefined {
  const { what, place, owner } = where;
  const view = viewOf(bytes);
  if (!hasRightChecksum(bytes, seal.checksum)) return { code: 'guest.checksum', what, offset: place };
  const storedPlace = u64(view, seal.place) * 512;
  if (storedPlace !== place) return wrongValue(what, place, storedPlace, place);
  const storedOwner = seal.ownerLength === 4 ? view.getUint32(seal.owner) : u64(view, seal.owner);
  if (storedOwner !== owner) return wrongValue(what, place, storedOwner, owner);
  const isOurs = sameBytes(bytes.subarray(seal.uuid, seal.uuid + 16), volume.superblock.metaUuid);
  return isOurs ? undefined : wrongValue(what, place, 'another UUID', volume.superblock.uuid);
}
