/**
 * Formats counts and byte counts. The format is the same in every language, so that a number that is shown can be entered
 * again. Offsets, sizes, shares and the parsers are in src/text.
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
