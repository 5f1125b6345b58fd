/** The readers of file systems, by the marks that lead to them. */
import type { Readers } from './disk';
import { openExt } from './ext/extSystem';
import { openExfat } from './fat/exfat';
import { openFat } from './fat/fat';
import { openNtfs } from './ntfs/ntfs';
import { openXfs } from './xfs/xfs';

export const READERS: Readers = {
  ext: openExt,
  fat: openFat,
  exfat: openExfat,
  ntfs: openNtfs,
  xfs: openXfs,
};
