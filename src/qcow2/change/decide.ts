/**
 * What becomes of a whole cluster that is zeroed or discarded, as pure tables. The policy `unallocate` is that of Eric
 * Blake's patch "qcow2: Unallocate unmapped zero clusters if no backing file" (v9 01/13), `zero-flag` that of QEMU 7.2.
 * Which cluster it is, where its bytes are and what else refers to them are decided elsewhere; the caller that gives up a
 * host cluster drops its refcount.
 */
import { EntryKind } from '../format/l2Kind';

/** What is to become of it. */
export const Outcome = {
  /** Entry 0 (and bitmap 0); the host cluster is given up. */
  unallocated: 0,
  /** The zero flag alone (all 32 zero bits); the host cluster is given up. */
  zero: 1,
  /** The zero flag (all 32 zero bits) beside the offset; the host cluster is kept. */
  zeroKeeping: 2,
  /** The entry cannot say it: explicit zeroes have to be written. */
  fallback: 3,
  /** Nothing happens. */
  nothing: 4,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/**
 * - `unallocate`: what gives up its allocation becomes unallocated where no backing file shows through
 * - `zero-flag`: as QEMU 7.2 does, which never leaves 0 where it can leave the zero flag
 */
export type ZeroPolicy = 'unallocate' | 'zero-flag';

export interface ZeroSituation {
  readonly version: 2 | 3;
  /** The header names a backing file, openable or not. */
  readonly hasBacking: boolean;
  readonly unmap: boolean;
  /** Explicit zeroes may be written. */
  readonly fallback: boolean;
  readonly policy: ZeroPolicy;
}

/** What zeroing makes of a whole cluster. */
export function decideZero(kind: EntryKind, situation: ZeroSituation): Outcome {
  const { version, hasBacking, unmap, policy } = situation;
  if (version === 2) return decideZeroInVersion2(situation);
  const keepsHost = !unmap && (kind === EntryKind.data || kind === EntryKind.zeroAllocated);
  if (keepsHost) return Outcome.zeroKeeping;
  const givesUp = unmap || kind === EntryKind.compressed;
  return givesUp && !hasBacking && policy === 'unallocate' ? Outcome.unallocated : Outcome.zero;
}

/** Version 2 has no zero flag: an entry can only say 0, which is right where nothing shows through. */
function decideZeroInVersion2({ hasBacking, unmap, fallback, policy }: ZeroSituation): Outcome {
  if (hasBacking) return Outcome.fallback;
  // QEMU 7.2 does not offer to go without fallback on version 2, and discards with or without unmap.
  if (policy === 'zero-flag') return fallback ? Outcome.unallocated : Outcome.fallback;
  return unmap ? Outcome.unallocated : Outcome.fallback;
}

export interface DiscardSituation {
  readonly version: 2 | 3;
  readonly hasBacking: boolean;
  /** Unallocated whatever shows through then. */
  readonly full: boolean;
}

/** What discarding makes of a whole cluster. */
export function decideDiscard(kind: EntryKind, { version, hasBacking, full }: DiscardSituation): Outcome {
  if (full) return Outcome.unallocated;
  if (version === 2) return hasBacking ? Outcome.nothing : Outcome.unallocated;
  // Unallocated without backing reads as zero already.
  return kind === EntryKind.unallocated && !hasBacking ? Outcome.nothing : Outcome.zero;
}

/** The outcome of each kind, for loops. */
export const outcomeTable = (decide: (kind: EntryKind) => Outcome): readonly Outcome[] =>
  Object.values(EntryKind).map(decide);
