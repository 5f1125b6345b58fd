/**
 * Save As: the image as staged in another file, which is there whole or not at all. Holes stay holes, and where the
 * file system can share the bytes of a copy, it does.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { decide } from '../qcow2/chain/gate';
import type { EditableImage } from '../qcow2/edit/editableImage';
import { FileError, RefusedError } from '../qcow2/errors';
import type { BlockFile } from '../qcow2/io/blockFile';
import { Fill } from '../qcow2/io/fill';
import { LocalFile } from '../qcow2/io/localFile';
import { StagedFile } from '../qcow2/io/stagedFile';
import { systemMessage } from '../qcow2/io/systemError';
import type { Progress } from '../qcow2/progress';

/** Bytes copied at a time. */
const CHUNK = 1024 * 1024;

/**
 * @throws RefusedError where the copy would be another image than it seems: `copy.dataFile`, `copy.backing`,
 *   `copy.ontoChain`, `guard.changed`; FileError `copy.write`; CancelledError
 */
export function copyImage(editable: EditableImage, destination: string, progress: Progress): void {
  const { top, layers } = editable.chain;
  const { file } = top;
  if (!(file instanceof StagedFile)) throw new RefusedError(file.name, 'guard.notLocal');
  const target = resolved(destination);
  if (top.hasDataFile) throw new RefusedError(file.name, 'copy.dataFile', { value: top.dataFileName ?? '' });
  refuseLostBacking(file.name, top.backing?.name, target);
  if (layers.slice(1).some((layer) => isSameFile(layer.file.name, target))) {
    throw new RefusedError(target, 'copy.ontoChain');
  }
  refuseChanged(file.base);
  const unfinished = `${target}.${randomBytes(4).toString('hex')}.part`;
  try {
    const descriptor = createCopy(file.base, unfinished, progress);
    try {
      writePieces(file, descriptor, progress);
      ftruncateSync(descriptor, file.size);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(unfinished, target);
  } catch (error) {
    remove(unfinished);
    if (error instanceof Error && 'code' in error) {
      throw new FileError(destination, 'copy.write', { value: systemMessage(error) });
    }
    throw error;
  }
}

/** A relative name belongs to the folder of the image: from another folder it leads elsewhere. */
function refuseLostBacking(image: string, backing: string | undefined, target: string): void {
  if (backing === undefined || dirname(resolved(image)) === dirname(target)) return;
  const [before, after] = [image, target].map((namedBy) =>
    decide({ role: 'backing', name: backing, namedBy }, { followsNames: true }),
  );
  // What is no local file is the same from everywhere.
  if (before?.opens !== true || after?.opens !== true) return;
  if (resolve(before.path) === resolve(after.path) || isSameFile(before.path, after.path)) return;
  throw new RefusedError(image, 'copy.backing', { value: backing });
}

/** A file that has lost its name still holds what was read; one that was written to does not. */
function refuseChanged(base: BlockFile): void {
  if (!(base instanceof LocalFile) || !base.hasChanged()) return;
  try {
    const { dev, ino } = statSync(base.name, { bigint: true });
    const { device, inode } = base.identity;
    if (String(dev) !== String(device) || String(ino) !== String(inode)) return;
  } catch {
    return;
  }
  throw new RefusedError(base.name, 'guard.changed');
}

/** @returns the descriptor of a new file with what is on disk */
function createCopy(base: BlockFile, path: string, progress: Progress): number {
  const isAsItWas = base instanceof LocalFile && !base.hasChanged();
  if (isAsItWas) {
    try {
      copyFileSync(base.name, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
      return openSync(path, 'r+');
    } catch {
      // Most file systems cannot: the bytes are copied.
      remove(path);
    }
  }
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    copyBytes(base, descriptor, progress);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return descriptor;
}

function copyBytes(base: BlockFile, descriptor: number, progress: Progress): void {
  const buffer = new Uint8Array(CHUNK);
  for (let at = 0; at < base.size;) {
    const { isHole, end } = base.extentAt(at);
    const next = Math.min(base.size, end, isHole ? Infinity : at + CHUNK);
    if (!isHole) {
      const bytes = buffer.subarray(0, next - at);
      base.read(bytes, at);
      writeWhole(descriptor, bytes, at);
    }
    at = next;
    progress.report(at, base.size);
    progress.checkCancelled();
  }
}

function writePieces(file: StagedFile, descriptor: number, progress: Progress): void {
  file.forEachPiece(0, file.size, (offset, length, piece) => {
    if (!(piece instanceof Fill)) {
      writeWhole(descriptor, piece, offset);
      return;
    }
    const buffer = new Uint8Array(Math.min(CHUNK, length));
    for (let done = 0; done < length; done += buffer.length) {
      if (done === 0 || piece.step !== 0) piece.writeTo(buffer, offset + done);
      writeWhole(descriptor, buffer.subarray(0, Math.min(buffer.length, length - done)), offset + done);
      progress.checkCancelled();
    }
  });
}

function writeWhole(descriptor: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, offset + done);
  }
}

/** A link is written through, not replaced. */
function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function isSameFile(one: string, other: string): boolean {
  try {
    const [first, second] = [one, other].map((path) => statSync(path, { bigint: true }));
    return first?.dev === second?.dev && first?.ino === second?.ino;
  } catch {
    return false;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never there.
  }
}
