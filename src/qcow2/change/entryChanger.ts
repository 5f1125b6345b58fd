/**
 * Zeroes and discards whole clusters, and whole subclusters, by their entries: table by table, run by run.
 */
import { UnsupportedError } from '../errors';
import { HIGH, LOW } from '../format/bytes';
import { EntryKind } from '../format/l2Kind';
import type { Fill } from '../io/fill';
import {
  type ByteLength,
  type GuestCluster,
  guestOffset,
  type GuestOffset,
  type HostOffset,
  plus,
  startOf,
} from '../units';
import { bitsBetween, DataWriter } from './dataWriter';
import { Outcome } from './decide';
import { EntryRewriter } from './entryRewriter';
import type { ImageWriter } from './imageWriter';
import { forEachOther } from './knownZero';
import type { L2Table } from './l2Tables';
import type { Became, ExplicitReason } from './tally';

/** What is asked for, in guest bytes. */
export interface GuestRange {
  readonly start: GuestOffset;
  readonly end: GuestOffset;
}

export interface EntryPlan {
  /** What becomes of a cluster, by its kind. */
  readonly outcomes: readonly Outcome[];
  /** The same where everything below the image is known to be zero; absent if that is not looked up. */
  readonly outcomesOverZero?: readonly Outcome[];
  /** Explicit zeroes may be written. */
  readonly fallback: boolean;
}

/** A stretch of one table. */
interface EntryRange {
  /** Entries. */
  readonly first: number;
  readonly end: number;
  /** Guest offset of the table's first cluster. */
  readonly tableStart: GuestOffset;
}

export class EntryChanger {
  readonly #clusterSize: ByteLength;
  readonly #data: DataWriter;
  readonly #rewriter: EntryRewriter;
  /** Guest ranges that need explicit zeroes: start and end in turns. */
  #explicit: number[] = [];

  constructor(
    readonly writer: ImageWriter,
    readonly plan: EntryPlan,
  ) {
    this.#clusterSize = writer.header.clusterSize;
    this.#data = new DataWriter(writer);
    this.#rewriter = new EntryRewriter(writer);
  }

  /**
   * Changes the guest clusters from `first` to before `end`.
   * @param request for the tally, and for explicit zeroes: not more than was asked for
   */
  changeClusters(first: GuestCluster, end: GuestCluster, request: GuestRange): void {
    const { header, tables } = this.writer;
    const { l2Entries, clusterSize, l2Span } = header;
    const lastTable = Math.ceil(end / l2Entries);
    for (let index = Math.floor(first / l2Entries); index < lastTable;) {
      const next = this.#leavesMissingTables ? tables.nextTable(index, lastTable) : index;
      const from = Math.max(first, index * l2Entries);
      if (next > index) {
        const to = Math.min(end, next * l2Entries);
        this.#count('unchanged', guestOffset(from * clusterSize), guestOffset(to * clusterSize), request);
        index = next;
        continue;
      }
      const to = Math.min(end, (index + 1) * l2Entries);
      const tableStart = guestOffset(index * l2Span);
      const stretch = { first: from - index * l2Entries, end: to - index * l2Entries, tableStart };
      const isDone = to - from === l2Entries && this.#changeFill(index, tableStart, request);
      if (!isDone) {
        tables.edit(index, (table) => {
          this.#changeInTable(table, stretch, request);
        });
      }
      this.#writeExplicitZeroes(request);
      this.writer.checkProgress(request.start, to * clusterSize, request.end);
      index++;
    }
    this.#rewriter.finish();
  }

  /** Zeroes subclusters `first` to before `end` of one cluster, in its bitmap alone where it is not compressed. */
  zeroSubclusters(cluster: GuestCluster, first: number, end: number, request: GuestRange): void {
    const { header, tables, entries, tally } = this.writer;
    const guest = startOf(cluster, header.clusterSize);
    const start = guestOffset(Math.max(guest + first * header.subclusterSize, request.start));
    const bytes = Math.min(guest + end * header.subclusterSize, request.end) - start;
    const found = { isCompressed: false };
    tables.edit(Math.floor(cluster / header.l2Entries), ({ words, offset, changed }) => {
      const at = (cluster % header.l2Entries) * entries.stride;
      found.isCompressed = entries.kindAt(words, at, offset, guest) === EntryKind.compressed;
      if (found.isCompressed) return;
      const mask = bitsBetween(first, end);
      const zeroes = (words[at + 2 + HIGH]! | mask) >>> 0;
      const allocated = (words[at + 2 + LOW]! & ~mask) >>> 0;
      const isSame = zeroes === words[at + 2 + HIGH] && allocated === words[at + 2 + LOW];
      tally.add(isSame ? 'unchanged' : 'becameZero', 1, bytes);
      if (isSame) return;
      words[at + 2 + HIGH] = zeroes;
      words[at + 2 + LOW] = allocated;
      changed(at, at + entries.stride);
    });
    if (found.isCompressed) this.writeExplicitZeroes(start, plus(start, bytes), 'compressed');
  }

  /** @throws UnsupportedError where explicit zeroes are not allowed */
  writeExplicitZeroes(start: GuestOffset, end: GuestOffset, reason: ExplicitReason): void {
    if (!this.plan.fallback) {
      throw new UnsupportedError(this.writer.context.file.name, `zero.${reason}`, { offset: start });
    }
    this.#data.writeZeroes(start, end, `explicit.${reason}`);
  }

  /** Nothing becomes of clusters without a table: tables that are missing can be passed over. */
  get #leavesMissingTables(): boolean {
    const { outcomes } = this.plan;
    const outcome = outcomes[EntryKind.unallocated];
    return outcome === Outcome.unallocated || outcome === Outcome.nothing;
  }

  /**
   * Changes a whole table that is known to be one run of entries, all at once.
   * @returns false where it is none: then nothing was done
   */
  #changeFill(index: number, tableStart: GuestOffset, request: GuestRange): boolean {
    const { header, tables, entries } = this.writer;
    const { clusterSize, l2Entries } = header;
    if (entries.stride !== 2 || this.plan.outcomesOverZero !== undefined) return false;
    const known = tables.fillOf(index);
    if (known === undefined) return false;
    const { offset, fill } = known;
    const words = entryOf(fill, offset);
    const kind = entries.kindAt(words, 0, offset, tableStart);
    if (fill.step !== entries.riseOf(kind)) return false;
    // It may be the last one that leads too far.
    const end = plus(offset, clusterSize - 8);
    const tableEnd = plus(tableStart, header.l2Span);
    if (entries.kindAt(entryOf(fill, end), 0, end, plus(tableStart, header.l2Span - clusterSize)) !== kind)
      return false;
    const outcome = this.plan.outcomes[kind]!;
    const now =
      outcome === Outcome.fallback
        ? this.#addExplicit(tableStart, tableEnd)
        : this.#rewriter.rewrite(words, 0, 2, kind, outcome, l2Entries);
    this.#count(now, tableStart, tableEnd, request);
    if (now !== 'unchanged' && now !== 'explicit.version2') {
      tables.fill(index, offset, words[HIGH]!, words[LOW]!, now === 'keptAllocation' ? clusterSize : 0);
    }
    return true;
  }

  #changeInTable(table: L2Table, stretch: EntryRange, request: GuestRange): void {
    const { words, offset } = table;
    const { entries } = this.writer;
    const { stride } = entries;
    const { tableStart, end } = stretch;
    const clusterSize = this.#clusterSize;
    const overZero = this.#clustersOverZero(stretch);
    const { outcomes, outcomesOverZero = outcomes } = this.plan;
    let became: Became = 'unchanged';
    let becameFrom = plus(tableStart, stretch.first * clusterSize);
    let changedFrom = Infinity;
    let changedTo = 0;
    let step: number | undefined;
    for (let index = stretch.first; index < end;) {
      const at = index * stride;
      const guest = guestOffset(tableStart + index * clusterSize);
      const kind = entries.kindAt(words, at, offset, guest);
      // What is below may differ from cluster to cluster.
      const stop =
        overZero === undefined ? entries.runEnd(table.signed, at, end * stride, kind) : at + stride;
      const outcome = (overZero?.[index - stretch.first] === 1 ? outcomesOverZero : outcomes)[kind]!;
      index = stop / stride;
      const now =
        outcome === Outcome.fallback
          ? this.#addExplicit(guest, plus(tableStart, index * clusterSize))
          : this.#rewriter.rewrite(words, at, stop, kind, outcome);
      if (now !== became) {
        if (guest > becameFrom) this.#count(became, becameFrom, guest, request);
        became = now;
        becameFrom = guest;
      }
      if (now !== 'unchanged' && now !== 'explicit.version2') {
        // What was a run of contiguous clusters still is one, or has become the same entry over and over.
        step = changedFrom < Infinity ? undefined : now === 'keptAllocation' ? clusterSize : 0;
        if (changedFrom === Infinity) changedFrom = at;
        changedTo = stop;
      }
    }
    this.#count(became, becameFrom, plus(tableStart, end * clusterSize), request);
    if (changedFrom < changedTo) table.changed(changedFrom, changedTo, step);
  }

  /** Counts guest bytes, as far as they were asked for; what is written explicitly is counted when it is written. */
  #count(became: Became, start: GuestOffset, end: GuestOffset, request: GuestRange): void {
    if (became === 'explicit.version2') return;
    const clusters = (end - start) / this.#clusterSize;
    const bytes = Math.min(end, request.end) - Math.max(start, request.start);
    this.writer.tally.add(became, clusters, bytes);
  }

  #addExplicit(start: GuestOffset, end: GuestOffset): Became {
    if (this.#explicit.at(-1) === start) this.#explicit[this.#explicit.length - 1] = end;
    else this.#explicit.push(start, end);
    return 'explicit.version2';
  }

  #writeExplicitZeroes(request: GuestRange): void {
    for (let index = 0; index < this.#explicit.length; index += 2) {
      const start = guestOffset(Math.max(this.#explicit[index]!, request.start));
      const end = guestOffset(Math.min(this.#explicit[index + 1]!, request.end));
      this.writeExplicitZeroes(start, end, 'version2');
    }
    this.#explicit = [];
  }

  /** 1 for each cluster below which everything is known to be zero; undefined if the plan does not need it. */
  #clustersOverZero({ first, end, tableStart }: EntryRange): Uint8Array | undefined {
    if (this.plan.outcomesOverZero === undefined) return undefined;
    const size = this.#clusterSize;
    const start = plus(tableStart, first * size);
    const stop = guestOffset(Math.min(tableStart + end * size, this.writer.header.size));
    const isZero = new Uint8Array(end - first).fill(1);
    forEachOther(this.writer.context.layers, 1, start, stop, (from, length) => {
      isZero.fill(0, Math.floor((from - start) / size), Math.ceil((from + length - start) / size));
      return true;
    });
    return isZero;
  }
}

/** The words of the entry that a fill has at `offset`. */
function entryOf(fill: Fill, offset: HostOffset): Uint32Array {
  const { high, low } = fill.wordAt(offset);
  const words = new Uint32Array(2);
  words[HIGH] = high;
  words[LOW] = low;
  return words;
}
