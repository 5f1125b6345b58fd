/** The host offset in bits 9 to 55 of L1, L2 and refcount table entries, taken from its two words. */
import { hostOffset, type HostOffset } from '../units';

/** Bits 53 to 55 of an entry, in its high word: no offset this program can handle has them. */
export const RESERVED_BEYOND_2_53 = 0x00e00000;

/** Bits 9 to 55, in bytes. */
export const offsetOf = (high: number, low: number): HostOffset =>
  hostOffset((high & 0x00ffffff) * 0x1_0000_0000 + ((low & 0xfffffe00) >>> 0));
