/**
 * Which file or structure each place of a disk belongs to: an index of the extents of all files, and around them the
 * free space, the file systems, the partitions. It is built once, from everything that can be read; files whose extents
 * cannot be read are left out. On a damaged disk a place may have several owners: all are told.
 */
import type { DiskPart, GuestDisk } from './disk';
import type { FreeSpace } from './diskFree';
import { GuestError } from './errors';
import { ExtentList } from './extentList';
import { FileNames } from './fileNames';
import type { FileId, FileSystem, FileType, WalkProgress } from './fileSystem';
import { forEachFilePlace, placesOf } from './places';
import { covered, Ranges, within, without } from './ranges';
import { forEachFile } from './walk';

/** What the index holds at most: 220 MiB of extents, and 160 MiB of names. */
const MOST_EXTENTS = 2 ** 23;
const MOST_FILES = 2 ** 22;
const MOST_NAME_BYTES = 2 ** 27;
/** Files between two looks at whether to go on. */
const CHECK_EVERY = 1024;
/** Owners of one place that are told. */
const MOST_OWNERS = 64;

const WITH_EXTENTS: ReadonlySet<FileType> = new Set<FileType>(['file', 'folder', 'link']);

export type Owner =
  | {
      readonly kind: 'file';
      readonly part: DiskPart;
      /** From the root of its file system, with `/` in front; one of its names. */
      readonly path: string;
      readonly id: FileId;
    }
  /**
   * Of a file system: its own structures, what it does not use, or one of the two, where its map of free space is not
   * believed or not all of its files are known.
   */
  | { readonly kind: 'metadata' | 'free' | 'undecided'; readonly part: DiskPart }
  /** A part beyond its file system, or without one that can be read. */
  | { readonly kind: 'part'; readonly part: DiskPart }
  /** Extents of a volume group that belong to no volume. */
  | { readonly kind: 'extents'; readonly group: string }
  | { readonly kind: 'table' | 'unpartitioned' };

export interface Owned {
  readonly owner: Owner;
  /** Of the range that was asked for. */
  readonly bytes: number;
}

/** A part with a file system, and its files from one number of `FileNames` on. */
interface Indexed {
  readonly part: DiskPart;
  readonly firstFile: number;
}

/** What takes the bytes that no file has, the innermost first. */
interface Area {
  readonly places: Ranges;
  readonly owner: Owner;
}

export class Owners {
  /** There are more files than the index holds. */
  readonly isPartial: boolean;
  readonly #extents: ExtentList;
  readonly #names: FileNames;
  readonly #indexed: readonly Indexed[];
  readonly #areas: readonly Area[];

  /**
   * @param free as `freeRanges` finds it
   * @throws whatever the device or `progress` throws; what is wrong with the disk is left out
   */
  constructor(disk: GuestDisk, free: readonly FreeSpace[], progress: WalkProgress) {
    const builder = new Builder(disk, progress);
    for (const part of disk.parts) if (part.system !== undefined) builder.addPart(part, part.system);
    builder.extents.sort();
    this.isPartial = builder.isFull;
    this.#extents = builder.extents;
    this.#names = builder.names;
    this.#indexed = builder.indexed;
    this.#areas = areasOf(disk, free, this.isPartial);
  }

  /** Names in the index: a file with several has as many. */
  get files(): number {
    return this.#names.count;
  }

  /** The owners of a range of the disk, those of the most bytes first; at most 64. */
  at(start: number, end: number): Owned[] {
    const files = this.#filesAt(start, end);
    const owned = files.map(({ owner, ranges }): Owned => ({ owner, bytes: covered([ranges]).bytes }));
    let rest = without(Ranges.of([start, end]), covered(files.map(({ ranges }) => ranges)));
    for (const { places, owner } of this.#areas) {
      if (rest.count === 0) break;
      const left = without(rest, within(places, start, end));
      const bytes = rest.bytes - left.bytes;
      if (bytes > 0) owned.push({ owner, bytes });
      rest = left;
    }
    if (rest.count > 0) owned.push({ owner: { kind: 'unpartitioned' }, bytes: rest.bytes });
    return owned.sort((one, other) => other.bytes - one.bytes).slice(0, MOST_OWNERS);
  }

  #filesAt(start: number, end: number): { readonly owner: Owner; readonly ranges: Ranges }[] {
    const found = new Map<string, { readonly owner: Owner; readonly ranges: Ranges }>();
    this.#extents.forEachIn(start, end, (from, to, file) => {
      const part = this.#partOf(file);
      if (part === undefined) return;
      const id = this.#names.idOf(file);
      // A file with several names is told by one of them.
      const key = `${part.path}:${id}`;
      const own = found.get(key) ?? {
        owner: { kind: 'file', part, path: this.#names.pathOf(file), id },
        ranges: new Ranges(),
      };
      own.ranges.add(Math.max(start, from), Math.min(end, to));
      found.set(key, own);
    });
    return [...found.values()];
  }

  #partOf(file: number): DiskPart | undefined {
    return this.#indexed.findLast(({ firstFile }) => firstFile <= file)?.part;
  }
}

class Builder {
  readonly extents = new ExtentList();
  readonly names = new FileNames();
  readonly indexed: Indexed[] = [];
  /** Bytes of the files so far, of all that the file systems say is in use. */
  #done = 0;
  readonly #total: number;
  readonly #disk: GuestDisk;
  readonly #progress: WalkProgress;

  constructor(disk: GuestDisk, progress: WalkProgress) {
    this.#disk = disk;
    this.#progress = progress;
    this.#total = disk.parts.reduce((sum, { system }) => sum + (system?.size ?? 0), 0);
  }

  get isFull(): boolean {
    const { extents, names } = this;
    return extents.count >= MOST_EXTENTS || names.count >= MOST_FILES || names.nameBytes >= MOST_NAME_BYTES;
  }

  addPart(part: DiskPart, system: FileSystem): void {
    const root = this.names.add('', system.root, this.names.count);
    this.indexed.push({ part, firstFile: root });
    const folders = new Map<FileId, number>([[system.root, root]]);
    this.#addExtents(part, system, system.root, root);
    forEachFile(
      system,
      system.root,
      ({ entry: { name, id }, type, folder }) => {
        if (this.isFull) return;
        const number = this.names.add(name, id, folders.get(folder) ?? root);
        if (type === 'folder' && !folders.has(id)) folders.set(id, number);
        if (WITH_EXTENTS.has(type)) this.#addExtents(part, system, id, number);
        if (number % CHECK_EVERY > 0) return;
        this.#progress.checkCancelled();
        this.#progress.report(Math.min(this.#done, this.#total), this.#total);
      },
      () => undefined,
      this.#progress,
    );
  }

  #addExtents(part: DiskPart, system: FileSystem, id: FileId, number: number): void {
    try {
      forEachFilePlace(this.#disk, part, system, id, (start, end) => {
        if (this.extents.count < MOST_EXTENTS) this.extents.add(start, end, number);
        this.#done += end - start;
      });
    } catch (error) {
      // What could be read of it is kept.
      if (!(error instanceof GuestError)) throw error;
    }
  }
}

/** @param isPartial what no known file has may belong to an unknown one */
function areasOf(disk: GuestDisk, free: readonly FreeSpace[], isPartial: boolean): Area[] {
  const areas: Area[] = [{ places: disk.table.places, owner: { kind: 'table' } }];
  // Volumes lie in partitions, and come after them.
  for (const part of disk.parts.toReversed()) {
    const own = free.find(({ source, path }) => source === 'fileSystem' && path === part.path);
    if (own !== undefined) areas.push({ places: own.ranges, owner: { kind: 'free', part } });
    if (part.system !== undefined) {
      const isSure = own?.problems.length === 0 && !isPartial;
      const kind = isSure ? 'metadata' : 'undecided';
      areas.push({ places: placesOf(disk, part, part.system.size), owner: { kind, part } });
    }
    if (part.origin.kind !== 'volume') continue;
    areas.push({ places: placesOf(disk, part), owner: { kind: 'part', part } });
  }
  for (const { source, path, ranges } of free)
    if (source === 'extents') areas.push({ places: ranges, owner: { kind: 'extents', group: path } });
  for (const part of disk.parts)
    if (part.origin.kind !== 'volume')
      areas.push({ places: placesOf(disk, part), owner: { kind: 'part', part } });
  return areas;
}
