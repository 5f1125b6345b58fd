/**
 * Save: all or nothing.
 *
 * A save makes the files hold what is staged. The machine may stop at any moment, and a disk may lose any subset of the
 * 512-byte sectors, truncations and folder operations that were not flushed. A save passes through these states:
 *
 *   PLANNED     plan.ts has compared the staged file with the disk: it knows each sector that differs, and its role.
 *               Nothing has been written anywhere.
 *   CLAIMED     `NAME-journal` exists. It was created exclusively and is locked for as long as this thread has it open,
 *               so there is no second saver. Its head names host and process. Everything that could have changed since
 *               PLANNED is checked again.
 *   RECORDED    The journal holds the old content of every sector that will be overwritten, and a checksum of every
 *               content that it will take; it is flushed. After a crash up to here the journal is simply deleted.
 *   SEALED      The seal over the records is written and flushed, and so is the folder. From here on `recover` acts on
 *               the journal, and the save can no longer be cancelled.
 *   CHANGING    The groups of role.ts are written in order, with a flush after each.
 *   COMMITTED   Version 3: the `corrupt` bit is cleared and flushed. Version 2 has no such bit: the seal records it.
 *   CLEAN       The file is cut to its new length, the seal is overwritten, the journal is deleted.
 *
 * What happens when a save fails:
 *   - Up to SEALED: the journal is deleted; the files were not touched.
 *   - While CHANGING: the groups are undone in reverse order (rollback.ts), the edits stay staged. If that fails too,
 *     the error is `save.rollbackFailed`, and journal and mark stay for `recover`.
 *   - After COMMITTED: everything is saved. The report's `leftover` says that the journal is still there; `recover`
 *     deletes it.
 *
 * Promises to the user, after a crash or a failure at any point:
 *   A   After `recover`, image and data file are byte for byte what they were before the save, or what they are after it.
 *   B   Without `recover`, every 512-byte sector that a guest reads holds its old or its new content, `qemu-img check`
 *       finds leaks at worst, and on version 3 QEMU refuses to write to the image. (A save from or to a damaged image,
 *       see repairPlan.ts, keeps only the last of these. Where a header has no room for the old and the new backing
 *       file name at once, the image may have to be recovered before it can be opened.)
 *   C   `recover` changes nothing where another program may have changed the image since the save was interrupted.
 *
 * Invariants. Tests in test/engine/save and test/faults refer to them by number:
 *   S1  Image and data file are not touched before the journal and its folder are flushed (SEALED).
 *   S2  A sector that a save writes always holds its old content or one whose checksum the journal has.
 *   S3  There is at most one saver or recovery at a time.
 *   S4  Version 3: from the first write to the last, `corrupt` is set on disk. While it is not set, the image is old or new.
 *   S5  What a group writes is flushed before the next group begins.
 *   S6  No refcount on disk is lower than the number of references on disk.
 *   S7  A cluster has one role in a save. Where the old and the new image use it for different things, nothing is written.
 *   S8  A file gets shorter only after COMMITTED, or, in a rollback, before the mark is cleared.
 *   S9  A failed save leaves the files as they were, unless its error is `save.rollbackFailed`.
 *   S10 A rollback writes only contents that the journal has, so that it can be interrupted and repeated.
 *   S11 A save that is repeated writes nothing.
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
  /** The image on disk is damaged, or will be again: of promise B, only the mark can be kept then (repairPlan.ts). */
  readonly isRepair?: boolean;
  /**
   * Keeps other programs from the files while they are saved: called once the journal exists, released at the end.
   * @throws RefusedError when another program holds them
   */
  readonly lock?: () => { release(): void };
  /** Called once everything is saved (COMMITTED), even if the journal cannot be removed. */
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
  /** Everything is saved, but the journal could not be removed. */
  readonly leftover?: Problem;
}

export interface StagedFiles {
  readonly image: StagedFile;
  readonly dataFile?: StagedFile | undefined;
}

/**
 * Writes what is staged to the disk; the caller rebases the staged files afterwards. Where it throws, the files on disk
 * are what they were (S9), except for `save.rollbackFailed`.
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
        // The head comes first: it tells other programs whose journal this is (S3).
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
    // Without locks, a recovery that took the saver for dead may have deleted the journal.
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
      // A write that reports a failure may still have committed a version 2 image.
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

  /** Nothing has been changed yet (S1): the journal is deleted, sealed or not. */
  #abandon(file: MutableFile): void {
    try {
      if (isThere(file, this.disk)) removeJournal(this.disk, file, this.#release);
    } catch {
      // The caller reports the first error; `recover` finds that nothing was changed.
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

/** Refuses files that are not what the staged edits were made on. */
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
