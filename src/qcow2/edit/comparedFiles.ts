/**
 * Files that an edit has compared the image with. Where data was given up because the backing file has the same, that
 * file holds the only copy from then on: the edit is not staged or saved once it is another.
 */
import type { Chain } from '../chain/openChain';
import { RefusedError } from '../errors';
import type { BlockFile } from '../io/blockFile';
import { fingerprintOf, LocalFile, openLocalFile } from '../io/localFile';
import { findWriter, heldError } from '../io/qemuLocks';
import { journalOf } from './interrupted';

/** A file and the state that it had. Plain JSON. */
export interface ComparedFile {
  readonly name: string;
  readonly fingerprint: string;
}

const filesBelow = ({ layers }: Chain): BlockFile[] => [
  ...new Set(layers.slice(1).flatMap(({ file, dataFile }) => [file, dataFile])),
];

/**
 * A backing file that is being saved, or whose save was interrupted, is read as it was before: not as it is going to be.
 * @throws RefusedError `journal.exists`
 */
export function refuseInterrupted(chain: Chain): void {
  for (const file of filesBelow(chain)) {
    if (!(file instanceof LocalFile))
      throw new RefusedError(file.name, 'journal.exists', { value: journalOf(file.name) });
  }
}

/**
 * The files below the image, as they were when they were read.
 * @throws as `refuseChanged`
 */
export function comparedFiles(chain: Chain): ComparedFile[] {
  const compared = filesBelow(chain).flatMap((file) =>
    file instanceof LocalFile ? [{ name: file.name, fingerprint: fingerprintOf(file.identity) }] : [],
  );
  refuseChanged(compared);
  return compared;
}

/**
 * @throws RefusedError `shrink.backingChanged` where a file is another by now, `lock.held` where a program has it open for
 *   writing; FileError
 */
export function refuseChanged(files: readonly ComparedFile[]): void {
  for (const { name, fingerprint } of files) {
    const file = openLocalFile(name);
    try {
      if (fingerprintOf(file.identity) !== fingerprint) throw new RefusedError(name, 'shrink.backingChanged');
    } finally {
      file.close();
    }
    const writer = findWriter(name);
    if (writer !== undefined) throw heldError(name, writer);
  }
}
