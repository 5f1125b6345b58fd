/** What is to happen once an edit is saved. */
import type { ImageDocument } from './document';
import type { Subscription } from './emitter';

/**
 * Waits for the edit that was staged last.
 * @param settled called once: true where a save has written it, false where it was undone before the save, or another edit
 *   was staged in its place
 */
export function whenSaved(document: ImageDocument, settled: (isSaved: boolean) => void): Subscription {
  const number = document.state?.edits?.done ?? 0;
  const settle = (isSaved: boolean): void => {
    dispose();
    settled(isSaved);
  };
  const subscriptions = [
    document.onDidEdit(() => {
      if ((document.state?.edits?.done ?? 0) <= number) settle(false);
    }),
    document.onDidSave((edits) => {
      settle((edits?.done ?? 0) >= number);
    }),
  ];
  const dispose = (): void => {
    for (const subscription of subscriptions) subscription.dispose();
  };
  return { dispose };
}
