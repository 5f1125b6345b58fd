/** What a person can ask to be done to the guest's disk, as plain data: it crosses threads and is kept in histories. */
import type { ZeroOptions } from '../change/context';
import type { ZeroPolicy } from '../change/decide';
import type { NewBacking } from '../format/backingLayout';
import type { ByteLength, GuestOffset } from '../units';

/** What an image can give up without the guest seeing a difference, in the order in which people are shown it. */
export const SHRINK_SOURCES = [
  /** Data that is all zero; a content scan finds it. */
  'zeroes',
  /** Data that the backing file gives as well; a content scan finds it. */
  'sameAsBacking',
  /** Space that zero clusters keep, and tables that hold nothing but zeroes. */
  'allocatedZeroes',
  /** VM state that an applied snapshot has left behind. */
  'vmState',
  /** Clusters that nothing refers to. */
  'leaks',
] as const;
export type ShrinkSource = (typeof SHRINK_SOURCES)[number];

/** Those of which only a content scan knows. */
export const SCANNED_SOURCES: ReadonlySet<ShrinkSource> = new Set(['zeroes', 'sameAsBacking']);

/** Guest bytes, from the first to before the second. */
export type GuestRange = readonly [start: GuestOffset, end: GuestOffset];

/** Places and lengths are guest bytes. */
export type ChangeRequest =
  | {
      readonly kind: 'writeZeroes';
      readonly start: GuestOffset;
      readonly length: ByteLength;
      readonly options: ZeroOptions;
    }
  | { readonly kind: 'discard'; readonly start: GuestOffset; readonly length: ByteLength }
  | { readonly kind: 'write'; readonly start: GuestOffset; readonly bytes: Uint8Array }
  | {
      readonly kind: 'shrink';
      readonly sources: readonly ShrinkSource[];
      readonly policy: ZeroPolicy;
      /** What the guest's file systems do not use: ranges, ascending. */
      readonly guestFree?: readonly GuestRange[];
    }
  /** Without `backing`, the image has none any more. */
  | { readonly kind: 'rebase'; readonly backing?: NewBacking };
