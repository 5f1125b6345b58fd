/**
 * The English words for each action of a repair, its places and its losses; describeRepair.ts fills them in. The editor's
 * translations are keyed by them.
 */
export const REPAIR_TEXT = {
  /** Refcounts that were higher than the references. */
  refcountLowered: 'Lower refcounts and free the space',
  /** Refcounts that were lower than the references. */
  refcountRaised: 'Raise refcounts to the number of references',
  /** Refcount table and blocks rebuilt, in clusters that nothing else uses. */
  refcountsRebuilt: 'Rebuild the refcount table and blocks',
  /** COPIED flags of L1 and L2 entries set or cleared, as the refcounts say. */
  copiedFlag: 'Correct COPIED flags',
  /** An L1 entry that cannot be kept: 0 now, and all guest clusters of its table with it. */
  l1EntryCleared: 'Clear invalid L1 entries',
  /** An L2 entry that cannot be kept: unallocated, what a backing file has shows through. */
  entryUnallocated: 'Clear invalid L2 entries; their clusters become unallocated',
  /** An L2 entry whose host cluster cannot be kept, and that read as zero all along: still does. */
  entryZeroed: 'Remove invalid host offsets from zero clusters',
  /** Bits cleared that no reader looks at. */
  reservedBitsCleared: 'Clear reserved bits',
  /** The length of a compressed cluster that led past the end of the file, where there was nothing of it. */
  compressedCut: 'Shorten compressed clusters to the end of the file',
  /** An offset in an external data file, which can only be that of the guest. */
  dataFileOffsetRepaired: 'Correct offsets in the external data file',
  /** The subcluster bitmap of an extended L2 entry. */
  subclustersRepaired: 'Correct subcluster bitmaps',
  /** A cluster of data that something else used, too: the entry has a copy of its own now. */
  dataCopied: 'Copy data out of clusters that are used twice',
  /** An L1 or L2 table, or another structure, that something else used, too: moved to a cluster of its own. */
  structureCopied: 'Move tables out of clusters that are used twice',
  /** A snapshot's table entry, to which fields were added. */
  snapshotCompleted: 'Add missing fields to snapshots',
  /** Extra data of a snapshot's table entry, beyond what is allowed. */
  snapshotExtraDataCut: 'Truncate extra data of snapshots to the allowed length',
  /** A snapshot that cannot be kept. */
  snapshotRemoved: 'Remove invalid snapshots',
  /** A bitmap table entry that cannot be kept: the bitmap has the range as dirty now. */
  bitmapEntryDirty: 'Mark unreadable parts of bitmaps as dirty',
  /** The feature bits of the header. */
  dirtyCleared: 'Clear the dirty bit',
  corruptCleared: 'Clear the corrupt bit',
} as const;

export type RepairActionKind = keyof typeof REPAIR_TEXT;

export const REPAIR_PLACE_TEXT = {
  clusters: '{clusters} clusters',
  guest: 'guest offset {guest}',
  snapshot: 'snapshot #{snapshot}',
} as const;

/** What becomes of guest bytes that cannot be kept. */
export const LOSS_TEXT = {
  place: '{size} at guest offset {guest}',
  snapshotPlace: '{size} at guest offset {guest} in snapshot #{snapshot}',
  backing: '{place}: reads from the backing file; {before}',
  zeroes: '{place}: reads as zero; {before}',
  wasReadable: 'was readable before',
  wasNotReadable: 'was not readable before',
} as const;
