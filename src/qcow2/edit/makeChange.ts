/** Makes the change that a request asks for. */
import type { Change } from '../change/context';
import { discard } from '../change/discard';
import { rebase } from '../change/rebase';
import { writeGuest } from '../change/write';
import { writeZeroes } from '../change/writeZeroes';
import type { ChangeRequest } from './changeRequest';
import type { EditFacts } from './history';
import { shrink, type ShrinkWork } from './shrink';

/** What changes work on. */
export interface ChangeWork extends ShrinkWork {
  /** @throws EngineError where the image, as it is now, depends on itself */
  refuseCycle(): void;
}

/** @throws EngineError for what is refused or cannot be; what was written until then is for the caller to take back */
export function makeChange(request: ChangeRequest, work: ChangeWork): Change & EditFacts {
  switch (request.kind) {
    case 'writeZeroes':
      return writeZeroes(work.context(), request.start, request.length, request.options);
    case 'discard':
      return discard(work.context(), request.start, request.length);
    case 'write':
      return writeGuest(work.context(), request.bytes, request.start);
    case 'shrink':
      return shrink(request, work);
    case 'rebase': {
      const change = rebase(work.context(), request.backing);
      if (change.tally.changed) work.refuseCycle();
      return change;
    }
  }
}
