/** Tells data that need not be stored from other data, once a content scan has found it. */
import type { GuestCursor, GuestSet } from '../guestSet';
import { type GuestOffset, guestOffset } from '../units';
import { CELL_KINDS, type CellKind } from './cellCounts';

/** Data of the top layer that a content scan has found. A unit may be in both sets. */
export interface FoundContents {
  /** All zero. */
  readonly zeroes: GuestSet;
  /** What the backing file gives as well; absent where there was none to compare with. */
  readonly sameAsBacking?: GuestSet;
}

/** The kind of the data at a guest byte. */
export function dataKindAt(found: FoundContents | undefined, at: GuestOffset): CellKind {
  if (found?.zeroes.has(at) === true) return 'dataZero';
  return found?.sameAsBacking?.has(at) === true ? 'dataSame' : 'data';
}

const [DATA, ZERO, SAME] = (['data', 'dataZero', 'dataSame'] as const).map((kind) =>
  CELL_KINDS.indexOf(kind),
) as [number, number, number];

/** For a walk that goes forward over the disk. */
export class DataKinds {
  /** Of the stretch that was found last, as an index of `CELL_KINDS`. */
  kind = DATA;
  readonly #sets: readonly (readonly [GuestCursor, number])[];

  /**
   * @param found undefined where the contents were not scanned: everything is data
   * @param first what a unit is that is in both sets
   */
  constructor(found: FoundContents | undefined, first: 'dataZero' | 'dataSame' = 'dataZero') {
    const zeroes: readonly [GuestCursor, number][] =
      found === undefined ? [] : [[found.zeroes.cursor(), ZERO]];
    const same: readonly [GuestCursor, number][] =
      found?.sameAsBacking === undefined ? [] : [[found.sameAsBacking.cursor(), SAME]];
    this.#sets = first === 'dataZero' ? [...zeroes, ...same] : [...same, ...zeroes];
  }

  /**
   * Finds the stretch of one kind that begins at a byte of data.
   * @param at no less than in the call before; @param end of the data
   * @returns its end; `kind` says what it is
   */
  stretchFrom(at: GuestOffset, end: GuestOffset): GuestOffset {
    let stop = end;
    for (const [set, kind] of this.#sets) {
      set.seek(at);
      if (set.start <= at) {
        this.kind = kind;
        return guestOffset(Math.min(set.end, stop));
      }
      stop = guestOffset(Math.min(set.start, stop));
    }
    this.kind = DATA;
    return stop;
  }
}
