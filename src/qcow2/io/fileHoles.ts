/** The holes of a file: stretches of its length behind which the host has stored nothing. */
import { type ByteLength, hostOffset, type HostOffset } from '../units';
import type { BlockFile, FileExtent } from './blockFile';

/** Told of a hole, or of the part of one that was asked for. Returns `false` to hear of no more. */
export type HoleVisitor = (start: HostOffset, length: ByteLength) => boolean | undefined;

/** For walks that go forward, which ask the system once for each extent. */
export class FileHoles {
  /** Whether holes can be told from data; otherwise there seem to be none. */
  readonly areKnown: boolean;
  readonly #file: BlockFile;
  #extent: FileExtent = { isHole: false, end: hostOffset(0) };
  /** Where `#extent` was asked for. */
  #start = hostOffset(0);

  constructor(file: BlockFile) {
    this.#file = file;
    this.areKnown = file.knowsHoles;
  }

  /** Visits the holes between two places of the file, ascending. What lies past its end is none. */
  forEach(start: HostOffset, end: HostOffset, visit: HoleVisitor): void {
    if (!this.areKnown) return;
    const last = Math.min(end, this.#file.size);
    for (let at = start; at < last;) {
      if (at < this.#start || at >= this.#extent.end) {
        this.#extent = this.#file.extentAt(at);
        this.#start = at;
      }
      const stop = hostOffset(Math.min(last, this.#extent.end));
      if (this.#extent.isHole && visit(at, stop - at) === false) return;
      at = stop;
    }
  }

  /** Bytes of holes between two places of the file. */
  bytesWithin(start: HostOffset, end: HostOffset): ByteLength {
    let bytes = 0;
    this.forEach(start, end, (_start, length) => {
      bytes += length;
    });
    return bytes;
  }
}
