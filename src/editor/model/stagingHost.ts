/** The session as what is staged in it sees it. */
import type { ImageState, OperationId, Result } from '../../worker/api';
import type { EngineClient } from '../../worker/engineClient';
import type { Control } from './operations';
import type { Numbers, Revival } from './revival';

/** What staging needs of the session it belongs to. */
export interface StagingHost extends Numbers {
  readonly state: ImageState | undefined;
  ask<T>(request: (engine: EngineClient) => Promise<Result<T>>): Promise<Result<T>>;
  run<T>(
    request: (engine: EngineClient, operation: OperationId) => Promise<Result<T>>,
    control?: Control,
  ): Promise<Result<T>>;
  /** The worker has answered with another state. */
  take(state: ImageState): void;
  /** What became of the edits when the thread died last, once that is known; undefined where it lives. */
  whenRevived(): Promise<Revival | undefined>;
  /** What was lost when the thread died has come back, or has not. */
  tellRevival(revival: Revival): void;
}
