/**
 * Images that are cut off: `info`, `map`, `check` and `check -r all` end with the exit codes and the numbers of qemu-img,
 * except for the cases in `damagedJudge.ts`. `TRUNCATION_STEP=1` cuts at every 512 bytes, the default at every 32nd of those.
 */
import { afterAll, expect, test } from 'vitest';
import { smallImages } from '../../support/damagedImages';
import { judgeDamaged, listedReason, VERBS } from '../../support/damagedJudge';
import { workspace } from '../../support/workspace';

const SECTOR = 512;
const STEP = Number(process.env['TRUNCATION_STEP'] ?? 32);

const place = workspace();
const seen = { all: 0, listed: new Map<string, number>(), unlisted: 0 };

afterAll(() => {
  if (process.env['TRUNCATION_STEP'] !== undefined) console.log(seen);
  place.remove();
});

test.each(smallImages(place.folder))(
  '$name, cut off anywhere, is told as qemu-img tells it',
  { timeout: 3_600_000 },
  async ({ name, bytes }) => {
    const unlisted: string[] = [];
    // Without its first sector it is no qcow2 image.
    for (let end = SECTOR; end < bytes.length; end += STEP * SECTOR) {
      for (const verb of VERBS) {
        const difference = await judgeDamaged(place.folder, bytes.subarray(0, end), verb);
        seen.all++;
        if (difference === undefined) continue;
        const listed = listedReason(difference);
        if (listed === undefined) unlisted.push(`${name} at ${end}: ${JSON.stringify(difference)}`);
        else seen.listed.set(listed, (seen.listed.get(listed) ?? 0) + 1);
      }
    }
    seen.unlisted += unlisted.length;
    expect(unlisted.join('\n')).toBe('');
  },
);
