/** The decision alone: the same tables, without images. */
import { describe, expect, test } from 'vitest';
import { decideDiscard, decideZero, Outcome, type ZeroPolicy } from '../../../src/qcow2/change/decide';
import { EntryKind } from '../../../src/qcow2/format/l2Kind';

const KINDS = Object.keys(EntryKind) as (keyof typeof EntryKind)[];
const nameOf = (outcome: Outcome): string =>
  Object.entries(Outcome).find(([, value]) => value === outcome)?.[0] ?? '';

/** Outcomes by kind, in the order of `EntryKind`: unallocated, data, compressed, zeroPlain, zeroAllocated. */
function zeroing(
  version: 2 | 3,
  hasBacking: boolean,
  unmap: boolean,
  policy: ZeroPolicy,
  fallback = true,
): string {
  const situation = { version, hasBacking, unmap, policy, fallback };
  return KINDS.map((kind) => nameOf(decideZero(EntryKind[kind], situation))).join(' ');
}

const ALL_UNALLOCATED = 'unallocated unallocated unallocated unallocated unallocated';
const ALL_ZERO = 'zero zero zero zero zero';
const ALL_FALLBACK = 'fallback fallback fallback fallback fallback';

describe('zeroing a whole cluster of version 3', () => {
  test('without backing becomes unallocated where allocation is given up', () => {
    expect(zeroing(3, false, true, 'unallocate')).toBe(ALL_UNALLOCATED);
    expect(zeroing(3, false, false, 'unallocate')).toBe('zero zeroKeeping unallocated zero zeroKeeping');
  });

  test('over a backing file gets the zero flag', () => {
    expect(zeroing(3, true, true, 'unallocate')).toBe(ALL_ZERO);
    expect(zeroing(3, true, false, 'unallocate')).toBe('zero zeroKeeping zero zero zeroKeeping');
  });

  test('always gets the zero flag under policy zero-flag', () => {
    for (const hasBacking of [false, true]) {
      expect(zeroing(3, hasBacking, true, 'zero-flag')).toBe(ALL_ZERO);
      expect(zeroing(3, hasBacking, false, 'zero-flag')).toBe('zero zeroKeeping zero zero zeroKeeping');
    }
  });
});

describe('zeroing a whole cluster of version 2', () => {
  test('without backing becomes unallocated when it may be unmapped', () => {
    expect(zeroing(2, false, true, 'unallocate')).toBe(ALL_UNALLOCATED);
    expect(zeroing(2, false, true, 'unallocate', false)).toBe(ALL_UNALLOCATED);
    expect(zeroing(2, false, false, 'unallocate')).toBe(ALL_FALLBACK);
  });

  test('over a backing file needs explicit zeroes', () => {
    for (const unmap of [false, true]) {
      expect(zeroing(2, true, unmap, 'unallocate')).toBe(ALL_FALLBACK);
      expect(zeroing(2, true, unmap, 'zero-flag')).toBe(ALL_FALLBACK);
    }
  });

  test('is like discarding under policy zero-flag, and impossible without fallback', () => {
    for (const unmap of [false, true]) {
      expect(zeroing(2, false, unmap, 'zero-flag')).toBe(ALL_UNALLOCATED);
      expect(zeroing(2, false, unmap, 'zero-flag', false)).toBe(ALL_FALLBACK);
    }
  });
});

describe('discarding a whole cluster', () => {
  const discarding = (version: 2 | 3, hasBacking: boolean, full = false): string =>
    KINDS.map((kind) => nameOf(decideDiscard(EntryKind[kind], { version, hasBacking, full }))).join(' ');

  test('leaves the zero flag on version 3, but for what is unallocated without backing', () => {
    expect(discarding(3, false)).toBe('nothing zero zero zero zero');
    expect(discarding(3, true)).toBe(ALL_ZERO);
  });

  test('unallocates on version 2, but not over a backing file', () => {
    expect(discarding(2, false)).toBe(ALL_UNALLOCATED);
    expect(discarding(2, true)).toBe('nothing nothing nothing nothing nothing');
  });

  test('unallocates everything when it is full', () => {
    for (const version of [2, 3] as const) {
      for (const hasBacking of [false, true]) {
        expect(discarding(version, hasBacking, true)).toBe(ALL_UNALLOCATED);
      }
    }
  });
});
