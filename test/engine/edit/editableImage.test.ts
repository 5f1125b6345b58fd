/** Edits of one image: staged, previewed, undone, redone, backed up and restored, without touching the disk. */
import * as fs from 'node:fs';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { RestoredRow } from '../../../src/qcow2/edit/restoreBackup';
import type { ChangeRequest } from '../../../src/qcow2/edit/changeRequest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { readGuest } from '../../../src/qcow2/image/read';
import { mustQemuImg, mustQemuIo, qemuImg } from '../../support/qemu';
import { workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';
import { guestOffset } from '../../../src/qcow2/units';

const place = workspace();
const DISK = place.path('disk.qcow2');
const CLUSTER = 65536;
const DISK_CLUSTERS = 64;

afterAll(() => {
  place.remove();
});

beforeEach(() => {
  mustQemuImg(['create', '-f', 'qcow2', DISK, String(DISK_CLUSTERS * CLUSTER)]);
  mustQemuIo(DISK, ['write -P 1 0 128k', 'write -P 2 256k 64k', 'write -z 512k 64k']);
});

const open = (): EditableImage =>
  EditableImage.open(DISK, { followsNames: true, scratchPath: place.path('scratch') });

const labelsOf = ({ edits }: RestoredRow): string[] => edits.map(({ label }) => label);

const zero = (start: number, length: number): ChangeRequest => ({
  kind: 'writeZeroes',
  start: guestOffset(start),
  length,
  options: { unmap: true, fallback: true, policy: 'unallocate', thorough: false },
});

const write = (start: number, length: number, byte: number): ChangeRequest => ({
  kind: 'write',
  start: guestOffset(start),
  bytes: new Uint8Array(length).fill(byte),
});

function guestBytes(image: EditableImage): Buffer {
  const bytes = Buffer.alloc(image.chain.top.size);
  readGuest(image.chain.layers, bytes, guestOffset(0));
  return bytes;
}

function differences(image: EditableImage): [start: number, length: number][] {
  const found: [number, number][] = [];
  image.forEachDifference((start, length) => {
    found.push([start, length]);
    return true;
  });
  return found;
}

const check = (): void => {
  mustQemuImg(['check', DISK]);
};
/** What QEMU reads. */
const judged = (): Buffer => {
  mustQemuImg(['convert', '-O', 'raw', DISK, place.path('judge.raw')]);
  return fs.readFileSync(place.path('judge.raw'));
};

describe('an image that is edited', () => {
  it('is saved where a table that it leaves has a refcount that is too high', () => {
    // A snapshot that was cut out of the header leaves what it held with a count too many.
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=512,compat=0.10', DISK, '64k']);
    mustQemuIo(DISK, ['write -P 1 0 64k']);
    mustQemuImg(['snapshot', '-c', 'gone', DISK]);
    const bytes = fs.readFileSync(DISK);
    bytes.fill(0, 60, 72);
    fs.writeFileSync(DISK, bytes);
    const image = open();
    image.apply(zero(4096, 512));
    image.save();
    const wanted = Buffer.alloc(65536, 1);
    wanted.fill(0, 4096, 4608);
    expect(judged().equals(wanted)).toBe(true);
    // Leaks alone.
    expect(qemuImg(['check', DISK]).status).toBe(3);
    image.undo();
    image.save();
    image.close();
    expect(fs.readFileSync(DISK).equals(bytes)).toBe(true);
  });

  it('shows what is staged and leaves the file as it is', () => {
    const before = fs.readFileSync(DISK);
    const image = open();
    expect(image.edits).toEqual({ undoable: 0, redoable: 0, unsaved: 0 });
    const tally = image.apply(zero(0, CLUSTER));
    expect(tally.becameUnallocated.clusters).toBe(1);
    expect(tally.freedClusters).toBe(1);
    image.apply(write(5 * CLUSTER, 100, 9));
    const bytes = guestBytes(image);
    expect(bytes[0]).toBe(0);
    expect(bytes[CLUSTER]).toBe(1);
    expect([bytes[5 * CLUSTER], bytes[5 * CLUSTER + 99], bytes[5 * CLUSTER + 100]]).toEqual([9, 9, 0]);
    expect(image.edits).toEqual({ undoable: 2, redoable: 0, unsaved: 2 });
    image.close();
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  });

  it('comes back by undo and goes forth by redo, step by step', () => {
    const image = open();
    const states = [guestBytes(image)];
    for (const request of [zero(0, CLUSTER), write(CLUSTER + 7, 200_000, 3), zero(3 * CLUSTER + 5, 100)]) {
      image.apply(request);
      states.push(guestBytes(image));
    }
    for (const state of states.slice(0, -1).reverse()) {
      expect(image.undo()).toBe(true);
      expect(guestBytes(image).equals(state)).toBe(true);
    }
    expect(image.undo()).toBe(false);
    expect(differences(image)).toEqual([]);
    for (const state of states.slice(1)) {
      expect(image.redo()).toBe(true);
      expect(guestBytes(image).equals(state)).toBe(true);
    }
    expect(image.redo()).toBe(false);
    image.close();
  });

  it('makes no edit of what changes nothing, and keeps what can be redone', () => {
    const image = open();
    image.apply(write(0, 10, 5));
    image.undo();
    expect(image.apply(zero(1024 * 1024, CLUSTER)).changed).toBe(false);
    expect(image.edits).toEqual({ undoable: 0, redoable: 1, unsaved: 0 });
    image.apply(zero(0, CLUSTER));
    expect(image.edits).toEqual({ undoable: 1, redoable: 0, unsaved: 1 });
    image.close();
  });

  it('stages nothing for a preview, nor for what is refused', () => {
    const image = open();
    const before = guestBytes(image);
    expect(image.preview(zero(0, 2 * CLUSTER)).becameUnallocated.bytes).toBe(2 * CLUSTER);
    expect(problemOf(() => image.apply(zero(0, DISK_CLUSTERS * CLUSTER + 512))).kind).toBe('argument');
    expect(image.edits).toEqual({ undoable: 0, redoable: 0, unsaved: 0 });
    expect(guestBytes(image).equals(before)).toBe(true);
    expect(differences(image)).toEqual([]);
    image.close();
  });

  it('does not hand out a cluster that undo needs', () => {
    const image = open();
    const before = guestBytes(image);
    const host = image.chain.top.entryAt(0 as never).meaning;
    image.apply(zero(0, CLUSTER));
    image.apply(write(10 * CLUSTER, CLUSTER, 7));
    expect(image.chain.top.entryAt(10 as never).meaning).not.toEqual(host);
    image.undo();
    image.undo();
    expect(guestBytes(image).equals(before)).toBe(true);
    image.close();
  });

  it('tells where it differs from the disk: entries, and bytes written in place', () => {
    const image = open();
    image.apply(zero(0, CLUSTER));
    image.apply(zero(20 * CLUSTER, CLUSTER));
    image.apply(write(4 * CLUSTER + 8192, 10, 7));
    image.apply({ ...zero(8 * CLUSTER, CLUSTER), kind: 'discard' } as ChangeRequest);
    expect(differences(image)).toEqual([
      [0, CLUSTER],
      [4 * CLUSTER + 8192, 512],
    ]);
    image.close();
  });
});

describe('a save', () => {
  it('puts on disk what was staged, and leaves nothing beside it', () => {
    const image = open();
    image.apply(zero(0, CLUSTER));
    image.apply(write(40 * CLUSTER + 5, 300_000, 9));
    const staged = guestBytes(image);
    const report = image.save();
    expect(report.leftover).toBeUndefined();
    expect(image.edits).toEqual({ undoable: 2, redoable: 0, unsaved: 0 });
    expect(differences(image)).toEqual([]);
    expect(guestBytes(image).equals(staged)).toBe(true);
    expect(judged().equals(staged)).toBe(true);
    check();
    expect(fs.existsSync(`${DISK}-journal`)).toBe(false);
    image.close();
  });

  it('can be undone: saved again, the first image is back byte for byte', () => {
    // Longer than its clusters, so that nothing has to be cut off.
    const first = fs.readFileSync(DISK);
    const image = open();
    image.apply(zero(0, 2 * CLUSTER));
    image.apply(write(20 * CLUSTER + 5, 900_000, 9));
    image.apply(write(4 * CLUSTER, 10, 1));
    image.save();
    const second = fs.readFileSync(DISK);
    for (let step = 0; step < 3; step++) image.undo();
    expect(image.edits).toEqual({ undoable: 0, redoable: 3, unsaved: 3 });
    expect(differences(image)).not.toEqual([]);
    image.save();
    expect(fs.readFileSync(DISK).equals(first)).toBe(true);
    for (let step = 0; step < 3; step++) image.redo();
    image.save();
    expect(fs.readFileSync(DISK).equals(second)).toBe(true);
    check();
    image.close();
  });

  it('can be undone in part, and edited on from there', () => {
    const image = open();
    image.apply(write(20 * CLUSTER, 5 * CLUSTER, 9));
    const one = guestBytes(image);
    image.apply(zero(20 * CLUSTER, 2 * CLUSTER));
    image.save();
    image.undo();
    expect(guestBytes(image).equals(one)).toBe(true);
    image.apply(write(50 * CLUSTER, CLUSTER, 3));
    const two = guestBytes(image);
    image.save();
    expect(judged().equals(two)).toBe(true);
    check();
    image.undo();
    image.undo();
    image.save();
    check();
    image.close();
  });

  it('is refused, with everything still staged, where another program changed the image meanwhile', () => {
    const image = open();
    image.apply(zero(0, CLUSTER));
    mustQemuIo(DISK, ['write -P 3 1M 64k']);
    const before = fs.readFileSync(DISK);
    expect(problemOf(() => image.save()).code).toBe('guard.changed');
    expect(image.edits.unsaved).toBe(1);
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
    image.close();
  });

  it('gives back a backup of what undo staged after it', () => {
    const image = open();
    const first = guestBytes(image);
    image.apply(write(20 * CLUSTER, 5 * CLUSTER, 9));
    image.save();
    image.undo();
    image.backUp(place.path('back'));
    image.close();
    const again = open();
    expect(guestBytes(again).equals(first)).toBe(false);
    again.restore(place.path('back'));
    expect(guestBytes(again).equals(first)).toBe(true);
    again.save();
    check();
    again.close();
  });
});

describe('a backup of staged edits', () => {
  it('brings them back one by one, with their undo', () => {
    const image = open();
    image.apply(zero(0, CLUSTER), 'zeroes');
    const one = guestBytes(image);
    image.backUp(place.path('b/first'));
    image.apply(write(5 * CLUSTER + 3, 100_000, 9), 'bytes');
    const two = guestBytes(image);
    image.backUp(place.path('b/second'));
    image.close();

    const restored = open();
    expect(labelsOf(restored.restore(place.path('b/second')))).toEqual(['zeroes', 'bytes']);
    expect(guestBytes(restored).equals(two)).toBe(true);
    restored.undo();
    expect(guestBytes(restored).equals(one)).toBe(true);
    restored.undo();
    expect(differences(restored)).toEqual([]);
    restored.redo();
    expect(guestBytes(restored).equals(one)).toBe(true);
    restored.close();

    const earlier = open();
    expect(labelsOf(earlier.restore(place.path('b/first')))).toEqual(['zeroes']);
    expect(guestBytes(earlier).equals(one)).toBe(true);
    earlier.close();
  });

  it('of the whole history has undo past a save in it, and what can be done again', () => {
    const image = open();
    const states = [guestBytes(image)];
    image.apply(write(20 * CLUSTER, 5 * CLUSTER, 9), 'one');
    states.push(guestBytes(image));
    image.apply(zero(20 * CLUSTER, 2 * CLUSTER), 'two');
    states.push(guestBytes(image));
    image.save();
    image.apply(write(3, 10, 7), 'three');
    states.push(guestBytes(image));
    image.undo();
    image.undo();
    const edits = { undoable: 1, redoable: 2, unsaved: 1 };
    expect(image.edits).toEqual(edits);
    image.backUp(place.path('whole'), 'history');
    image.close();

    const revived = open();
    expect(labelsOf(revived.restore(place.path('whole')))).toEqual(['one', 'two', 'three']);
    expect(revived.edits).toEqual(edits);
    expect(guestBytes(revived).equals(states[1]!)).toBe(true);
    revived.undo();
    expect(guestBytes(revived).equals(states[0]!)).toBe(true);
    for (const state of states.slice(1)) {
      revived.redo();
      expect(guestBytes(revived).equals(state)).toBe(true);
    }
    for (let step = 0; step < 3; step++) revived.undo();
    revived.save();
    check();
    expect(judged().equals(states[0]!)).toBe(true);
    revived.close();
  });

  it('of the whole history has what an earlier save left out, as it lies in clusters that the save made free', () => {
    const image = open();
    const states = [guestBytes(image)];
    const change = (request: ChangeRequest): void => {
      image.apply(request);
      states.push(guestBytes(image));
    };
    change(write(20 * CLUSTER, 5 * CLUSTER, 9));
    change(zero(20 * CLUSTER, 5 * CLUSTER));
    image.save();
    change(write(3, 10, 7));
    image.save();
    image.backUp(place.path('whole'), 'history');
    image.close();

    const revived = open();
    revived.restore(place.path('whole'));
    for (const state of states.slice(0, -1).reverse()) {
      revived.undo();
      expect(guestBytes(revived).equals(state)).toBe(true);
    }
    for (const state of states.slice(1)) {
      revived.redo();
      expect(guestBytes(revived).equals(state)).toBe(true);
    }
    revived.close();
  });

  it('is written to another file of pages where the last one was removed', () => {
    const image = open();
    image.apply(write(5 * CLUSTER, 100_000, 9), 'bytes');
    const two = guestBytes(image);
    fs.rmSync(place.path(image.backUp(place.path('first')).pages));
    image.backUp(place.path('second'));
    image.close();
    const restored = open();
    restored.restore(place.path('second'));
    expect(guestBytes(restored).equals(two)).toBe(true);
    restored.close();
  });

  it('fits an image of which a save was taken back since, and no other of the same length', () => {
    const image = open();
    image.apply(zero(0, CLUSTER), 'zeroes');
    image.backUp(place.path('taken-back'));
    image.close();
    fs.utimesSync(DISK, 1, 1);
    const again = open();
    expect(problemOf(() => again.restore(place.path('taken-back'))).code).toBe('backup.otherImage');
    expect(labelsOf(again.restore(place.path('taken-back'), { isRolledBack: true }))).toEqual(['zeroes']);
    again.close();
  });

  it('is refused, and kept, where the image is another one by now', () => {
    const image = open();
    image.apply(zero(0, CLUSTER), 'zeroes');
    image.backUp(place.path('other'));
    image.close();
    mustQemuIo(DISK, ['write -P 3 1M 64k']);
    const changed = open();
    const before = guestBytes(changed);
    expect(problemOf(() => changed.restore(place.path('other'))).code).toBe('backup.otherImage');
    expect(guestBytes(changed).equals(before)).toBe(true);
    expect(fs.existsSync(place.path('other'))).toBe(true);
    changed.close();
  });

  it('is refused where it is damaged, with nothing staged', () => {
    const image = open();
    image.apply(write(5 * CLUSTER + 3, 100_000, 9), 'bytes');
    const { pages } = image.backUp(place.path('cut'));
    image.close();
    fs.truncateSync(place.path(pages), 5000);
    const again = open();
    expect(problemOf(() => again.restore(place.path('cut'))).code).toBe('backup.read');
    expect(differences(again)).toEqual([]);
    expect(again.edits.undoable).toBe(0);
    again.close();
  });

  it('is refused where it calls another file its pages: that one would go with it', () => {
    const image = open();
    image.apply(write(0, 4096, 9), 'bytes');
    const { pages } = image.backUp(place.path('forged'));
    image.close();
    const manifest = fs.readFileSync(place.path('forged'), 'utf8');
    fs.writeFileSync(place.path('yours'), fs.readFileSync(place.path(pages)));
    const again = open();
    for (const name of ['yours', '../yours', `./${pages}`, '/etc/passwd', '', '..']) {
      fs.writeFileSync(place.path('forged'), manifest.replace(`"${pages}"`, JSON.stringify(name)));
      expect(problemOf(() => again.restore(place.path('forged'))).code, name).toBe('backup.read');
    }
    again.close();
  });
});
