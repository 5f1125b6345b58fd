/** Changes as verbs and the lines of a batch declare them. */
import type { ChangeRequest } from '../qcow2/edit/changeRequest';
import { bytesOf } from '../text/byteCount';
import { type Parsed, UsageError } from './arguments';
import type { BATCH_LINES } from './declarations/changing';

/** A change of an image that is not open yet. @param clusterSize bytes */
export type PlannedChange = (clusterSize: number) => ChangeRequest;

type Line<N extends keyof typeof BATCH_LINES> = Parsed<(typeof BATCH_LINES)[N]>;

export function zeroRequest({ operands: { OFFSET, LENGTH }, options }: Line<'write-zeroes'>): PlannedChange {
  const { unmap, thorough, policy, 'no-fallback': hasNoFallback } = options;
  return (clusterSize) => ({
    kind: 'writeZeroes',
    start: bytesOf(OFFSET, clusterSize),
    length: bytesOf(LENGTH, clusterSize),
    options: { unmap, fallback: !hasNoFallback, thorough, policy },
  });
}

export const discardRequest =
  ({ operands: { OFFSET, LENGTH } }: Line<'discard'>): PlannedChange =>
  (clusterSize) => ({
    kind: 'discard',
    start: bytesOf(OFFSET, clusterSize),
    length: bytesOf(LENGTH, clusterSize),
  });

/** @throws UsageError */
export function writeRequest({ operands: { OFFSET, HEX } }: Line<'write'>): PlannedChange {
  if (HEX.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(HEX)) {
    throw new UsageError('HEX is two hexadecimal digits a byte');
  }
  const bytes = new Uint8Array(Buffer.from(HEX, 'hex'));
  return (clusterSize) => ({ kind: 'write', start: bytesOf(OFFSET, clusterSize), bytes });
}
