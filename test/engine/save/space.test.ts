/** How much space a save needs, on file systems that are almost full. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { run } from '../../support/process';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import { workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';
import { guestOffset } from '../../../src/qcow2/units';

const MIB = 1024 * 1024;
const place = workspace();
const disk = place.path('disk');
fs.mkdirSync(disk);
const canMount =
  run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status === 0 &&
  run('umount', [disk]).status === 0;

afterEach(() => {
  run('umount', [disk]);
});
afterAll(() => {
  place.remove();
});

/** A file system with an image on it, and so many bytes free. */
function imageWith(free: number, ...options: string[]): string {
  expect(run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk]).status).toBe(0);
  const image = path.join(disk, 'image.qcow2');
  mustQemuImg(['create', '-q', '-f', 'qcow2', ...options, image, '16M']);
  const { bavail, bsize } = fs.statfsSync(disk);
  fs.writeFileSync(path.join(disk, 'ballast'), Buffer.alloc(bavail * bsize - free));
  return image;
}

/** Stages 8 MiB of data at the start of the disk, and saves them. */
function write(image: string): void {
  const editable = EditableImage.open(image, { followsNames: true, scratchPath: place.path('scratch') });
  try {
    const bytes = new Uint8Array(8 * MIB).map((_, index) => (index * 7 + (index >> 13)) & 0xff);
    editable.apply({ kind: 'write', start: guestOffset(0), bytes });
    editable.save();
  } finally {
    editable.close();
  }
}

describe.skipIf(!canMount)('a save that writes 8 MiB', () => {
  it('to new clusters needs little more than those', () => {
    const image = imageWith(8.5 * MIB);
    write(image);
    expect(qemuImg(['check', image]).status).toBe(0);
    expect(fs.readdirSync(disk).sort()).toEqual(['ballast', 'image.qcow2']);
  });

  it('is refused before anything is written where there is no room for it', () => {
    const image = imageWith(8.1 * MIB);
    const before = fs.readFileSync(image);
    expect(
      problemOf(() => {
        write(image);
      }),
    ).toMatchObject({ code: 'save.space' });
    expect(fs.readFileSync(image).equals(before)).toBe(true);
    expect(fs.readdirSync(disk).sort()).toEqual(['ballast', 'image.qcow2']);
  });

  it('to places that were made before, and are holes, needs room for them as well', () => {
    const image = imageWith(9 * MIB, '-o', 'preallocation=metadata');
    const before = fs.readFileSync(image);
    expect(
      problemOf(() => {
        write(image);
      }),
    ).toMatchObject({ code: 'save.space' });
    expect(fs.readFileSync(image).equals(before)).toBe(true);
  });

  it('to places that hold data needs room for the journal alone', () => {
    const image = imageWith(9 * MIB, '-o', 'preallocation=full');
    write(image);
    expect(qemuImg(['check', image]).status).toBe(0);
  });

  it('to holes of a data file on another file system needs room for the journal alone', () => {
    const image = imageWith(8.5 * MIB);
    const dataFile = place.path('data.raw');
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', `data_file=${dataFile}`, image, '16M']);
    write(image);
    expect(qemuImg(['check', image]).status).toBe(0);
  });

  it('is made on a file system that does not know its size', () => {
    expect(run('mount', ['-t', 'ramfs', 'ramfs', disk]).status).toBe(0);
    const image = path.join(disk, 'image.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', image, '16M']);
    write(image);
    expect(qemuImg(['check', image]).status).toBe(0);
  });
});
