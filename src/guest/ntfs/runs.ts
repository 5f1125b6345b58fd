/** Where the clusters of contents are: mapping pairs, decoded. */
import { GuestError } from '../errors';

export interface Run {
  /** First cluster within the contents (VCN). */
  readonly vcn: number;
  /** Clusters. */
  readonly length: number;
  /** First cluster on the volume (LCN); undefined for a hole. */
  readonly lcn: number | undefined;
}

const HOLE = -1;
/** Files have hundreds of thousands at most: their attribute lists end at 256 KiB. */
const MOST_RUNS = 4 * 1024 * 1024;

/** The clusters of contents from VCN 0 on, in ascending order and without gaps; grows at its end. */
export class Runs {
  /** First VCNs, and LCNs or HOLE, by run. */
  readonly #vcns: number[] = [];
  readonly #lcns: number[] = [];
  #end = 0;
  /** The run found last: contents are mostly read from front to back. */
  #last = 0;

  /**
   * @param clusters of the volume
   * @param most clusters that contents may have, so that their bytes are a safe integer
   */
  constructor(
    readonly clusters: number,
    readonly most: number,
  ) {}

  /** VCN behind the last cluster. */
  get end(): number {
    return this.#end;
  }

  get count(): number {
    return this.#vcns.length;
  }

  /** The run at an index from 0 to `count − 1`. */
  run(index: number): Run {
    const vcn = this.#vcns[index] ?? 0;
    const lcn = this.#lcns[index] ?? HOLE;
    return { vcn, length: (this.#vcns[index + 1] ?? this.#end) - vcn, lcn: lcn === HOLE ? undefined : lcn };
  }

  /** The index of the run that a VCN below `end` is in. */
  indexAt(vcn: number): number {
    const vcns = this.#vcns;
    const near = (index: number): boolean =>
      (vcns[index] ?? Infinity) <= vcn && vcn < (vcns[index + 1] ?? this.#end);
    if (near(this.#last)) return this.#last;
    if (near(this.#last + 1)) return ++this.#last;
    let low = 0;
    let high = vcns.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((vcns[middle] ?? Infinity) <= vcn) low = middle;
      else high = middle;
    }
    this.#last = low;
    return low;
  }

  /**
   * Adds the runs that mapping pairs tell.
   * @param from first byte of the pairs in `bytes`, `to` the byte behind the last one that may belong to them
   * @param offset bytes from the start of the device to `bytes`, for errors
   * @throws GuestError `guest.value`, `guest.beyond`; the runs before the fault are added then
   */
  append(bytes: Uint8Array, from: number, to: number, offset: number): void {
    let lcn = 0;
    for (let at = from; ;) {
      const header = at < to ? (bytes[at] ?? 0) : undefined;
      if (header === 0) return;
      const lengthBytes = (header ?? 0) & 15;
      const placeBytes = (header ?? 0) >>> 4;
      const next = at + 1 + lengthBytes + placeBytes;
      if (header === undefined || lengthBytes === 0 || lengthBytes > 8 || placeBytes > 8 || next > to)
        throw new GuestError('guest.value', {
          what: 'mapping pairs',
          offset: offset + at,
          value: header ?? 'end',
          limit: 'a run',
        });
      const length = signed(bytes, at + 1, lengthBytes);
      if (!(length > 0 && this.#end + length <= this.most))
        throw new GuestError('guest.value', {
          what: 'length of a run',
          offset: offset + at,
          value: length,
          limit: this.most,
        });
      if (placeBytes === 0) this.#add(length, HOLE);
      else {
        lcn += signed(bytes, at + 1 + lengthBytes, placeBytes);
        if (!(lcn >= 0 && lcn + length <= this.clusters))
          throw new GuestError('guest.beyond', {
            what: 'run',
            offset: offset + at,
            value: lcn + length,
            limit: this.clusters,
          });
        this.#add(length, lcn);
      }
      at = next;
    }
  }

  /** Runs that continue each other become one. */
  #add(length: number, lcn: number): void {
    const last = this.#vcns.length - 1;
    const lastLcn = this.#lcns[last];
    const lastLength = this.#end - (this.#vcns[last] ?? 0);
    const continues =
      lastLcn !== undefined &&
      (lcn === HOLE ? lastLcn === HOLE : lastLcn !== HOLE && lastLcn + lastLength === lcn);
    if (!continues) {
      if (this.#vcns.length >= MOST_RUNS)
        throw new GuestError('guest.tooMany', { what: 'runs', value: MOST_RUNS + 1, limit: MOST_RUNS });
      this.#vcns.push(this.#end);
      this.#lcns.push(lcn);
    }
    this.#end += length;
  }
}

/** A little-endian number of 1 to 8 bytes; beyond 2^53 it is not exact, and beyond every limit. */
function signed(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = count - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] ?? 0);
  return (bytes[at + count - 1] ?? 0) >= 128 ? value - 256 ** count : value;
}
