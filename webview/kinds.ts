/** The kinds of guest bytes that the map tells apart: order, colour variable and words for each. */
import type { CellKind } from '../src/editor/messages';
import { t } from './strings';

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
] as const satisfies readonly CellKind[];

export const KIND_COUNT = KINDS.length;

/** The name in the legend, and a sentence that says what it means. */
export const KIND_WORDS: Record<CellKind, { readonly name: string; readonly meaning: string }> = {
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
};

/** The colour that the theme or the person chose, as a CSS variable. */
export const kindVariable = (kind: CellKind): string =>
  `--vscode-qcow2-map${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;

/** Whether a kind only shows where there is a backing chain. */
export const isFromBacking = (kind: CellKind): boolean => kind.startsWith('backing');
