/** The kinds of cells in the views of the map: order, colour variable, name and meaning of each. */
import type { CellKind, ContentKind, HostKind } from '../../src/editor/page/messages';
import { t } from '../base/strings';

export interface KindWords {
  /** The name in the legend. */
  readonly name: string;
  /** One or two sentences that explain it. */
  readonly meaning: string;
}

/** The kinds of one view, in the order of the shares in its cells. */
export interface KindSet<Kind extends string = string> {
  readonly kinds: readonly Kind[];
  readonly words: Readonly<Record<Kind, KindWords>>;
  /** The CSS variable of its colour, which themes and users can change. */
  variable(kind: Kind): string;
  /** Lines of a second colour over the first; undefined for kinds that have one colour. */
  lines(kind: Kind): Lines | undefined;
}

/** Kinds that a pattern tells from others, whatever colours one can tell apart. */
export interface Lines {
  /** The CSS variable of their colour. */
  readonly variable: string;
  /** One line of so many has it. */
  readonly every: number;
}

/** Holes are drawn in lines of their kind. */
export const HOLE_EVERY = 2;

/** Among the kinds that can be highlighted: the holes of a file, of whatever kind. */
export const HOLE = 'hole';

/** In the order of the shares in `Cells` (messages.ts); a unit test compares the two. */
export const KINDS = [
  'data',
  'dataZero',
  'dataSame',
  'zeroAllocated',
  'zeroPlain',
  'compressed',
  'unallocated',
  'backing1',
  'backing2',
  'backing3',
  'backingUnknown',
  'invalid',
  'missing',
] as const satisfies readonly CellKind[];

export const KIND_COUNT = KINDS.length;

export const KIND_WORDS: Readonly<Record<CellKind, KindWords>> = {
  data: { name: t('Data'), meaning: t('Stored in clusters of this image.') },
  dataZero: {
    name: t('Data, all zeroes'),
    meaning: t('Stores zeroes as data. Found by the content scan.'),
  },
  dataSame: {
    name: t('Same as backing file'),
    meaning: t('Stores what the backing file has as well. Found by the content scan.'),
  },
  zeroAllocated: {
    name: t('Zero, allocated'),
    meaning: t('Reads as zero; a host cluster stays allocated.'),
  },
  zeroPlain: { name: t('Zero'), meaning: t('Reads as zero; takes no space in the file.') },
  compressed: { name: t('Compressed'), meaning: t('Stored compressed in this image.') },
  unallocated: { name: t('Unallocated'), meaning: t('Not allocated in any layer; reads as zero.') },
  backing1: { name: t('Backing file'), meaning: t('Provided by the backing file.') },
  backing2: {
    name: t('Backing, level 2'),
    meaning: t('Provided by the backing file of the backing file.'),
  },
  backing3: {
    name: t('Backing, level 3+'),
    meaning: t('Provided by a layer three or more levels down the chain.'),
  },
  backingUnknown: {
    name: t('Backing, not opened'),
    meaning: t('Provided by a layer that could not be opened.'),
  },
  invalid: { name: t('Invalid entry'), meaning: t('The table entry violates the specification.') },
  missing: {
    name: t('Beyond the end of the file'),
    meaning: t('Beyond the end of the file. The data is lost, and QEMU reads zeroes.'),
  },
};

/** `--vscode-qcow2-mapData`. */
const variable = (prefix: string, kind: string): string =>
  `--vscode-qcow2-${prefix}${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;

/** Whether a kind occurs only with a backing chain. */
export const isFromBacking = (kind: CellKind): boolean => kind.startsWith('backing');

/** Kinds that only a content scan finds. */
export const isFoundByScan = (kind: CellKind): boolean => kind === 'dataZero' || kind === 'dataSame';

/** Kinds of clusters of the guest disk. What a scan has found is data with lines. */
export const GUEST_KINDS: KindSet<CellKind> = {
  kinds: KINDS,
  words: KIND_WORDS,
  variable: (kind) => variable('map', isFoundByScan(kind) ? 'data' : kind),
  lines: (kind) =>
    isFoundByScan(kind) ? { variable: variable('map', kind), every: kind === 'dataZero' ? 2 : 4 } : undefined,
};

/** A cluster beyond the end of the image file: the file view explains it, but has no cell for it. */
export const BEYOND_FILE: KindWords = {
  name: KIND_WORDS.missing.name,
  meaning: t('Beyond the end of the file. References to this cluster are invalid.'),
};

/** Kinds of clusters of the image file. */
export const FILE_KINDS: KindSet<HostKind> = {
  kinds: [
    'header',
    'refcountTable',
    'refcountBlock',
    'l1',
    'l2',
    'data',
    'compressed',
    'vmState',
    'snapshot',
    'bitmap',
    'conflict',
    'leaked',
    'free',
  ],
  words: {
    header: { name: t('Header'), meaning: t('The header, its extensions, and an encryption header.') },
    refcountTable: { name: t('Refcount table'), meaning: t('Lists the refcount blocks.') },
    refcountBlock: { name: t('Refcount blocks'), meaning: t('Hold the refcount of each cluster.') },
    l1: { name: t('L1 table'), meaning: t('Lists the L2 tables.') },
    l2: { name: t('L2 tables'), meaning: t('Map guest clusters to host clusters.') },
    data: { name: t('Data'), meaning: t('Guest data.') },
    compressed: { name: t('Compressed'), meaning: t('Compressed guest data.') },
    vmState: {
      name: t('VM state left behind'),
      meaning: t(
        'VM state past the end of the disk, left there when a snapshot was applied. Nothing reads it.',
      ),
    },
    snapshot: {
      name: t('Snapshots only'),
      meaning: t('Tables and data used only by internal snapshots.'),
    },
    bitmap: { name: t('Bitmaps'), meaning: t('Persistent dirty bitmaps: directory, tables and bits.') },
    conflict: {
      name: t('Used twice'),
      meaning: t('Used by two structures that cannot share a cluster. Writing one corrupts the other.'),
    },
    leaked: { name: t('Leaked'), meaning: t('Has a refcount, but no references.') },
    free: { name: t('Free'), meaning: t('Not in use. Available for new clusters.') },
  },
  // Kinds of both views have the same colour in both.
  variable: (kind) => {
    if (kind === 'free') return variable('map', 'unallocated');
    if (kind === 'vmState') return variable('map', 'data');
    return variable(kind === 'data' || kind === 'compressed' ? 'map' : 'file', kind);
  },
  lines: (kind) => (kind === 'vmState' ? { variable: variable('file', kind), every: 2 } : undefined),
};

/** What the host has stored nothing for, in the words of the legend. */
export const HOLE_WORDS: KindWords = {
  name: t('Holes'),
  meaning: t('Part of the file, but not stored on the host. Reads as zero.'),
};

/** What the guest does with the clusters of its disk. The worker's `CONTENT_KINDS` have the same order. */
export const CONTENT_KINDS: KindSet<ContentKind> = {
  kinds: ['inUse', 'inDoubt', 'freeStored', 'freeAbsent', 'noSystem'],
  words: {
    inUse: {
      name: t('File system, in use'),
      meaning: t('Files and structures of file systems in the guest.'),
    },
    inDoubt: {
      name: t('File system, not sure'),
      meaning: t('A file system that was not closed, or is damaged: what it says is free counts as in use.'),
    },
    freeStored: {
      name: t('Free in the guest, stored'),
      meaning: t('The guest does not use it, but this image stores it. Shrink can free it.'),
    },
    freeAbsent: {
      name: t('Free in the guest'),
      meaning: t('The guest does not use it, and this image does not store it.'),
    },
    noSystem: {
      name: t('No known file system'),
      meaning: t('Unpartitioned, or in a partition without a file system that can be read.'),
    },
  },
  variable: (kind) => variable('content', kind === 'inDoubt' ? 'inUse' : kind),
  lines: (kind) => (kind === 'inDoubt' ? { variable: variable('content', kind), every: 3 } : undefined),
};
