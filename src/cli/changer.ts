/** The verbs that change images, and check, which may repair. What changes none is in another bundle (start.ts). */
import { batch, discard, write, writeZeroes } from './changes';
import { checkVerb } from './check';
import { runCommand, type Verbs } from './command';
import { compact } from './compact';
import { giveBack } from './giveBack';
import { rebase } from './rebase';
import { recover } from './recover';
import { repairFile } from './repair';
import { shrink } from './shrink';

export const CHANGING_VERBS = {
  check: checkVerb(repairFile),
  'write-zeroes': writeZeroes,
  discard,
  write,
  batch,
  rebase,
  shrink,
  'give-back': giveBack,
  compact,
  recover,
} as const satisfies Partial<Verbs>;

export const runChanger = (): void => {
  runCommand(CHANGING_VERBS);
};
