/** Copies files and folders out of a disk, each whole or not at all. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { FileId, FileSystem } from '../guest/fileSystem';
import { FileError, RefusedError } from '../qcow2/errors';
import { randomName } from '../qcow2/io/crypto';
import { systemMessage } from '../qcow2/io/systemError';
import { copyOut, type CopyOptions, type CopyReport } from './copyOut';

/**
 * As `copyOut`, under a name of its own until the copy is complete: what is given up or fails half-way leaves nothing.
 * @throws as `copyOut`; RefusedError `copy.exists`
 */
export function copyWhole(
  system: FileSystem,
  file: FileId,
  destination: string,
  options: CopyOptions,
): CopyReport {
  refuseExisting(destination);
  const partial = path.join(path.dirname(destination), `.qcow2-${randomName(6)}.part`);
  try {
    const report = copyOut(system, file, partial, options);
    // Renaming would replace a file that came meanwhile.
    refuseExisting(destination);
    rename(partial, destination);
    return report;
  } finally {
    // After it was renamed, there is nothing.
    fs.rmSync(partial, { recursive: true, force: true });
  }
}

function refuseExisting(destination: string): void {
  if (fs.lstatSync(destination, { throwIfNoEntry: false }) !== undefined)
    throw new RefusedError(destination, 'copy.exists');
}

function rename(from: string, to: string): void {
  try {
    fs.renameSync(from, to);
  } catch (cause) {
    throw new FileError(to, 'file.create', { value: systemMessage(cause) });
  }
}
