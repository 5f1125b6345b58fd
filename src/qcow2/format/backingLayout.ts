/**
 * The first cluster with another backing file in it (qcow2.txt, "Header", "Header extensions"): where the extensions
 * and the name go. All other extensions stay as they are, unknown ones too, in their order.
 *
 * Several sectors cannot be written at once. So the new name lies, where there is room, beside the old one, and what
 * the first sector points to is there before it points to it: then each header on the way is the old one or the new.
 * Where there is none (two long names in clusters of 2 KiB, a first format that moves the extensions into the old name),
 * a header that is half of each stands there for a moment: should the machine stop just then, the image cannot be opened
 * before it is recovered.
 */
import { RefusedError } from '../errors';
import type { BlockFile } from '../io/blockFile';
import { type ByteLength, hostOffset, type HostOffset, plus } from '../units';
import { dataView } from './bytes';
import type { Header } from './header';
import { EXTENSION_TYPES, readRawExtensions, type RawExtension } from './rawExtensions';
import { MAX_BACKING_FORMAT_SIZE, MAX_BACKING_NAME_SIZE } from './limits';

export interface NewBacking {
  /** As it shall be written: relative to the image's folder, absolute, or with a protocol. */
  readonly name: string;
  /** Without one, programs guess from the content. */
  readonly format?: string;
}

/** Offsets and sizes are bytes. */
export interface BackingLayout {
  readonly extensions: { readonly offset: HostOffset; readonly bytes: Uint8Array };
  readonly name: { readonly offset: HostOffset; readonly bytes: Uint8Array };
}

/** What a disk writes at once. */
const SECTOR = 512;
/** Type and length of an extension; the end of extensions has no more. */
const EXTENSION_HEAD = 8;

/**
 * @param backing undefined for an image without a backing file: the layout's name is empty and at 0 then
 * @throws RefusedError for a name or format that the header cannot hold, or that has no room in the first cluster;
 *   FormatError, FileError
 */
export function layOutBacking(
  file: BlockFile,
  header: Header,
  backing: NewBacking | undefined,
): BackingLayout {
  const { headerLength, extensionsEnd, clusterSize } = header;
  const old = [...readRawExtensions(file, hostOffset(headerLength), extensionsEnd)];
  const format = backing?.format === undefined ? undefined : formatBytes(file, backing.format);
  const bytes = serialise(withFormat(old, format));
  const extensions = { offset: hostOffset(headerLength), bytes };
  const end = hostOffset(headerLength + bytes.length);
  const name = backing === undefined ? new Uint8Array(0) : nameBytes(file, backing.name);
  const needed = end + name.length;
  if (needed > clusterSize) {
    throw new RefusedError(file.name, 'backing.noRoom', { value: needed, limit: clusterSize });
  }
  if (backing === undefined) return { extensions, name: { offset: hostOffset(0), bytes: name } };
  const parts = partsBehindFields(file, header);
  return { extensions, name: { offset: placeOfName(parts, end, name.length, clusterSize), bytes: name } };
}

function nameBytes(file: BlockFile, name: string): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(name, 'utf8'));
  if (bytes.length === 0) throw new RefusedError(file.name, 'gate.noName');
  if (bytes.length > MAX_BACKING_NAME_SIZE) {
    const facts = { value: bytes.length, limit: MAX_BACKING_NAME_SIZE };
    throw new RefusedError(file.name, 'backingName.tooLong', facts);
  }
  if (bytes.includes(0)) throw new RefusedError(file.name, 'backing.nul');
  return bytes;
}

function formatBytes(file: BlockFile, format: string): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(format, 'utf8'));
  if (bytes.length > 0 && bytes.length <= MAX_BACKING_FORMAT_SIZE && !bytes.includes(0)) return bytes;
  const facts = { value: bytes.length, limit: MAX_BACKING_FORMAT_SIZE };
  throw new RefusedError(file.name, 'backing.format', facts);
}

type Content = Pick<RawExtension, 'type' | 'data'>;

/** The backing file format where it was, or first, as QEMU writes it; gone where there is none. */
function withFormat(old: readonly Content[], format: Uint8Array | undefined): readonly Content[] {
  const type = EXTENSION_TYPES.backingFormat;
  const at = old.findIndex((extension) => extension.type === type);
  const others = old.filter((extension) => extension.type !== type);
  if (format === undefined) return others;
  return others.toSpliced(Math.max(at, 0), 0, { type, data: format });
}

function serialise(extensions: readonly Content[]): Uint8Array {
  const length = extensions.reduce((sum, { data }) => sum + lengthOf(data), EXTENSION_HEAD);
  const bytes = new Uint8Array(length);
  const view = dataView(bytes);
  let at = 0;
  for (const { type, data } of extensions) {
    view.setUint32(at, type);
    view.setUint32(at + 4, data.length);
    bytes.set(data, at + EXTENSION_HEAD);
    at += lengthOf(data);
  }
  return bytes;
}

const lengthOf = (data: Uint8Array): number => EXTENSION_HEAD + Math.ceil(data.length / 8) * 8;

/** Bytes of the first cluster, from `start` to before `end`. */
export interface HeaderPart {
  readonly start: HostOffset;
  readonly end: HostOffset;
}

/** What a reader of the header needs behind its fields: the extensions, and the backing file's name where there is one. */
export function partsBehindFields(file: BlockFile, header: Header): readonly [HeaderPart, ...HeaderPart[]] {
  const { headerLength, extensionsEnd, backingFileOffset, backingFileSize } = header;
  const start = hostOffset(headerLength);
  const last = [...readRawExtensions(file, start, extensionsEnd)].at(-1);
  const behind = last === undefined ? start : plus(last.offset, lengthOf(last.data));
  const extensions = { start, end: plus(behind, EXTENSION_HEAD) };
  if (backingFileOffset === 0) return [extensions];
  return [extensions, { start: backingFileOffset, end: plus(backingFileOffset, backingFileSize) }];
}

/** Behind the extensions; farther on, where sectors that the old header needs would be overwritten. */
function placeOfName(
  old: readonly [HeaderPart, ...HeaderPart[]],
  end: HostOffset,
  length: ByteLength,
  limit: ByteLength,
): HostOffset {
  const [extensions, ...name] = old;
  const inUse = extensions.end > SECTOR ? old : name;
  const isFree = (offset: HostOffset): boolean =>
    offset + length <= SECTOR || inUse.every((part) => offset >= part.end || offset + length <= part.start);
  const behindAll = hostOffset(Math.max(end, ...old.map((part) => part.end)));
  return isFree(end) || behindAll + length > limit ? end : behindAll;
}
