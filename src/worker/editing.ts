/** The calls of `EngineApi` that stage, undo, save and back up changes of the open image. */
import type { EditableImage } from '../qcow2/edit/editableImage';
import { recoverImage } from '../qcow2/edit/interrupted';
import type { Progress } from '../qcow2/progress';
import type { EditCalls, ImageState, OpenOptions, OperationId, Result } from './api';
import { copyImage } from './copyImage';
import { rangedAsStaged } from './guestFree';
import type { OpenImage } from './openImage';
import type { Pace } from './pace';

/** What editing needs from the engine. */
export interface EditingHost {
  readonly path: string;
  readonly image: OpenImage | undefined;
  readonly options: OpenOptions;
  /** Runs `use` on the open image if it can be changed; anything that it throws becomes a problem. */
  onEditable<T>(use: (editable: EditableImage, image: OpenImage) => T): Result<T>;
  attempt<T>(action: () => T): Result<T>;
  /** Runs something that writes files; the host does not end the thread meanwhile. */
  writing<T>(work: () => Result<T>): Result<T>;
  /**
   * The same in pieces; other calls are answered between them. If the image is closed or read again meanwhile, it ends after
   * the piece that runs.
   */
  writingInSlices<T>(begin: (editable: EditableImage) => Generator<undefined, T>): Promise<Result<T>>;
  /** When what it has changed is shown. */
  readonly pace: Pace;
  progressOf(operation: OperationId): Progress;
  /** A save is done, although its call has not returned. */
  markSaved(): void;
  /** What is staged has changed: show it and scan it again. */
  renew(image: OpenImage, generation: number): ImageState;
  /** Reads the files again and drops everything staged. */
  reopen(generation: number): ImageState;
}

export function editCalls(host: EditingHost): EditCalls {
  return {
    repair: (mode, label, { generation, operation }) =>
      host.onEditable((editable, image) => {
        const report = editable.applyRepair(mode, label, host.progressOf(operation));
        const state = host.renew(image, generation);
        return { report, chain: image.chainFindings, state };
      }),
    apply: (change, label, { generation, operation }) =>
      host.onEditable((editable, image) => {
        const progress = host.progressOf(operation);
        const tally = editable.apply(rangedAsStaged(change, editable, progress), label, progress);
        return { tally, state: host.renew(image, generation) };
      }),
    goTo: (done, generation) =>
      host.onEditable((editable, image) => {
        while (editable.edits.undoable > done && editable.undo());
        while (editable.edits.undoable < done && editable.redo());
        return host.renew(image, generation);
      }),
    save: ({ generation, operation }) =>
      host.writing(() =>
        host.onEditable((editable, image) => {
          const { leftover } = editable.save({
            progress: host.progressOf(operation),
            onCommitted: () => {
              host.markSaved();
            },
          });
          const state = host.renew(image, generation);
          return leftover === undefined ? { state } : { state, leftover };
        }),
      ),
    freeSpace: (operation) => host.onEditable((editable) => editable.space.free(host.progressOf(operation))),
    giveBack: ({ generation, operation }) =>
      host.writing(() =>
        host.onEditable((editable, image) => {
          const report = editable.space.giveBack(host.progressOf(operation));
          return { report, state: report.changed ? host.renew(image, generation) : image.state };
        }),
      ),
    compactPreview: (operation) =>
      host.onEditable((editable) => editable.space.previewCompact(host.progressOf(operation))),
    compact: async ({ generation, operation }) => {
      const { image: opened } = host;
      const mayBegin = host.onEditable(({ space }) => {
        space.refuseWhileCompacting();
      });
      if (!mayBegin.ok) return mayBegin;
      const compacted = await host.writingInSlices((editable) =>
        editable.space.compact(host.progressOf(operation)),
      );
      // Another one was opened in its place.
      if (!compacted.ok && host.image !== opened) return compacted;
      // Also where it has failed: the scan of the map goes on.
      const renewed = host.onEditable((_, image) => host.renew(image, generation));
      if (!compacted.ok) return compacted;
      return renewed.ok ? { ok: true, value: { report: compacted.value, state: renewed.value } } : renewed;
    },
    compactedSoFar: (generation) => {
      if (!host.pace.isDue()) return { ok: true, value: undefined };
      return host.onEditable(({ space }, image) => {
        if (!space.isCompacting) return undefined;
        space.catchUp();
        return host.renew(image, generation);
      });
    },
    saveAs: (path, trust, { operation }) =>
      host.writing(() =>
        host.onEditable((editable) => {
          editable.space.refuseWhileCompacting();
          copyImage(editable, path, host.progressOf(operation), trust);
          return undefined;
        }),
      ),
    revert: (generation) =>
      host.onEditable((editable, image) => {
        editable.space.refuseWhileCompacting();
        if (!editable.hasChanged() && goToSaved(editable)) {
          return { state: host.renew(image, generation), isReadAnew: false };
        }
        return { state: host.reopen(generation), isReadAnew: true };
      }),
    backUp: (path, scope) => host.writing(() => host.onEditable((editable) => editable.backUp(path, scope))),
    restore: (path, options, generation) =>
      host.onEditable((editable, image) => {
        const { edits, missing, pages } = editable.restore(path, options);
        const labels = edits.map(({ label }) => label);
        return { labels, missing, pages, state: host.renew(image, generation) };
      }),
    recover: (trust, generation) =>
      host.writing(() =>
        host.attempt(() => {
          host.image?.editable?.space.refuseWhileCompacting();
          const outcome = recoverImage(host.path, host.options, trust);
          return { outcome, state: host.reopen(generation) };
        }),
      ),
  };
}

/** Goes to the edit that matches the disk, if undo or redo leads there. @returns whether it does */
function goToSaved(editable: EditableImage): boolean {
  while (editable.edits.unsaved > 0 && editable.undo());
  while (editable.edits.unsaved > 0 && editable.redo());
  return editable.edits.unsaved === 0;
}
