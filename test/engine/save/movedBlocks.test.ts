/** A save in which refcount blocks move, each of which is counted in the other one (src/qcow2/save/tableMove.ts). */
import * as fs from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { checkImage } from '../../../src/qcow2/check/checkImage';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import { PageStore } from '../../../src/qcow2/io/pageStore';
import { StagedFile } from '../../../src/qcow2/io/stagedFile';
import { recover } from '../../../src/qcow2/save/recover';
import { save } from '../../../src/qcow2/save/save';
import { Refcounts64 } from '../../faults/engineChanges';
import { stage } from '../../faults/scenarios';
import { SimulatedDisk } from '../../faults/simulatedDisk';
import { seededRandom } from '../../support/builder/random';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { workspace } from '../../support/workspace';

const place = workspace();
const DISK = place.path('disk.qcow2');
const IMAGE = '/folder/image.qcow2';

afterAll(() => {
  place.remove();
});

it('S6: until the end, both places of a block have the larger counts', () => {
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512,refcount_bits=64', DISK, '3M']);
  mustQemuIo(DISK, ['write -P 3 0 2400k']);
  mustQemuIo(DISK, ['discard 60k 120k', 'discard 2100k 200k'], {}, ['-d', 'unmap']);
  const before = new Uint8Array(fs.readFileSync(DISK));
  const changed = new Refcounts64(Buffer.from(before));
  const freeIn = (block: number): number => {
    const free = changed.clusters.find((each) => Math.floor(each / 64) === block && changed.of(each) === 0n);
    if (free === undefined) throw new Error(`block ${block} has no free cluster`);
    return free;
  };
  // Their entries are in different sectors of the refcount table, and may come to the disk one by one.
  const [one, other] = [freeIn(70), freeIn(4)];
  changed.moveBlock(4, one);
  changed.moveBlock(70, other);
  const after = new Uint8Array(changed.bytes);

  const disk = new SimulatedDisk(new Map([[IMAGE, before]]));
  const image = new StagedFile(disk.open(IMAGE), new PageStore('/nowhere/scratch'));
  stage(image, before, after);
  save({ image }, disk);
  const random = seededRandom(1);
  const wrong: string[] = [];
  for (let end = 0; end <= disk.log.length; end++) {
    for (let loss = 0; loss < 6; loss++) {
      const state = disk.after(end, () => random.below(2) === 0);
      const { corruptions, checkErrors, defects } = checkImage(
        Qcow2Image.open(new MemoryFile('image', state.get(IMAGE)!)),
      );
      if (corruptions + checkErrors + defects > 0) wrong.push(`behind action ${end}: corrupt`);
      const recovered = new SimulatedDisk(state);
      recover(IMAGE, recovered);
      const isKnown = [before, after].some(
        (each) => Buffer.compare(each, recovered.content(IMAGE).subarray(0, each.length)) === 0,
      );
      if (!isKnown) wrong.push(`behind action ${end}: neither old nor new`);
    }
  }
  expect(wrong).toEqual([]);
});
