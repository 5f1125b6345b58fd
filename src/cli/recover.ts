/** `qcow2 recover`: finishes a save that was interrupted. */
import { recoverImage } from '../qcow2/edit/interrupted';
import type { RecoverOutcome } from '../qcow2/save/recover';
import type { Run } from './verb';

/** The outcome of a recovery in words. */
export const RECOVERY_WORDS: Readonly<Record<RecoverOutcome, string>> = {
  none: 'no save was interrupted',
  untouched: 'a save was interrupted before it changed anything; its journal is removed',
  completed: 'a save was interrupted after its work was done; its journal is removed',
  rolledBack: 'a save was interrupted; the image is as it was before that save',
  discarded: 'the file in place of the journal is removed; the image is unchanged',
};

export const recover: Run<'recover'> = ({ operands, options, output }) => {
  const outcome = recoverImage(
    operands.FILE,
    { followsNames: true, usesProcessFolder: true },
    // An image of version 2 cannot show whether it was changed since: you decide by calling this verb.
    {
      trustsVersion2: true,
      trustsOtherMachine: options['other-machine'],
      ...(options['allow-external-data-file'] ? { trustsDataFile: 'any' } : {}),
      discard: options.discard,
    },
  );
  output.write(Buffer.from(`${RECOVERY_WORDS[outcome]}\n`));
  return undefined;
};
