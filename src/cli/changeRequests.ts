/** Changes as the command line and the lines of a batch write them. */
import type { ParseArgsConfig } from 'node:util';
import type { ChangeRequest } from '../qcow2/edit/changeRequest';
import { bytesOf } from '../text/byteCount';
import { guestOffset, type GuestOffset } from '../qcow2/units';
import type { Arguments } from './verb';
import { byteCount, UsageError } from './verb';

export const ZERO_OPTIONS = {
  unmap: { type: 'boolean' },
  'no-fallback': { type: 'boolean' },
  thorough: { type: 'boolean' },
  policy: { type: 'string' },
} as const satisfies ParseArgsConfig['options'];

export const ZERO_USAGE = '[--unmap] [--no-fallback] [--thorough] [--policy=unallocate|zero-flag]';

/** A change of an image that is not open yet. @param clusterSize bytes */
export type PlannedChange = (clusterSize: number) => ChangeRequest;

interface Range {
  /** Bytes. */
  readonly start: GuestOffset;
  readonly length: number;
}

/** @throws UsageError */
function plannedRange(offset: string, length: string): (clusterSize: number) => Range {
  const start = byteCount('OFFSET', offset);
  const bytes = byteCount('LENGTH', length);
  return (clusterSize) => ({
    start: guestOffset(bytesOf(start, clusterSize)),
    length: bytesOf(bytes, clusterSize),
  });
}

/** @throws UsageError */
export function zeroRequest(args: Arguments, offset: string, length: string): PlannedChange {
  const policy = args.text('policy') ?? 'unallocate';
  if (policy !== 'unallocate' && policy !== 'zero-flag') {
    throw new UsageError(`--policy is unallocate or zero-flag, not '${policy}'`);
  }
  const range = plannedRange(offset, length);
  const options = {
    unmap: args.flag('unmap'),
    fallback: !args.flag('no-fallback'),
    thorough: args.flag('thorough'),
    policy,
  } as const;
  return (clusterSize) => ({ kind: 'writeZeroes', ...range(clusterSize), options });
}

/** @throws UsageError */
export function discardRequest(offset: string, length: string): PlannedChange {
  const range = plannedRange(offset, length);
  return (clusterSize) => ({ kind: 'discard', ...range(clusterSize) });
}

/**
 * @param digits two hexadecimal digits a byte
 * @throws UsageError
 */
export function writeRequest(offset: string, digits: string): PlannedChange {
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) {
    throw new UsageError('HEX is two hexadecimal digits a byte');
  }
  const start = byteCount('OFFSET', offset);
  const bytes = new Uint8Array(Buffer.from(digits, 'hex'));
  return (clusterSize) => ({ kind: 'write', start: guestOffset(bytesOf(start, clusterSize)), bytes });
}
