/**
 * The English sentence for each kind of finding. describeFinding.ts fills in `{entry}` and `{cluster}` (where it is),
 * `{host}` (an offset), `{found}` and `{expected}` (as the finding has them), `{foundOffset}` and `{expectedOffset}` (as
 * `0x…`), `{structure}`, `{snapshot}`, `{size}`, `{claims}` and `{problem}`. The editor's translations are keyed by these
 * sentences.
 */
export const FINDING_TEXT = {
  refcountTooHigh: '{cluster}: refcount {found}, references {expected}. Space is leaked.',
  refcountTooLow: '{cluster}: refcount {found}, references {expected}. Data may be overwritten.',
  refcountOverflow: '{cluster}: more references than a refcount can hold ({expected}).',
  refcountUnreadable: '{cluster}: refcount not readable, references {expected}.',
  refcountBlockReserved: 'Refcount table: {entry} is {found}; its reserved bits are set.',
  refcountBlockMisaligned:
    'Refcount table: {entry} is {found}; the offset is not a multiple of the cluster size.',
  refcountBlockBeyondFile: 'Refcount table: {entry} points beyond the end of the file ({found}).',
  refcountBlockShared: 'Refcount block at {host}: {found} references instead of one.',
  beyondFile:
    'Beyond the end of the file at {expectedOffset}: {structure} at host offset {host}, referenced by {entry}.',
  l1Reserved: 'L1 table: {entry} is {found}; its reserved bits are set.',
  l1Misaligned: 'L1 table: {entry} is {found}; the offset is not a multiple of the cluster size.',
  l1Copied: 'L1 table: {entry} is {found}, but the refcount of the L2 table is {expected}: COPIED is wrong.',
  l2Reserved: 'L2 table: {entry} is {found}; its reserved bits are set.',
  l2Copied: 'L2 table: COPIED is {found} in {entry}, but the refcount of the cluster is {expected}.',
  dataMisaligned: 'L2 table: {entry} is {found}; the offset is not a multiple of the cluster size.',
  preallocatedMisaligned:
    'L2 table: {entry} is {found}; the offset of the zero cluster is not a multiple of the cluster size.',
  compressedCopied: 'L2 table: {entry} is {found}; a compressed cluster has COPIED set.',
  compressedInDataFile:
    'L2 table: {entry} is {found}; there are no compressed clusters with an external data file.',
  compressedSubclusters: 'L2 table: {entry} is {found}; a compressed cluster has subclusters.',
  subclustersBoth: 'L2 table: {entry} is {found}; subclusters are both allocated and zero.',
  subclustersUnallocated: 'L2 table: {entry} is {found}; subclusters are allocated, but not their cluster.',
  snapshotL1Misaligned:
    'Snapshot #{snapshot}: the offset {foundOffset} of its L1 table is not a multiple of the cluster size.',
  snapshotL1TooLarge:
    'Snapshot #{snapshot}: its L1 table has {found} entries; at most {expected} are allowed.',
  snapshotIncomplete: 'Snapshot #{snapshot}: the size of its disk or of its VM state is missing.',
  snapshotExtraData:
    'Snapshot #{snapshot}: it has {found} bytes of extra data; at most {expected} are allowed.',
  snapshotsTooMany: 'There are {found} snapshots; at most {expected} are allowed.',
  snapshotTableTooBig:
    'Only {expected} of {found} snapshots fit into the largest allowed table of {size} bytes.',
  snapshotsWithDataFile: 'There are {found} snapshots, which images with an external data file cannot have.',
  unreadable: '{problem}',
  bitmapEntry: 'Bitmap table: {entry} is {found}, which is not a valid bitmap cluster offset.',
  zeroFlagInVersion2: 'L2 table: {entry} is {found}; version 2 has no zero flag.',
  zeroFlagReserved: 'L2 table: {entry} is {found}; with subclusters the zero flag is reserved.',
  dataFileOffset: 'L2 table: {entry} is {found}; in the external data file it must be at {expected}.',
  overlap: '{cluster}: used twice, by {claims}.',
} as const;

export type FindingKind = keyof typeof FINDING_TEXT;

/** Structures that refer to host clusters, by their names in the specification. */
export const STRUCTURES = [
  'header',
  'L1 table',
  'L2 table',
  'snapshot table',
  'refcount table',
  'refcount block',
  'encryption header',
  'bitmap directory',
  'bitmap table',
  'bitmap data',
  'data',
  'compressed data',
] as const;

export type Structure = (typeof STRUCTURES)[number];

/** Where it is, within the sentences above. */
export const PLACE_TEXT = {
  entry: 'the entry at {at}',
  guestEntry: 'the entry at {at}, for guest offset {guest}',
  snapshotEntry: 'the entry at {at} of snapshot #{snapshot}',
  snapshotGuestEntry: 'the entry at {at} of snapshot #{snapshot}, for guest offset {guest}',
  cluster: 'Host cluster at {host}',
  clusters: '{clusters} host clusters from {host}',
  guestClaim: '{structure} of guest offset {guest}',
  snapshotClaim: '{structure} of snapshot #{snapshot}',
  snapshotGuestClaim: '{structure} of snapshot #{snapshot}, guest offset {guest}',
  anotherClaim: ', and by ',
} as const;
