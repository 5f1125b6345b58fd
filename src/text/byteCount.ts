/**
 * Numbers of bytes as people write them, read alike by the command line, the palette and the page:
 *
 *   1048576, 1,048,576    bytes; digits may be in groups of three
 *   0x1f0000              bytes
 *   64k, 64 KiB, 1.5G     powers of 1024, as in QEMU: k M G T P E, each also as KB and KiB
 *   #12, #0xc             clusters
 *   s2048                 sectors of 512 bytes
 */

const SECTOR = 512;
const UNITS = 'bkmgtpe';

/** Not bytes yet: how many bytes a cluster has is known once the image is open. */
export interface ByteCount {
  readonly count: number;
  readonly unit: 'byte' | 'cluster';
}

/**
 * @returns undefined for what is no such number, and for a fraction of a byte. Beyond 2^53 the number is not exact, and past
 *   the end of every disk that is read here.
 */
export function parseByteCount(text: string): ByteCount | undefined {
  const compact = text
    .trim()
    .toLowerCase()
    .replace(/(?<=\d)[,_\s](?=\d{3}(?!\d))/g, '');
  const [, mark, marked] = /^([#s])\s*(0x[0-9a-f]+|\d+)$/.exec(compact) ?? [];
  if (marked !== undefined) {
    return mark === '#'
      ? { count: Number(marked), unit: 'cluster' }
      : { count: Number(marked) * SECTOR, unit: 'byte' };
  }
  // Without a blank, b and e are digits of a hexadecimal number.
  const [, digits, unit = 'b'] =
    /^(0x[0-9a-f]+|\d+(?:\.\d+)?)\s*(?:([kmgtpe])(?:i?b)?|b)?$/.exec(compact) ?? [];
  if (digits === undefined || (unit === 'b' && digits.includes('.'))) return undefined;
  return { count: Math.floor(Number(digits) * 1024 ** UNITS.indexOf(unit)), unit: 'byte' };
}

/** @param clusterSize bytes */
export const bytesOf = ({ count, unit }: ByteCount, clusterSize: number): number =>
  unit === 'cluster' ? count * clusterSize : count;

/** @param clusterSize bytes; @returns bytes, or as `parseByteCount` */
export function parseBytes(text: string, clusterSize: number): number | undefined {
  const parsed = parseByteCount(text);
  return parsed && bytesOf(parsed, clusterSize);
}

/** `reason` is for the caller to turn into a sentence. */
export type Place =
  | { readonly ok: true; readonly offset: number }
  | { readonly ok: false; readonly reason: 'empty' | 'notANumber' | 'beyondEnd' };

/**
 * A place on a disk or in a file.
 * @param clusterSize bytes
 * @param size bytes of the disk or file; a place at or beyond its end is refused
 */
export function parsePlace(text: string, clusterSize: number, size: number): Place {
  if (text.trim() === '') return { ok: false, reason: 'empty' };
  const offset = parseBytes(text, clusterSize);
  if (offset === undefined) return { ok: false, reason: 'notANumber' };
  return offset < size ? { ok: true, offset } : { ok: false, reason: 'beyondEnd' };
}
