/**
 * Changed pages over an unchanged file (ARCHITECTURE.md, "Staged edits"). The engine writes to it as if it were the
 * image, and does not know. What is staged is one immutable tree, so an edit is a state before and a state after, and
 * undo is an assignment.
 *
 * A save makes what was staged part of the file below. Earlier states then still mean what they meant: before it
 * writes, a save keeps the pages that it is about to overwrite (`keepOverwritten`), and a state of an earlier epoch is
 * looked at through what has been kept since.
 */
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import type { BlockFile, FileExtent } from './blockFile';
import { Fill } from './fill';
import { Page, PAGE_SIZE, type PageStore } from './pageStore';
import {
  contentAt,
  forEachChanged,
  forEachContent,
  merged,
  withContent,
  type Content,
  type PageTree,
} from './pageTree';
import type { WritableFile } from './writableFile';
import { zlib } from './zlib';

/** All that is staged at some moment. Immutable: keep it, and assign it to go back to it. */
export interface StagedState {
  readonly tree: PageTree;
  /** Bytes of the file as staged. */
  readonly size: ByteLength;
  /** Saves before it. */
  readonly epoch: number;
}

/** A piece of what is staged: the bytes themselves, or a fill. */
export type Piece = Uint8Array | Fill;

const noteOf = (page: Uint8Array): number => zlib().crc32(page);

/** Bytes read from the base at a time. */
const CHUNK = 64 * 1024;
/** Pages of which a checksum is kept. Beyond that, size and time of the file tell: reading it all again would cost more. */
const MAX_NOTED = 4096;

export class StagedFile implements WritableFile {
  #base: BlockFile;
  #tree: PageTree = undefined;
  #size: ByteLength;
  /** Branches and pages that belong to it are in no state that anybody keeps. */
  #owner = {};
  /** What each save has overwritten, the first one first. */
  readonly #kept: PageTree[] = [];
  /** Checksums of pages of the base, taken when something was first staged over them. */
  #noted = new Map<number, number>();
  readonly #scratch = new Uint8Array(CHUNK);

  /** Takes over `base`, not `store`. */
  constructor(
    base: BlockFile,
    readonly store: PageStore,
  ) {
    this.#base = base;
    this.#size = base.size;
  }

  /** The file as it is on disk. */
  get base(): BlockFile {
    return this.#base;
  }

  get name(): string {
    return this.#base.name;
  }

  get size(): ByteLength {
    return this.#size;
  }

  get allocatedBytes(): ByteLength {
    return this.#base.allocatedBytes;
  }

  get knowsHoles(): boolean {
    return this.#base.knowsHoles;
  }

  /** Nothing is staged. */
  get isEmpty(): boolean {
    return this.#tree === undefined && this.#size === this.#base.size;
  }

  get state(): StagedState {
    // From here on the tree is kept: what is written next copies what it changes.
    this.#owner = {};
    return { tree: this.#tree, size: this.#size, epoch: this.#kept.length };
  }

  set state({ tree, size, epoch }: StagedState) {
    this.#owner = {};
    this.#tree = this.#kept.slice(epoch).reduce((over, kept) => merged(over, kept, this.#owner), tree);
    this.#size = size;
  }

  /** Goes to the state of the base itself: nothing is staged. */
  reset(): void {
    this.state = { tree: undefined, size: this.#base.size, epoch: this.#kept.length };
  }

  read(target: Uint8Array, offset: HostOffset): void {
    const end = Math.min(this.#size, offset + target.length);
    if (end < offset + target.length) target.fill(0, Math.max(0, end - offset));
    if (offset >= end) return;
    if (this.#tree === undefined) {
      this.#base.read(target.subarray(0, end - offset), offset);
      return;
    }
    forEachContent(
      this.#tree,
      Math.floor(offset / PAGE_SIZE),
      Math.ceil(end / PAGE_SIZE),
      (first, count, content) => {
        const from = hostOffset(Math.max(offset, first * PAGE_SIZE));
        const to = Math.min(end, (first + count) * PAGE_SIZE);
        this.#readContent(content, target.subarray(from - offset, to - offset), from);
      },
    );
  }

  write(bytes: Uint8Array, offset: HostOffset): void {
    this.#grow(offset, bytes.length);
    for (let done = 0; done < bytes.length;) {
      const page = Math.floor((offset + done) / PAGE_SIZE);
      const within = offset + done - page * PAGE_SIZE;
      const step = Math.min(PAGE_SIZE - within, bytes.length - done);
      this.#writeInPage(page, within, bytes.subarray(done, done + step));
      done += step;
    }
  }

  fill(offset: HostOffset, length: ByteLength, high = 0, low = 0, step = 0): void {
    if (length === 0) return;
    this.#grow(offset, length);
    const fill = Fill.of(high, low, step, offset);
    const end = plus(offset, length);
    const first = Math.ceil(offset / PAGE_SIZE);
    const last = Math.floor(end / PAGE_SIZE);
    if (first > last) {
      this.#fillInPage(fill, offset, end);
      return;
    }
    this.#fillInPage(fill, offset, hostOffset(first * PAGE_SIZE));
    if (first < last) {
      this.#note(first, last);
      this.#tree = withContent(this.#tree, this.#owner, first, last, fill);
    }
    this.#fillInPage(fill, hostOffset(last * PAGE_SIZE), end);
  }

  readAhead(offset: HostOffset, length: ByteLength): boolean {
    return this.#base.readAhead?.(offset, length) ?? false;
  }

  extentAt(offset: HostOffset): FileExtent {
    if (offset >= this.#size) return { isHole: true, end: hostOffset(Infinity) };
    let extent: FileExtent = { isHole: false, end: offset };
    forEachContent(
      this.#tree,
      Math.floor(offset / PAGE_SIZE),
      Math.ceil(this.#size / PAGE_SIZE),
      (first, count, content) => {
        const end = hostOffset(Math.min(this.#size, (first + count) * PAGE_SIZE));
        extent = content === undefined ? this.#baseExtent(offset, end) : { isHole: false, end };
        return false;
      },
    );
    return extent;
  }

  /**
   * Visits all that is staged between `start` and `end`, ascending: bytes, at most a page of them, or a fill of any
   * length. The bytes belong to the visitor only until it returns.
   * @param start bytes, a multiple of 8
   */
  forEachPiece(
    start: HostOffset,
    end: HostOffset,
    visit: (offset: HostOffset, length: ByteLength, piece: Piece) => void,
  ): void {
    const to = Math.min(end, this.#size);
    const scratch = new Uint8Array(PAGE_SIZE);
    forEachContent(
      this.#tree,
      Math.floor(start / PAGE_SIZE),
      Math.ceil(to / PAGE_SIZE),
      (first, count, content) => {
        if (content === undefined) return;
        const from = hostOffset(Math.max(start, first * PAGE_SIZE));
        const length = Math.min(to, (first + count) * PAGE_SIZE) - from;
        if (length <= 0) return;
        if (content instanceof Fill) {
          visit(from, length, content);
          return;
        }
        const bytes = scratch.subarray(0, length);
        this.store.read(content, bytes, from - first * PAGE_SIZE);
        visit(from, length, bytes);
      },
    );
  }

  fillAt(offset: HostOffset, length: ByteLength): Fill | undefined {
    if (offset + length > this.#size) return undefined;
    const end = Math.ceil((offset + length) / PAGE_SIZE);
    let found: Fill | undefined;
    forEachContent(this.#tree, Math.floor(offset / PAGE_SIZE), end, (first, count, content) => {
      if (first + count < end) return false;
      if (content instanceof Fill) found = content;
      else if (content === undefined) found = this.#base.knownFills?.at(offset, length);
      return false;
    });
    return found;
  }

  /**
   * Visits what `now` stages otherwise than `before`: states of this file, of the same epoch. `undefined` stands for
   * the base's own bytes.
   */
  forEachChange(
    before: StagedState,
    now: StagedState,
    visit: (offset: HostOffset, length: ByteLength, piece: Piece | undefined) => void,
  ): void {
    const scratch = new Uint8Array(PAGE_SIZE);
    forEachChanged(before.tree, now.tree, (first, count, content) => {
      if (content instanceof Page) this.store.read(content, scratch, 0);
      visit(hostOffset(first * PAGE_SIZE), count * PAGE_SIZE, content instanceof Page ? scratch : content);
      return undefined;
    });
  }

  /**
   * Stages what `forEachChange` told, whole pages at a time.
   * @param size bytes of the file afterwards
   */
  putBack(
    pieces: Iterable<{
      readonly offset: HostOffset;
      readonly length: ByteLength;
      readonly piece: Piece | undefined;
    }>,
    size: ByteLength,
  ): void {
    for (const { offset, length, piece } of pieces) {
      const first = offset / PAGE_SIZE;
      let content: Content | undefined;
      if (piece instanceof Uint8Array) {
        const page = this.store.add(this.#owner);
        page.bytes.set(piece);
        content = page;
      } else {
        content = piece;
      }
      this.#tree = withContent(this.#tree, this.#owner, first, first + length / PAGE_SIZE, content);
    }
    this.#size = size;
  }

  /** The fill that a stretch of the base was when it was read: what is staged over it may have been made of that. */
  fillBelow(offset: HostOffset, length: ByteLength): Fill | undefined {
    return this.#base.knownFills?.at(offset, length);
  }

  /** Whether it is known what the page of the base at `offset` was when something was first staged over it. */
  isNoted(offset: HostOffset): boolean {
    return this.#noted.has(offset / PAGE_SIZE);
  }

  /** Whether a page that is noted still was what it was then, where `bytes` are all of it as it is now. */
  isAsNoted(offset: HostOffset, bytes: Uint8Array): boolean {
    return this.#noted.get(offset / PAGE_SIZE) === noteOf(bytes);
  }

  /**
   * Keeps the pages of the base that something is staged over: what a save overwrites, and undo after it needs.
   * @returns to be handed to `rebase` once the save is done
   */
  keepOverwritten(): PageTree {
    const owner = {};
    let kept: PageTree;
    const keep = (first: number, last: number): void => {
      this.#forEachBaseExtent(first, last, (from, to, isHole) => {
        if (isHole) {
          kept = withContent(kept, owner, from, to, Fill.zero);
          return;
        }
        for (let page = from; page < to; page++) {
          const old = this.store.add(owner);
          this.#base.read(old.bytes, hostOffset(page * PAGE_SIZE));
          kept = withContent(kept, owner, page, page + 1, old);
        }
      });
    };
    forEachContent(this.#tree, 0, Math.ceil(this.#size / PAGE_SIZE), (first, count, content) => {
      if (content !== undefined) keep(first, first + count);
    });
    // What is cut off is overwritten, too.
    keep(Math.floor(this.#size / PAGE_SIZE), Math.ceil(this.#base.size / PAGE_SIZE));
    return kept;
  }

  /**
   * What was staged is in the file now.
   * @param base the file as the save has left it; takes it over
   * @param kept from `keepOverwritten`, before the save
   */
  rebase(base: BlockFile, kept: PageTree): void {
    this.#base.close();
    this.#base = base;
    this.#kept.push(kept);
    this.#tree = undefined;
    this.#size = base.size;
    this.#owner = {};
    this.#noted = new Map();
  }

  close(): void {
    this.#base.close();
  }

  /** Visits pages of the base in stretches, holes apart where they are known. */
  #forEachBaseExtent(
    first: number,
    end: number,
    visit: (from: number, to: number, isHole: boolean) => void,
  ): void {
    for (let page = first; page < end;) {
      const extent = this.#base.extentAt(hostOffset(page * PAGE_SIZE));
      const whole = extent.isHole ? Math.floor(extent.end / PAGE_SIZE) : Math.ceil(extent.end / PAGE_SIZE);
      // A hole that ends within the page is not worth telling apart.
      const next = Math.min(end, Math.max(page + 1, whole));
      visit(page, next, extent.isHole && whole > page);
      page = next;
    }
  }

  #readContent(content: Content | undefined, target: Uint8Array, offset: HostOffset): void {
    if (content === undefined) this.#base.read(target, offset);
    else if (content instanceof Page) this.store.read(content, target, offset % PAGE_SIZE);
    else content.writeTo(target, offset);
  }

  #writeInPage(index: number, within: number, bytes: Uint8Array): void {
    const content = contentAt(this.#tree, index);
    if (content instanceof Page && content.owner === this.#owner && content.bytes !== undefined) {
      content.bytes.set(bytes, within);
      return;
    }
    if (content === undefined) this.#note(index, index + 1);
    const page = this.store.add(this.#owner);
    if (bytes.length < PAGE_SIZE) this.#readContent(content, page.bytes, hostOffset(index * PAGE_SIZE));
    page.bytes.set(bytes, within);
    this.#tree = withContent(this.#tree, this.#owner, index, index + 1, page);
  }

  /** Fills from `start` to `end`, which lie in one page. */
  #fillInPage(fill: Fill, start: HostOffset, end: HostOffset): void {
    if (start >= end) return;
    const bytes = new Uint8Array(end - start);
    fill.writeTo(bytes, start);
    const page = Math.floor(start / PAGE_SIZE);
    this.#writeInPage(page, start - page * PAGE_SIZE, bytes);
  }

  /** Makes room for `length` bytes at `offset`. Bytes of the base past an earlier, smaller size must not show. */
  #grow(offset: HostOffset, length: ByteLength): void {
    const end = offset + length;
    if (length === 0 || end <= this.#size) return;
    const from = this.#size;
    this.#size = end;
    const shown = Math.min(end, this.#base.size);
    if (from >= shown) return;
    const aligned = hostOffset(Math.ceil(from / 8) * 8);
    if (from < aligned) this.write(new Uint8Array(Math.min(aligned, shown) - from), hostOffset(from));
    if (aligned < shown) this.fill(aligned, Math.ceil((shown - aligned) / 8) * 8);
    this.#size = end;
  }

  /** Remembers what the base's pages were, as far as there is room and it is not known, from `first` to before `last`. */
  #note(first: number, last: number): void {
    const isKnown =
      this.#base.knownFills?.at(hostOffset(first * PAGE_SIZE), (last - first) * PAGE_SIZE) !== undefined;
    if (isKnown) return;
    const room = Math.max(0, MAX_NOTED - this.#noted.size);
    const pages = Math.min(last, first + room, Math.floor(this.#base.size / PAGE_SIZE));
    for (let page = first; page < pages;) {
      const count = Math.min(CHUNK / PAGE_SIZE, pages - page);
      const buffer = this.#scratch.subarray(0, count * PAGE_SIZE);
      this.#base.read(buffer, hostOffset(page * PAGE_SIZE));
      for (let index = 0; index < count; index++, page++) {
        if (this.#noted.has(page)) continue;
        this.#noted.set(page, noteOf(buffer.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE)));
      }
    }
  }

  #baseExtent(offset: HostOffset, end: HostOffset): FileExtent {
    const extent = this.#base.extentAt(offset);
    return { isHole: extent.isHole, end: hostOffset(Math.min(extent.end, end)) };
  }
}
