/** Random changes: made by the engine, by a model of the disk, and by qemu-io. */
import type { Change, ChangeContext, ZeroOptions } from '../../../src/qcow2/change/context';
import { discard } from '../../../src/qcow2/change/discard';
import { writeGuest } from '../../../src/qcow2/change/write';
import { writeZeroes } from '../../../src/qcow2/change/writeZeroes';
import type { ChangeRequest } from '../../../src/qcow2/edit/changeRequest';
import type { Random } from '../builder/random';
import { guestOffset } from '../../../src/qcow2/units';
import type { ImagePlan } from './imagePlan';

export type Operation =
  | { readonly kind: 'write'; readonly start: number; readonly length: number; readonly pattern: number }
  | { readonly kind: 'zero'; readonly start: number; readonly length: number; readonly options: ZeroOptions }
  | { readonly kind: 'discard'; readonly start: number; readonly length: number; readonly full: boolean };

/** @param options of zeroing; missing ones are chosen at random */
export function randomOperation(
  plan: ImagePlan,
  random: Random,
  options: Partial<ZeroOptions> = {},
): Operation {
  const range = randomRange(plan, random);
  switch (random.below(6)) {
    case 0:
    case 1:
      return { kind: 'write', ...range, pattern: random.below(256) };
    case 2:
      return { kind: 'discard', ...range, full: false };
    default:
      return {
        kind: 'zero',
        ...range,
        options: {
          unmap: random.below(2) === 0,
          fallback: random.below(8) !== 0,
          policy: random.pick(['unallocate', 'zero-flag']),
          thorough: random.below(4) === 0,
          ...options,
        },
      };
  }
}

function randomRange(plan: ImagePlan, random: Random): { readonly start: number; readonly length: number } {
  const { size, extendedL2, clusterBits } = plan;
  const clusterSize = 2 ** clusterBits;
  const unit = random.pick([1, 512, clusterSize, clusterSize, extendedL2 ? clusterSize / 32 : clusterSize]);
  const start = unit * random.below(Math.ceil(size / unit));
  const most = Math.ceil((random.below(5) === 0 ? size : 5 * clusterSize) / unit);
  const length = Math.min(size - start, unit * (1 + random.below(most)));
  return random.below(8) === 0 ? { start, length: size - start } : { start, length };
}

export function applyToEngine(context: ChangeContext, operation: Operation): Change {
  const { start, length } = operation;
  switch (operation.kind) {
    case 'write':
      return writeGuest(context, Buffer.alloc(length, operation.pattern), guestOffset(start));
    case 'zero':
      return writeZeroes(context, guestOffset(start), length, operation.options);
    case 'discard':
      return discard(context, guestOffset(start), length, { full: operation.full });
  }
}

/** As the editor and the headless command ask for it. */
export function requestOf(operation: Operation): ChangeRequest {
  const { start, length } = operation;
  switch (operation.kind) {
    case 'write':
      return {
        kind: 'write',
        start: guestOffset(start),
        bytes: new Uint8Array(length).fill(operation.pattern),
      };
    case 'zero':
      return { kind: 'writeZeroes', start: guestOffset(start), length, options: operation.options };
    case 'discard':
      return { kind: 'discard', start: guestOffset(start), length };
  }
}

/** @param disk what the guest sees */
export function applyToModel(disk: Buffer, plan: ImagePlan, operation: Operation): void {
  const { start, length } = operation;
  if (operation.kind !== 'discard') {
    disk.fill(operation.kind === 'write' ? operation.pattern : 0, start, start + length);
    return;
  }
  if (plan.version === 2 && plan.backing !== undefined) return;
  const clusterSize = 2 ** plan.clusterBits;
  const end = start + length;
  const from = Math.ceil(start / clusterSize) * clusterSize;
  const to = end === plan.size ? end : Math.floor(end / clusterSize) * clusterSize;
  if (from < to) disk.fill(0, from, to);
}

export function qemuIoCommand(operation: Operation): string {
  const range = `${operation.start} ${operation.length}`;
  switch (operation.kind) {
    case 'write':
      return `write -P ${operation.pattern} ${range}`;
    case 'zero': {
      const { unmap, fallback } = operation.options;
      return `write -z${unmap ? ' -u' : ''}${fallback ? '' : ' -n'} ${range}`;
    }
    case 'discard':
      return `discard ${range}`;
  }
}

export const describeOperation = (operation: Operation): string =>
  operation.kind === 'zero'
    ? `${qemuIoCommand(operation)} ${JSON.stringify(operation.options)}`
    : qemuIoCommand(operation);
