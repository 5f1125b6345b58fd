/**
 * Save: all or nothing (ARCHITECTURE.md, "Save").
 *
 * What is staged is to become what the file holds; the machine may stop at any moment, and a disk keeps what it likes
 * of whatever was not flushed, each sector of 512 bytes for itself. This is the story of a save, state by state:
 *
 *   PLANNED     The staged file was compared with the disk: plan.ts knows each sector that differs, and what it is.
 *               Nothing was written anywhere.
 *   CLAIMED     `NAME-journal` exists. It was made exclusively, so no second saver gets here, and is locked as long as
 *               it is open: that ends with this thread, whatever happens to it. It says for people who writes it. All
 *               that could have changed meanwhile is looked at again.
 *   RECORDED    The journal holds the old content of every sector that will be overwritten, and a checksum of every
 *               content that it will take. Flushed. A crash so far leaves an open journal: it is thrown away.
 *   SEALED      The seal lies over the records, flushed, and so is the folder: from here on a crash leaves something
 *               that `recover` acts on. It is the last moment to cancel.
 *   CHANGING    The groups of role.ts, one after the other, a flush behind each. On version 3 the first one sets the
 *               bit `corrupt`: QEMU may read, and refuses to write. Until the last one, the image is old or new for
 *               each sector that a guest reads, and its refcounts are never too low.
 *   COMMITTED   `corrupt` is clear again, flushed. A version 2 image has no such bit: there the seal says so.
 *   CLEAN       What the file loses at its end is cut off; the seal is overwritten, the journal deleted.
 *
 * An error up to SEALED leaves the file untouched. One while CHANGING has the groups go backwards (rollback.ts); if that
 * fails as well, journal and mark stay for `recover`. After COMMITTED an error is none of the save any more: what is
 * left is a journal that `recover` finds nothing to do for.
 */
import { EngineError, FileError, type Problem, RefusedError } from '../errors';
import { LocalFile } from '../io/localFile';
import type { StagedFile } from '../io/stagedFile';
import { silent, type Progress } from '../progress';
import type { ByteLength } from '../units';
import type { Disk, MutableFile, Writer } from './disk';
import { ForwardWriter, type SavedFiles } from './forward';
import { type JournalHead, type JournaledFile, SealState } from './journalFormat';
import { JournalReader } from './journalReader';
import { JournalWriter } from './journalWriter';
import { createJournal, folderOf, isThere, removeJournal } from './journalFile';
import { makePlan, type FilePlan, type SavePlan } from './plan';
import { makeRepairPlan } from './repairPlan';
import { Group } from './role';
import { Rollback } from './rollback';
import { refuseFullDisk } from './space';

export interface SaveOptions {
  readonly progress?: Progress;
  /** The image on disk is damaged, or will be again: promise A is all that can be kept then (repairPlan.ts). */
  readonly isRepair?: boolean;
  /**
   * Keeps others from the files while they are saved: called once the journal exists, released at the end.
   * @throws RefusedError when somebody has them
   */
  readonly lock?: () => { release(): void };
  /** Called once all is saved, whatever comes of the journal. */
  readonly onCommitted?: () => void;
}

/** What a save did. */
export interface SaveReport {
  /** Writes to image and data file, and their bytes; without the journal. */
  readonly writes: number;
  readonly bytes: ByteLength;
  readonly flushes: number;
  /** Bytes by the name of the group. */
  readonly groups: Readonly<Record<string, number>>;
  /** Bytes. */
  readonly journal: number;
  /** All is saved, but the journal could not be removed. */
  readonly leftover?: Problem;
}

export interface StagedFiles {
  readonly image: StagedFile;
  readonly dataFile?: StagedFile | undefined;
}

/**
 * Makes the staged files what the disk holds; the caller rebases them then. Where it throws, the files on disk are what
 * they were, except for `save.rollbackFailed`.
 * @throws FileError, FormatError, RefusedError, CancelledError
 */
export function save(staged: StagedFiles, disk: Disk, options: SaveOptions = {}): SaveReport {
  const progress = options.progress ?? silent;
  refuseChanged(staged);
  const make = options.isRepair === true ? makeRepairPlan : makePlan;
  const plan = make(staged.image, staged.dataFile, progress);
  if (plan === undefined) return { writes: 0, bytes: 0, flushes: 0, groups: {}, journal: 0 };
  const files = openFiles(plan, disk);
  try {
    return new Saver(staged, plan, files, disk, options).run();
  } finally {
    files.image.close();
    files.dataFile?.close();
  }
}

class Saver {
  readonly #progress: Progress;
  #lock: { release(): void } | undefined;

  constructor(
    readonly staged: StagedFiles,
    readonly plan: SavePlan,
    readonly files: SavedFiles,
    readonly disk: Disk,
    readonly options: SaveOptions,
  ) {
    this.#progress = options.progress ?? silent;
  }

  run(): SaveReport {
    refuseFullDisk(this.plan, this.files, this.disk);
    const { file, writer } = createJournal(this.files.image.name, this.disk);
    try {
      const journal = new JournalWriter(file, this.plan, this.#progress);
      try {
        // The head before anything else: it tells everybody whose journal this is.
        journal.writeHead(this.#head(writer));
        this.#lock = this.options.lock?.();
        refuseChanged(this.staged);
        this.#record(journal, file);
      } catch (error) {
        this.#abandon(file);
        throw error;
      }
      return this.#change(journal, file);
    } finally {
      this.#release();
      file.close();
    }
  }

  readonly #release = (): void => {
    this.#lock?.release();
    this.#lock = undefined;
  };

  /** From CLAIMED to SEALED. */
  #record(journal: JournalWriter, file: MutableFile): void {
    const { image, dataFile } = this.plan;
    journal.writeRecords(0, image, this.files.image);
    if (dataFile !== undefined && this.files.dataFile !== undefined) {
      journal.writeRecords(1, dataFile, this.files.dataFile);
    }
    refuseChanged(this.staged);
    this.#progress.checkCancelled();
    journal.seal();
    this.disk.flushFolder(folderOf(file.name));
    // Where it cannot be locked, a recovery that took it for a dead saver's may have deleted it.
    if (!isThere(file, this.disk)) {
      throw new RefusedError(this.files.image.name, 'save.journalLost', { value: file.name });
    }
  }

  /** From SEALED to CLEAN. */
  #change(journal: JournalWriter, file: MutableFile): SaveReport {
    const total = totalBytes(this.plan);
    const writer = new ForwardWriter(this.plan, this.files, this.#progress, total);
    try {
      for (const group of Object.values(Group)) writer.writeGroup(group);
      if (this.plan.shape.version === 2) journal.setState(SealState.committed);
    } catch (error) {
      this.#rollBack(journal, file, error);
      throw error;
    }
    this.options.onCommitted?.();
    const report = { ...writer.counts, journal: journal.length };
    try {
      writer.cut();
      removeJournal(this.disk, file, this.#release);
      return report;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return { ...report, leftover: error.problem };
    }
  }

  #rollBack(journal: JournalWriter, file: MutableFile, cause: unknown): void {
    try {
      // A version 2 image may have been committed by a write that says it failed.
      if (this.plan.shape.version === 2) journal.setState(SealState.sealed);
      const reader = new JournalReader(file);
      const flushFailed = cause instanceof EngineError && cause.problem.code === 'file.flush';
      new Rollback(reader, reader.verify(), this.files, flushFailed).run();
      removeJournal(this.disk, file, this.#release);
    } catch (error) {
      const value = error instanceof EngineError ? error.problem.code : String(error);
      throw new FileError(this.files.image.name, 'save.rollbackFailed', { value });
    }
  }

  /** Nothing was changed yet: the journal goes, sealed or not. */
  #abandon(file: MutableFile): void {
    try {
      if (isThere(file, this.disk)) removeJournal(this.disk, file, this.#release);
    } catch {
      // Why it was to go is what matters; `recover` finds that nothing was changed.
    }
  }

  #head(writer: Writer): JournalHead {
    const { shape, image, dataFile } = this.plan;
    return {
      writer,
      version: shape.version,
      refcountBits: shape.refcountBits,
      pointer: shape.pointer === Group.extend ? 'extend' : 'drop',
      image: describe(this.files.image, image),
      ...(dataFile === undefined || this.files.dataFile === undefined
        ? {}
        : { dataFile: describe(this.files.dataFile, dataFile) }),
    };
  }
}

const describe = (file: MutableFile, { oldSize, newSize }: FilePlan): JournaledFile => ({
  path: file.name,
  identity: file.identity,
  oldSize,
  newSize,
});

const totalBytes = ({ image, dataFile }: SavePlan): number => image.runs.bytes + (dataFile?.runs.bytes ?? 0);

/** What was staged over must be what is there. */
function refuseChanged({ image, dataFile }: StagedFiles): void {
  for (const file of [image, dataFile]) {
    if (file?.base instanceof LocalFile && file.base.hasChanged()) {
      throw new FileError(file.name, 'save.changedOutside');
    }
  }
}

function openFiles(plan: SavePlan, disk: Disk): SavedFiles {
  const image = openForSave(plan.image, disk);
  try {
    return { image, dataFile: plan.dataFile && openForSave(plan.dataFile, disk) };
  } catch (error) {
    image.close();
    throw error;
  }
}

function openForSave({ staged }: FilePlan, disk: Disk): MutableFile {
  const file = disk.openForChange(disk.resolve(staged.name));
  const { links, device, inode } = file.identity;
  try {
    if (links > 1) throw new RefusedError(file.name, 'save.hardLinks', { value: links });
    if (staged.base instanceof LocalFile) {
      const { identity } = staged.base;
      if (String(identity.device) !== device || String(identity.inode) !== inode) {
        throw new FileError(file.name, 'save.changedOutside');
      }
    }
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}
