/**
 * Gives up what the image stores needlessly: data that is all zero or the same as in the backing file, space that zero
 * clusters keep, tables that say nothing, VM state past the end of the disk. The guest sees no difference. What its file
 * systems do not use is given up as well, and reads as zero then.
 *
 * What an entry becomes is decided by `decideZero` with unmap, and never by writing zeroes. Only what becomes free is given
 * up: a cluster that something else refers to as well, and a table that a snapshot shares, stay as they are. So the file
 * never grows.
 */
import { HIGH, LOW } from '../format/bytes';
import { COPIED_HIGH, hasOffset, offsetOf, ZERO_LOW } from '../format/entryBits';
import { EntryKind, hasHostCluster, isCompressed } from '../format/l2Kind';
import type { GuestSet } from '../guestSet';
import {
  type ClusterCount,
  clusterOf,
  type GuestCluster,
  guestCluster,
  guestOffset,
  type GuestOffset,
  plus,
  startOf,
} from '../units';
import type { Change, ChangeContext } from './context';
import { decideZero, Outcome, outcomeTable, type ZeroPolicy } from './decide';
import { EntryRewriter } from './entryRewriter';
import { ImageWriter } from './imageWriter';
import type { L2Table } from './l2Tables';
import type { Became } from './tally';

export interface GiveUpOptions {
  readonly policy: ZeroPolicy;
  /** Data that is known to be zero. */
  readonly zeroes?: GuestSet | undefined;
  /** Data that is known to be what the backing file gives. */
  readonly sameAsBacking?: GuestSet | undefined;
  /** What the guest's file systems do not use. */
  readonly guestFree?: GuestSet | undefined;
  /** The space that zero clusters keep, and L2 tables that hold nothing but zeroes. */
  readonly allocatedZeroes: boolean;
  /** What L1 entries past the end of the disk lead to: the VM state of a snapshot that was applied. */
  readonly vmState: boolean;
}

/** All 32 subclusters read as zero. */
const ALL_ZERO = 0xffffffff;

/**
 * @param context of an image without external data file, which has no refcounts, where anything is to be given up
 * @throws FormatError, FileError, CancelledError
 */
export function giveUp(context: ChangeContext, options: GiveUpOptions): Change {
  const writer = new ImageWriter(context);
  const givingUp = new GivingUp(writer, options);
  givingUp.run();
  return writer.finish('shrink', guestOffset(0), writer.header.size, givingUp.seen);
}

/** The words that may change, of one table. */
interface Changed {
  from: number;
  to: number;
}

class GivingUp {
  readonly #rewriter: EntryRewriter;
  /** What becomes of a zero cluster, by its kind. */
  readonly #outcomes: readonly Outcome[];
  readonly #hasBacking: boolean;
  /** Streams share clusters with those of snapshots: what would become free is not known. */
  readonly #mayFreeCompressed: boolean;
  /** Ranges in which the guest reads something else now: what it does not use. */
  readonly seen: [start: GuestOffset, end: GuestOffset][] = [];

  constructor(
    readonly writer: ImageWriter,
    readonly options: GiveUpOptions,
  ) {
    const { image } = writer.context;
    const { policy } = options;
    this.#hasBacking = image.namesBacking;
    this.#mayFreeCompressed = options.guestFree !== undefined && image.header.snapshotCount === 0;
    const situation = { version: image.header.version, hasBacking: this.#hasBacking, policy };
    this.#outcomes = outcomeTable((kind) =>
      decideZero(kind, { ...situation, unmap: true, fallback: policy === 'zero-flag' && !this.#hasBacking }),
    );
    this.#rewriter = new EntryRewriter(writer);
  }

  run(): void {
    const { header, tables } = this.writer;
    const { l2Span, l2Entries, size, l1Size } = header;
    const end = Math.ceil(size / l2Span);
    for (let index = tables.nextTable(0, end); index < end; index = tables.nextTable(index + 1, end)) {
      tables.edit(index, (table) => {
        if (!table.isShared) this.#changeTable(table, guestCluster(index * l2Entries));
      });
      this.writer.checkProgress(guestOffset(0), (index + 1) * l2Span, guestOffset(size));
    }
    if (this.options.vmState) this.#dropTables(end, l1Size);
    this.#rewriter.finish();
  }

  #changeTable(table: L2Table, first: GuestCluster): void {
    const { header, entries } = this.writer;
    const { l2Entries, clusterSize } = header;
    const { stride } = entries;
    const changed: Changed = { from: Infinity, to: 0 };
    const count = Math.min(l2Entries, Math.ceil(header.size / clusterSize) - first);
    for (let index = 0; index < count;) {
      const at = index * stride;
      const guest = startOf(guestCluster(first + index), clusterSize);
      const kind = entries.kindAt(table.words, at, table.offset, guest);
      const stop = entries.runEnd(table.signed, at, count * stride, kind);
      index = stop / stride;
      if (kind === EntryKind.compressed && this.#mayFreeCompressed)
        this.#changeCompressed(table.words, at, stop, guest, changed);
      if (!hasHostCluster(kind)) continue;
      if (stride === 4) this.#changeExtended(table.words, at, guest, changed);
      else if (kind === EntryKind.data) this.#changeData(table.words, at, stop, guest, changed);
      else if (this.options.allocatedZeroes)
        this.#replace(table.words, at, stop, kind, this.#outcomes[kind]!, changed);
    }
    if (this.options.allocatedZeroes) this.#clear(table.words, changed);
    if (changed.from < changed.to) table.changed(changed.from, changed.to);
  }

  /** @param guest of the first of the entries, which have data */
  #changeData(words: Uint32Array, at: number, stop: number, guest: GuestOffset, changed: Changed): void {
    const { zeroes, sameAsBacking, guestFree } = this.options;
    if (zeroes === undefined && sameAsBacking === undefined && guestFree === undefined) return;
    const { clusterSize } = this.writer.header;
    const outcomeAt = (word: number): Outcome => {
      const place = guestOffset(guest + ((word - at) / 2) * clusterSize);
      if (sameAsBacking?.has(place) === true) return Outcome.unallocated;
      if (zeroes?.has(place) === true) return this.#outcomes[EntryKind.data]!;
      if (guestFree?.has(place) !== true) return Outcome.nothing;
      this.#see(place);
      return this.#outcomes[EntryKind.data]!;
    };
    for (let from = at; from < stop;) {
      const outcome = outcomeAt(from);
      let to = from + 2;
      while (to < stop && outcomeAt(to) === outcome) to += 2;
      this.#replace(words, from, to, EntryKind.data, outcome, changed);
      from = to;
    }
  }

  /** @param guest of the first of the entries, which are compressed */
  #changeCompressed(
    words: Uint32Array,
    at: number,
    stop: number,
    guest: GuestOffset,
    changed: Changed,
  ): void {
    const { clusterSize } = this.writer.header;
    const { stride } = this.writer.entries;
    for (let from = at, place = guest; from < stop; from += stride, place = plus(place, clusterSize)) {
      if (!this.#isGuestFree(place)) continue;
      this.#see(place);
      const outcome = this.#outcomes[EntryKind.compressed]!;
      this.#count(this.#rewriter.rewrite(words, from, from + stride, EntryKind.compressed, outcome), 1);
      extend(changed, from, from + stride);
    }
  }

  /** Whether the guest uses nothing of a cluster. */
  #isGuestFree(start: GuestOffset): boolean {
    const { clusterSize, size } = this.writer.header;
    const { guestFree } = this.options;
    if (guestFree === undefined) return false;
    const end = Math.min(start + clusterSize, size);
    return guestFree.bytesWithin(start, guestOffset(end)) === end - start;
  }

  /** The guest reads a cluster otherwise than before. @param start no less than in the call before */
  #see(start: GuestOffset): void {
    const { clusterSize, size } = this.writer.header;
    const end = guestOffset(Math.min(start + clusterSize, size));
    const last = this.seen.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = end;
    else this.seen.push([start, end]);
  }

  /** Makes an outcome of those of the entries whose host cluster becomes free by that. */
  #replace(
    words: Uint32Array,
    at: number,
    stop: number,
    kind: EntryKind,
    outcome: Outcome,
    changed: Changed,
  ): void {
    if (outcome !== Outcome.unallocated && outcome !== Outcome.zero) return;
    for (let from = at; from < stop;) {
      let to = from;
      while (to < stop && isOnlyUse(words, to)) to += 2;
      if (to > from) {
        this.#count(this.#rewriter.rewrite(words, from, to, kind, outcome), (to - from) / 2);
        extend(changed, from, to);
      }
      from = Math.max(to, from + 2);
    }
  }

  /** With extended L2 a cluster becomes free where none of its subclusters has to stay. */
  #changeExtended(words: Uint32Array, at: number, guest: GuestOffset, changed: Changed): void {
    const zeroes = this.#zeroesOnceFree(words, at, guest);
    if (zeroes === undefined || !isOnlyUse(words, at)) return;
    if (this.options.guestFree !== undefined) this.#see(guest);
    const { allocator, header } = this.writer;
    allocator.release(clusterOf(offsetOf(words[at + HIGH]!, words[at + LOW]!), header.clusterSize));
    words.fill(0, at, at + 4);
    words[at + 2 + HIGH] = zeroes;
    this.#count(zeroes === 0 ? 'becameUnallocated' : 'becameZero', 1);
    extend(changed, at, at + 4);
  }

  /** The zero bits of an extended entry whose host cluster is given up; undefined where it has to stay. */
  #zeroesOnceFree(words: Uint32Array, at: number, guest: GuestOffset): number | undefined {
    const { zeroes, sameAsBacking, guestFree, allocatedZeroes } = this.options;
    const { subclusterSize, size } = this.writer.header;
    const allocated = words[at + 2 + LOW]!;
    let hasData = false;
    let bits = words[at + 2 + HIGH]!;
    for (let index = 0; index < 32; index++) {
      const place = guestOffset(guest + index * subclusterSize);
      // What lies past the end of the disk is not seen.
      if (((allocated >>> index) & 1) === 0 || place >= size) continue;
      hasData = true;
      if (sameAsBacking?.has(place) === true) continue;
      if (zeroes?.has(place) !== true && guestFree?.has(place) !== true) return undefined;
      bits |= 1 << index;
    }
    if (!hasData && !allocatedZeroes) return undefined;
    if (this.#hasBacking) return bits >>> 0;
    return this.options.policy === 'unallocate' ? 0 : ALL_ZERO;
  }

  /** Empties a table that says nothing but zero, or nothing at all: it is given up then. */
  #clear(words: Uint32Array, changed: Changed): void {
    const { stride } = this.writer.entries;
    const mayUnallocate = this.#outcomes[EntryKind.zeroPlain] === Outcome.unallocated;
    let zeroes = 0;
    for (let at = 0; at < words.length; at += stride) {
      const [high, low] = [words[at + HIGH]!, words[at + LOW]!];
      if (isCompressed(high) || hasOffset(high, low)) return;
      const isZero = stride === 4 ? words[at + 2 + HIGH] !== 0 : (low & ZERO_LOW) !== 0;
      if (isZero && !mayUnallocate) return;
      zeroes += Number(isZero);
    }
    words.fill(0);
    this.#count('becameUnallocated', zeroes);
    extend(changed, 0, words.length);
  }

  /** Gives up all tables of L1 entries from `index` on, and before `end`, with what they refer to. */
  #dropTables(index: number, end: number): void {
    const { tables, header, entries } = this.writer;
    const { stride } = entries;
    for (let next = tables.nextTable(index, end); next < end; next = tables.nextTable(next + 1, end)) {
      tables.edit(next, ({ words, signed, offset, isShared, changed }) => {
        // A snapshot holds the same state: nothing would become free.
        if (isShared) return;
        const start = guestOffset(next * header.l2Span);
        for (let at = 0; at < words.length;) {
          const kind = entries.kindAt(words, at, offset, start);
          const stop = entries.runEnd(signed, at, words.length, kind);
          this.#rewriter.rewrite(words, at, stop, kind, Outcome.unallocated);
          at = stop;
        }
        if (stride === 4) words.fill(0);
        changed(0, words.length);
      });
      this.writer.context.progress.checkCancelled();
    }
  }

  #count(became: Became, clusters: ClusterCount): void {
    this.writer.tally.add(became, clusters, clusters * this.writer.header.clusterSize);
  }
}

/** Whether an entry is all that refers to its host cluster: to read refcounts in this order would take minutes. */
const isOnlyUse = (words: Uint32Array, at: number): boolean => (words[at + HIGH]! & COPIED_HIGH) !== 0;

function extend(changed: Changed, from: number, to: number): void {
  changed.from = Math.min(changed.from, from);
  changed.to = Math.max(changed.to, to);
}
