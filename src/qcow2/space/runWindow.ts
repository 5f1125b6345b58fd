/**
 * Runs of data that are gathered in the order of the disk and handed out in that of the host file, so that a disk reads
 * forward. Memory does not depend on the image: there is room for so many runs.
 */
import { HIGH, LOW } from '../format/bytes';
import { type ByteLength, guestOffset, type GuestOffset, hostOffset, type HostOffset } from '../units';

const INDEX_BITS = 18;
/** Runs. */
const ROOM = 2 ** INDEX_BITS;
/** Host offsets of data are multiples of it. */
const SECTOR = 512;

export class RunWindow {
  readonly #guests = new Float64Array(ROOM);
  readonly #hosts = new Float64Array(ROOM);
  readonly #lengths = new Float64Array(ROOM);
  /**
   * For each run, its sector in the host file and its index, in 64 bits. Sorting that takes a tenth of the time that
   * sorting indexes by a comparison would.
   */
  readonly #keys = new BigUint64Array(ROOM);
  readonly #words = new Uint32Array(this.#keys.buffer);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === ROOM;
  }

  /** There is room. */
  add(guest: GuestOffset, host: HostOffset, length: ByteLength): void {
    const at = this.#count++;
    this.#guests[at] = guest;
    this.#hosts[at] = host;
    this.#lengths[at] = length;
    const sector = host / SECTOR;
    const rest = 2 ** (32 - INDEX_BITS);
    this.#words[at * 2 + HIGH] = Math.floor(sector / rest);
    this.#words[at * 2 + LOW] = (sector % rest) * ROOM + at;
  }

  /** Puts the runs into the order of the host file. */
  sort(): void {
    this.#keys.subarray(0, this.#count).sort();
  }

  clear(): void {
    this.#count = 0;
  }

  /** @param position in the order that `sort` has made, below `count` */
  guestAt(position: number): GuestOffset {
    return guestOffset(this.#guests[this.#index(position)] ?? 0);
  }

  hostAt(position: number): HostOffset {
    return hostOffset(this.#hosts[this.#index(position)] ?? 0);
  }

  lengthAt(position: number): ByteLength {
    return this.#lengths[this.#index(position)] ?? 0;
  }

  #index(position: number): number {
    return (this.#words[position * 2 + LOW] ?? 0) % ROOM;
  }
}
