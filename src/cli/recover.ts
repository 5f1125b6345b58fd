/** `qcow2 recover`: finishes a save that was interrupted. */
import { recoverImage } from '../qcow2/edit/interrupted';
import type { RecoverOutcome } from '../qcow2/save/recover';
import { readArguments, type Verb } from './verb';

/** What a recovery has come to. */
export const RECOVERY_WORDS: Readonly<Record<RecoverOutcome, string>> = {
  none: 'no save was interrupted',
  untouched: 'a save was interrupted before it changed anything; its journal is removed',
  completed: 'a save was interrupted after its work was done; its journal is removed',
  rolledBack: 'a save was interrupted; the image is as it was before it',
  discarded: 'what stood in the place of the journal is removed; the image is as it was',
};

export const recover: Verb = {
  name: 'recover',
  usage: '[--discard] [--other-machine] [--allow-external-data-file] FILE',
  run: (argv) => {
    const args = readArguments(argv, ['FILE'], {
      discard: { type: 'boolean' },
      'other-machine': { type: 'boolean' },
      'allow-external-data-file': { type: 'boolean' },
    });
    const outcome = recoverImage(
      args.operands[0]!,
      { followsNames: true, usesProcessFolder: true },
      // Who asks for it by name has been asked: what a version 2 image cannot tell is up to them.
      {
        trustsVersion2: true,
        trustsOtherMachine: args.flag('other-machine'),
        ...(args.flag('allow-external-data-file') ? { trustsDataFile: 'any' } : {}),
        discard: args.flag('discard'),
      },
    );
    args.output.write(Buffer.from(`${RECOVERY_WORDS[outcome]}\n`));
  },
};
