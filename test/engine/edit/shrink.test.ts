/** What a shrink gives up, and what it refuses. */
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ShrinkSource } from '../../../src/qcow2/edit/changeRequest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { shrinkOffers } from '../../../src/qcow2/edit/shrinkOffers';
import { silent, toEnd } from '../../../src/qcow2/progress';
import { type GuestOffset, guestOffset } from '../../../src/qcow2/units';
import { bitmapBits } from '../../support/changes/bitmapBits';
import { DamagedFile } from '../../support/damagedFile';
import { Holder } from '../../support/holder';
import { Kitchen } from '../../support/matrix/recipe';
import { run } from '../../support/process';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { type Workspace, workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';

const CLUSTER = 65536;
let place: Workspace;
let image: EditableImage | undefined;

beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  image?.close();
  image = undefined;
  place.remove();
});

function create(options: string, commands: readonly string[], more: readonly string[] = []): void {
  mustQemuImg(['create', '-f', 'qcow2', '-o', options, ...more, 'disk.qcow2', '4M'], { cwd: place.folder });
  mustQemuIo('disk.qcow2', commands, { cwd: place.folder });
}

/** An overlay that has, over a base of ones, the same ones in two clusters and zeroes in one. */
function createOverlay(options = 'compat=1.1'): void {
  mustQemuImg(['create', '-f', 'raw', 'base', '4M'], { cwd: place.folder });
  mustQemuIo('base', ['write -P 1 0 4M'], { cwd: place.folder }, ['-f', 'raw']);
  create(
    options,
    ['write -P 1 0 128k', 'write -P 0 128k 64k', 'write -P 2 256k 64k'],
    ['-b', 'base', '-F', 'raw'],
  );
}

function open(): EditableImage {
  image?.close();
  image = EditableImage.open(place.path('disk.qcow2'), {
    followsNames: true,
    scratchPath: place.path('scratch'),
  });
  return image;
}

const request = (...sources: readonly ShrinkSource[]) =>
  ({ kind: 'shrink', sources, policy: 'unallocate' }) as const;

const freedBy = (editable: EditableImage, ...sources: readonly ShrinkSource[]): number =>
  editable.apply(request(...sources)).freedClusters;

function readDisk(): Buffer {
  mustQemuImg(['convert', '-O', 'raw', 'disk.qcow2', 'judge.raw'], { cwd: place.folder });
  return fs.readFileSync(place.path('judge.raw'));
}

describe('a shrink', () => {
  it('gives up data that is zero: unallocated without a backing file, zero over one', () => {
    create('compat=1.1', ['write -P 1 0 128k', 'write -P 0 128k 128k']);
    let editable = open();
    toEnd(editable.scanContents());
    expect(editable.apply(request('zeroes'))).toMatchObject({
      becameUnallocated: { clusters: 2, bytes: 2 * CLUSTER },
      freedClusters: 2,
      allocatedClusters: 0,
    });
    createOverlay();
    editable = open();
    toEnd(editable.scanContents());
    expect(editable.apply(request('zeroes'))).toMatchObject({
      becameZero: { clusters: 1 },
      freedClusters: 1,
    });
  });

  it('gives up what the backing file has as well', () => {
    createOverlay();
    const before = readDisk();
    const editable = open();
    toEnd(editable.scanContents());
    expect(freedBy(editable, 'sameAsBacking')).toBe(2);
    editable.save();
    expect(readDisk().equals(before)).toBe(true);
  });

  it('gives up the space of zero clusters, and tables that hold nothing but zeroes', () => {
    create('compat=1.1', ['write -P 1 0 128k', 'write -z 0 128k']);
    // Two clusters and their table.
    expect(freedBy(open(), 'allocatedZeroes')).toBe(3);
    create('compat=1.1', ['write -z 0 128k']);
    expect(freedBy(open(), 'allocatedZeroes')).toBe(1);
  });

  it('keeps a table over a backing file whose zeroes hide something', () => {
    createOverlay();
    mustQemuIo('disk.qcow2', ['write -z -u 0 4M'], { cwd: place.folder });
    expect(open().apply(request('allocatedZeroes')).changed).toBe(false);
  });

  it('repairs leaks in the same edit', () => {
    create('compat=1.1', ['write -P 1 0 64k', 'write -P 0 64k 64k']);
    DamagedFile.do(place.path('disk.qcow2'), (file) => file.leak(3));
    const editable = open();
    toEnd(editable.scanContents());
    expect(freedBy(editable, 'zeroes', 'leaks')).toBe(4);
    expect(editable.edits.undoable).toBe(1);
    editable.save();
    mustQemuImg(['check', 'disk.qcow2'], { cwd: place.folder });
  });

  it('drops VM state past the end of the disk', () => {
    create('compat=1.1,cluster_size=512', ['write -P 1 0 256k']);
    const bytes = fs.readFileSync(place.path('disk.qcow2'));
    bytes.writeBigUInt64BE(128n * 1024n, 24);
    fs.writeFileSync(place.path('disk.qcow2'), bytes);
    const editable = open();
    // The clusters behind the new end, and the tables for them.
    expect(freedBy(editable, 'vmState')).toBe((128 * 1024) / 512 + 4);
    editable.save();
    mustQemuImg(['check', 'disk.qcow2'], { cwd: place.folder });
  });

  it.each(['', ',data_file=data.raw'])(
    'counts data past the end of the disk as none (extended_l2%s)',
    (more) => {
      create(`compat=1.1,extended_l2=on${more}`, ['write -P 1 0 64k', 'write -P 7 112k 2k']);
      mustQemuImg(['resize', '--shrink', 'disk.qcow2', '80k'], { cwd: place.folder });
      const editable = open();
      expect(editable.apply(request('leaks')).changed).toBe(false);
      if (more !== '') return;
      expect(editable.apply(request('vmState')).changed).toBe(false);
      expect(freedBy(editable, 'allocatedZeroes')).toBe(1);
      editable.save();
      mustQemuImg(['check', 'disk.qcow2'], { cwd: place.folder });
    },
  );

  it('keeps VM state that a snapshot holds as well', () => {
    create('compat=1.1,cluster_size=512', ['write -P 1 0 256k']);
    mustQemuImg(['snapshot', '-c', 'one', 'disk.qcow2'], { cwd: place.folder });
    const bytes = fs.readFileSync(place.path('disk.qcow2'));
    bytes.writeBigUInt64BE(128n * 1024n, 24);
    fs.writeFileSync(place.path('disk.qcow2'), bytes);
    expect(open().apply(request('vmState')).changed).toBe(false);
  });

  it('leaves alone what a snapshot holds', () => {
    create('compat=1.1', ['write -P 0 0 128k']);
    mustQemuImg(['snapshot', '-c', 'one', 'disk.qcow2'], { cwd: place.folder });
    const editable = open();
    toEnd(editable.scanContents());
    expect(editable.apply(request('zeroes', 'allocatedZeroes')).changed).toBe(false);
    mustQemuIo('disk.qcow2', ['write -P 0 128k 64k'], { cwd: place.folder });
    const again = open();
    toEnd(again.scanContents());
    expect(again.apply(request('zeroes')).freedClusters).toBe(1);
  });

  it('marks no dirty bitmap: the guest sees the same', () => {
    create('compat=1.1', ['write -P 0 0 128k']);
    mustQemuImg(['bitmap', '--add', 'disk.qcow2', 'dirty'], { cwd: place.folder });
    const editable = open();
    toEnd(editable.scanContents());
    expect(editable.apply(request('zeroes'))).toMatchObject({ changed: true, bitmapsMarked: [] });
  });

  it('needs a scan of what is staged now', () => {
    create('compat=1.1', ['write -P 0 0 128k']);
    const editable = open();
    expect(problemOf(() => editable.apply(request('zeroes'))).code).toBe('shrink.notScanned');
    toEnd(editable.scanContents());
    editable.apply({ kind: 'write', start: guestOffset(0), bytes: new Uint8Array(512).fill(3) });
    expect(problemOf(() => editable.apply(request('zeroes'))).code).toBe('shrink.notScanned');
    editable.undo();
    expect(editable.scan?.zeroes.bytes).toBe(2 * CLUSTER);
  });

  it('ends a scan when something is staged in the middle of it', () => {
    create('compat=1.1', ['write -P 0 0 4M']);
    const editable = open();
    const scanning = editable.scanContents();
    scanning.next();
    editable.apply({ kind: 'discard', start: guestOffset(0), length: CLUSTER });
    expect(problemOf(() => scanning.next()).code).toBe('shrink.notScanned');
    expect(editable.scan).toBeUndefined();
  });
});

describe('an image that another program changes', () => {
  it.each([
    ['before', 0],
    ['in the middle of', 1],
    ['after', Infinity],
  ])('%s a scan is not shrunk by what the scan has found', (_, pieces) => {
    create('compat=1.1', ['write -P 0 0 4M']);
    const editable = open();
    const scanning = editable.scanContents();
    for (let piece = 0; piece < pieces && scanning.next().done !== true; piece++);
    mustQemuIo('disk.qcow2', ['write -P 9 3M 64k'], { cwd: place.folder });
    toEnd(editable.scan === undefined ? scanning : editable.scanContents());
    const before = fs.readFileSync(place.path('disk.qcow2'));
    expect(problemOf(() => editable.apply(request('zeroes'))).code).toBe('guard.changed');
    expect(editable.edits.undoable).toBe(0);
    expect(fs.readFileSync(place.path('disk.qcow2')).equals(before)).toBe(true);
  });

  it('between a shrink and its save is not saved', () => {
    create('compat=1.1', ['write -P 0 0 4M']);
    const editable = open();
    toEnd(editable.scanContents());
    editable.apply(request('zeroes'));
    mustQemuIo('disk.qcow2', ['write -P 9 3M 64k'], { cwd: place.folder });
    expect(problemOf(() => editable.save()).code).toBe('guard.changed');
    mustQemuIo('disk.qcow2', ['read -P 9 3M 64k'], { cwd: place.folder });
  });
});

describe('a backing file that changes', () => {
  const shrunk = (): EditableImage => {
    createOverlay();
    const editable = open();
    toEnd(editable.scanContents());
    editable.apply(request('sameAsBacking'));
    return editable;
  };
  const changeBase = (): void => {
    mustQemuIo('base', ['write -P 9 0 64k'], { cwd: place.folder }, ['-f', 'raw']);
  };

  it('is noticed when the shrink is staged', () => {
    createOverlay();
    const editable = open();
    toEnd(editable.scanContents());
    changeBase();
    expect(problemOf(() => editable.apply(request('sameAsBacking'))).code).toBe('shrink.backingChanged');
  });

  it('is noticed when the shrink is saved, and the edit can be undone', () => {
    const editable = shrunk();
    changeBase();
    expect(problemOf(() => editable.save()).code).toBe('shrink.backingChanged');
    editable.undo();
    editable.apply({ kind: 'discard', start: guestOffset(0), length: CLUSTER });
    editable.save();
  });

  it('is noticed after the edits were restored from a backup', () => {
    const backup = place.path('backup.json');
    shrunk().backUp(backup);
    changeBase();
    const again = open();
    again.restore(backup);
    expect(problemOf(() => again.save()).code).toBe('shrink.backingChanged');
  });

  it('is noticed where an undo went back past the save before', () => {
    const backup = place.path('backup.json');
    createOverlay();
    const editable = open();
    editable.apply({ kind: 'write', start: guestOffset(0), bytes: new Uint8Array(512).fill(3) });
    editable.save();
    editable.undo();
    toEnd(editable.scanContents());
    editable.apply(request('sameAsBacking'));
    editable.backUp(backup);
    changeBase();
    expect(problemOf(() => editable.save()).code).toBe('shrink.backingChanged');
    const again = open();
    again.restore(backup);
    expect(problemOf(() => again.save()).code).toBe('shrink.backingChanged');
  });

  it('does not stand in the way of other edits once the shrink is saved', () => {
    const editable = shrunk();
    editable.save();
    editable.apply({ kind: 'discard', start: guestOffset(0), length: CLUSTER });
    editable.save();
    editable.undo();
    editable.apply({ kind: 'discard', start: guestOffset(CLUSTER), length: CLUSTER });
    changeBase();
    editable.save();
  });

  it('is noticed where it was opened again since the scan', () => {
    createOverlay();
    for (const name of ['one', 'other']) fs.copyFileSync(place.path('base'), place.path(name));
    const editable = open();
    editable.apply({ kind: 'rebase', backing: { name: 'one', format: 'raw' } });
    toEnd(editable.scanContents());
    editable.apply({ kind: 'rebase', backing: { name: 'other', format: 'raw' } });
    mustQemuIo('one', ['write -P 9 0 64k'], { cwd: place.folder }, ['-f', 'raw']);
    editable.undo();
    expect(problemOf(() => editable.apply(request('sameAsBacking'))).code).toBe('shrink.notScanned');
  });

  it('cannot change while the shrink is saved', () => {
    const editable = shrunk();
    const errors: string[] = [];
    editable.save({
      onCommitted: () => {
        const args = ['-f', 'raw', '-c', 'write -P 9 0 64k', 'base'];
        errors.push(run('qemu-io', args, { cwd: place.folder }).stderr);
      },
    });
    expect(errors).toEqual([expect.stringContaining('"write" lock')]);
    changeBase();
  });

  it('does not keep the image from being looked at', async () => {
    createOverlay();
    const editable = open();
    toEnd(editable.scanContents());
    const holder = await Holder.open(place.path('base'), '-f', 'raw');
    try {
      expect(shrinkOffers(editable, 'unallocate', silent)).toMatchObject([
        { source: 'zeroes', freed: CLUSTER },
        { source: 'sameAsBacking', problem: { code: 'lock.held' } },
        {},
        {},
        {},
      ]);
    } finally {
      await holder.end();
    }
  });

  it('is not one that a program has open for writing', async () => {
    createOverlay();
    const editable = open();
    toEnd(editable.scanContents());
    const holder = await Holder.open(place.path('base'), '-f', 'raw');
    try {
      expect(problemOf(() => editable.apply(request('sameAsBacking'))).code).toBe('lock.held');
      // Zeroes need no backing file.
      expect(editable.apply(request('zeroes')).freedClusters).toBe(1);
    } finally {
      await holder.end();
    }
  });
});

describe('what is not offered', () => {
  const problems = (): Record<string, string> =>
    Object.fromEntries(
      shrinkOffers(open(), 'unallocate', silent).flatMap(({ source, problem }) =>
        problem === undefined ? [] : [[source, problem.code]],
      ),
    );

  it('in version 2: zeroes over a backing file', () => {
    createOverlay('compat=0.10');
    expect(problems()).toEqual({ zeroes: 'shrink.version2Backing' });
    const editable = open();
    toEnd(editable.scanContents());
    expect(freedBy(editable, 'sameAsBacking')).toBe(2);
  });

  it('without a backing file: what it has as well', () => {
    create('compat=1.1', ['write -P 1 0 64k']);
    expect(problems()).toEqual({ sameAsBacking: 'shrink.noBacking' });
  });

  it('where the backing file is missing', () => {
    createOverlay();
    fs.rmSync(place.path('base'));
    expect(problems()).toEqual({ sameAsBacking: 'shrink.noBacking' });
  });

  it('where the data file of the backing file is missing: zeroes are found all the same', () => {
    mustQemuImg(['create', '-f', 'qcow2', '-o', 'data_file=base.raw', 'base', '4M'], { cwd: place.folder });
    mustQemuIo('base', ['write -P 1 0 4M'], { cwd: place.folder });
    create('compat=1.1', ['write -P 0 0 64k'], ['-b', 'base', '-F', 'qcow2']);
    fs.rmSync(place.path('base.raw'));
    expect(problems()).toEqual({ sameAsBacking: 'dataFile.notOpen' });
    const editable = open();
    toEnd(editable.scanContents());
    expect(freedBy(editable, 'zeroes')).toBe(1);
  });

  it('over an encrypted backing file: what it has as well', () => {
    const kitchen = new Kitchen(place.folder);
    kitchen.createEncrypted('base', '4M', 'encrypt.format=luks,encrypt.iter-time=10', 'abc');
    create('compat=1.1', ['write -P 0 0 64k']);
    mustQemuImg(['rebase', '-u', '-b', 'base', '-F', 'qcow2', 'disk.qcow2'], { cwd: place.folder });
    expect(problems()).toEqual({ sameAsBacking: 'encrypted.scan' });
  });

  it('where the backing file is damaged: what it has there', () => {
    mustQemuImg(['create', '-f', 'qcow2', 'base', '4M'], { cwd: place.folder });
    mustQemuIo('base', ['write -c -P 1 0 64k'], { cwd: place.folder });
    create('compat=1.1', ['write -P 0 0 64k'], ['-b', 'base', '-F', 'qcow2']);
    const bytes = fs.readFileSync(place.path('base'));
    fs.writeFileSync(place.path('base'), bytes.fill(0xff, 5 * CLUSTER));
    const editable = open();
    toEnd(editable.scanContents());
    expect(editable.scan?.sameAsBacking?.bytes).toBe(0);
    expect(freedBy(editable, 'zeroes')).toBe(1);
  });

  it('in encrypted images: what has to be scanned', () => {
    new Kitchen(place.folder).createEncrypted(
      'disk.qcow2',
      '4M',
      'encrypt.format=luks,encrypt.iter-time=10',
      'abc',
    );
    expect(problems()).toMatchObject({ zeroes: 'encrypted.scan', sameAsBacking: 'encrypted.scan' });
    expect(problemOf(() => toEnd(open().scanContents())).code).toBe('encrypted.scan');
  });

  it('with an external data file: anything but leaks', () => {
    create('compat=1.1,data_file=data.raw', ['write -P 0 0 64k']);
    expect(problems()).toEqual({
      zeroes: 'shrink.dataFile',
      sameAsBacking: 'shrink.dataFile',
      allocatedZeroes: 'shrink.dataFile',
      vmState: 'shrink.dataFile',
    });
  });
});

describe('what the guest does not use', () => {
  const range = (start: number, end: number) =>
    [guestOffset(start * CLUSTER), guestOffset(end * CLUSTER)] as const;
  const unused = (...guestFree: readonly (readonly [GuestOffset, GuestOffset])[]) =>
    ({ kind: 'shrink', sources: [], policy: 'unallocate', guestFree }) as const;

  it('becomes unallocated without a backing file, and zero over one', () => {
    create('compat=1.1', ['write -P 1 0 256k']);
    let editable = open();
    expect(editable.apply(unused(range(1, 3)))).toMatchObject({
      becameUnallocated: { clusters: 2 },
      freedClusters: 2,
      allocatedClusters: 0,
    });
    editable.save();
    mustQemuIo('disk.qcow2', ['read -P 1 0 64k', 'read -P 0 64k 128k', 'read -P 1 192k 64k'], {
      cwd: place.folder,
    });
    createOverlay();
    editable = open();
    expect(editable.apply(unused(range(0, 64)))).toMatchObject({
      becameZero: { clusters: 4 },
      freedClusters: 4,
    });
    editable.save();
    // What was never written shows the base as before.
    mustQemuIo('disk.qcow2', ['read -P 0 0 192k', 'read -P 1 192k 64k', 'read -P 0 256k 64k'], {
      cwd: place.folder,
    });
  });

  it('is given up in whole clusters only, and the last one of the disk is one', () => {
    create('compat=1.1', ['write -P 1 0 256k']);
    const [start, end] = [guestOffset(512), guestOffset(3 * CLUSTER - 512)];
    expect(open().apply(unused([start, end])).freedClusters).toBe(1);
    mustQemuImg(['create', '-f', 'qcow2', 'disk.qcow2', '100k'], { cwd: place.folder });
    mustQemuIo('disk.qcow2', ['write -P 1 0 100k'], { cwd: place.folder });
    expect(open().apply(unused([guestOffset(CLUSTER), guestOffset(100 * 1024)])).freedClusters).toBe(1);
  });

  it('is given up where it is compressed, unless there are snapshots', () => {
    create('compat=1.1', ['write -c -P 1 0 64k', 'write -c -P 2 64k 64k']);
    expect(open().apply(unused(range(0, 2)))).toMatchObject({
      becameUnallocated: { clusters: 2 },
      freedClusters: 2,
    });
    mustQemuImg(['snapshot', '-c', 'kept', 'disk.qcow2'], { cwd: place.folder });
    expect(open().apply(unused(range(0, 2))).changed).toBe(false);
  });

  it('stays where a snapshot holds it', () => {
    create('compat=1.1', ['write -P 1 0 128k']);
    mustQemuImg(['snapshot', '-c', 'kept', 'disk.qcow2'], { cwd: place.folder });
    mustQemuIo('disk.qcow2', ['write -P 2 64k 64k'], { cwd: place.folder });
    expect(open().apply(unused(range(0, 2)))).toMatchObject({ freedClusters: 1 });
  });

  it('is marked in the bitmaps that record, and nothing else is', () => {
    create('compat=1.1', ['write -P 1 0 256k']);
    mustQemuImg(['bitmap', '--add', '-g', '64k', 'disk.qcow2', 'dirty'], { cwd: place.folder });
    const editable = open();
    expect(editable.apply(unused(range(1, 2), range(3, 8))).bitmapsMarked).toEqual(['dirty']);
    editable.save();
    expect(bitmapBits(place.path('disk.qcow2')).get('dirty')).toMatch(/^01010*$/);
    mustQemuImg(['check', 'disk.qcow2'], { cwd: place.folder });
  });

  it('is refused over a backing file in version 2, which has no zero flag', () => {
    createOverlay('compat=0.10');
    expect(problemOf(() => open().apply(unused(range(0, 1)))).code).toBe('shrink.version2Backing');
  });
});
