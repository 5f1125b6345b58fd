/**
 * Save As: writes the image as staged to another file, all or nothing. Holes are kept, and bytes are shared where the file
 * system supports it (reflink).
 */
import { ftruncateSync, fsyncSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { decide } from '../qcow2/chain/gate';
import type { EditableImage } from '../qcow2/edit/editableImage';
import { RefusedError } from '../qcow2/errors';
import type { BlockFile } from '../qcow2/io/blockFile';
import { Fill } from '../qcow2/io/fill';
import { LocalFile } from '../qcow2/io/localFile';
import { StagedFile } from '../qcow2/io/stagedFile';
import type { Progress } from '../qcow2/progress';
import { hostOffset, plus } from '../qcow2/units';
import type { SaveAsTrust } from './api';
import { isSameFile, resolveTarget, WholeFile } from './wholeFile';

/** Bytes copied at a time. */
const CHUNK = 1024 * 1024;
/** The first bytes make a file an image, so they are written once everything else is on stable storage. */
const FIRST_SECTOR = 512;

/**
 * @param trust your answer where locks on the replaced file cannot be seen
 * @throws RefusedError if the copy would not be the same image: `copy.dataFile`, `copy.backing`, `copy.ontoChain`,
 *   `copy.ontoItself`, `guard.changed`, `shrink.backingChanged`, and as `WholeFile` for the replaced file; FileError `copy.write`; CancelledError
 */
export function copyImage(
  editable: EditableImage,
  destination: string,
  progress: Progress,
  { trustsUnseenLocks = false }: SaveAsTrust = {},
): void {
  const { top } = editable.chain;
  const { file } = top;
  if (!(file instanceof StagedFile)) throw new RefusedError(file.name, 'guard.notLocal');
  const { base } = file;
  const target = resolveTarget(destination);
  if (top.hasDataFile) throw new RefusedError(file.name, 'copy.dataFile', { value: top.dataFileName ?? '' });
  refuseLostBacking(file.name, top.backing?.name, target);
  refuseOntoChain(editable, target);
  refuseChanged(base);
  editable.refuseChangedBacking();
  const newMode = base instanceof LocalFile ? { newMode: base.mode } : {};
  const copy = new WholeFile(target, { failure: 'copy.write', trustsUnseenLocks, ...newMode });
  try {
    copyBase(base, copy, progress);
    writePieces(file, copy, progress);
    copy.call((descriptor) => {
      ftruncateSync(descriptor, file.size);
      fsyncSync(descriptor);
    });
    copy.write(firstSector(file), hostOffset(0));
    copy.finish();
  } catch (error) {
    copy.discard();
    throw error;
  }
}

/** A relative name starts from the folder of the image: from another folder it means another file. */
function refuseLostBacking(image: string, backing: string | undefined, target: string): void {
  if (backing === undefined || dirname(resolveTarget(image)) === dirname(target)) return;
  const [before, after] = [image, target].map((namedBy) =>
    decide({ role: 'backing', name: backing, namedBy }, { followsNames: true }),
  );
  // A name that is not a local file means the same everywhere.
  if (before?.opens !== true || after?.opens !== true) return;
  if (resolve(before.path) === resolve(after.path) || isSameFile(before.path, after.path)) return;
  throw new RefusedError(image, 'copy.backing', { value: backing });
}

/** A deleted file still holds what was read; a file that was written to does not. */
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

/** Refuses files that the image is read from, open or not. */
function refuseOntoChain({ chain, onDisk }: EditableImage, target: string): void {
  if (isSameFile(onDisk.top.file.name, target)) throw new RefusedError(target, 'copy.ontoItself');
  const open = [...chain.layers, ...onDisk.layers]
    .slice(1)
    .flatMap(({ file, dataFile }) => [file.name, dataFile.name]);
  const named = chain.view.layers.slice(1).flatMap(({ path }) => (path === undefined ? [] : [path]));
  const isTarget = (path: string): boolean => isSameFile(path, target) || resolveTarget(path) === target;
  if ([...open, ...named].some(isTarget)) throw new RefusedError(target, 'copy.ontoChain');
}

function firstSector(file: StagedFile): Uint8Array {
  const bytes = new Uint8Array(Math.min(FIRST_SECTOR, file.size));
  file.read(bytes, hostOffset(0));
  return bytes;
}

/** What is on disk, except for the first sector. */
function copyBase(base: BlockFile, copy: WholeFile, progress: Progress): void {
  // Most file systems cannot share bytes, so they are copied.
  const isAsItWas = base instanceof LocalFile && !base.hasChanged();
  if (!isAsItWas || !copy.clone(base.name)) copyBytes(base, copy, progress);
  copy.write(new Uint8Array(FIRST_SECTOR), hostOffset(0));
}

function copyBytes(base: BlockFile, copy: WholeFile, progress: Progress): void {
  const buffer = new Uint8Array(CHUNK);
  for (let at = hostOffset(FIRST_SECTOR); at < base.size;) {
    const { isHole, end } = base.extentAt(at);
    const next = hostOffset(Math.min(base.size, end, isHole ? Infinity : at + CHUNK));
    if (!isHole) {
      const bytes = buffer.subarray(0, next - at);
      base.read(bytes, at);
      copy.write(bytes, at);
    }
    at = next;
    progress.report(at, base.size);
    progress.checkCancelled();
  }
}

/** What is staged, except for the first sector. */
function writePieces(file: StagedFile, copy: WholeFile, progress: Progress): void {
  file.forEachPiece(hostOffset(FIRST_SECTOR), hostOffset(file.size), (offset, length, piece) => {
    if (!(piece instanceof Fill)) {
      copy.write(piece, offset);
      return;
    }
    const buffer = new Uint8Array(Math.min(CHUNK, length));
    for (let done = 0; done < length; done += buffer.length) {
      if (done === 0 || piece.step !== 0) piece.writeTo(buffer, plus(offset, done));
      copy.write(buffer.subarray(0, Math.min(buffer.length, length - done)), plus(offset, done));
      progress.checkCancelled();
    }
  });
}
