/** What can be chosen in the Shrink dialog, under one key each. */
import type { PageGuestSpace, ShrinkChoice, ShrinkOffers } from '../../../src/editor/page/messages';
import { guestSpaceKey } from '../../base/guestSpace';

export interface Choice {
  readonly key: string;
  /** Bytes; 0 also where that is not known. */
  readonly freed: number;
  /** Chosen unless the user leaves it out. */
  readonly isUsual: boolean;
}

/** Swap areas and unpartitioned space are given up only when asked for. */
const USUAL: ReadonlySet<PageGuestSpace['source']> = new Set<PageGuestSpace['source']>([
  'fileSystem',
  'extents',
]);

export const choicesOf = ({ sources, guestFree }: ShrinkOffers): readonly Choice[] => [
  ...sources.map(({ source, freed = 0 }) => ({ key: source, freed, isUsual: true })),
  ...(guestFree.spaces ?? []).map((space) => ({
    key: guestSpaceKey(space),
    freed: space.freed ?? 0,
    isUsual: USUAL.has(space.source),
  })),
];

/** What is asked for. @param chosen keys */
export const chosenOf = (
  { sources, guestFree }: ShrinkOffers,
  chosen: ReadonlySet<string>,
): ShrinkChoice => ({
  sources: sources.map(({ source }) => source).filter((source) => chosen.has(source)),
  guestFree: (guestFree.spaces ?? [])
    .filter((space) => chosen.has(guestSpaceKey(space)))
    .map(({ source, path }) => ({ source, path })),
});
