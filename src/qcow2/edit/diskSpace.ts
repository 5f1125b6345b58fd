/**
 * What makes the image file smaller or sparser without an edit: both ways write the files on disk at once, and cannot be
 * undone. They run only while nothing is staged, under the same guards and locks as a save.
 */
import { EngineError } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import { openLocalFile } from '../io/localFile';
import { type Progress, quietOf, silent } from '../progress';
import { localDisk } from '../save/localDisk';
import { compact, type Compacted } from '../space/compact';
import { previewCompaction, type CompactPreview } from '../space/compactPreview';
import { measureFreeSpace, type FreeSpace } from '../space/freeSpace';
import { giveBack, type GivenBack } from '../space/giveBack';
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

  constructor(owner: SpaceOwner) {
    this.#owner = owner;
  }

  /**
   * What giving free space back would come to; nothing is changed.
   * @throws EngineError as `giveBack`
   */
  free(progress: Progress = silent): FreeSpace {
    this.#owner.refuse(progress);
    return measureFreeSpace(this.#owner.onDisk(), progress);
  }

  /**
   * Gives the space that nothing uses back to the host. What an edit has freed is gone then, so that no edit from before
   * can be undone: where it changes anything, the history is dropped.
   * @throws RefusedError `space.unsaved`; EngineError for the first obstacle, and as `space/giveBack.ts`: nothing has
   *   changed then
   */
  giveBack(progress: Progress = silent): GivenBack {
    this.#owner.refuse(progress);
    return this.#change((top, lock) => giveBack(top, localDisk, { progress, lock }));
  }

  /**
   * What compacting the image would come to; nothing is changed.
   * @throws EngineError as `compact`
   */
  previewCompact(progress: Progress = silent): CompactPreview {
    this.#owner.refuse(progress);
    return previewCompaction(this.#owner.onDisk(), progress);
  }

  /**
   * Moves clusters from the end of the image file to free ones before it, and cuts the file off behind what is in use
   * then. Leaks are repaired first. Where anything was changed, no edit from before can be undone.
   * @throws RefusedError `space.unsaved`; EngineError for the first obstacle, and as `space/compact.ts`: nothing but
   *   leaks and free clusters has changed then
   */
  compact(progress: Progress = silent): Compacted {
    // Bytes moved are what the progress counts.
    const quiet = quietOf(progress);
    this.#owner.refuse(quiet);
    try {
      return this.#compact(progress);
    } catch (error) {
      if (!(error instanceof EngineError) || error.problem.code !== 'compact.leaks') throw error;
    }
    this.#owner.repairLeaks(quiet);
    return { ...this.#compact(progress), changed: true };
  }

  /** @throws FormatError `compact.leaks`, before anything is changed; EngineError as `space/compact.ts` */
  #compact(progress: Progress): Compacted {
    const { path, scratchPath } = this.#owner;
    const options = { progress, open: () => openLocalFile(path), scratchPath: `${scratchPath}-compact` };
    return this.#change((top, lock) => compact(top, localDisk, { ...options, lock }));
  }

  #change<T extends { readonly changed: boolean }>(
    change: (top: Qcow2Image, lock: () => { release(): void }) => T,
  ): T {
    const top = this.#owner.onDisk();
    const report = change(top, () => lockFiles(top));
    if (report.changed) this.#owner.reread();
    return report;
  }
}
