/** Compaction in place, from outside: what is refused, whom it keeps from the file, and what it reports (compactor.ts). */
import type { Qcow2Image } from '../image/qcow2Image';
import { LocalFile } from '../io/localFile';
import type { Disk } from '../save/disk';
import { Compactor, type CompactOptions, type Compacting } from './compactor';
import { refuseCompaction } from './compactRefusals';
import { changedOutside, openUnchanged } from './openUnchanged';

export type { Compacted, Compacting, CompactOptions } from './compactor';

/**
 * @param image as it is on disk, without leaks; nothing may be staged over it. It is read only before the first piece
 * @returns what is run piece by piece: after each, the image on disk is sound. A `CancelledError` thrown into it ends it there
 * @throws EngineError for what is refused (compactRefusals.ts), FormatError `guard.unsound`, `compact.leaks`; FileError,
 *   CancelledError: nothing but free clusters was changed then
 */
export function* compact(image: Qcow2Image, disk: Disk, options: CompactOptions): Compacting {
  refuseCompaction(image);
  const file = openUnchanged(image, disk);
  try {
    const lock = options.lock?.();
    try {
      if (image.file instanceof LocalFile && image.file.hasChanged()) throw changedOutside(file);
      return yield* new Compactor(image.header.clusterSize, file, disk, options).run();
    } finally {
      lock?.release();
    }
  } finally {
    file.close();
  }
}
