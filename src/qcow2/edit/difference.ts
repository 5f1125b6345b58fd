/**
 * Where the guest's disk, as staged, differs from the image on disk: what the map marks. Entries are compared, and the
 * bytes of data that was written in place. Only tables that are staged over are walked; the others are looked at where
 * data may have been written in place.
 */
import { firstIndex } from '../bits';
import { FormatError } from '../errors';
import { dataView } from '../format/bytes';
import { NO_HOST, RunKind } from '../image/layer';
import type { Qcow2Image } from '../image/qcow2Image';
import { StagedDifference } from '../io/stagedDifference';
import type { StagedFile } from '../io/stagedFile';
import { type ByteLength, guestOffset, type GuestOffset, hostOffset, type HostOffset, plus } from '../units';

/** Return `false` to stop. Ranges ascend; neighbours may touch. */
export type RangeVisitor = (start: GuestOffset, length: ByteLength) => boolean | undefined;

/** A fill over more clusters than these is not looked at cluster by cluster. */
const MAX_METADATA_FILL = 4096;

/** What an entry that breaks the specification stands for: a damaged image may lie below its repair. */
const BROKEN = hostOffset(-2);
const BROKEN_KIND = -2;

interface Run {
  readonly start: GuestOffset;
  readonly end: GuestOffset;
  readonly kind: RunKind | typeof BROKEN_KIND;
  readonly host: HostOffset;
}

/**
 * Visits the guest ranges that differ; both images have the same size.
 * @param file of `staged`; @param dataFile that data lies in: the same, or the external data file
 * @throws FormatError, FileError
 */
export function forEachDifference(
  onDisk: Qcow2Image,
  staged: Qcow2Image,
  file: StagedFile,
  dataFile: StagedFile,
  visit: RangeVisitor,
): void {
  const { l2Span, clusterSize } = staged.header;
  const isStaged = (table: HostOffset): boolean => {
    let found = false;
    file.forEachPiece(table, plus(table, clusterSize), () => (found = true));
    return found;
  };
  const count = Math.ceil(staged.size / l2Span);
  const changed = new Map<number, readonly [was: HostOffset, is: HostOffset]>();
  for (let index = 0; index < count; index++) {
    const was = tableOf(onDisk, index);
    const is = tableOf(staged, index);
    if (was !== is || (is > 0 && isStaged(is))) changed.set(index, [was, is]);
  }
  const inPlace = changedData(staged, file, dataFile, changed.values());
  const pending = new Pending(visit);
  for (const index of inPlace.length > 0 ? Array(count).keys() : changed.keys()) {
    if (pending.stopped) return;
    const start = guestOffset(index * l2Span);
    const end = guestOffset(Math.min(staged.size, start + l2Span));
    const tables = changed.get(index);
    if (tables === undefined) {
      addInPlace(staged, start, end, inPlace, pending);
    } else {
      const [was, is] = tables;
      compareRuns(runsOf(onDisk, was, start, end), runsOf(staged, is, start, end), inPlace, pending);
    }
  }
  pending.flush();
}

/** Stretches of the data file, ascending, whose bytes changed and may be data: start and end of each. */
function changedData(
  { header, dataFile: { size } }: Qcow2Image,
  file: StagedFile,
  dataFile: StagedFile,
  changed: Iterable<readonly [was: HostOffset, is: HostOffset]>,
): number[] {
  const { clusterSize } = header;
  const metadata = new Set<number>();
  const add = (offset: HostOffset, length: ByteLength): void => {
    for (let at = offset; at < offset + length; at = plus(at, clusterSize))
      metadata.add(Math.floor(at / clusterSize));
  };
  if (file === dataFile) {
    const table = Buffer.alloc(header.refcountTableClusters * clusterSize);
    file.read(table, header.refcountTableOffset);
    const view = dataView(table);
    for (let at = 0; at < table.length; at += 8) metadata.add(Number(view.getBigUint64(at)) / clusterSize);
    add(hostOffset(0), clusterSize);
    add(header.refcountTableOffset, table.length);
    add(header.l1TableOffset, header.l1Size * 8);
    for (const tables of changed) for (const offset of tables) metadata.add(offset / clusterSize);
  }
  const isMetadata = (offset: HostOffset, length: ByteLength): boolean => {
    const first = Math.floor(offset / clusterSize);
    const last = Math.floor((offset + length - 1) / clusterSize);
    if (last - first > MAX_METADATA_FILL) return false;
    for (let cluster = first; cluster <= last; cluster++) if (!metadata.has(cluster)) return false;
    return true;
  };
  const found: number[] = [];
  const difference = new StagedDifference(dataFile);
  dataFile.forEachPiece(hostOffset(0), hostOffset(size), (offset, length, piece) => {
    if (isMetadata(offset, length)) return;
    difference.inPiece(offset, length, piece, (start, bytes) => {
      if (found.at(-1) === start) found[found.length - 1] = start + bytes;
      else found.push(start, start + bytes);
    });
  });
  return found;
}

/** A table that is not staged over: only data may differ that stayed where it is. */
function addInPlace(
  image: Qcow2Image,
  start: GuestOffset,
  end: GuestOffset,
  changed: readonly number[],
  found: Pending,
): void {
  image.forEachRun(start, end, (from, length, kind, host) => {
    if (kind === RunKind.data) addChangedBytes(from, plus(from, length), host, changed, found);
    return !found.stopped;
  });
}

/** Puts touching ranges together. */
class Pending {
  stopped = false;
  #start = guestOffset(0);
  #end = guestOffset(0);

  constructor(readonly visit: RangeVisitor) {}

  add(start: GuestOffset, end: GuestOffset): void {
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

/** As the image has it; `BROKEN` for an L1 entry that breaks the specification. */
function tableOf({ tables }: Qcow2Image, index: number): HostOffset {
  return tolerating(() => tables.l2TableOffset(index)) ?? BROKEN;
}

function runsOf(image: Qcow2Image, table: HostOffset, start: GuestOffset, end: GuestOffset): Run[] {
  if (table === BROKEN) return [{ start, end, kind: BROKEN_KIND, host: NO_HOST }];
  const runs = tolerating(() => soundRuns(image, start, end));
  if (runs !== undefined) return runs;
  // Something is broken: cluster by cluster it is known what.
  const { clusterSize } = image.header;
  const found: Run[] = [];
  for (let at = start; at < end; at = plus(at, clusterSize)) {
    const stop = guestOffset(Math.min(end, at + clusterSize));
    const broken = { start: at, end: stop, kind: BROKEN_KIND, host: NO_HOST } as const;
    found.push(...(tolerating(() => soundRuns(image, at, stop)) ?? [broken]));
  }
  return found;
}

/** @throws FormatError */
function soundRuns(image: Qcow2Image, start: GuestOffset, end: GuestOffset): Run[] {
  const runs: Run[] = [];
  image.forEachRun(start, end, (from, length, kind, host) => {
    const first = guestOffset(Math.max(start, from));
    const at = host < 0 || kind === RunKind.compressed ? host : plus(host, first - from);
    runs.push({ start: first, end: guestOffset(Math.min(end, from + length)), kind, host: at });
    return undefined;
  });
  return runs;
}

/** @returns undefined where the image breaks the specification */
function tolerating<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** Both lists cover the same range without gaps. */
function compareRuns(
  before: readonly Run[],
  after: readonly Run[],
  changed: readonly number[],
  found: Pending,
): void {
  let left = 0;
  let right = 0;
  for (let at = before[0]?.start ?? guestOffset(0); ;) {
    const was = before[left];
    const is = after[right];
    if (was === undefined || is === undefined) return;
    const end = was.end < is.end ? was.end : is.end;
    if (was.kind !== is.kind || hostAt(was, at) !== hostAt(is, at)) found.add(at, end);
    else if (is.kind === RunKind.data) addChangedBytes(at, end, hostAt(is, at), changed, found);
    if (was.end === end) left++;
    if (is.end === end) right++;
    at = end;
  }
}

const hostAt = ({ start, kind, host }: Run, at: GuestOffset): HostOffset =>
  host < 0 || kind === RunKind.compressed ? host : plus(host, at - start);

/** Data that stayed where it is: adds what of it is in `changed`. */
function addChangedBytes(
  start: GuestOffset,
  end: GuestOffset,
  host: HostOffset,
  changed: readonly number[],
  found: Pending,
): void {
  const stop = host + end - start;
  // The first one that ends after `host`.
  const first = firstIndex(changed.length / 2, (index) => (changed[index * 2 + 1] ?? Infinity) <= host);
  for (let at = first * 2; ; at += 2) {
    const from = changed[at] ?? stop;
    const to = changed[at + 1] ?? stop;
    if (from >= stop) return;
    found.add(plus(start, Math.max(host, from) - host), plus(start, Math.min(stop, to) - host));
  }
}
