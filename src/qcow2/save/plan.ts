/**
 * What a save has to write, found by comparing the staged file with the disk sector by sector: which sectors differ,
 * and what each of them is (role.ts). A cluster has one role in a save; where it had two, nothing is written at all.
 */
import { FormatError, RefusedError } from '../errors';
import { partsBehindFields } from '../format/backingLayout';
import { RunKind } from '../image/layer';
import { Qcow2Image } from '../image/qcow2Image';
import { readRefcountTable } from '../image/tableEntries';
import type { BlockFile } from '../io/blockFile';
import { Fill } from '../io/fill';
import type { Piece, StagedFile } from '../io/stagedFile';
import type { Progress } from '../progress';
import {
  type ByteLength,
  clusterOf,
  hostCluster,
  type HostCluster,
  hostOffset,
  type HostOffset,
  plus,
  rawGuestOffset,
  startOf,
} from '../units';
import { ClusterBytes, Ranges } from './clusterRanges';
import type { SaveShape } from './groupContent';
import { hiddenSectors } from './hidden';
import { RefcountReader } from './refcountReader';
import { Role, SECTOR } from './role';
import { forEachDifference, Runs } from './runs';
import { tableMove, type TableMove } from './tableMove';
import { ClusterUses, type Metadata } from './uses';

/** One file of a save. */
export interface FilePlan {
  readonly staged: StagedFile;
  readonly runs: Runs;
  /** Bytes. */
  readonly oldSize: ByteLength;
  /** Bytes; what is cut off goes after the commit. */
  readonly newSize: ByteLength;
}

export interface SavePlan {
  readonly shape: SaveShape;
  readonly clusterSize: ByteLength;
  readonly image: FilePlan;
  readonly dataFile: FilePlan | undefined;
  readonly move: TableMove;
  /** The header's first sector in the end. */
  readonly header: Uint8Array;
}

/** Bytes compared at a time. */
const PIECE = 64 * 1024;
/** In `ClusterBytes`: nothing of the cluster is written. */
const SKIPPED = 0;

/** @returns undefined where nothing on disk has to change */
export function makePlan(
  image: StagedFile,
  dataFile: StagedFile | undefined,
  progress: Progress,
): SavePlan | undefined {
  const onDisk = Qcow2Image.open(image.base);
  const staged = Qcow2Image.open(image, { dataFile, former: onDisk });
  // What the guards refuse by name cannot come here; no plan can be made of tables that cannot be read.
  onDisk.refuseFaults('change');
  staged.refuseFaults('change');
  return new Planner(image, onDisk, staged, progress).make(dataFile);
}

class Planner {
  readonly #runs = new Runs();
  readonly #roles = new ClusterBytes();
  readonly #touched: Ranges<HostCluster>;
  readonly #move: TableMove;
  readonly #clusterSize: ByteLength;
  /** Sectors of in-place data that the staged image does not show. */
  #hidden = new Ranges<number>();
  #changesData = false;

  constructor(
    readonly file: StagedFile,
    readonly onDisk: Qcow2Image,
    readonly staged: Qcow2Image,
    readonly progress: Progress,
  ) {
    if (onDisk.header.clusterSize !== staged.header.clusterSize) {
      throw new RefusedError(file.name, 'save.otherGeometry');
    }
    this.#clusterSize = onDisk.header.clusterSize;
    this.#touched = touchedClusters(file, this.#clusterSize);
    this.#move = tableMove(onDisk, staged);
  }

  make(dataFile: StagedFile | undefined): SavePlan | undefined {
    const { version } = this.onDisk.header;
    const oldSize = this.file.base.size;
    const newSize = this.file.size;
    this.#assignRoles();
    this.#addChanged();
    this.#addMoved();
    this.#addCut(hostOffset(ceilSector(newSize)), hostOffset(ceilSector(oldSize)));
    const [header, oldHeader] = [firstSector(this.file), firstSector(this.file.base)];
    const isHeaderEqual = Buffer.compare(header, oldHeader) === 0;
    const data = dataFile === undefined ? undefined : this.#planDataFile(dataFile);
    if (this.#runs.isEmpty && data === undefined && isHeaderEqual && newSize === oldSize) return undefined;
    // The mark is in it.
    if (version === 3 || !isHeaderEqual) this.#runs.add(hostOffset(0), SECTOR, Role.header);
    return {
      shape: {
        version: version === 3 && this.staged.header.version === 3 ? 3 : 2,
        refcountBits: this.onDisk.header.refcountBits,
        pointer: this.#move.pointer,
      },
      clusterSize: this.#clusterSize,
      image: { staged: this.file, runs: this.#runs, oldSize, newSize },
      dataFile: data,
      move: this.#move,
      header,
    };
  }

  #assignRoles(): void {
    const oldTable = readRefcountTable(this.onDisk.file, this.onDisk.header);
    const newTable = readRefcountTable(this.staged.file, this.staged.header);
    const oldUses = new ClusterUses(this.onDisk, oldTable, this.#touched, this.progress);
    const newUses = new ClusterUses(this.staged, newTable, this.#touched, this.progress);
    const oldRefcounts = new RefcountReader(this.onDisk.file, this.onDisk.header, oldTable);
    const newRefcounts = new RefcountReader(this.staged.file, this.staged.header, newTable);
    this.#touched.forEachWithin(hostCluster(0), hostCluster(Infinity), (cluster) => {
      if (cluster % 4096 === 0) this.progress.checkCancelled();
      if (this.#move.ownsCluster(cluster)) return;
      const uses = { before: oldUses.of(cluster), after: newUses.of(cluster) };
      const role = this.#roleOf(cluster, uses, oldRefcounts.of(cluster), newRefcounts.of(cluster));
      if (role !== SKIPPED) this.#roles.set(cluster, role);
      if (role === Role.data) this.#changesData = true;
    });
    this.#refuseTaken(oldUses, oldRefcounts);
    if (!this.#changesData || this.staged.hasDataFile) return;
    const isTouched = (cluster: HostCluster): boolean => this.#touched.has(cluster);
    const isData = (cluster: HostCluster): boolean => this.#roles.get(cluster) === Role.data;
    this.#hidden = hiddenSectors(this.staged, isTouched, isData);
  }

  /** What takes the place of a table or a block lies where nothing is yet. */
  #refuseTaken(oldUses: ClusterUses, oldRefcounts: RefcountReader): void {
    const { newTable, blocks } = this.#move;
    const clusters = [...blocks.keys()];
    for (let at = 0; newTable !== undefined && at < newTable.length; at += this.#clusterSize) {
      clusters.push(clusterOf(plus(newTable.offset, at), this.#clusterSize));
    }
    for (const cluster of clusters) {
      const use = oldUses.of(hostCluster(cluster));
      if (use !== undefined || oldRefcounts.of(hostCluster(cluster)) !== 0) this.#refuseOverlap(cluster, use);
    }
  }

  #roleOf(
    cluster: HostCluster,
    { before, after }: { readonly before: Metadata | undefined; readonly after: Metadata | undefined },
    oldRefcount: number,
    newRefcount: number,
  ): Role | typeof SKIPPED {
    if (after !== undefined && newRefcount === 0) {
      throw new FormatError(this.file.name, 'refcount.tooLow', { offset: cluster * this.#clusterSize });
    }
    if (oldRefcount === 0 && before === undefined) return newRefcount === 0 ? SKIPPED : Role.fresh;
    if (newRefcount === 0) return Role.hidden;
    const [oldRole, newRole] = [steadyRole(before), steadyRole(after)];
    if (oldRole === newRole) return oldRole;
    // Which clusters are bitmaps' cannot be told any more once they are given up.
    const roles = [oldRole, newRole];
    if (roles.includes(Role.bitmap) && roles.includes(Role.data)) return Role.bitmap;
    // A structure whose refcount is too high is left as a leak where it is given up, and found there again by undo.
    if (this.#isUnchanged(cluster)) return SKIPPED;
    return this.#refuseOverlap(cluster, before);
  }

  #isUnchanged(cluster: HostCluster): boolean {
    const offset = startOf(cluster, this.#clusterSize);
    const bytesOf = (file: BlockFile): Buffer => {
      const bytes = Buffer.alloc(this.#clusterSize);
      file.read(bytes, offset);
      return bytes;
    };
    return bytesOf(this.file).equals(bytesOf(this.file.base));
  }

  #refuseOverlap(cluster: number, use: Metadata | undefined): never {
    const offset = cluster * this.#clusterSize;
    throw new RefusedError(this.file.name, 'save.overlap', { offset, what: use ?? 'guest data' });
  }

  #addChanged(): void {
    forEachStagedStretch(this.file, this.#clusterSize, (offset, length, piece) => {
      this.progress.checkCancelled();
      const role = this.#roles.get(clusterOf(offset, this.#clusterSize)) as Role | typeof SKIPPED;
      if (role === SKIPPED) return;
      forEachChanged(this.file.base, offset, length, piece, (start, end) => {
        this.#addStretch(start, end, role);
      });
    });
  }

  #addStretch(start: HostOffset, end: HostOffset, role: Role): void {
    // The header's first sector comes by itself.
    if (start === 0) this.#addStretch(hostOffset(SECTOR), end, role);
    else if (role === Role.headerTail) this.#addHeaderTail(start, end);
    else if (role === Role.data) this.#addData(start, end);
    else this.#runs.add(start, end - start, role);
  }

  /** What only the header on disk needs there stays until the first sector no longer points to it. */
  #addHeaderTail(start: HostOffset, end: HostOffset): void {
    const parts = partsBehindFields(this.file, this.staged.header);
    for (let at = start; at < end; at = plus(at, SECTOR)) {
      const isNeeded = parts.some((part) =>
        this.#differs(Math.max(part.start, at), Math.min(part.end, at + SECTOR)),
      );
      this.#runs.add(at, SECTOR, isNeeded ? Role.headerTail : Role.hidden);
    }
  }

  #differs(start: number, end: number): boolean {
    if (start >= end) return false;
    const [before, after] = [new Uint8Array(end - start), new Uint8Array(end - start)];
    this.file.base.read(before, hostOffset(start));
    this.file.read(after, hostOffset(start));
    return Buffer.compare(before, after) !== 0;
  }

  #addData(start: HostOffset, end: HostOffset): void {
    if (this.#hidden.isEmpty) {
      this.#runs.add(start, end - start, Role.data);
      return;
    }
    for (let at = start; at < end; at = plus(at, SECTOR)) {
      this.#runs.add(at, SECTOR, this.#hidden.has(at / SECTOR) ? Role.hidden : Role.data);
    }
  }

  #addMoved(): void {
    const { newTable, formerTable, blocks, formerBlocks } = this.#move;
    if (newTable !== undefined) this.#runs.add(newTable.offset, newTable.length, Role.movedTable);
    if (formerTable !== undefined) this.#runs.add(formerTable.offset, formerTable.length, Role.formerTable);
    for (const cluster of blocks.keys()) {
      this.#runs.add(hostOffset(cluster * this.#clusterSize), this.#clusterSize, Role.movedBlock);
    }
    for (const cluster of formerBlocks.keys()) {
      this.#runs.add(hostOffset(cluster * this.#clusterSize), this.#clusterSize, Role.formerBlock);
    }
  }

  /** A table or a block that is needed until the end is cut off with the rest, but not one of its bytes before. */
  #addCut(start: HostOffset, end: HostOffset): void {
    const { formerTable, formerBlocks } = this.#move;
    const length = this.#clusterSize;
    const needed = [...formerBlocks.keys()].map((cluster) => ({
      offset: hostOffset(cluster * length),
      length,
    }));
    if (formerTable !== undefined) needed.push(formerTable);
    needed.sort((one, other) => one.offset - other.offset);
    let at = start;
    for (const each of needed) {
      this.#runs.add(at, Math.min(end, each.offset) - at, Role.cut);
      at = hostOffset(Math.max(at, each.offset + each.length));
    }
    this.#runs.add(at, end - at, Role.cut);
  }

  /** An external data file has guest data alone, at the guest's offsets. */
  #planDataFile(file: StagedFile): FilePlan | undefined {
    const changed = new Runs();
    forEachStagedStretch(file, PIECE, (offset, length, piece) => {
      this.progress.checkCancelled();
      forEachChanged(file.base, offset, length, piece, (start, end) => {
        changed.add(start, end - start, Role.data);
      });
    });
    const oldSize = file.base.size;
    const newSize = file.size;
    if (changed.isEmpty && newSize === oldSize) return undefined;
    let runs = changed;
    if (!this.staged.features.rawExternalData) {
      runs = new Runs();
      changed.forEach((offset, length) => {
        this.#addByEntries(runs, offset, plus(offset, length));
      });
    }
    runs.add(hostOffset(ceilSector(newSize)), ceilSector(oldSize) - ceilSector(newSize), Role.cut);
    return { staged: file, runs, oldSize, newSize };
  }

  #addByEntries(runs: Runs, start: HostOffset, end: HostOffset): void {
    this.staged.forEachRun(rawGuestOffset(start), rawGuestOffset(end), (from, length, kind) => {
      const first = hostOffset(Math.max(start, from));
      const stop = Math.min(end, from + length);
      runs.add(first, stop - first, kind === RunKind.data ? Role.data : Role.hidden);
      return undefined;
    });
    const rest = hostOffset(Math.max(start, this.staged.size));
    runs.add(rest, end - rest, Role.data);
  }
}

/** The role of a cluster that stays what it is. */
const steadyRole = (use: Metadata | undefined): Role => (use === undefined ? Role.data : ROLES[use]);

const ROLES: Readonly<Record<Metadata, Role>> = {
  header: Role.headerTail,
  'refcount table': Role.table,
  'refcount block': Role.block,
  'L1 table': Role.tree,
  'L2 table': Role.tree,
  'snapshot table': Role.tree,
  'bitmap directory': Role.bitmap,
  'bitmap table': Role.bitmap,
  'bitmap data': Role.bitmap,
};

export const ceilSector = (bytes: number): number => Math.ceil(bytes / SECTOR) * SECTOR;

function touchedClusters(file: StagedFile, clusterSize: ByteLength): Ranges<HostCluster> {
  const touched = new Ranges<HostCluster>();
  forEachStagedStretch(file, Infinity, (offset, length) => {
    touched.add(clusterOf(offset, clusterSize), hostCluster(Math.ceil((offset + length) / clusterSize)));
  });
  return touched;
}

/** Visits what is staged, in stretches that do not cross a multiple of `boundary`; zeroes over holes are left out. */
export function forEachStagedStretch(
  file: StagedFile,
  boundary: number,
  visit: (offset: HostOffset, length: ByteLength, piece: Piece) => void,
): void {
  file.forEachPiece(hostOffset(0), hostOffset(Infinity), (offset, length, piece) => {
    const end = plus(offset, length);
    for (let at = offset; at < end;) {
      let stop = hostOffset(Math.min(end, (Math.floor(at / boundary) + 1) * boundary));
      if (boundary === Infinity) stop = end;
      if (piece === Fill.zero) {
        const extent = file.base.extentAt(at);
        // Whole sectors only: they are what is compared.
        const next = extent.isHole ? hostOffset(Math.min(end, Math.floor(extent.end / SECTOR) * SECTOR)) : at;
        if (next > at) {
          at = next;
          continue;
        }
        if (!extent.isHole) stop = hostOffset(Math.min(stop, Math.max(at + SECTOR, ceilSector(extent.end))));
      }
      const part = piece instanceof Fill ? piece : piece.subarray(at - offset, stop - offset);
      visit(at, Math.min(stop, end) - at, part);
      at = stop;
    }
  });
}

const BEFORE = new Uint8Array(PIECE);
const AFTER = new Uint8Array(PIECE);
const PROBE = new Uint8Array(SECTOR);
const FILLED = new Uint8Array(SECTOR);

/**
 * Visits the sectors of a piece that the file has otherwise, as offsets in the file. Of a fill, what lies between two
 * sectors that differ may be among them although it does not: finding that out would cost more than writing it.
 */
export function forEachChanged(
  base: BlockFile,
  offset: HostOffset,
  length: ByteLength,
  piece: Piece,
  visit: (start: HostOffset, end: HostOffset) => void,
): void {
  const size = Math.min(PIECE, ceilSector(length));
  const before = BEFORE.subarray(0, size);
  const after = AFTER.subarray(0, size);
  for (let done = 0; done < length; done += size) {
    const step = Math.min(size, length - done);
    const isFull = piece instanceof Fill && step === PIECE;
    const known = isFull ? base.knownFills?.at(plus(offset, done), PIECE) : undefined;
    // Of two fills that differ no two words in a row are the same: all sectors differ.
    if (isFull && known?.agreesWith(piece, plus(offset, done)) === true) continue;
    if (isFull && (known !== undefined || differsAtBothEnds(base, plus(offset, done), piece))) {
      visit(plus(offset, done), plus(offset, done + step));
      continue;
    }
    const was = before.subarray(0, step);
    base.read(was, plus(offset, done));
    if (piece instanceof Fill) piece.writeTo(after, plus(offset, done));
    const is = piece instanceof Fill ? after.subarray(0, step) : piece.subarray(done, done + step);
    forEachDifference(was, is, (start, end) => {
      visit(hostOffset(offset + done + start), hostOffset(ceilSector(offset + done + end)));
    });
  }
}

/** Of `PIECE` bytes that are to be filled. */
function differsAtBothEnds(base: BlockFile, start: HostOffset, fill: Fill): boolean {
  return [start, plus(start, PIECE - SECTOR)].every((offset) => {
    base.read(PROBE, offset);
    fill.writeTo(FILLED, offset);
    return Buffer.compare(PROBE, FILLED) !== 0;
  });
}

export function firstSector(file: BlockFile): Uint8Array {
  const bytes = new Uint8Array(SECTOR);
  file.read(bytes, hostOffset(0));
  return bytes;
}
