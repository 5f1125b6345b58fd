/**
 * What makes the image file smaller or sparser without an edit: both ways write the files on disk at once, and cannot be
 * undone. They run only while nothing is staged, under the same guards and locks as a save.
 */
import { EngineError, RefusedError } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import { openLocalFile } from '../io/localFile';
import { type Progress, quietOf, silent, toEnd } from '../progress';
import { localDisk } from '../save/localDisk';
import { compact, type Compacted, type Compacting } from '../space/compact';
import { previewCompaction, type CompactPreview } from '../space/compactPreview';
import { measureFreeSpace, type FreeSpace } from '../space/freeSpace';
import { giveBack, type GivenBack } from '../space/giveBack';
import type { FileSizes } from '../space/openUnchanged';
import { lockFiles } from './lockFiles';

/** The image whose files are changed. */
export interface SpaceOwner {
  readonly path: string;
  /** Start of the paths of temporary files. */
  readonly scratchPath: string;
  /** The image as it is on disk. */
  onDisk(): Qcow2Image;
  /** @throws RefusedError `space.unsaved`; EngineError for the first obstacle */
  refuse(progress: Progress): void;
  /** Repairs leaks on disk. @throws EngineError as `EditableImage.applyRepair` and `save` */
  repairLeaks(progress: Progress): void;
  /** The files have changed: reads them again and drops the history. */
  reread(): void;
}

export class DiskSpace {
  readonly #owner: SpaceOwner;
  #isCompacting = false;
  /** A compaction has written something since the files were read. */
  #isBehind = false;

  constructor(owner: SpaceOwner) {
    this.#owner = owner;
  }

  /** A compaction is between two of its pieces: nothing else may change the image. */
  get isCompacting(): boolean {
    return this.#isCompacting;
  }

  /** @throws RefusedError `space.compacting` while the image is being compacted */
  refuseWhileCompacting(): void {
    if (this.#isCompacting) throw new RefusedError(this.#owner.path, 'space.compacting');
  }

  /**
   * Reads the files again where a compaction has changed them: what was read before leads to clusters that later batches use
   * for something else. To be called before anything is read between two pieces.
   * @returns whether it did
   * @throws EngineError when they cannot be opened
   */
  catchUp(): boolean {
    if (!this.#isBehind) return false;
    this.#owner.reread();
    this.#isBehind = false;
    return true;
  }

  /**
   * What giving free space back would come to; nothing is changed.
   * @throws EngineError as `giveBack`
   */
  free(progress: Progress = silent): FreeSpace {
    this.#refuse(progress);
    return measureFreeSpace(this.#owner.onDisk(), progress);
  }

  /**
   * Gives the space that nothing uses back to the host. What an edit has freed is gone then, so that no edit from before
   * can be undone: where it changes anything, the history is dropped.
   * @throws RefusedError `space.unsaved`; EngineError for the first obstacle, and as `space/giveBack.ts`: nothing has
   *   changed then
   */
  giveBack(progress: Progress = silent): GivenBack {
    this.#refuse(progress);
    const top = this.#owner.onDisk();
    const report = giveBack(top, localDisk, { progress, lock: () => lockFiles(top) });
    if (report.changed) this.#owner.reread();
    return report;
  }

  /**
   * What compacting the image would come to; nothing is changed.
   * @throws EngineError as `compact`
   */
  previewCompact(progress: Progress = silent): CompactPreview {
    this.#refuse(progress);
    return previewCompaction(this.#owner.onDisk(), progress);
  }

  /**
   * Moves clusters from the end of the image file to free ones before it, and cuts the file off behind what is in use
   * then. Leaks are repaired first. Where anything was changed, no edit from before can be undone.
   *
   * It is run piece by piece. Between two pieces whatever changes the image is refused (`space.compacting`), and it can be
   * read after `catchUp`.
   * @param progress counts bytes moved
   * @param isAtOnce as `CompactOptions` has it
   * @throws RefusedError `space.unsaved`, `space.compacting`; EngineError for the first obstacle, and as `space/compact.ts`:
   *   nothing has changed then, free clusters neither
   */
  *compact(progress: Progress = silent, isAtOnce = false): Compacting {
    const quiet = quietOf(progress);
    this.#refuse(quiet);
    try {
      return yield* this.#compact(progress, isAtOnce);
    } catch (error) {
      if (!(error instanceof EngineError) || error.problem.code !== 'compact.leaks') throw error;
    }
    const before = this.#sizes();
    this.#owner.repairLeaks(quiet);
    try {
      return { ...(yield* this.#compact(progress, isAtOnce)), before, changed: true };
    } catch (error) {
      return this.#stopped(before, error);
    }
  }

  /**
   * The same from its first piece to its last.
   * @throws as `compact`
   */
  compactAtOnce(progress: Progress = silent): Compacted {
    return toEnd(this.compact(progress, true));
  }

  /** @throws FormatError `compact.leaks`, before anything is changed; EngineError as `space/compact.ts` */
  *#compact(progress: Progress, isAtOnce: boolean): Compacting {
    const { path, scratchPath } = this.#owner;
    const top = this.#owner.onDisk();
    const before = this.#sizes();
    this.#isCompacting = true;
    try {
      const report = yield* compact(top, localDisk, {
        progress,
        lock: () => lockFiles(top),
        open: () => openLocalFile(path),
        scratchPath: `${scratchPath}-compact`,
        isAtOnce,
        onWriting: () => {
          this.#isBehind = true;
        },
      });
      this.#isBehind ||= report.changed;
      return report;
    } catch (error) {
      // Free clusters were written, which earlier states may need.
      if (!this.catchUp()) throw error;
      return this.#stopped(before, error);
    } finally {
      this.#isCompacting = false;
      this.catchUp();
    }
  }

  /** What came of a compaction that failed before its first batch was saved, but had changed something. */
  #stopped(before: FileSizes, error: unknown): Compacted {
    if (!(error instanceof EngineError)) throw error;
    return { changed: true, before, after: this.#sizes(), movedBytes: 0, stopped: error.problem };
  }

  /** @throws RefusedError `space.compacting`, and as `SpaceOwner.refuse` */
  #refuse(progress: Progress): void {
    this.refuseWhileCompacting();
    this.#owner.refuse(progress);
  }

  #sizes(): FileSizes {
    const { size, allocatedBytes } = this.#owner.onDisk().file;
    return { fileSize: size, allocatedBytes };
  }
}
