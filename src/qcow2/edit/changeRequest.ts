/** What a person can ask to be done to the guest's disk, as plain data: it crosses threads and is kept in histories. */
import type { ZeroOptions } from '../change/context';
import type { NewBacking } from '../format/backingLayout';
import type { ByteLength, GuestOffset } from '../units';

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
  /** Without `backing`, the image has none any more. */
  | { readonly kind: 'rebase'; readonly backing?: NewBacking };
