/** What is known of the space that the guest does not use, with its problems in the display language. */
import { describe, describeInside } from '../../text/vscode/describe';
import type { GuestFree } from '../../worker/api';
import type { PageGuestFree } from './messages';

export const guestFreeInWords = ({ problem, spaces }: GuestFree): PageGuestFree => ({
  ...(problem === undefined ? {} : { problemText: describe(problem) }),
  ...(spaces === undefined
    ? {}
    : {
        spaces: spaces.map(({ problem: reason, ...space }) => ({
          ...space,
          ...(reason === undefined ? {} : { problemText: describeInside(reason) }),
        })),
      }),
});
