/** Stages the edits of a backup (backup.ts) again. */
import { closeSync, openSync, readSync } from 'node:fs';
import * as path from 'node:path';
import { ClusterBits } from '../clusterSet';
import { FileError, RefusedError } from '../errors';
import { Fill } from '../io/fill';
import { PAGE_SIZE } from '../io/pageStore';
import type { Piece } from '../io/stagedFile';
import { systemMessage } from '../io/systemError';
import { type ByteLength, type HostOffset, plus } from '../units';
import {
  type BackupPlace,
  type Manifest,
  type PairRecord,
  readManifest,
  type StateRecord,
} from './backupManifest';
import { factsOf, type Edit, type EditRow, type StagedPair } from './history';
import { setState, type StagedFiles, stateOf, stepsOf } from './stagedStates';

/** The edits of a backup, staged again. */
export interface RestoredRow extends EditRow, BackupPlace {
  /** Edits before the first one that the backup could not keep. */
  readonly missing: number;
}

const withoutTime = (fingerprint: string): string => fingerprint.slice(0, fingerprint.lastIndexOf(':'));

/**
 * Stages the edits of a backup again; nothing may be staged. What is shown afterwards is where the history stands.
 * @param isRolledBack a save was taken back since: the file has all its bytes as they were, and another time
 * @throws RefusedError `backup.otherImage` where the image is not what it was; FileError `backup.read`
 */
export function restoreBackup(
  manifestPath: string,
  files: StagedFiles,
  fingerprints: readonly string[],
  isRolledBack = false,
): RestoredRow {
  const manifest = readManifest(manifestPath);
  const told = (of: readonly string[]): string => (isRolledBack ? of.map(withoutTime) : of).join();
  if (told(manifest.fingerprints) !== told(fingerprints)) {
    throw new RefusedError(files.image.name, 'backup.otherImage', { value: manifestPath });
  }
  const { pages, missing, done, saved } = manifest;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path.join(path.dirname(manifestPath), pages), 'r');
    const states = putBack(manifest, files, descriptor);
    const steps = stepsOf(states);
    const edits = manifest.edits.flatMap(({ label, freed, ...record }, index): Edit[] => {
      const step = steps[index];
      if (step === undefined) return [];
      const bits = new ClusterBits();
      for (const [first, count] of freed) bits.add(first, count);
      return [{ label, ...step, freed: bits, ...factsOf(record) }];
    });
    const shown = states[done];
    if (shown === undefined) throw new RangeError(`done: ${done} of ${edits.length}`);
    setState(files, shown);
    return { edits, done, saved, missing, pages };
  } catch (error) {
    throw new FileError(manifestPath, 'backup.read', { value: systemMessage(error) });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** The states before the first edit, and after each. */
function putBack({ edits, saved, start }: Manifest, files: StagedFiles, pages: number): StagedPair[] {
  const put = ({ image, dataFile }: PairRecord): StagedPair => {
    files.image.putBack(piecesOf(image, pages), image.size);
    if (dataFile !== undefined) files.dataFile?.putBack(piecesOf(dataFile, pages), dataFile.size);
    return stateOf(files);
  };
  const middle = start === undefined ? stateOf(files) : put(start);
  const later = edits.slice(saved ?? 0).map(put);
  setState(files, middle);
  const earlier = edits
    .slice(0, saved ?? 0)
    .reverse()
    .map(put)
    .reverse();
  return [...earlier, middle, ...later];
}

function* piecesOf(
  { pieces }: StateRecord,
  pages: number,
): Iterable<{ readonly offset: HostOffset; readonly length: ByteLength; readonly piece: Piece | undefined }> {
  for (const record of pieces) {
    const [offset, length] = record;
    switch (record[2]) {
      case 'base':
        yield { offset, length, piece: undefined };
        break;
      case 'fill':
        yield { offset, length, piece: Fill.of(record[3], record[4], record[5], record[6]) };
        break;
      case 'pages':
        for (let done = 0; done < length; done += PAGE_SIZE) {
          const piece = new Uint8Array(PAGE_SIZE);
          if (readSync(pages, piece, 0, PAGE_SIZE, record[3] + done) < PAGE_SIZE) {
            throw new Error('its file of pages is cut off');
          }
          yield { offset: plus(offset, done), length: PAGE_SIZE, piece };
        }
        break;
    }
  }
}
