/** The kinds that the two views of the map tell apart: order, colour variable and words for each. */
import type { CellKind, HostKind } from '../src/editor/page/messages';
import { t } from './strings';

export interface KindWords {
  /** The name in the legend. */
  readonly name: string;
  /** A sentence that says what it means. */
  readonly meaning: string;
}

/** The kinds of one view, in the order of the shares in its cells. */
export interface KindSet<Kind extends string = string> {
  readonly kinds: readonly Kind[];
  readonly words: Readonly<Record<Kind, KindWords>>;
  /** The colour that the theme or the person chose, as a CSS variable. */
  variable(kind: Kind): string;
}

/** In the order of the shares in `Cells` (messages.ts); a unit test holds the two together. */
export const KINDS = [
  'data',
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
  data: { name: t('Data'), meaning: t('The image holds the bytes in clusters of its own.') },
  zeroAllocated: {
    name: t('Zero, allocated'),
    meaning: t('Reads as zero; a host cluster stays reserved for it.'),
  },
  zeroPlain: { name: t('Zero'), meaning: t('Reads as zero; takes no space in the file.') },
  compressed: { name: t('Compressed'), meaning: t('The image holds the bytes compressed.') },
  unallocated: { name: t('Unallocated'), meaning: t('No layer has these bytes: they read as zero.') },
  backing1: { name: t('Backing file'), meaning: t('The backing file provides these bytes.') },
  backing2: {
    name: t('Backing, 2 deep'),
    meaning: t('The backing file of the backing file provides these bytes.'),
  },
  backing3: {
    name: t('Backing, deeper'),
    meaning: t('A layer three or more steps down the chain provides these bytes.'),
  },
  backingUnknown: {
    name: t('Backing, not open'),
    meaning: t('A layer that could not be opened would provide these bytes.'),
  },
  invalid: { name: t('Invalid entry'), meaning: t('The entry for these bytes breaks the specification.') },
  missing: {
    name: t('Beyond the end of the file'),
    meaning: t('The file ends before these bytes: they are lost, and QEMU reads zeroes there.'),
  },
};

/** `--vscode-qcow2-mapData`. */
const variable = (prefix: string, kind: string): string =>
  `--vscode-qcow2-${prefix}${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;

/** Whether a kind only shows where there is a backing chain. */
export const isFromBacking = (kind: CellKind): boolean => kind.startsWith('backing');

/** What the guest's disk consists of. */
export const GUEST_KINDS: KindSet<CellKind> = {
  kinds: KINDS,
  words: KIND_WORDS,
  variable: (kind) => variable('map', kind),
};

/** A cluster of the image file that its end lies before: the file view explains it, and has no cell for it. */
export const BEYOND_FILE: KindWords = {
  name: KIND_WORDS.missing.name,
  meaning: t('The file ends before this cluster: what refers to it leads nowhere.'),
};

/** What the image file consists of. */
export const FILE_KINDS: KindSet<HostKind> = {
  kinds: [
    'header',
    'refcountTable',
    'refcountBlock',
    'l1',
    'l2',
    'data',
    'compressed',
    'snapshot',
    'bitmap',
    'conflict',
    'leaked',
    'free',
  ],
  words: {
    header: { name: t('Header'), meaning: t('The header, its extensions, and an encryption header.') },
    refcountTable: { name: t('Refcount table'), meaning: t('Says where the refcount blocks are.') },
    refcountBlock: { name: t('Refcount blocks'), meaning: t('Count how often each cluster is in use.') },
    l1: { name: t('L1 table'), meaning: t('Says where the L2 tables are.') },
    l2: { name: t('L2 tables'), meaning: t("Say where the guest's clusters are.") },
    data: { name: t('Data'), meaning: t("Clusters of the guest's disk.") },
    compressed: { name: t('Compressed'), meaning: t("Compressed clusters of the guest's disk.") },
    snapshot: {
      name: t('Snapshots only'),
      meaning: t('Tables and data that nothing but internal snapshots refers to.'),
    },
    bitmap: { name: t('Bitmaps'), meaning: t('Persistent dirty bitmaps: directory, tables and bits.') },
    conflict: {
      name: t('Used twice'),
      meaning: t('Two structures refer to it that exclude one another: writing to one destroys the other.'),
    },
    leaked: { name: t('Leaked'), meaning: t('Counted as in use, and nothing refers to it.') },
    free: { name: t('Free'), meaning: t('Not in use: the next new cluster may go here.') },
  },
  // What is in both views has one colour.
  variable: (kind) => {
    if (kind === 'free') return variable('map', 'unallocated');
    return variable(kind === 'data' || kind === 'compressed' ? 'map' : 'file', kind);
  },
};
