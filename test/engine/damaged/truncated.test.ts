/**
 * Images that are cut off: `info`, `map`, `check` and `check -r all` end with the exit codes and the numbers of qemu-img,
 * but for what is listed here. `TRUNCATION_STEP=1` cuts at every 512 bytes, the default at every 32nd of those.
 */
import { afterAll, expect, test } from 'vitest';
import { smallImages } from '../../support/damagedImages';
import { type Difference, judgeDamaged, VERBS } from '../../support/damagedJudge';
import { workspace } from '../../support/workspace';

const SECTOR = 512;
const STEP = Number(process.env['TRUNCATION_STEP'] ?? 32);

/** What is different on purpose, and why. */
const LISTED: readonly { readonly reason: string; readonly holds: (difference: Difference) => boolean }[] = [
  {
    reason:
      'entries that lead past the end of the file are given up here, and qemu-img check finds the image clean',
    holds: ({ verb, ours, theirs }) => verb === 'repair' && ours === 0 && theirs !== 0,
  },
  {
    reason: 'without its L1 table the image is left as it is here, and the exit code is that of the check',
    holds: ({ verb, what }) => verb === 'repair' && what.includes('Not repaired: the L1 table'),
  },
];

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
        const listed = LISTED.find(({ holds }) => holds(difference));
        if (listed === undefined) unlisted.push(`${name} at ${end}: ${JSON.stringify(difference)}`);
        else seen.listed.set(listed.reason, (seen.listed.get(listed.reason) ?? 0) + 1);
      }
    }
    seen.unlisted += unlisted.length;
    expect(unlisted.join('\n')).toBe('');
  },
);
