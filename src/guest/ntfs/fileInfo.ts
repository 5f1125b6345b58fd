/** What is told of a file, and which of its contents can be read. */
import { GuestError, type GuestProblem } from '../errors';
import type { FileId, FileInfo, FileType } from '../fileSystem';
import { errorOf, type FileAttributes } from './fileAttributes';
import { INDEX_NAME } from './directoryIndex';
import { canBeInterixFile, readInterixFile } from './interix';
import { readTime } from './numbers';
import { ATTRIBUTE, type Attribute, ENCRYPTED, placedSizes, residentValue, SPARSE } from './record';
import { readReparsePoint, type ReparsePoint } from './reparsePoint';
import type { Stream, StreamVolume } from './stream';

const SYSTEM = 0x4;
const DOS_NAMESPACE = 2;
const NAMESPACE_AT = 0x41;
const WOF_STREAM = 'WofCompressedData';

interface Sizes {
  readonly size: number;
  readonly allocated: number;
}

const NOTHING: Sizes = { size: 0, allocated: 0 };

/** @returns what can be told; `problem` says why something may be missing */
export function describeFile(volume: StreamVolume, id: FileId, file: FileAttributes): FileInfo {
  const teller = new Teller(volume, file);
  return { id, ...teller.tell() };
}

/** Whether it can be listed: links to folders have no entries of their own. @throws GuestError */
export function isFolder(volume: StreamVolume, file: FileAttributes): boolean {
  return file.record.isDirectory && readReparsePoint(volume, file)?.kind !== 'link';
}

/**
 * A file's contents.
 * @throws GuestError `guest.notFile` for folders, links and special files; where they cannot be read
 */
export function openContents(volume: StreamVolume, id: FileId, file: FileAttributes): Stream {
  if (file.record.isDirectory) throw new GuestError('guest.notFile', { value: id });
  if (file.problem !== undefined) throw errorOf(file.problem);
  const contents = file.open(ATTRIBUTE.data) ?? EMPTY;
  const point = readReparsePoint(volume, file);
  if (point?.kind === 'link' || point?.kind === 'special')
    throw new GuestError('guest.notFile', { value: id });
  const problem = problemOf(point, contents.flags);
  if (problem !== undefined) throw errorOf(problem);
  if (standardInformation(file)?.isSystem === true && readInterixFile(volume, contents) !== undefined)
    throw new GuestError('guest.notFile', { value: id });
  return contents;
}

/** Files of views ($Secure, say) have no contents without a name. */
const EMPTY: Stream = {
  size: 0,
  initialised: 0,
  flags: 0,
  unitClusters: 0,
  resident: new Uint8Array(),
  runs: undefined,
};

/** Why contents are not what the guest reads. */
function problemOf(point: ReparsePoint | undefined, flags: number): GuestProblem | undefined {
  if ((flags & ENCRYPTED) !== 0) return { code: 'ntfs.encrypted' };
  switch (point?.kind) {
    case 'wof':
      return { code: 'guest.notRead', what: 'contents', value: 'compressed by WOF (compact /exe)' };
    case 'cloud':
      return (flags & SPARSE) === 0
        ? undefined
        : { code: 'guest.notRead', what: 'contents', value: 'in a cloud' };
    case 'other':
      return { code: 'guest.notRead', what: 'contents', value: `reparse point 0x${point.tag.toString(16)}` };
    case 'link':
    case 'special':
    case undefined:
      return undefined;
  }
}

interface StandardInformation {
  readonly modified: number | undefined;
  readonly isSystem: boolean;
}

function standardInformation(file: FileAttributes): StandardInformation | undefined {
  const attribute = file.first(ATTRIBUTE.standardInformation);
  const value = attribute === undefined ? undefined : residentValue(attribute);
  if (attribute === undefined || value === undefined || value.length < 0x24) return undefined;
  const { bytes, view } = attribute.record;
  const at = value.byteOffset - bytes.byteOffset;
  return { modified: readTime(view, at + 8), isSystem: (view.getUint32(at + 0x20, true) & SYSTEM) !== 0 };
}

class Teller {
  readonly #volume: StreamVolume;
  readonly #file: FileAttributes;
  #problem: GuestProblem | undefined;

  constructor(volume: StreamVolume, file: FileAttributes) {
    this.#volume = volume;
    this.#file = file;
    this.#problem = file.problem;
  }

  tell(): Omit<FileInfo, 'id'> {
    const isDirectory = this.#file.record.isDirectory;
    const information = this.#tried(() => standardInformation(this.#file));
    const point = this.#tried(() => readReparsePoint(this.#volume, this.#file));
    const { own, streams, flags, wofAllocated } = this.#data();
    const { type, target } = this.#typeOf(point, information, own);
    if (type === 'file' || type === 'folder')
      this.#problem ??= problemOf(isDirectory && point?.kind === 'cloud' ? undefined : point, flags);
    const sizes = isDirectory ? (this.#indexSizes() ?? NOTHING) : own;
    const problem = this.#problem;
    return {
      type,
      size: target === undefined ? sizes.size : Buffer.byteLength(target),
      allocated: sizes.allocated + (point?.kind === 'wof' ? wofAllocated : 0),
      modified: information?.modified,
      links: this.#names(),
      ...(target === undefined ? {} : { target }),
      ...(problem === undefined ? {} : { problem }),
      ...(streams.length === 0 ? {} : { streams }),
    };
  }

  #tried<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      this.#problem ??= error.problem;
      return undefined;
    }
  }

  #all(type: number): Iterable<Attribute> {
    return this.#file.all(type, (problem) => {
      this.#problem ??= problem;
    });
  }

  #data(): { own: Sizes; streams: { name: string; size: number }[]; flags: number; wofAllocated: number } {
    let own = NOTHING;
    let flags = 0;
    let wofAllocated = 0;
    const streams: { name: string; size: number }[] = [];
    for (const attribute of this.#all(ATTRIBUTE.data)) {
      const sizes = this.#tried(() => sizesOf(attribute)) ?? NOTHING;
      if (attribute.name === '') {
        own = sizes;
        flags = attribute.flags;
        continue;
      }
      streams.push({ name: attribute.name, size: sizes.size });
      if (attribute.name === WOF_STREAM) wofAllocated = sizes.allocated;
    }
    return { own, streams, flags, wofAllocated };
  }

  #indexSizes(): Sizes | undefined {
    return this.#tried(() => {
      const blocks = this.#file.first(ATTRIBUTE.indexAllocation, INDEX_NAME);
      return blocks === undefined ? NOTHING : sizesOf(blocks);
    });
  }

  #typeOf(
    point: ReparsePoint | undefined,
    information: StandardInformation | undefined,
    own: Sizes,
  ): { readonly type: FileType; readonly target?: string } {
    if (point?.kind === 'link') return { type: 'link', target: point.target };
    if (this.#file.record.isDirectory) return { type: 'folder' };
    if (point?.kind === 'special') return { type: point.type };
    if (information?.isSystem !== true || !canBeInterixFile(own.size)) return { type: 'file' };
    const special = this.#tried(() => {
      const contents = this.#file.open(ATTRIBUTE.data);
      return contents === undefined || (contents.flags & ENCRYPTED) !== 0
        ? undefined
        : readInterixFile(this.#volume, contents);
    });
    return special ?? { type: 'file' };
  }

  /** Short names beside long ones do not count. */
  #names(): number {
    let names = 0;
    for (const attribute of this.#all(ATTRIBUTE.fileName)) {
      const value = this.#tried(() => residentValue(attribute));
      if (value !== undefined && value[NAMESPACE_AT] !== DOS_NAMESPACE) names++;
    }
    return names;
  }
}

/** @throws GuestError `guest.value` */
function sizesOf(attribute: Attribute): Sizes {
  if (attribute.isResident) return { size: residentValue(attribute).length, allocated: 0 };
  const { size, allocated } = placedSizes(attribute);
  return { size, allocated };
}
