/** A crash or an error at every step of giving space back (test/faults/giveBackExercise.ts). */
import * as fs from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { giveBack } from '../../../src/qcow2/space/giveBack';
import { GiveBackExercise } from '../../faults/giveBackExercise';
import { SimulatedDisk } from '../../faults/simulatedDisk';
import { seededRandom } from '../../support/builder/random';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { workspace } from '../../support/workspace';

const place = workspace();
const DISK = place.path('disk.qcow2');

afterAll(() => {
  place.remove();
});

/** An image with free clusters here and there and at its end; `kept` is a snapshot of it. */
function imageWithFreeSpace(options: string): Uint8Array {
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', options, DISK, '2M']);
  mustQemuIo(DISK, ['write -P 1 0 512k']);
  mustQemuImg(['snapshot', '-c', 'kept', DISK]);
  mustQemuIo(DISK, ['write -P 2 128k 512k', 'write -P 3 1M 512k']);
  // Not given to the file system: the file stays as long as it is.
  const unmap = [0, 96, 256, 448, 1024, 1200, 1400].map((kib) => `write -z -u ${kib}k 64k`);
  mustQemuIo(DISK, [...unmap, 'write -z -u 1472k 64k'], {}, ['-d', 'ignore']);
  return fs.readFileSync(DISK);
}

describe('giving space back, interrupted or failing', () => {
  it.each([
    'cluster_size=4k',
    'cluster_size=16k,extended_l2=on',
    'cluster_size=512',
    'compat=0.10,cluster_size=8k',
  ])('leaves a sound image that reads as before: %s', (options) => {
    const exercise = new GiveBackExercise(
      imageWithFreeSpace(options),
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
    const disk = new SimulatedDisk(new Map([['/image', imageWithFreeSpace('cluster_size=4k')]]));
    giveBack(Qcow2Image.open(disk.open('/image')), disk);
    const ofImage = disk.log.filter((action) => 'file' in action && action.file === 0);
    expect(ofImage[0]?.kind).toBe('flush');
    expect(ofImage.at(-2)?.kind).toBe('truncate');
    expect(ofImage.at(-1)?.kind).toBe('flush');
  });
});
