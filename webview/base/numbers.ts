/**
 * Formats counts, byte counts and offsets. The format is the same in every language, so that a number that is shown
 * can be entered again. Sizes, shares and the parsers are in src/text.
 */
import { t } from './strings';

/** A whole number in groups of three: `16,777,216`. */
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
