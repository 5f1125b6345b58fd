/** Reparse points ([MS-FSCC] 2.1.2): links, special files of WSL, and contents that another program provides. */
import { GuestError } from '../errors';
import type { FileType } from '../fileSystem';
import type { FileAttributes } from './fileAttributes';
import { readUtf16, viewOf } from './numbers';
import { ATTRIBUTE } from './record';
import { readStream, type StreamVolume } from './stream';

/** Windows, too, has none that are longer. */
const LONGEST = 16 * 1024;

const TAG = {
  mountPoint: 0xa0000003,
  symbolicLink: 0xa000000c,
  linuxLink: 0xa000001d,
  linuxSocket: 0x80000023,
  linuxPipe: 0x80000024,
  linuxCharacterDevice: 0x80000025,
  linuxBlockDevice: 0x80000026,
  wof: 0x80000017,
  deduplicated: 0x80000013,
} as const;

/** 0x9000001A to 0x9000F01A: files of a cloud, whose contents may be here. */
const isCloud = (tag: number): boolean => (tag & 0xffff_0fff) >>> 0 === 0x9000_001a;

const SPECIAL: ReadonlyMap<number, FileType> = new Map<number, FileType>([
  [TAG.linuxSocket, 'socket'],
  [TAG.linuxPipe, 'pipe'],
  [TAG.linuxCharacterDevice, 'characterDevice'],
  [TAG.linuxBlockDevice, 'blockDevice'],
]);

export type ReparsePoint =
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'special'; readonly type: FileType }
  /** The file's own contents count where they have no holes. */
  | { readonly kind: 'cloud' }
  | { readonly kind: 'wof' }
  /** Contents that only Windows can provide. */
  | { readonly kind: 'other'; readonly tag: number };

/** @returns undefined where the file has none @throws GuestError where it cannot be read */
export function readReparsePoint(volume: StreamVolume, file: FileAttributes): ReparsePoint | undefined {
  const stream = file.open(ATTRIBUTE.reparsePoint);
  if (stream === undefined) return undefined;
  const { offset } = file.record;
  if (stream.size < 8 || stream.size > LONGEST)
    throw new GuestError('guest.value', {
      what: 'reparse point',
      offset,
      value: stream.size,
      limit: LONGEST,
    });
  const bytes = new Uint8Array(stream.size);
  readStream(volume, stream, 0, bytes);
  const view = viewOf(bytes);
  const tag = view.getUint32(0, true);
  const data = bytes.subarray(8, 8 + Math.min(view.getUint16(4, true), bytes.length - 8));
  const special = SPECIAL.get(tag);
  if (special !== undefined) return { kind: 'special', type: special };
  if (isCloud(tag)) return { kind: 'cloud' };
  switch (tag) {
    case TAG.symbolicLink:
      return { kind: 'link', target: windowsTarget(data, 12, offset) };
    case TAG.mountPoint:
      return { kind: 'link', target: windowsTarget(data, 8, offset) };
    case TAG.linuxLink:
      // Version 2, the only one with the target in it.
      return data.length > 4 && viewOf(data).getUint32(0, true) === 2
        ? { kind: 'link', target: Buffer.from(data.subarray(4)).toString('utf8') }
        : { kind: 'other', tag };
    case TAG.wof:
      return { kind: 'wof' };
    default:
      return { kind: 'other', tag };
  }
}

/** @param names where the buffer begins that both names of the target are in */
function windowsTarget(data: Uint8Array, names: number, offset: number): string {
  if (data.length < names)
    throw new GuestError('guest.value', {
      what: 'target of a link',
      offset,
      value: data.length,
      limit: names,
    });
  const view = viewOf(data);
  const start = names + view.getUint16(0, true);
  const length = view.getUint16(2, true);
  if (start + length > data.length)
    throw new GuestError('guest.value', {
      what: 'target of a link',
      offset,
      value: start + length,
      limit: data.length,
    });
  const target = readUtf16(data, start, Math.floor(length / 2));
  // How the kernel of Windows begins absolute paths.
  return target.startsWith('\\??\\') ? target.slice(4) : target;
}
