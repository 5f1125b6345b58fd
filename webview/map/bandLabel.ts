/** What a partition or a logical volume is called on the page. */
import type { GuestBand } from '../../src/editor/page/messages';
import { safeName } from '../base/names';

/** "1 · EFI (FAT16)". */
export function bandLabel({ path, name, holds }: GuestBand): string {
  const label = name === '' || name === path ? path : `${path} · ${name}`;
  return safeName(holds === '' ? label : `${label} (${holds})`);
}
