/** A small image that is cut off at any 512 bytes: the answers equal qemu-img's. */
import { seededRandom } from '../../support/builder/random';
import { smallImages } from '../../support/damagedImages';
import { judgeDamaged, listedReason, VERBS } from '../../support/damagedJudge';
import type { CasePlace, Counts } from '../kind';

const SECTOR = 512;

export async function truncated(seed: number, { folder, tell }: CasePlace): Promise<Counts> {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const { name, bytes } = random.pick(smallImages(folder));
  const end = SECTOR * (1 + random.below(Math.floor(bytes.length / SECTOR) - 1));
  const what = `${name}, cut off at ${end}`;
  tell?.(what);
  for (const verb of VERBS) {
    const difference = await judgeDamaged(folder, bytes.subarray(0, end), verb);
    if (difference === undefined || listedReason(difference) !== undefined) continue;
    throw new Error(`${what}: ${JSON.stringify(difference)}`);
  }
  return { images: 1, operations: VERBS.length };
}
