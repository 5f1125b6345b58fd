/** Feature bits of ext2, ext3 and ext4 (kernel documentation, filesystems/ext4, "Super Block"), and what they allow. */

/** `s_feature_compat` */
export const HAS_JOURNAL = 0x4;
export const SPARSE_SUPER2 = 0x200;

/** `s_feature_incompat` */
export const COMPRESSION = 0x1;
export const FILETYPE = 0x2;
export const RECOVER = 0x4;
export const JOURNAL_DEVICE = 0x8;
export const META_BG = 0x10;
export const EXTENTS = 0x40;
export const WIDE = 0x80;
export const MMP = 0x100;
export const FLEX_BG = 0x200;
export const EA_INODE = 0x400;
export const DIRDATA = 0x1000;
export const CSUM_SEED = 0x2000;
export const LARGE_DIRECTORY = 0x4000;
export const INLINE_DATA = 0x8000;
export const ENCRYPT = 0x1_0000;
export const CASEFOLD = 0x2_0000;

/** `s_feature_ro_compat` */
export const SPARSE_SUPER = 0x1;
export const LARGE_FILE = 0x2;
export const BTREE_DIRECTORY = 0x4;
export const HUGE_FILE = 0x8;
export const GDT_CSUM = 0x10;
export const DIR_NLINK = 0x20;
export const EXTRA_ISIZE = 0x40;
export const QUOTA = 0x100;
export const BIGALLOC = 0x200;
export const METADATA_CSUM = 0x400;
export const READ_ONLY = 0x1000;
export const PROJECT = 0x2000;
export const VERITY = 0x8000;
export const ORPHAN_PRESENT = 0x1_0000;

/** Incompatible features with which the maps of free space mean what this reader takes them to mean. */
const KNOWN_INCOMPATIBLE =
  FILETYPE |
  RECOVER |
  JOURNAL_DEVICE |
  META_BG |
  EXTENTS |
  WIDE |
  MMP |
  FLEX_BG |
  EA_INODE |
  CSUM_SEED |
  LARGE_DIRECTORY |
  INLINE_DATA |
  ENCRYPT |
  CASEFOLD;

/** The same of read-only-compatible features. Left out: snapshots (0x80), replicas (0x800), shared blocks (0x4000). */
const KNOWN_READ_ONLY_COMPATIBLE =
  SPARSE_SUPER |
  LARGE_FILE |
  BTREE_DIRECTORY |
  HUGE_FILE |
  GDT_CSUM |
  DIR_NLINK |
  EXTRA_ISIZE |
  QUOTA |
  BIGALLOC |
  METADATA_CSUM |
  READ_ONLY |
  PROJECT |
  VERITY |
  ORPHAN_PRESENT;

/** What ext3 has; whatever has more is ext4 (as blkid decides). */
const EXT3_INCOMPATIBLE = FILETYPE | RECOVER | META_BG;
const EXT3_READ_ONLY_COMPATIBLE = SPARSE_SUPER | LARGE_FILE | BTREE_DIRECTORY;

export interface Features {
  readonly compatible: number;
  readonly incompatible: number;
  readonly readOnlyCompatible: number;
}

/** The incompatible features that this reader does not know, as bits. */
export const unknownIncompatible = ({ incompatible }: Features): number =>
  (incompatible & ~KNOWN_INCOMPATIBLE) >>> 0;

/** The same of read-only-compatible features. */
export const unknownReadOnlyCompatible = ({ readOnlyCompatible }: Features): number =>
  (readOnlyCompatible & ~KNOWN_READ_ONLY_COMPATIBLE) >>> 0;

/** What people call a file system with these features. */
export function kindOf({ compatible, incompatible, readOnlyCompatible }: Features): string {
  if ((incompatible & JOURNAL_DEVICE) !== 0) return 'ext journal';
  const isExt4 =
    (incompatible & ~EXT3_INCOMPATIBLE) !== 0 || (readOnlyCompatible & ~EXT3_READ_ONLY_COMPATIBLE) !== 0;
  if (isExt4) return 'ext4';
  return (compatible & HAS_JOURNAL) === 0 ? 'ext2' : 'ext3';
}
