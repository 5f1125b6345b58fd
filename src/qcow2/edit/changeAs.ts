/** Makes a change that was asked for. */
import type { Change, ChangeContext } from '../change/context';
import { discard } from '../change/discard';
import { rebase } from '../change/rebase';
import { writeGuest } from '../change/write';
import { writeZeroes } from '../change/writeZeroes';
import type { ChangeRequest } from './changeRequest';

/** @throws EngineError for what is refused or cannot be; the caller puts back what was staged before */
export function changeAs(request: ChangeRequest, context: ChangeContext): Change {
  switch (request.kind) {
    case 'writeZeroes':
      return writeZeroes(context, request.start, request.length, request.options);
    case 'discard':
      return discard(context, request.start, request.length);
    case 'write':
      return writeGuest(context, request.bytes, request.start);
    case 'rebase':
      return rebase(context, request.backing);
  }
}
