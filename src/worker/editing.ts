/** The calls of `EngineApi` that stage, take back, save and keep changes, on the image that is open. */
import type { ChangeTally } from '../qcow2/change/tally';
import type { ChangeRequest } from '../qcow2/edit/changeRequest';
import type { EditableImage } from '../qcow2/edit/editableImage';
import type { Progress } from '../qcow2/progress';
import type {
  BackupPlace,
  BackupScope,
  Edited,
  FreeSpace,
  GaveBack,
  ImageState,
  Obstacle,
  OperationId,
  Repaired,
  RepairMode,
  RepairReport,
  Restored,
  RestoreOptions,
  Result,
  Reverted,
  Run,
  SaveAsTrust,
  Saved,
} from './api';
import { copyImage } from './copyImage';
import type { OpenImage } from './openImage';

/** What editing needs of the engine that it is a part of. */
export interface EditingHost {
  /** Runs `use` on the image that is open, where it can be changed; whatever it throws becomes a problem. */
  onEditable<T>(use: (editable: EditableImage, image: OpenImage) => T): Result<T>;
  progressOf(operation: OperationId): Progress;
  /** A save is done, although its call is not. */
  markSaved(): void;
  /** What is staged has changed: shows and scans it anew. */
  renew(image: OpenImage, generation: number): ImageState;
  /** Reads the files anew; nothing of what was staged is left. */
  reopen(generation: number): ImageState;
}

export class Editing {
  constructor(private readonly host: EditingHost) {}

  obstacles(operation: OperationId): Result<readonly Obstacle[]> {
    return this.host.onEditable((image) => image.obstacles(this.host.progressOf(operation)));
  }

  preview(change: ChangeRequest, operation: OperationId): Result<ChangeTally> {
    return this.host.onEditable((editable) => editable.preview(change, this.host.progressOf(operation)));
  }

  previewRepair(mode: RepairMode, operation: OperationId): Result<RepairReport> {
    return this.host.onEditable((editable) => editable.previewRepair(mode, this.host.progressOf(operation)));
  }

  repair(mode: RepairMode, label: string, { generation, operation }: Run): Result<Repaired> {
    return this.host.onEditable((editable, image) => {
      const report = editable.applyRepair(mode, label, this.host.progressOf(operation));
      const state = this.host.renew(image, generation);
      return { report, chain: image.chainFindings, state };
    });
  }

  apply(change: ChangeRequest, label: string, { generation, operation }: Run): Result<Edited> {
    return this.host.onEditable((editable, image) => {
      const tally = editable.apply(change, label, this.host.progressOf(operation));
      return { tally, state: this.host.renew(image, generation) };
    });
  }

  goTo(done: number, generation: number): Result<ImageState> {
    return this.host.onEditable((editable, image) => {
      while (editable.edits.undoable > done && editable.undo());
      while (editable.edits.undoable < done && editable.redo());
      return this.host.renew(image, generation);
    });
  }

  save({ generation, operation }: Run): Result<Saved> {
    return this.host.onEditable((editable, image) => {
      const { leftover } = editable.save({
        progress: this.host.progressOf(operation),
        onCommitted: () => {
          this.host.markSaved();
        },
      });
      const state = this.host.renew(image, generation);
      return leftover === undefined ? { state } : { state, leftover };
    });
  }

  freeSpace(operation: OperationId): Result<FreeSpace> {
    return this.host.onEditable((editable) => editable.freeSpace(this.host.progressOf(operation)));
  }

  giveBack({ generation, operation }: Run): Result<GaveBack> {
    return this.host.onEditable((editable, image) => {
      const report = editable.giveBack(this.host.progressOf(operation));
      return { report, state: report.changed ? this.host.renew(image, generation) : image.state };
    });
  }

  saveAs(path: string, trust: SaveAsTrust, { operation }: Run): Result<undefined> {
    return this.host.onEditable((editable) => {
      copyImage(editable, path, this.host.progressOf(operation), trust);
      return undefined;
    });
  }

  revert(generation: number): Result<Reverted> {
    return this.host.onEditable((editable, image) => {
      if (!editable.hasChanged() && goToSaved(editable)) {
        return { state: this.host.renew(image, generation), isReadAnew: false };
      }
      return { state: this.host.reopen(generation), isReadAnew: true };
    });
  }

  backUp(path: string, scope: BackupScope): Result<BackupPlace> {
    return this.host.onEditable((editable) => editable.backUp(path, scope));
  }

  restore(path: string, options: RestoreOptions, generation: number): Result<Restored> {
    return this.host.onEditable((editable, image) => {
      const { edits, missing, pages } = editable.restore(path, options);
      const labels = edits.map(({ label }) => label);
      return { labels, missing, pages, state: this.host.renew(image, generation) };
    });
  }
}

/** Whether undo or redo leads to what is on disk; it is there then. */
function goToSaved(editable: EditableImage): boolean {
  while (editable.edits.unsaved > 0 && editable.undo());
  while (editable.edits.unsaved > 0 && editable.redo());
  return editable.edits.unsaved === 0;
}
