/** A crash or an error at every step of giving space back (test/faults/giveBackExercise.ts). */
import { afterAll, describe, expect, it } from 'vitest';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { giveBack } from '../../../src/qcow2/space/giveBack';
import { GiveBackExercise } from '../../faults/giveBackExercise';
import { SimulatedDisk } from '../../faults/simulatedDisk';
import { imageWithFreeSpace } from '../../soak/cases/giveBackFaults';
import { seededRandom } from '../../support/builder/random';
import { workspace } from '../../support/workspace';

const place = workspace();
const DISK = place.path('disk.qcow2');

afterAll(() => {
  place.remove();
});

describe('giving space back, interrupted or failing', () => {
  it.each([
    'cluster_size=4k',
    'cluster_size=16k,extended_l2=on',
    'cluster_size=512',
    'compat=0.10,cluster_size=8k',
  ])('leaves a sound image that reads as before: %s', (options) => {
    const exercise = new GiveBackExercise(
      imageWithFreeSpace(DISK, options, seededRandom(1)),
      ['kept'],
      seededRandom(1),
      place.folder,
    );
    exercise.run();
    expect(exercise.violations.slice(0, 5)).toEqual([]);
    expect(exercise.tally.states).toBeGreaterThan(30);
    expect(exercise.tally.byQemu).toBeGreaterThan(0);
  });

  it('makes the refcounts stable before what they call free goes', () => {
    const disk = new SimulatedDisk(
      new Map([['/image', imageWithFreeSpace(DISK, 'cluster_size=4k', seededRandom(1))]]),
    );
    giveBack(Qcow2Image.open(disk.open('/image')), disk);
    const ofImage = disk.log.filter((action) => 'file' in action && action.file === 0);
    expect(ofImage[0]?.kind).toBe('flush');
    expect(ofImage.at(-2)?.kind).toBe('truncate');
    expect(ofImage.at(-1)?.kind).toBe('flush');
  });
});
