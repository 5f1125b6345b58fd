/**
 * Numbers as a person reads and writes them: sizes as `64 KiB`, offsets as `0x1f0000`, shares as `31 %`, and the
 * text of the "Go to" field turned back into a guest offset. They look the same in every language, so that what is
 * shown can be typed in again.
 */
import { t } from './strings';

const UNITS = ['', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;
const SUFFIXES = 'kmgtpe';

/** Bytes with the largest fitting binary unit: exact where it is whole, else three digits (`12.3 GiB`). */
export function formatSize(bytes: number): string {
  let power = 0;
  let value = bytes;
  while (value >= 1024 && power < UNITS.length - 1) {
    value /= 1024;
    power++;
  }
  if (power === 0) return bytesInWords(String(bytes), bytes);
  const unit = UNITS[power]!;
  if (Number.isInteger(value)) return `${value} ${unit}`;
  return `${withThreeDigits(value)} ${unit}`;
}

/** Three digits at most, cut rather than rounded, so that 1023.9 KiB does not become the next unit's number. */
function withThreeDigits(value: number): string {
  const decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
  const scale = 10 ** decimals;
  return String(Math.floor(value * scale) / scale);
}

/** A whole number with thin groups of three: `16,777,216`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** Bytes in full, for tooltips and copying: `65,536 bytes`. */
export function formatBytes(bytes: number): string {
  return bytesInWords(formatCount(bytes), bytes);
}

const bytesInWords = (digits: string, bytes: number): string =>
  bytes === 1 ? t('1 byte') : t('{0} bytes', digits);

/** `0x…`, lower case. */
export function formatOffset(offset: number): string {
  return `0x${offset.toString(16)}`;
}

/** `part` of `whole` as per cent: never `0 %` for something and never `100 %` for less than everything. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return '0 %';
  if (part >= whole) return '100 %';
  const percent = (part / whole) * 100;
  if (percent < 0.1) return '< 0.1 %';
  if (percent > 99.9) return '> 99.9 %';
  return `${percent < 10 ? percent.toFixed(1) : Math.round(Math.min(percent, 99))} %`;
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
