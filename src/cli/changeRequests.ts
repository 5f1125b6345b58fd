/** Changes as the command line and the lines of a batch write them. */
import type { ParseArgsConfig } from 'node:util';
import type { ChangeRequest } from '../qcow2/edit/changeRequest';
import type { Arguments } from './verb';
import { byteCount, UsageError } from './verb';

export const ZERO_OPTIONS = {
  unmap: { type: 'boolean' },
  'no-fallback': { type: 'boolean' },
  thorough: { type: 'boolean' },
  policy: { type: 'string' },
} as const satisfies ParseArgsConfig['options'];

export const ZERO_USAGE = '[--unmap] [--no-fallback] [--thorough] [--policy=unallocate|zero-flag]';

/** @throws UsageError */
export function zeroRequest(args: Arguments, offset: string, length: string): ChangeRequest {
  const policy = args.text('policy') ?? 'unallocate';
  if (policy !== 'unallocate' && policy !== 'zero-flag') {
    throw new UsageError(`--policy is unallocate or zero-flag, not '${policy}'`);
  }
  return {
    kind: 'writeZeroes',
    start: byteCount('OFFSET', offset),
    length: byteCount('LENGTH', length),
    options: {
      unmap: args.flag('unmap'),
      fallback: !args.flag('no-fallback'),
      thorough: args.flag('thorough'),
      policy,
    },
  };
}

/** @throws UsageError */
export function discardRequest(offset: string, length: string): ChangeRequest {
  return { kind: 'discard', start: byteCount('OFFSET', offset), length: byteCount('LENGTH', length) };
}

/**
 * @param digits two hexadecimal digits a byte
 * @throws UsageError
 */
export function writeRequest(offset: string, digits: string): ChangeRequest {
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) {
    throw new UsageError('HEX is two hexadecimal digits a byte');
  }
  return {
    kind: 'write',
    start: byteCount('OFFSET', offset),
    bytes: new Uint8Array(Buffer.from(digits, 'hex')),
  };
}
