/** What a change or a repair would do. A newer preview of an image ends an older one that is still under way. */
import type { ImageDocument } from '../editor/model/document';
import type { OperationId, QuestionCalls, Result } from '../worker/api';
import type { Remote } from '../worker/remote';

const PREVIEW = Symbol('preview');

/** @param ask `preview` or `previewRepair` of the engine; ends in the problem `cancelled` where a newer one is asked for */
export const preview = <T>(
  document: ImageDocument,
  ask: (engine: Remote<QuestionCalls>, operation: OperationId) => Promise<Result<T>>,
): Promise<Result<T>> => document.run(ask, { key: PREVIEW, stopsOlder: true });

/** Nobody waits for a preview any more. */
export function stopPreview(document: ImageDocument): void {
  document.stop(PREVIEW);
}
