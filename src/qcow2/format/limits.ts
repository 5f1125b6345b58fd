/** Limits of the format, and those that QEMU adds to it so that hostile images cannot make it allocate at will. */

export const MIN_CLUSTER_BITS = 9;
export const MAX_CLUSTER_BITS = 21;
/** Subclusters of one cluster in an image with extended L2 entries. */
export const SUBCLUSTERS = 32;
export const MIN_SUBCLUSTER_SIZE = 512;
export const MAX_REFCOUNT_ORDER = 6;
/** Bytes. */
export const MAX_REFCOUNT_TABLE_SIZE = 8 * 1024 * 1024;
/** Bytes. */
export const MAX_L1_SIZE = 32 * 1024 * 1024;
/** Entries. */
export const MAX_L1_INDEX = 2 ** 31 - 1;
export const MAX_SNAPSHOTS = 65536;
/** Bytes of the whole snapshot table. */
export const MAX_SNAPSHOT_TABLE_SIZE = 64 * 1024 * 1024;
/** Bytes of extra data in one snapshot table entry. */
export const MAX_SNAPSHOT_EXTRA_SIZE = 1024;
/** Bytes. */
export const MAX_BACKING_NAME_SIZE = 1023;
/** Bytes: QEMU holds the name in 16, the last of them null. */
export const MAX_BACKING_FORMAT_SIZE = 15;
export const MAX_BITMAPS = 65535;
export const MAX_BITMAP_NAME_SIZE = 1023;
/** Bytes of the whole bitmap directory: 65535 entries of 24 + 1000 bytes. */
export const MAX_BITMAP_DIRECTORY_SIZE = MAX_BITMAPS * 1024;
export const MIN_BITMAP_GRANULARITY_BITS = 9;
export const MAX_BITMAP_GRANULARITY_BITS = 31;
/** Entries of one bitmap table. */
export const MAX_BITMAP_TABLE_ENTRIES = 0x8000000;
/** Bits of one bitmap, as bytes in memory. */
export const MAX_BITMAP_BYTES = 0x20000000;
