/** Parses the range in the two fields of the dialog. */
import { hex } from '../../../src/text/hex';
import { parseBytes } from '../../../src/text/byteCount';
import type { Disk } from '../../map/geometry';
import { t } from '../../base/strings';

export interface Range {
  readonly start: number;
  readonly length: number;
}

/** The range, or the field that is wrong and why. */
export type RangeAnswer =
  | { readonly ok: true; readonly range: Range }
  | { readonly ok: false; readonly field: 'start' | 'length'; readonly text: string }
  /** A field is still empty. */
  | { readonly ok: false; readonly field?: undefined };

export function readRange(startText: string, lengthText: string, disk: Disk): RangeAnswer {
  if (startText.trim() === '') return { ok: false };
  const start = parseBytes(startText, disk.clusterSize);
  if (start === undefined) return { ok: false, field: 'start', text: t('Not a valid offset') };
  if (start >= disk.size) return { ok: false, field: 'start', text: t('Beyond the end of the disk') };
  if (lengthText.trim() === '') return { ok: false };
  const length = parseBytes(lengthText, disk.clusterSize);
  if (length === undefined) return { ok: false, field: 'length', text: t('Not a valid length') };
  if (length === 0) return { ok: false, field: 'length', text: t('The length is 0') };
  if (start + length > disk.size) {
    return {
      ok: false,
      field: 'length',
      text: t('Extends beyond the end of the disk at {0}', hex(disk.size)),
    };
  }
  return { ok: true, range: { start, length } };
}
