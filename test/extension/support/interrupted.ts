/** An interrupted save: the half-written file, and the journal beside it. */
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { StagedFile } from '../../../src/qcow2/io/stagedFile';
import type { Disk, MutableFile } from '../../../src/qcow2/save/disk';
import { localDisk } from '../../../src/qcow2/save/localDisk';
import { save } from '../../../src/qcow2/save/save';
import { guestOffset } from '../../../src/qcow2/units';

/** Zeroes the start of an image, and stops for good after some writes to it. */
export function interruptSave(path: string, scratchPath: string, length: number, writes: number): void {
  const image = EditableImage.open(path, { followsNames: true, scratchPath });
  const options = { unmap: true, fallback: true, policy: 'unallocate', thorough: false } as const;
  image.apply({ kind: 'writeZeroes', start: guestOffset(0), length, options });
  const { file } = image.chain.top;
  if (!(file instanceof StagedFile)) throw new Error('nothing is staged');
  try {
    save({ image: file }, failingDisk(path, writes));
  } catch {
    // As in a real interruption.
  } finally {
    image.close();
  }
}

/** A disk on which nothing works any more after some writes to the image, of a thread of this process that is no more. */
function failingDisk(path: string, writes: number): Disk {
  let left = writes;
  const alive = (): void => {
    if (left < 0) throw new Error('the machine has stopped');
  };
  const failing = (file: MutableFile): MutableFile => ({
    name: file.name,
    identity: file.identity,
    access: file.access,
    get size() {
      return file.size;
    },
    read: (target, offset) => {
      alive();
      file.read(target, offset);
    },
    write: (bytes, offset) => {
      if (file.name === path) left--;
      alive();
      file.write(bytes, offset);
    },
    truncate: (size) => {
      alive();
      file.truncate(size);
    },
    makeHole: (offset, length) => {
      alive();
      return file.makeHole(offset, length);
    },
    get allocatedBytes() {
      return file.allocatedBytes;
    },
    startFlush: () => {
      file.startFlush();
    },
    flush: () => {
      alive();
      file.flush();
    },
    claim: () => file.claim(),
    close: () => {
      file.close();
    },
  });
  return {
    ...localDisk,
    writer: { ...localDisk.writer, thread: 2 ** 30 },
    user: localDisk.user,
    openForChange: (name) => failing(localDisk.openForChange(name)),
    createExclusive: (name) => {
      const made = localDisk.createExclusive(name);
      return made && failing(made);
    },
    remove: (name) => {
      alive();
      localDisk.remove(name);
    },
  };
}
