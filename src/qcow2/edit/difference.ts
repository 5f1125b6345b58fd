/**
 * Where the guest's disk, as staged, differs from the image on disk: what the map marks. Entries are compared, and the
 * bytes of data that was written in place.
 */
import { RunKind } from '../image/layer';
import type { Qcow2Image } from '../image/qcow2Image';
import { Fill } from '../io/fill';
import type { StagedFile } from '../io/stagedFile';

/** Return `false` to stop. Ranges ascend; neighbours may touch. */
export type RangeVisitor = (start: number, length: number) => boolean | undefined;

/** Guest bytes whose runs are held at a time: some L2 tables' worth. */
const CHUNK_TABLES = 16;

interface Run {
  readonly start: number;
  readonly end: number;
  readonly kind: RunKind;
  readonly host: number;
}

/**
 * Visits the guest ranges that differ; both images have the same size.
 * @param dataFile staged file that data lies in: the image's own, or the external data file's
 * @throws FormatError, FileError
 */
export function forEachDifference(
  onDisk: Qcow2Image,
  staged: Qcow2Image,
  dataFile: StagedFile,
  visit: RangeVisitor,
): void {
  const span = staged.header.l2Span * CHUNK_TABLES;
  const pending = new Pending(visit);
  for (let start = 0; start < staged.size && !pending.stopped; start += span) {
    const end = Math.min(staged.size, start + span);
    compareRuns(runsOf(onDisk, start, end), runsOf(staged, start, end), dataFile, pending);
  }
  pending.flush();
}

/** Puts touching ranges together. */
class Pending {
  stopped = false;
  #start = 0;
  #end = 0;

  constructor(readonly visit: RangeVisitor) {}

  add(start: number, end: number): void {
    if (start === this.#end && this.#end > this.#start) {
      this.#end = end;
      return;
    }
    this.flush();
    this.#start = start;
    this.#end = end;
  }

  flush(): void {
    if (this.stopped || this.#end <= this.#start) return;
    if (this.visit(this.#start, this.#end - this.#start) === false) this.stopped = true;
    this.#end = this.#start;
  }
}

function runsOf(image: Qcow2Image, start: number, end: number): Run[] {
  const runs: Run[] = [];
  image.forEachRun(start, end, (from, length, kind, host) => {
    runs.push({ start: from, end: from + length, kind, host });
    return undefined;
  });
  return runs;
}

/** Both lists cover the same range without gaps. */
function compareRuns(
  before: readonly Run[],
  after: readonly Run[],
  dataFile: StagedFile,
  found: Pending,
): void {
  let left = 0;
  let right = 0;
  for (let at = before[0]?.start ?? 0; left < before.length && right < after.length;) {
    const was = before[left]!;
    const is = after[right]!;
    const end = Math.min(was.end, is.end);
    if (was.kind !== is.kind || hostAt(was, at) !== hostAt(is, at)) found.add(at, end);
    else if (is.kind === RunKind.data) addChangedBytes(at, end, hostAt(is, at), dataFile, found);
    if (was.end === end) left++;
    if (is.end === end) right++;
    at = end;
  }
}

const hostAt = ({ start, kind, host }: Run, at: number): number =>
  host < 0 || kind === RunKind.compressed ? host : host + at - start;

/** Data that stayed where it is: looks for staged bytes that are others than those on disk. */
function addChangedBytes(
  start: number,
  end: number,
  host: number,
  dataFile: StagedFile,
  found: Pending,
): void {
  const { base } = dataFile;
  dataFile.forEachPiece(host, host + end - start, (offset, length, piece) => {
    if (isAsOnDisk(base, offset, length, piece)) return;
    const from = start + offset - host;
    found.add(from, from + length);
  });
}

function isAsOnDisk(
  base: StagedFile['base'],
  offset: number,
  length: number,
  piece: Uint8Array | Fill,
): boolean {
  // A fill of terabytes is not compared byte by byte: it was staged because it changes something.
  if (piece instanceof Fill) return false;
  const bytes = Buffer.alloc(length);
  base.read(bytes, offset);
  return bytes.equals(piece);
}
