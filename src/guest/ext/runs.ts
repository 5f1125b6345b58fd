/** Runs of blocks of a file, and what a walk over a block map or an extent tree remembers. */
import { GuestError } from '../errors';
import type { Volume } from './volume';

/** Blocks of a file that follow each other on the device, too. */
export interface Run {
  /** The first one, counted from the start of the file. */
  readonly at: number;
  readonly count: number;
  /** Where the first one is; undefined for a hole. */
  readonly block: number | undefined;
  /** Allocated, but reads as zeroes. */
  readonly isUnwritten: boolean;
}

/** What a walk has visited, and what it does about wrong checksums. */
export class Visits {
  readonly #blocks = new Set<number>();

  /** @param onChecksum hears of blocks with a wrong checksum; may throw */
  constructor(readonly onChecksum: (error: GuestError) => void) {}

  /** @throws GuestError `guest.loop` */
  enter(volume: Volume, block: number, what: string): void {
    if (this.#blocks.has(block)) throw new GuestError('guest.loop', { what, offset: volume.offsetOf(block) });
    this.#blocks.add(block);
  }
}
