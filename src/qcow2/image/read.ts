/** Reads the guest's disk through a backing chain. */
import { hex } from '../../text/hex';
import { ArgumentError, RefusedError } from '../errors';
import { guestOffset, type GuestOffset, plus } from '../units';
import { RunKind, type Layer } from './layer';

/**
 * Fills `target` with the guest bytes from `offset` on. Where a layer has nothing, the one below answers; past the
 * end of a shorter one, and below the last one, the disk is zero.
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
  new GuestReader(layers, target, offset).read(0, offset, end);
}

/**
 * Fills `target` with what the layers below the top give for the guest bytes from `offset` on, whatever the top has there.
 * @throws as `readGuest`
 */
export function readBacking(layers: readonly Layer[], target: Uint8Array, offset: GuestOffset): void {
  new GuestReader(layers, target, offset).read(1, offset, plus(offset, target.length));
}

class GuestReader {
  constructor(
    readonly layers: readonly Layer[],
    readonly target: Uint8Array,
    /** Guest offset of the first byte of `target`. */
    readonly base: GuestOffset,
  ) {}

  /** Reads what the chain from `depth` down has for the guest bytes from `start` to `end`. */
  read(depth: number, start: GuestOffset, end: GuestOffset): void {
    const layer = this.layers[depth];
    if (layer === undefined) {
      this.#readBelow(start, end);
      return;
    }
    if (end > layer.size) this.#part(guestOffset(Math.max(start, layer.size)), end).fill(0);
    layer.forEachRun(start, end, (from, length, kind, host) => {
      if (kind === RunKind.unallocated || kind === RunKind.unallocatedSubcluster) {
        this.read(depth + 1, from, plus(from, length));
      } else {
        layer.readRun(this.#part(from, plus(from, length)), from, kind, host);
      }
      return true;
    });
  }

  /** Below the last layer there is nothing, or a file that was not opened. */
  #readBelow(start: GuestOffset, end: GuestOffset): void {
    const last = this.layers.at(-1);
    if (last?.namesBacking === true) {
      throw new RefusedError(last.file.name, 'backing.notOpen', {
        offset: start,
        value: last.backingName ?? '',
      });
    }
    this.#part(start, end).fill(0);
  }

  #part(start: GuestOffset, end: GuestOffset): Uint8Array {
    return this.target.subarray(start - this.base, end - this.base);
  }
}
