/** What the page asks about the image file itself; the worker may have to walk all its tables for an answer. */
import type { CellsRequest, MapCells, OperationId, Result, StagedHostReport } from '../../worker/api';
import type { EngineClient } from '../../worker/client';
import type { ProgressReport } from './staging';

/** What the file view needs of the session it belongs to. */
export interface FileViewHost {
  ask<T>(request: (engine: EngineClient) => Promise<Result<T>>): Promise<Result<T>>;
  watch<T>(operation: OperationId, report: ProgressReport, work: () => Promise<T>): Promise<T>;
  nextOperation(): OperationId;
}

export class FileView {
  private walking: OperationId | undefined;
  /** By who asks. */
  private readonly inspecting = new WeakMap<object, OperationId>();

  constructor(private readonly host: FileViewHost) {}

  cells(request: CellsRequest, report: ProgressReport): Promise<Result<MapCells>> {
    return this.host.ask(async (engine) => {
      const operation = this.host.nextOperation();
      this.walking = operation;
      const cells = await this.host.watch(operation, report, () => engine.hostCells(request, operation));
      if (this.walking === operation) this.walking = undefined;
      return cells;
    });
  }

  /** A newer inspection ends an older one of the same asker that is still under way. */
  inspect(hostOffset: number, asker: object): Promise<Result<StagedHostReport>> {
    return this.host.ask(async (engine) => {
      const operation = this.host.nextOperation();
      const older = this.inspecting.get(asker);
      if (older !== undefined) engine.cancelOperation(older);
      this.inspecting.set(asker, operation);
      const report = await engine.inspectHost(hostOffset, operation);
      if (this.inspecting.get(asker) === operation) this.inspecting.delete(asker);
      return report;
    });
  }

  bytes(hostOffset: number, length: number): Promise<Result<Uint8Array>> {
    return this.host.ask((engine) => engine.readHostBytes(hostOffset, length));
  }

  /** Stops the walk that the view waits for. */
  leave(): void {
    const { walking } = this;
    if (walking === undefined) return;
    void this.host.ask((engine) => {
      engine.cancelOperation(walking);
      return Promise.resolve({ ok: true, value: undefined });
    });
  }
}
