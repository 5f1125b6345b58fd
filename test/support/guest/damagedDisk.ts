/** Damages disks of which few blocks are in use, and does with them all that can be done with a disk. */
import assert from 'node:assert/strict';
import { crc32, updateCrc32 } from '../../../src/guest/crc32';
import { openDisk, type Readers } from '../../../src/guest/disk';
import { freeRanges } from '../../../src/guest/diskFree';
import { SIGNATURE_KINDS } from '../../../src/guest/probe';
import { covered, type Ranges } from '../../../src/guest/ranges';
import { deviceOffset } from '../../../src/guest/units';
import { silent } from '../../../src/qcow2/progress';
import type { Random } from '../builder/random';
import { FakeSystem } from './fakeSystem';
import type { SparseDevice } from './sparse';

/** Milliseconds of processor time that one disk may take, whatever it declares. */
const LONGEST = 2000;
const BLOCK = 512;
const SPECIAL = [0, 1, 2, 0x7f, 0x80, 0xff];

/** A copy with some bytes, words and blocks changed where there was something, or another size. */
export function damagedDisk(disk: SparseDevice, random: Random): SparseDevice {
  const size =
    random.below(12) === 0 ? random.below(disk.size / BLOCK) * BLOCK + random.below(BLOCK) : disk.size;
  const copy = disk.copy(size);
  const used = [...copy.blocks.keys()];
  if (used.length === 0) return copy;
  for (let count = 1 + random.below(6); count > 0; count--) {
    const index = random.pick(used);
    const block = copy.blocks.get(index)!;
    const at = somewhereUsed(block, random);
    switch (random.below(6)) {
      case 0:
        block[at] = random.below(256);
        break;
      case 1:
        block[at]! ^= 1 << random.below(8);
        break;
      case 2:
        block.fill(random.pick(SPECIAL), at, at + random.pick([1, 2, 4, 8]));
        break;
      case 3:
        copy.blocks.set(index, copy.blocks.get(random.pick(used))!.slice());
        break;
      case 4:
        copy.blocks.set(index + random.below(8), block.slice());
        break;
      default:
        block.copyWithin(at & ~3, somewhereUsed(block, random) & ~3, (somewhereUsed(block, random) & ~3) + 8);
    }
  }
  if (random.below(3) > 0) seal(copy);
  return copy;
}

function somewhereUsed(block: Uint8Array, random: Random): number {
  let at = 0;
  for (let attempt = 0; attempt < 16; attempt++) {
    at = random.below(BLOCK);
    if (block[at] !== 0) return at;
  }
  return at;
}

/** A copy whose volume groups have other numbers, names or marks in all copies of the metadata, each with its checksum. */
export function changedMetadata(disk: SparseDevice, random: Random): SparseDevice {
  const copy = disk.copy();
  const changes = Array.from({ length: 1 + random.below(4) }, () => ({
    place: random.below(2 ** 31),
    character: random.pick(Array.from('0123456789{}[]=",#\\ -pvsr\n\0')),
  }));
  for (const [index, block] of copy.blocks) {
    if (Buffer.from(block.subarray(4, 9)).toString() !== ' LVM2') continue;
    const view = viewOf(block);
    const [size, offset, length] = [32, 40, 48].map((at) => Number(view.getBigUint64(at, true)));
    if (length === 0) continue;
    const placeOf = (within: number): number =>
      index * BLOCK + (offset! + within < size! ? offset! + within : offset! + within - size! + BLOCK);
    for (const { place, character } of changes) {
      // Rather a digit: a place, a length, a number of stripes.
      let within = place % length!;
      const byte = new Uint8Array(1);
      for (let step = 0; step < 100 && !(byte[0]! >= 48 && byte[0]! <= 57); step++) {
        within = (within + 1) % length!;
        copy.read(byte, deviceOffset(placeOf(within)));
      }
      copy.write(placeOf(within), Buffer.from(character));
    }
  }
  seal(copy);
  return copy;
}

/** Makes checksums right, so that what is behind them is read. */
function seal(disk: SparseDevice): void {
  const last = Math.floor(disk.size / BLOCK) - 1;
  for (const sector of [1, last]) sealGpt(disk, sector * BLOCK);
  for (const index of disk.blocks.keys()) {
    const block = disk.blocks.get(index)!;
    if (Buffer.from(block.subarray(0, 8)).toString() === 'LABELONE') sealLabel(block);
    if (Buffer.from(block.subarray(4, 9)).toString() === ' LVM2') sealArea(disk, index * BLOCK, block);
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function sealGpt(disk: SparseDevice, at: number): void {
  const block = disk.blocks.get(at / BLOCK);
  if (block === undefined || Buffer.from(block.subarray(0, 8)).toString() !== 'EFI PART') return;
  const view = viewOf(block);
  const start = Number(view.getBigUint64(72, true)) * BLOCK;
  const length = view.getUint32(80, true) * view.getUint32(84, true);
  if (length <= 1024 * 1024 && start + length <= disk.size) {
    const entries = new Uint8Array(length);
    disk.read(entries, deviceOffset(start));
    view.setUint32(88, crc32(entries), true);
  }
  view.setUint32(16, 0, true);
  view.setUint32(16, crc32(block.subarray(0, Math.min(BLOCK, view.getUint32(12, true)))), true);
}

const LVM_INITIAL = 0xf597a6cf;

function sealLabel(block: Uint8Array): void {
  viewOf(block).setUint32(16, updateCrc32(LVM_INITIAL, block.subarray(20)), true);
}

function sealArea(disk: SparseDevice, at: number, block: Uint8Array): void {
  const view = viewOf(block);
  const size = Number(view.getBigUint64(32, true));
  const offset = Number(view.getBigUint64(40, true));
  const length = Number(view.getBigUint64(48, true));
  if (length <= 1024 * 1024 && offset < size && at + size <= disk.size && length < size) {
    const text = new Uint8Array(length);
    const first = Math.min(length, size - offset);
    disk.read(text.subarray(0, first), deviceOffset(at + offset));
    disk.read(text.subarray(first), deviceOffset(at + BLOCK));
    view.setUint32(56, updateCrc32(LVM_INITIAL, text), true);
  }
  view.setUint32(0, updateCrc32(LVM_INITIAL, block.subarray(4)), true);
}

const READERS: Readers = Object.fromEntries(
  Object.keys(SIGNATURE_KINDS)
    .filter((kind) => kind !== 'swap' && kind !== 'lvm')
    .map((kind) => [kind, (device) => new FakeSystem(device)]),
);

/**
 * Looks at everything, and finds out what is free.
 * @throws Error for whatever a hostile disk must not bring about
 */
export function exerciseDisk(device: SparseDevice): void {
  const started = process.cpuUsage();
  const disk = openDisk(device, READERS);
  const buffer = new Uint8Array(64 * 1024);
  for (const part of disk.parts) {
    const own = part.device;
    if (own !== undefined) {
      assert.ok(own.size <= device.size, `${part.path}: ${own.size}`);
      const piece = buffer.subarray(0, Math.min(buffer.length, own.size));
      own.read(piece, deviceOffset(0));
      own.read(piece, deviceOffset(own.size - piece.length));
    }
    assert.ok(part.system !== undefined || part.problem !== undefined, part.path);
  }
  const found = freeRanges(disk, { extents: true, swap: true, unpartitioned: true }, silent);
  for (const { ranges, problems, path } of found) {
    assert.ok(problems.length === 0 || ranges.count === 0, path);
    checkAscending(ranges, device.size);
  }
  const all = found.map(({ ranges }) => ranges);
  assert.equal(covered(all, 2).count, 0, 'space of two sources');
  assert.equal(covered([disk.table.places, covered(all)], 2).count, 0, 'space of the table');
  const { user, system } = process.cpuUsage(started);
  const took = (user + system) / 1000;
  if (took > LONGEST) throw new Error(`took ${took.toFixed(0)} ms`);
}

function checkAscending(ranges: Ranges, size: number): void {
  let last = -1;
  ranges.forEach((start, end) => {
    assert.ok(start > last && end > start && end <= size, `${last}, ${start}–${end} of ${size}`);
    last = end;
  });
}
