/**
 * What is done about a journal beside an image: a save that was interrupted is taken back, one that was done is
 * finished. Nothing is changed where another program may have written since, and none of it while the saver still runs.
 */
import { FormatError, RefusedError } from '../errors';
import { isEasierToWrite } from '../io/fileAccess';
import type { Disk, DiskFileIdentity, MutableFile, Writer } from './disk';
import { examine } from './examine';
import type { SavedFiles } from './forward';
import { folderOf, isThere, openJournal, removeJournal } from './journalFile';
import { type JournalHead, SealState } from './journalFormat';
import { JournalReader } from './journalReader';
import { ownerState } from './owner';
import { Rollback } from './rollback';

export interface RecoverOptions {
  /** The external data file that the image names, as the gate on names allows it to be opened. */
  readonly dataFile?: string | undefined;
  /** Confirmed: no program has changed the image of version 2 since. */
  readonly trustsVersion2?: boolean;
  /** Confirmed: the save on another machine does not run any more. */
  readonly trustsOtherMachine?: boolean;
  /** Confirmed: this external data file may be restored although it is not known to be the one that was saved. */
  readonly trustsDataFile?: 'any' | { readonly path: string };
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

/** Milliseconds that a saver has to claim a journal that it has made, and to say in it who it is. */
const MOMENT = 100;

/**
 * @param path of the image; symbolic links are followed
 * @throws RefusedError where nothing may be done, FormatError for a broken journal, FileError
 */
export function recover(path: string, disk: Disk, options: RecoverOptions = {}): RecoverOutcome {
  const imagePath = disk.resolve(path);
  const file = openBegunJournal(imagePath, disk);
  if (file === undefined) return 'none';
  let lock: { release(): void } | undefined;
  try {
    const claim = file.claim();
    // Its saver, or another recovery, was at its end.
    if (claim === 'taken' && !isThere(file, disk)) return recover(path, disk, options);
    const journal = new JournalReader(file);
    refuseRunning(imagePath, claim, journal.head?.writer, disk, options);
    if (options.discard === true) {
      disk.remove(file.name);
      disk.flushFolder(folderOf(file.name));
      return 'discarded';
    }
    journal.refuseUnknown();
    const remove = (): void => {
      removeJournal(disk, file, () => lock?.release());
    };
    if (journal.seal.state === SealState.open) {
      remove();
      return 'untouched';
    }
    const head = journal.verify();
    lock = options.lock?.();
    return withFiles(imagePath, head, file, disk, options, (files) =>
      act(journal, head, files, options, remove),
    );
  } finally {
    lock?.release();
    file.close();
  }
}

/** One that says nothing yet may have been made just now: it is looked at again after a moment. */
function openBegunJournal(image: string, disk: Disk): MutableFile | undefined {
  const file = openJournal(image, disk);
  if (file === undefined || file.size > 0) return file;
  file.close();
  disk.pause(MOMENT);
  return openJournal(image, disk);
}

function refuseRunning(
  image: string,
  claim: 'taken' | 'held' | 'unknown',
  writer: Writer | undefined,
  disk: Disk,
  options: RecoverOptions,
): void {
  const owner = ownerState(claim === 'taken' ? 'free' : claim, writer, disk);
  if (owner === 'running') throw new RefusedError(image, 'recover.running', { value: writer?.pid ?? '?' });
  if (owner === 'elsewhere' && options.trustsOtherMachine !== true) {
    throw new RefusedError(image, 'recover.otherMachine', { value: writer?.host ?? '?' });
  }
}

function withFiles<T>(
  imagePath: string,
  head: JournalHead,
  journal: MutableFile,
  disk: Disk,
  options: RecoverOptions,
  work: (files: SavedFiles) => T,
): T {
  const image = disk.openForChange(imagePath);
  let dataFile: MutableFile | undefined;
  try {
    if (isEasierToWrite(journal.access, image.access, disk.user)) {
      throw new RefusedError(journal.name, 'journal.access');
    }
    if (head.dataFile !== undefined)
      dataFile = openDataFile(imagePath, head.writer, head.dataFile, disk, options);
    return work({ image, dataFile });
  } finally {
    image.close();
    dataFile?.close();
  }
}

/**
 * What a journal says is no permission to write to a file: the image itself must name it, and it must be the file that the
 * save has changed, or have been confirmed. Both may come from a stranger; the inode of a file of this machine does not.
 */
function openDataFile(
  image: string,
  writer: Writer,
  saved: { readonly path: string; readonly identity: DiskFileIdentity },
  disk: Disk,
  options: RecoverOptions,
): MutableFile {
  if (options.dataFile === undefined) {
    throw new RefusedError(image, 'recover.noDataFile', { value: saved.path });
  }
  const file = disk.openForChange(disk.resolve(options.dataFile));
  const { trustsDataFile: trusted } = options;
  const isTrusted = trusted === 'any' || trusted?.path === file.name;
  if (isTrusted || isSaved(file.identity, saved.identity, writer, disk.writer)) return file;
  file.close();
  throw new RefusedError(image, 'recover.dataFile', { value: file.name });
}

/** Device numbers hold until the machine is started again. */
const isSaved = (file: DiskFileIdentity, saved: DiskFileIdentity, writer: Writer, here: Writer): boolean =>
  writer.host === here.host &&
  file.inode === saved.inode &&
  (file.device === saved.device || writer.boot !== here.boot);

function act(
  journal: JournalReader,
  head: JournalHead,
  files: SavedFiles,
  options: RecoverOptions,
  remove: () => void,
): RecoverOutcome {
  const verdict = examine(journal, head, files);
  // Version 2: the save was done, whatever has been written since.
  const isCommitted = journal.seal.state === SealState.committed;
  switch (verdict.kind) {
    case 'untouched':
    case 'complete':
      if (verdict.kind === 'complete') cut(head, files);
      remove();
      return verdict.kind === 'complete' ? 'completed' : 'untouched';
    case 'changed':
    case 'unmarked':
    case 'interrupted':
      if (isCommitted) {
        remove();
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
      remove();
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
