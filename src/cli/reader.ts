/** The part of the command `qcow2` that changes nothing: half of its code, which takes half the time to load (start.ts). */
import { checkVerb } from './check';
import { runCommand } from './command';
import { READING_VERBS } from './readingVerbs';

export function runReader(): void {
  const check = checkVerb(() => {
    throw new RangeError('a repair is none of its work');
  });
  runCommand({ ...READING_VERBS, check });
}
