/** What the Shrink dialog knows, and what its form can ask for. */
import type { ShrinkOffers } from '../../../src/editor/page/messages';
import type { Looks } from '../../base/scanProgress';
import type { Loadable } from '../../host/answers';
import type { StagingActions, StagingState } from '../stagingDialog';

/** What the chosen sources free together. */
export interface Freed {
  readonly bytes: number;
}

/** State of the dialog; the preview is always one of the chosen sources. */
export interface ShrinkFormState extends StagingState<Freed> {
  /** Undefined while they are loading. */
  readonly offers: Loadable<ShrinkOffers>;
  /** Keys of what is chosen (`choicesOf`). */
  readonly chosen: ReadonlySet<string>;
  /** Those that are running, and why one ended early while the dialog was open. */
  readonly looks: Looks;
}

export interface ShrinkFormActions extends StagingActions {
  choose(key: string, isChosen: boolean): void;
  scan(): void;
  stopScan(): void;
  lookForGuestFree(): void;
  stopGuestLook(): void;
}
