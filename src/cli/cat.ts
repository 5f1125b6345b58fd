/** `qcow2 cat`: the contents of a file inside the disk, raw on standard output. */
import { fileAt } from '../inside/guestDisk';
import { withGuestDisk } from './inside';
import type { Run } from './verb';

/** Bytes that are read at a time. */
const PIECE = 1024 * 1024;

export const cat: Run<'cat'> = (args) => {
  const { FILE: file, PATH: place } = args.operands;
  return withGuestDisk(file, place, (disk) => {
    const { system, id } = fileAt(disk, place);
    const { size } = system.stat(id);
    const progress = args.progress();
    const buffer = new Uint8Array(Math.max(1, Math.min(PIECE, size)));
    try {
      for (let done = 0; ;) {
        const length = system.read(id, done, buffer);
        if (length === 0) return undefined;
        args.output.write(buffer.subarray(0, length));
        done += length;
        progress.report(Math.min(done, size), size);
      }
    } finally {
      progress.clear();
    }
  });
};
