/**
 * Numbers as a person reads and writes them: counts, bytes in full, offsets as `0x1f0000`, and the text of the "Go to"
 * field turned back into a guest offset. They look the same in every language, so that what is shown can be typed in
 * again. Sizes and shares are in src/text.
 */
import { t } from './strings';

const SUFFIXES = 'kmgtpe';

/** A whole number with thin groups of three: `16,777,216`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** Bytes in full, for tooltips and copying: `65,536 bytes`. */
export function formatBytes(bytes: number): string {
  return bytes === 1 ? t('1 byte') : t('{0} bytes', formatCount(bytes));
}

/** `0x…`, lower case. */
export function formatOffset(offset: number): string {
  return `0x${offset.toString(16)}`;
}

/** What the "Go to" field says; `reason` is a code the caller turns into a sentence. */
export type Place =
  | { readonly ok: true; readonly offset: number }
  | { readonly ok: false; readonly reason: 'empty' | 'notANumber' | 'beyondEnd' };

/**
 * Reads a place on the guest's disk: `0x1f0000`, `1048576`, `64k`, `1.5 GiB`, or a cluster number as `#31`.
 * Spaces, underscores, and commas between groups of three digits are skipped; `1,5G` is no number here.
 * @param clusterSize bytes
 * @param size bytes of the guest's disk; a place at or beyond it is refused
 */
export function parsePlace(text: string, clusterSize: number, size: number): Place {
  if (text.trim() === '') return { ok: false, reason: 'empty' };
  const offset = parseBytes(text, clusterSize);
  if (offset === undefined) return { ok: false, reason: 'notANumber' };
  return offset < size ? { ok: true, offset } : { ok: false, reason: 'beyondEnd' };
}

/** Bytes, written as `parsePlace` has it; undefined where it is no number. */
export function parseBytes(text: string, clusterSize: number): number | undefined {
  const compact = text
    .replace(/[\s_]/g, '')
    .replace(/(?<=\d),(?=\d{3}(?!\d))/g, '')
    .toLowerCase();
  if (/^0x[0-9a-f]+$/.test(compact)) return Number.parseInt(compact.slice(2), 16);
  const cluster = /^#(0x[0-9a-f]+|\d+)$/.exec(compact);
  if (cluster) return Number(cluster[1]) * clusterSize;
  const amount = /^(\d+(?:\.\d+)?)(?:([kmgtpe])(?:i?b)?|b)?$/.exec(compact);
  if (!amount) return undefined;
  const power = amount[2] === undefined ? 0 : SUFFIXES.indexOf(amount[2]) + 1;
  return Math.floor(Number(amount[1]) * 1024 ** power);
}
