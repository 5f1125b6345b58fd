/** Reads the guest's disk through a backing chain. */
import { hex } from '../../text/hex';
import { ArgumentError, RefusedError } from '../errors';
import { type ByteLength, guestOffset, type GuestOffset, type HostOffset, plus } from '../units';
import { NO_HOST, RunKind, type Layer } from './layer';

/**
 * Receives guest bytes in ascending order without gaps, and the layer that has them: `kind` and `host` are for its `readRun`.
 * Without a layer, they are zero.
 */
export type GuestRunVisitor = (
  layer: Layer | undefined,
  start: GuestOffset,
  length: ByteLength,
  kind: RunKind,
  host: HostOffset,
) => void;

/**
 * Visits what has the guest bytes from `start` to `end`: where a layer has nothing, the one below answers; past the end of a
 * shorter one, and below the last one, the disk is zero.
 * @param layers the chain, the top first; @param depth of the first layer that is asked
 * @throws RefusedError where the last layer names a backing file that is not among `layers`; FormatError, FileError
 */
export function forEachGuestRun(
  layers: readonly Layer[],
  depth: number,
  start: GuestOffset,
  end: GuestOffset,
  visit: GuestRunVisitor,
): void {
  const layer = layers[depth];
  if (layer === undefined) {
    refuseUnopenedBacking(layers, start);
    visitZeroes(start, end, visit);
    return;
  }
  layer.forEachRun(start, end, (from, length, kind, host) => {
    if (kind === RunKind.unallocated || kind === RunKind.unallocatedSubcluster) {
      forEachGuestRun(layers, depth + 1, from, plus(from, length), visit);
    } else {
      visit(layer, from, length, kind, host);
    }
    return true;
  });
  if (end > layer.size) visitZeroes(guestOffset(Math.max(start, layer.size)), end, visit);
}

/**
 * Fills `target` with the guest bytes from `offset` on, through the whole chain.
 * @param layers the chain, the top first
 * @throws ArgumentError for bytes beyond the end of the disk; RefusedError where the last layer names a backing file
 *   that is not among `layers`; FormatError, FileError, UnsupportedError
 */
export function readGuest(layers: readonly Layer[], target: Uint8Array, offset: GuestOffset): void {
  const [top] = layers;
  const end = plus(offset, target.length);
  if (top === undefined || offset < 0 || end > top.size) {
    throw new ArgumentError(top?.file.name ?? '', 'read.range', {
      offset,
      value: hex(end),
      limit: top?.size ?? 0,
    });
  }
  readFrom(layers, 0, target, offset);
}

/**
 * Fills `target` with what the layers below the top give for the guest bytes from `offset` on, whatever the top has there.
 * @throws as `readGuest`
 */
export function readBacking(layers: readonly Layer[], target: Uint8Array, offset: GuestOffset): void {
  readFrom(layers, 1, target, offset);
}

function readFrom(layers: readonly Layer[], depth: number, target: Uint8Array, offset: GuestOffset): void {
  const end = plus(offset, target.length);
  forEachGuestRun(layers, depth, offset, end, (layer, start, length, kind, host) => {
    const part = target.subarray(start - offset, start - offset + length);
    if (layer === undefined) part.fill(0);
    else layer.readRun(part, start, kind, host);
  });
}

/** Below the last layer there is nothing, or a file that was not opened. */
function refuseUnopenedBacking(layers: readonly Layer[], offset: GuestOffset): void {
  const last = layers.at(-1);
  if (last?.namesBacking !== true) return;
  throw new RefusedError(last.file.name, 'backing.notOpen', { offset, value: last.backingName ?? '' });
}

function visitZeroes(start: GuestOffset, end: GuestOffset, visit: GuestRunVisitor): void {
  visit(undefined, start, end - start, RunKind.unallocated, NO_HOST);
}
