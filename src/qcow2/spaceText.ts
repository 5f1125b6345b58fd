/** The rows of a space report, and what each is called: a table for the command line and the editor, which translates it. */

export const SPACE_TEXT = {
  data: 'data of the guest',
  zeroAllocated: 'zero clusters that keep their space',
  compressed: 'compressed data of the guest',
  snapshots: 'held by snapshots only',
  vmState: 'VM state that an applied snapshot left behind',
  header: 'header',
  refcountTable: 'refcount table',
  refcountBlocks: 'refcount blocks',
  l1Table: 'L1 table',
  l2Tables: 'L2 tables',
  snapshotTable: 'snapshot table',
  bitmaps: 'bitmaps',
  usedTwice: 'used twice',
  leaked: 'leaked',
  free: 'free',
} as const;

export type SpaceKind = keyof typeof SPACE_TEXT;

/** In the order in which they are shown. */
export const SPACE_KINDS = Object.keys(SPACE_TEXT) as readonly SpaceKind[];
