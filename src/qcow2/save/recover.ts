/**
 * What is done about a journal beside an image: a save that was interrupted is taken back, one that was done is
 * finished. Nothing is changed where somebody else may have written since, and none of it while the saver still runs.
 */
import { FormatError, RefusedError } from '../errors';
import type { Disk, MutableFile, Writer } from './disk';
import { examine } from './examine';
import type { SavedFiles } from './forward';
import { folderOf, removeJournal } from './journalFile';
import { type JournalHead, journalPath, SealState } from './journalFormat';
import { JournalReader } from './journalReader';
import { Rollback } from './rollback';

export interface RecoverOptions {
  /** The image's external data file, as the gate on names allows it to be opened. */
  readonly dataFile?: string | undefined;
  /** Somebody was asked: nobody has changed the image of version 2 since. */
  readonly trustsVersion2?: boolean;
  /** Somebody was asked: the save on another machine does not run any more. */
  readonly trustsOtherMachine?: boolean;
  /** Drops the journal; the image stays what it is. */
  readonly discard?: boolean;
  /** As `SaveOptions.lock`. */
  readonly lock?: () => { release(): void };
}

export type RecoverOutcome =
  /** There is no journal. */
  | 'none'
  /** The save had changed nothing. */
  | 'untouched'
  /** The save was done; what was left to do is done. */
  | 'completed'
  /** The image is as it was before the save. */
  | 'rolledBack'
  | 'discarded';

/**
 * @param path of the image; symbolic links are followed
 * @throws RefusedError where nothing may be done, FormatError for a broken journal, FileError
 */
export function recover(path: string, disk: Disk, options: RecoverOptions = {}): RecoverOutcome {
  const imagePath = disk.resolve(path);
  const name = journalPath(imagePath);
  if (disk.identify(name) === undefined) return 'none';
  const file = disk.openForChange(name);
  let lock: { release(): void } | undefined;
  try {
    const journal = new JournalReader(file);
    if (journal.head !== undefined) refuseRunning(imagePath, journal.head.writer, disk, options);
    if (options.discard === true) {
      disk.remove(name);
      disk.flushFolder(folderOf(name));
      return 'discarded';
    }
    journal.refuseOtherVersion();
    if (journal.seal.state === SealState.open) {
      removeJournal(disk, file);
      return 'untouched';
    }
    const head = journal.verify();
    lock = options.lock?.();
    return withFiles(imagePath, head, disk, options, (files) =>
      act(journal, head, files, file, disk, options),
    );
  } finally {
    lock?.release();
    file.close();
  }
}

function refuseRunning(image: string, writer: Writer, disk: Disk, options: RecoverOptions): void {
  const running = disk.isRunning(writer);
  if (running === true) throw new RefusedError(image, 'recover.running', { value: writer.pid });
  if (running === undefined && options.trustsOtherMachine !== true) {
    throw new RefusedError(image, 'recover.otherMachine', { value: writer.host });
  }
}

function withFiles<T>(
  imagePath: string,
  head: JournalHead,
  disk: Disk,
  options: RecoverOptions,
  work: (files: SavedFiles) => T,
): T {
  const image = disk.openForChange(imagePath);
  let dataFile: MutableFile | undefined;
  try {
    if (head.dataFile !== undefined) {
      // What a journal says is no permission to write to a file: the image itself must name it.
      const allowed = options.dataFile === undefined ? undefined : disk.resolve(options.dataFile);
      if (allowed !== head.dataFile.path) {
        throw new RefusedError(imagePath, 'recover.dataFile', { value: head.dataFile.path });
      }
      dataFile = disk.openForChange(allowed);
    }
    return work({ image, dataFile });
  } finally {
    image.close();
    dataFile?.close();
  }
}

function act(
  journal: JournalReader,
  head: JournalHead,
  files: SavedFiles,
  file: MutableFile,
  disk: Disk,
  options: RecoverOptions,
): RecoverOutcome {
  const verdict = examine(journal, head, files);
  // Version 2: the save was done, whatever has been written since.
  const isCommitted = journal.seal.state === SealState.committed;
  switch (verdict.kind) {
    case 'untouched':
    case 'complete':
      if (verdict.kind === 'complete') cut(head, files);
      removeJournal(disk, file);
      return verdict.kind === 'complete' ? 'completed' : 'untouched';
    case 'changed':
    case 'unmarked':
    case 'interrupted':
      if (isCommitted) {
        removeJournal(disk, file);
        return 'completed';
      }
      if (verdict.kind === 'changed') {
        throw new FormatError(verdict.file, 'recover.changed', { offset: verdict.offset });
      }
      if (verdict.kind === 'unmarked') throw new RefusedError(files.image.name, 'recover.unmarked');
      if (head.version === 2 && options.trustsVersion2 !== true) {
        throw new RefusedError(files.image.name, 'recover.version2');
      }
      new Rollback(journal, head, files, true).run();
      removeJournal(disk, file);
      return 'rolledBack';
  }
}

/** A save that was done may not have come to this. */
function cut(head: JournalHead, files: SavedFiles): void {
  const pairs = [
    [files.image, head.image],
    [files.dataFile, head.dataFile],
  ] as const;
  for (const [file, sizes] of pairs) {
    if (file === undefined || sizes === undefined || file.size <= sizes.newSize) continue;
    file.truncate(sizes.newSize);
    file.flush();
  }
}
