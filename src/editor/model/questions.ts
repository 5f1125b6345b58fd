/** What is asked of an image as it is staged, and changes nothing. */
import type {
  ChangeRequest,
  ChangeTally,
  Checked,
  ExportedExtents,
  MapRequest,
  Obstacle,
  OperationId,
  RepairMode,
  RepairReport,
  Result,
} from '../../worker/api';
import type { EngineClient } from '../../worker/client';
import type { Cancel, ProgressReport } from './staging';

/** What questions need of the session they belong to. */
export interface QuestionHost {
  ask<T>(request: (engine: EngineClient) => Promise<Result<T>>): Promise<Result<T>>;
  watch<T>(operation: OperationId, report: ProgressReport, work: () => Promise<T>): Promise<T>;
  nextOperation(): OperationId;
}

export class Questions {
  private previewing = 0;

  constructor(private readonly host: QuestionHost) {}

  /** What a change would do. A preview that is still under way ends in the problem `cancelled`. */
  preview(change: ChangeRequest): Promise<Result<ChangeTally>> {
    return this.previewNow((engine, operation) => engine.preview(change, operation));
  }

  /** What a repair would do; the same. */
  previewRepair(mode: RepairMode): Promise<Result<RepairReport>> {
    return this.previewNow((engine, operation) => engine.previewRepair(mode, operation));
  }

  /** Ends a preview that nobody waits for any more. */
  stopPreview(): void {
    const { previewing } = this;
    void this.host.ask((engine) => {
      engine.cancelOperation(previewing);
      return Promise.resolve({ ok: true, value: undefined });
    });
  }

  /** What the engine has against changing the image now. */
  obstacles(): Promise<Result<readonly Obstacle[]>> {
    const operation = this.host.nextOperation();
    return this.host.ask((engine) => engine.obstacles(operation));
  }

  /** Checks the image as staged. */
  check(report: ProgressReport, cancel: Cancel): Promise<Result<Checked>> {
    return this.watched(report, cancel, (engine, operation) => engine.check(operation));
  }

  /** Writes the map of the image as staged to a file. */
  exportMap(request: MapRequest, report: ProgressReport, cancel: Cancel): Promise<Result<ExportedExtents>> {
    return this.watched(report, cancel, (engine, operation) => engine.exportMap(request, operation));
  }

  private watched<T>(
    report: ProgressReport,
    cancel: Cancel,
    ask: (engine: EngineClient, operation: OperationId) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const operation = this.host.nextOperation();
    return this.host.ask((engine) => {
      cancel(() => {
        engine.cancelOperation(operation);
      });
      return this.host.watch(operation, report, () => ask(engine, operation));
    });
  }

  private previewNow<T>(
    ask: (engine: EngineClient, operation: OperationId) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const before = this.previewing;
    const operation = this.host.nextOperation();
    this.previewing = operation;
    return this.host.ask((engine) => {
      if (before > 0) engine.cancelOperation(before);
      return ask(engine, operation);
    });
  }
}
