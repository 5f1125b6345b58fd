/** A device made of stretches of other ones: linear and striped segments of a logical volume. */
import { type BlockDevice, expectOnDevice } from '../blockDevice';
import { deviceOffset, type DeviceOffset } from '../units';

/** One stripe of a segment. */
export interface Stripe {
  readonly device: BlockDevice;
  /** Bytes from the start of the device. */
  readonly start: number;
}

export interface MappedSegment {
  /** Bytes from the start of the volume. */
  readonly at: number;
  readonly length: number;
  /** One for a linear segment. All have the same length. */
  readonly stripes: readonly Stripe[];
  /** Bytes of a stripe before it is the next one's turn; of no meaning for a linear segment. */
  readonly chunk: number;
}

export class MappedDevice implements BlockDevice {
  readonly size: number;

  /** @param segments ascending, from 0 on, without gaps; checked by the caller to lie on their devices */
  constructor(
    readonly segments: readonly MappedSegment[],
    readonly sectorSize: number,
  ) {
    const last = segments.at(-1);
    this.size = last === undefined ? 0 : last.at + last.length;
  }

  read(target: Uint8Array, offset: DeviceOffset): void {
    expectOnDevice(this, offset, target.length);
    for (let done = 0; done < target.length;) {
      const segment = this.segments[this.#indexAt(offset + done)];
      if (segment === undefined) return;
      const within = offset + done - segment.at;
      const { stripe, start, left } = placeIn(segment, within);
      const part = target.subarray(done, done + left);
      stripe.device.read(part, deviceOffset(stripe.start + start));
      done += part.length;
    }
  }

  /**
   * Tells where a range of the volume lies: at most one range for each stripe of each segment, in no order.
   * @param start bytes; @param end bytes, beyond the last one
   */
  forEachPlace(start: number, end: number, visit: (stripe: Stripe, from: number, to: number) => void): void {
    for (let index = this.#indexAt(start); index < this.segments.length; index++) {
      const segment = this.segments[index];
      if (segment === undefined || segment.at >= end) return;
      const from = Math.max(0, start - segment.at);
      const to = Math.min(segment.length, end - segment.at);
      segment.stripes.forEach((stripe, position) => {
        const first = reached(segment, from, position);
        const last = reached(segment, to, position);
        if (first < last) visit(stripe, first, last);
      });
    }
  }

  /** The segment that a byte of the volume lies in. */
  #indexAt(offset: number): number {
    let low = 0;
    let high = this.segments.length;
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if ((this.segments[middle]?.at ?? Infinity) <= offset) low = middle;
      else high = middle;
    }
    return low;
  }
}

interface StripePlace {
  readonly stripe: Stripe;
  /** Bytes from the start of the stripe. */
  readonly start: number;
  /** Bytes that follow there. */
  readonly left: number;
}

function placeIn(segment: MappedSegment, within: number): StripePlace {
  const { stripes, chunk, length } = segment;
  const [only] = stripes;
  if (only === undefined) throw new RangeError('a segment has a stripe');
  if (stripes.length === 1) return { stripe: only, start: within, left: length - within };
  const number = Math.floor(within / chunk);
  const inChunk = within - number * chunk;
  const start = Math.floor(number / stripes.length) * chunk + inChunk;
  const left = Math.min(chunk - inChunk, length - within);
  return { stripe: stripes[number % stripes.length] ?? only, start, left };
}

/** How far into one of its stripes the first `bytes` of a segment reach. */
function reached({ stripes, chunk }: MappedSegment, bytes: number, position: number): number {
  if (stripes.length === 1) return bytes;
  const row = chunk * stripes.length;
  const rows = Math.floor(bytes / row);
  return rows * chunk + Math.min(chunk, Math.max(0, bytes - rows * row - position * chunk));
}
