/** Flags of a persistent bitmap by QEMU's names, in its order. */
import type { Bitmap } from '../format/bitmapDirectory';

export function bitmapFlags({ inUse, auto }: Pick<Bitmap, 'inUse' | 'auto'>): string[] {
  return [...(inUse ? ['in-use'] : []), ...(auto ? ['auto'] : [])];
}
