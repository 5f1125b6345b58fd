/** The journal beside an image, as seen from outside the save: what it tells, and taking that save back or finishing it. */
import { lstatSync } from 'node:fs';
import {
  openChain,
  type Chain,
  type ChainOptions,
  type FormerFiles,
  type ImageFiles,
} from '../chain/openChain';
import type { GateOptions } from '../chain/gate';
import { EngineError, FileError, FormatError, RefusedError, type Problem } from '../errors';
import { describeProblem } from '../describeProblem';
import { isEasierToWrite, thisUser } from '../io/fileAccess';
import { kindOf, openLocalFile, type LocalFile } from '../io/localFile';
import { lockForSave } from '../io/qemuLocks';
import { systemCode, systemMessage } from '../io/systemError';
import { journalPath, SealState } from '../save/journalFormat';
import { JournalReader } from '../save/journalReader';
import { localDisk } from '../save/localDisk';
import { journaledView } from '../save/journaledView';
import { ownerState, type OwnerState } from '../save/owner';
import { recover, type RecoverOptions, type RecoverOutcome } from '../save/recover';

/** Where the journal of a save of the image is, or would be. Never throws. */
export function journalOf(path: string): string {
  try {
    return journalPath(localDisk.resolve(path));
  } catch (error) {
    // There is no such image, or it cannot be looked at: opening it will say so.
    if (error instanceof EngineError) return journalPath(path);
    throw error;
  }
}

/** Whether anything has the name of the image's journal. */
export function hasJournal(path: string): boolean {
  try {
    return lstatSync(journalOf(path), { throwIfNoEntry: false }) !== undefined;
  } catch {
    // A part of the path is no folder, or may not be looked into: opening the image will say so.
    return false;
  }
}

interface OpenJournal {
  readonly file: LocalFile;
  readonly reader: JournalReader;
  readonly owner: OwnerState;
}

/**
 * Opens a journal to look at it; it is not claimed.
 * @param open how a file is opened that this does not close
 * @returns undefined where there is none
 * @throws FileError `journal.irregular` for what is not a regular file
 */
function openJournal(path: string, open: (path: string) => LocalFile): OpenJournal | undefined {
  try {
    // Looked at first: a link would be followed.
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (!stats.isFile()) throw new FileError(path, 'journal.irregular', { what: kindOf(stats) });
    const journal = look(open(path));
    // Sealed since it was opened: it is longer than it was then, and will not grow any more.
    return journal.reader.seal.length > journal.file.size ? look(open(path)) : journal;
  } catch (error) {
    if (error instanceof EngineError && error.problem.code === 'file.missing') return undefined;
    if (error instanceof EngineError || systemCode(error) === undefined) throw error;
    throw new FileError(path, 'file.open', { value: systemMessage(error) });
  }
}

/** Whether the saver runs is asked first: once nothing has the journal open, what it says does not change. */
function look(file: LocalFile): OpenJournal {
  const claim = file.claim();
  const reader = new JournalReader(file);
  return { file, reader, owner: ownerState(claim, reader.head?.writer, localDisk) };
}

/** The image is being saved, or recovered, by a thread that runs. */
const savingProblem = (file: string, { reader }: OpenJournal): Problem | undefined => {
  const value = reader.head?.writer.pid;
  return value === undefined ? undefined : { kind: 'io', code: 'journal.saving', file, value };
};

/**
 * What stands in the way of changing the image beside its journal.
 * @returns undefined where it has none
 */
export function journalProblem(path: string): Problem | undefined {
  let file: LocalFile | undefined;
  try {
    const journal = openJournal(journalOf(path), (name) => (file = openLocalFile(name)));
    if (journal === undefined) return undefined;
    if (journal.owner === 'running') {
      const saving = savingProblem(path, journal);
      if (saving !== undefined) return { ...saving, code: 'recover.running' };
    } else journal.reader.refuseUnknown();
    return new RefusedError(path, 'journal.exists', { value: journalOf(path) }).problem;
  } catch (error) {
    if (error instanceof EngineError) return error.problem;
    throw error;
  } finally {
    file?.close();
  }
}

/** Whether the image is being saved, or recovered, right now. */
export const isBeingSaved = (path: string): boolean => journalProblem(path)?.code === 'recover.running';

/** The file is none of ours, or not to be believed: it says nothing about a save. */
const IS_NO_JOURNAL: ReadonlySet<string> = new Set([
  'journal.foreign',
  'journal.irregular',
  'journal.access',
]);

/**
 * For those who only read (`ChainOptions.former`): shows an image with a journal beside it as it was before that save,
 * where a recovery would be allowed, and while the save runs.
 */
export const formerFiles: NonNullable<ChainOptions['former']> = (files, open) => {
  const file = files.image.name;
  try {
    const journal = openJournal(journalOf(file), open);
    return journal && viewOf(files, journal);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { problem } = error;
    if (IS_NO_JOURNAL.has(problem.code)) return { ...files, note: problem };
    return {
      ...files,
      note: { kind: 'io', code: 'journal.notShown', file, value: describeProblem(problem) },
    };
  }
};

function viewOf(files: ImageFiles<LocalFile>, journal: OpenJournal): FormerFiles | undefined {
  const { reader, owner } = journal;
  const file = files.image.name;
  if (
    reader.seal.state !== SealState.open &&
    isEasierToWrite(journal.file.access, files.image.access, thisUser())
  ) {
    throw new FormatError(journal.file.name, 'journal.access');
  }
  const isRunning = owner === 'running';
  const former = journaledView(files, reader, isRunning);
  const saving = isRunning ? savingProblem(file, journal) : undefined;
  if (former === files) return saving && { ...files, note: saving };
  const note = saving ?? ({ kind: 'io', code: 'journal.shown', file } as const);
  return { ...former, note, isIntact: () => isCovered(files, journal.file) };
}

/**
 * Whether all that was changed since a journal was met is in it, so that the files as they were before that save are still
 * whole. Once it is gone, what came after the save was written later than its last bytes.
 */
function isCovered({ image, dataFile }: ImageFiles<LocalFile>, journal: LocalFile): boolean {
  const { device, inode, modified } = journal.identityNow();
  const there = localDisk.identify(journal.name);
  if (there !== undefined) return there.inode === String(inode) && there.device === String(device);
  return [image, dataFile].every((file) => file === undefined || file.identityNow().modified <= modified);
}

/** What a person has said of a save that was interrupted, where the program cannot know. */
export type RecoverTrust = Pick<
  RecoverOptions,
  'trustsVersion2' | 'trustsOtherMachine' | 'trustsDataFile' | 'discard'
>;

/**
 * Finishes an interrupted save: takes it back, or does what was left to do.
 * @throws RefusedError where nothing may be done, FormatError, FileError
 */
export function recoverImage(path: string, gate: GateOptions, trust: RecoverTrust = {}): RecoverOutcome {
  if (!hasJournal(path)) {
    // That there is nothing to recover is no answer for a file that is not there.
    openLocalFile(path).close();
    return 'none';
  }
  // What is dropped is not read, and the image need not be readable.
  const dataFile = trust.discard === true ? undefined : dataFileOf(path, gate);
  return recover(path, localDisk, { ...trust, dataFile, lock: () => lockForSave(path) });
}

/** The external data file that the image names and that may be opened: nothing else is written because of a journal. */
function dataFileOf(path: string, gate: GateOptions): string | undefined {
  let chain: Chain;
  try {
    chain = openChain(path, gate);
  } catch (error) {
    // Between two places of a backing file's name a header may not be readable before it is recovered.
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  try {
    const { hasDataFile, isDataFileOpen, dataFile } = chain.top;
    return hasDataFile && isDataFileOpen ? dataFile.name : undefined;
  } finally {
    chain.close();
  }
}
