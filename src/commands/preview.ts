/** What a change or a repair would do. A newer preview of an image ends an older one that is still under way. */
import type { ImageDocument } from '../editor/model/document';
import type { OperationId, QuestionCalls, Result } from '../worker/api';
import type { Remote } from '../worker/remote';

const PREVIEW = Symbol('preview');

/** @param ask `preview` or `previewRepair` of the engine; overtaken, it ends in the problem `cancelled` */
export const preview = <T>(
  document: ImageDocument,
  ask: (engine: Remote<QuestionCalls>, operation: OperationId) => Promise<Result<T>>,
): Promise<Result<T>> => document.run(ask, { key: PREVIEW, stopsOlder: true });

/** The preview is no longer needed. */
export function stopPreview(document: ImageDocument): void {
  document.stop(PREVIEW);
}
