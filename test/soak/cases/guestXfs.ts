/**
 * XFS: one random image whose files the kernel wrote and deleted, where it can be mounted, else one of mkfs.xfs: names,
 * contents, extents and free space are what the kernel and xfs_db say. And damaged images, which end in a GuestError.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import type { BlockDevice } from '../../../src/guest/blockDevice';
import type { FileSystem } from '../../../src/guest/fileSystem';
import { openXfs } from '../../../src/guest/xfs/xfs';
import { type Random, seededRandom } from '../../support/builder/random';
import { FileDevice, MemoryDevice } from '../../support/guest/devices';
import { damagedImages, exerciseDamaged } from '../../support/guest/exercise';
import { freeOf, treeOf } from '../../support/guest/tree';
import { readBytes } from '../../../src/guest/blockDevice';
import { readFixture } from '../../support/guest/xfs/fixtures';
import { type Flavour, FLAVOURS } from '../../support/guest/xfs/flavours';
import { judgedFree } from '../../support/guest/xfs/judge';
import { difference, kernelTree, readerTree } from '../../support/guest/xfs/known';
import { canMount, must, whileMounted } from '../../support/guest/xfs/mounted';
import { makeProtoImage, makeXfs } from '../../support/guest/xfs/proto';
import { reseal } from '../../support/guest/xfs/reseal';
import { workOn } from '../../support/guest/xfs/workload';
import type { CasePlace, Counts } from '../kind';

const DAMAGED = damagedImages(30);
/** Of images in the repository, to be damaged, too. */
const FIXTURES = ['plain', 'big-counters-1k', 'inode-2048-directory-8k'];
const KEPT_IMAGES = 3;

/** To be damaged: those of the repository, and those of the cases before, the newest last. */
const images: Uint8Array[] = [];

export function guestXfs(seed: number, { folder, tell }: CasePlace): Counts {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const flavour = random.pick(FLAVOURS);
  const image = `${folder}/xfs.img`;
  const isMounted =
    flavour.isOld !== true &&
    canMount(() => {
      tryMount(folder);
    });
  tell?.(`${flavour.name}, ${isMounted ? 'written by the kernel' : 'made by mkfs.xfs'}`);
  if (isMounted) compareWithKernel(folder, image, flavour, random);
  else compareWithMkfs(folder, flavour, random);
  if (images.length === 0) images.push(...FIXTURES.map(fixtureBytes));
  // The largest would cost time for what smaller ones have.
  if (flavour.size < 64) images.push(fs.readFileSync(image));
  if (images.length > FIXTURES.length + KEPT_IMAGES) images.splice(FIXTURES.length, 1);
  return { images: 1 + damageSome(random) };
}

function fixtureBytes(name: string): Uint8Array {
  const { device } = readFixture(name);
  return readBytes(device, 0, device.size);
}

function tryMount(folder: string): void {
  makeXfs(`${folder}/try.img`, 40, []);
  whileMounted(`${folder}/try.img`, `${folder}/try`, 'ro', () => undefined);
}

function compareWithKernel(folder: string, image: string, { args, size }: Flavour, random: Random): void {
  makeXfs(image, size, args);
  const hasReflink = !args.some((arg) => arg.includes('reflink=0'));
  const point = `${folder}/mounted`;
  const options = {
    steps: random.below(random.pick([50, 700])),
    largeFolder: random.below(2) * random.below(3000),
    pieces: random.below(random.pick([30, 1200])),
    hasReflink,
  };
  whileMounted(image, point, random.pick(['rw', 'rw,inode64', 'rw,inode32']), () => {
    workOn(point, random, options);
    must('sync', ['-f', point]);
    // As if the power failed now.
    fs.copyFileSync(image, `${folder}/unclean.img`);
  });
  expectNotClosed(`${folder}/unclean.img`);
  const theirs = whileMounted(image, point, 'ro', () => kernelTree(point, 15));
  const device = new FileDevice(image);
  const system = openXfs(device);
  const different = difference(readerTree(system, theirs), theirs);
  if (different !== undefined) throw new Error(different);
  assert.deepEqual(system.doubts, []);
  assert.deepEqual(freeOf(system), judgedFree(image));
  device.close();
  must('xfs_repair', ['-n', image]);
}

function expectNotClosed(image: string): void {
  const device = new FileDevice(image);
  assert.deepEqual(openXfs(device).doubts, [{ code: 'xfs.notClosed' }]);
  device.close();
  fs.rmSync(image);
}

function compareWithMkfs(folder: string, flavour: Flavour, random: Random): void {
  const plan = { files: 400, largeFolder: random.below(3) * 700, longest: 400_000 };
  const { path, tree } = makeProtoImage(folder, flavour, plan, random);
  const device = new FileDevice(path);
  const system = openXfs(device);
  assert.deepEqual(treeOf(system), tree);
  assert.deepEqual(system.doubts, []);
  assert.deepEqual(freeOf(system), judgedFree(path));
  device.close();
}

function damageSome(random: Random): number {
  for (let count = 0; count < DAMAGED && images.length > 0; count++) {
    // With checksums made right again damage gets further.
    const isSealed = random.below(3) > 0;
    const open = (device: BlockDevice): FileSystem => {
      if (isSealed && device instanceof MemoryDevice) reseal(device.bytes);
      const system = openXfs(device);
      if (system.doubts.some(({ code }) => code.length === 0)) throw new Error('a doubt without a code');
      return system;
    };
    exerciseDamaged(open, random.pick(images), random);
  }
  return DAMAGED;
}
