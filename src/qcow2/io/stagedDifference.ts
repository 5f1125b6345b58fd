/**
 * Where a staged file differs from the file on disk, sector by sector. Not all that is staged does: an edit may write
 * what was there, and a later one may put back what an earlier one changed.
 */
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import { Fill } from './fill';
import type { Piece, StagedFile } from './stagedFile';

/** Bytes that are compared at a time, and told apart. */
const SECTOR = 512;
/** Bytes read at a time to be compared with a fill. */
const CHUNK = 64 * 1024;
/**
 * Bytes that are read for fills in one comparison, in tens of milliseconds. Beyond that, a fill whose base is neither
 * known nor a hole counts as different: it was staged because it changed something.
 */
const MAX_READ_FOR_FILLS = 256 * 1024 * 1024;

/** Told of a stretch that differs; stretches ascend, neighbours may touch. */
export type DifferenceVisitor = (offset: HostOffset, length: ByteLength) => void;

/** One comparison of a file with its base. */
export class StagedDifference {
  readonly #expected = new Uint8Array(CHUNK);
  readonly #found = new Uint8Array(CHUNK);
  #left = MAX_READ_FOR_FILLS;

  constructor(readonly file: StagedFile) {}

  /** All of the file. What it gains at its end differs, whatever its bytes are. */
  forEach(visit: DifferenceVisitor): void {
    const { size, base } = this.file;
    this.file.forEachPiece(hostOffset(0), hostOffset(Math.min(size, base.size)), (offset, length, piece) => {
      this.inPiece(offset, length, piece, visit);
    });
    if (size > base.size) visit(hostOffset(base.size), size - base.size);
  }

  /** One piece of what is staged (`StagedFile.forEachPiece`); past its end the base reads as zero. */
  inPiece(offset: HostOffset, length: ByteLength, piece: Piece, visit: DifferenceVisitor): void {
    if (piece instanceof Fill) {
      this.#inFill(offset, plus(offset, length), piece, visit);
      return;
    }
    const found = this.#found.subarray(0, length);
    this.file.base.read(found, offset);
    compareSectors(piece, found, offset, visit);
  }

  #inFill(start: HostOffset, end: HostOffset, fill: Fill, visit: DifferenceVisitor): void {
    const { base } = this.file;
    const known = start % 8 === 0 ? base.knownFills?.at(start, end - start) : undefined;
    if (known !== undefined) {
      // Two rules agree in all words or in one at most, which is no sector.
      if (!known.agreesWith(fill, start)) visit(start, end - start);
      return;
    }
    for (let at = start; at < end;) {
      const extent = base.extentAt(at);
      const stop = hostOffset(Math.min(end, extent.end));
      if (!extent.isHole) this.#inFilledData(at, stop, fill, visit);
      else if (fill !== Fill.zero) visit(at, stop - at);
      at = stop;
    }
  }

  #inFilledData(start: HostOffset, end: HostOffset, fill: Fill, visit: DifferenceVisitor): void {
    for (let at = start; at < end; at = plus(at, CHUNK)) {
      if (this.#left <= 0) {
        visit(at, end - at);
        return;
      }
      const length = Math.min(CHUNK, end - at);
      this.#left -= length;
      const expected = this.#expected.subarray(0, length);
      const found = this.#found.subarray(0, length);
      fill.writeTo(expected, at);
      this.file.base.read(found, at);
      compareSectors(expected, found, at, visit);
    }
  }
}

function compareSectors(
  staged: Uint8Array,
  onDisk: Uint8Array,
  offset: HostOffset,
  visit: DifferenceVisitor,
): void {
  if (Buffer.compare(staged, onDisk) === 0) return;
  for (let at = 0; at < staged.length; at += SECTOR) {
    const sector = staged.subarray(at, at + SECTOR);
    if (Buffer.compare(sector, onDisk.subarray(at, at + SECTOR)) !== 0)
      visit(plus(offset, at), sector.length);
  }
}
