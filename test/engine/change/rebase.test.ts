/** Changing the backing file in the header: QEMU reads the result, and nothing else has changed. */
import * as fs from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { checkImage } from '../../../src/qcow2/check/checkImage';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { EngineError } from '../../../src/qcow2/errors';
import { readRawExtensions } from '../../../src/qcow2/format/rawExtensions';
import { readGuest } from '../../../src/qcow2/image/read';
import { image } from '../../support/imageBuilder';
import { mustQemuImg, mustQemuIo, qemuImg } from '../../support/qemu';
import { workspace } from '../../support/workspace';
import { guestOffset, hostOffset } from '../../../src/qcow2/units';

const place = workspace();
const DISK = place.path('disk.qcow2');

afterAll(() => {
  place.remove();
});

interface Info {
  readonly 'backing-filename'?: string;
  readonly 'backing-filename-format'?: string;
}

const info = (): Info => JSON.parse(String(mustQemuImg(['info', '-U', '--output=json', DISK]))) as Info;

const open = (): EditableImage =>
  EditableImage.open(DISK, { followsNames: true, scratchPath: place.path('scratch') });

interface Named {
  readonly name: string;
  readonly format?: string;
}

function rebaseAndSave(backing: Named | undefined): void {
  const editable = open();
  try {
    editable.apply({ kind: 'rebase', ...(backing === undefined ? {} : { backing }) });
    editable.save();
  } finally {
    editable.close();
  }
}

/** The code of the problem that `action` ends in. */
function refusal(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof EngineError) return error.problem.code;
    throw error;
  }
}

beforeEach(() => {
  for (const name of fs.readdirSync(place.folder)) fs.rmSync(place.path(name), { recursive: true });
  for (const [name, pattern] of [
    ['one.qcow2', 1],
    ['two.qcow2', 2],
  ] as const) {
    mustQemuImg(['create', '-q', '-f', 'qcow2', place.path(name), '4M']);
    mustQemuIo(place.path(name), [`write -P ${pattern} 0 4M`]);
  }
  fs.writeFileSync(place.path('three.raw'), Buffer.alloc(4 << 20, 3));
});

const create = (options: string, ...backing: string[]): void => {
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', options, ...backing, DISK, '4M'], { cwd: place.folder });
  mustQemuIo(DISK, ['write -P 9 1M 64k']);
};

const ONE = ['-b', 'one.qcow2', '-F', 'qcow2'];

describe.each([
  ['version 2', 'compat=0.10'],
  ['version 3', 'compat=1.1'],
  ['1 KiB clusters', 'cluster_size=1k'],
  ['extended L2', 'extended_l2=on'],
])('an image of %s', (_name, options) => {
  test('shows what its new backing file has, and its own data as before', () => {
    create(options, ...ONE);
    rebaseAndSave({ name: 'two.qcow2', format: 'qcow2' });
    expect(info()).toMatchObject({ 'backing-filename': 'two.qcow2', 'backing-filename-format': 'qcow2' });
    mustQemuIo(DISK, ['read -P 2 0 1M', 'read -P 9 1M 64k', 'read -P 2 2M 2M']);
    expect(qemuImg(['check', DISK]).status).toBe(0);
  });

  test('may get a backing file where it had none, and lose it again', () => {
    create(options);
    const before = fs.readFileSync(DISK);
    rebaseAndSave({ name: 'three.raw', format: 'raw' });
    mustQemuIo(DISK, ['read -P 3 0 1M', 'read -P 9 1M 64k']);
    rebaseAndSave(undefined);
    expect(info()['backing-filename']).toBeUndefined();
    mustQemuIo(DISK, ['read -P 0 0 1M', 'read -P 9 1M 64k']);
    expect(qemuImg(['check', DISK]).status).toBe(0);
    // The header is as it was, but for a name that nothing points to.
    expect(fs.readFileSync(DISK).subarray(0, 512).equals(before.subarray(0, 512))).toBe(true);
  });

  test('is as before, byte for byte, when the edit is undone and saved', () => {
    create(options, ...ONE);
    const before = fs.readFileSync(DISK);
    const editable = open();
    editable.apply({ kind: 'rebase', backing: { name: 'three.raw', format: 'raw' } });
    editable.save();
    editable.undo();
    editable.save();
    editable.close();
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  });
});

describe('a staged rebase', () => {
  const firstByte = (editable: EditableImage): number => {
    const byte = new Uint8Array(1);
    readGuest(editable.chain.layers, byte, guestOffset(0));
    return byte[0]!;
  };

  test('is read through at once, undone and redone, and leaves the disk alone', () => {
    create('compat=1.1', ...ONE);
    const before = fs.readFileSync(DISK);
    const editable = open();
    expect(firstByte(editable)).toBe(1);
    editable.apply({ kind: 'rebase', backing: { name: 'two.qcow2', format: 'qcow2' } });
    expect(firstByte(editable)).toBe(2);
    expect(editable.chain.view.layers.map(({ nameAsWritten }) => nameAsWritten)).toEqual([DISK, 'two.qcow2']);
    editable.undo();
    expect(firstByte(editable)).toBe(1);
    editable.redo();
    expect(firstByte(editable)).toBe(2);
    editable.close();
    expect(fs.readFileSync(DISK).equals(before)).toBe(true);
  });

  test('repairs a link that leads nowhere', () => {
    create('compat=1.1', ...ONE);
    fs.renameSync(place.path('one.qcow2'), place.path('elsewhere.qcow2'));
    const editable = open();
    expect(editable.chain.complete).toBe(false);
    editable.apply({ kind: 'rebase', backing: { name: 'elsewhere.qcow2', format: 'qcow2' } });
    expect(editable.chain.complete).toBe(true);
    editable.save();
    editable.close();
    mustQemuIo(DISK, ['read -P 1 0 1M']);
  });

  test('tells what will show through, and changes nothing where nothing is to be changed', () => {
    create('compat=1.1', ...ONE);
    const editable = open();
    const backing = { name: 'two.qcow2', format: 'qcow2' };
    const { rebased } = editable.preview({ kind: 'rebase', backing });
    expect(rebased).toEqual({
      before: { name: 'one.qcow2', format: 'qcow2' },
      after: backing,
      showsThrough: { clusters: 63, bytes: 63 * 65536 },
    });
    expect(firstByte(editable)).toBe(1);
    const same = { name: 'one.qcow2', format: 'qcow2' };
    expect(editable.apply({ kind: 'rebase', backing: same }).changed).toBe(false);
    expect(editable.edits.undoable).toBe(0);
    editable.close();
  });

  test('is written under and over like any other edit', () => {
    create('compat=1.1', ...ONE);
    const editable = open();
    editable.apply({ kind: 'write', start: guestOffset(0), bytes: new Uint8Array(512).fill(7) });
    editable.apply({ kind: 'rebase', backing: { name: 'two.qcow2', format: 'qcow2' } });
    editable.apply({ kind: 'write', start: guestOffset(2 << 20), bytes: new Uint8Array(512).fill(8) });
    editable.save();
    editable.close();
    // The first write copied data up from the old file, the second one from the new file.
    mustQemuIo(DISK, ['read -P 7 0 512', 'read -P 1 512 65024', 'read -P 2 64k 64k']);
    mustQemuIo(DISK, [`read -P 8 2M 512`, `read -P 2 ${(2 << 20) + 512} 65024`]);
    expect(qemuImg(['check', DISK]).status).toBe(0);
  });
});

describe('it is refused, and nothing is staged,', () => {
  const refused = (backing: Named): string | undefined => {
    const editable = open();
    try {
      const code = refusal(() => editable.apply({ kind: 'rebase', backing }));
      expect(editable.edits.undoable).toBe(0);
      expect(editable.chain.top.backingName).toBe(editable.onDisk.top.backingName);
      return code;
    } finally {
      editable.close();
    }
  };

  test('for a name of 1024 bytes, and not for one of 1023', () => {
    create('compat=1.1');
    expect(refused({ name: 'n'.repeat(1024), format: 'raw' })).toBe('backingName.tooLong');
    expect(refused({ name: 'ü'.repeat(512), format: 'raw' })).toBe('backingName.tooLong');
    rebaseAndSave({ name: 'n'.repeat(1023), format: 'raw' });
    expect(info()['backing-filename']).toBe('n'.repeat(1023));
  });

  test('for a name that has no room in the first cluster', () => {
    create('cluster_size=512,compat=0.10');
    expect(refused({ name: 'n'.repeat(512), format: 'raw' })).toBe('backing.noRoom');
    rebaseAndSave({ name: 'n'.repeat(400), format: 'raw' });
    expect(info()['backing-filename']).toBe('n'.repeat(400));
  });

  test('for no name, one with a null byte, and a format that is none', () => {
    create('compat=1.1');
    expect(refused({ name: '' })).toBe('gate.noName');
    expect(refused({ name: 'a\0b' })).toBe('backing.nul');
    expect(refused({ name: 'a', format: 'sixteen bytes or' })).toBe('backing.format');
  });

  test('for the image itself, and for one that depends on it', () => {
    create('compat=1.1', ...ONE);
    fs.linkSync(DISK, place.path('link.qcow2'));
    const cycle = { name: 'user.qcow2', format: 'qcow2' };
    mustQemuImg(
      ['create', '-q', '-f', 'qcow2', '-b', 'disk.qcow2', '-F', 'qcow2', place.path('user.qcow2')],
      {
        cwd: place.folder,
      },
    );
    expect(refused(cycle)).toBe('chain.cycle');
    expect(refused({ name: 'disk.qcow2', format: 'qcow2' })).toBe('chain.cycle');
    expect(refused({ name: 'disk.qcow2', format: 'raw' })).toBe('chain.cycle');
    expect(refused({ name: 'link.qcow2', format: 'qcow2' })).toBe('chain.cycle');
  });

  test('for an image whose data file is raw by itself', () => {
    create(`compat=1.1,data_file=${place.path('data.raw')},data_file_raw=on`);
    expect(refused({ name: 'one.qcow2', format: 'qcow2' })).toBe('backing.rawDataFile');
  });
});

test('whatever else is in the header stays, at any length of names and extensions', () => {
  const text = (max: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', 'ü'), minLength: 1, maxLength: max });
  const backing = fc.option(
    fc.record({ name: text(500), format: fc.constantFrom('raw', 'qcow2', 'a-long-format') }),
    { nil: undefined },
  );
  const unknown = fc.array(fc.tuple(fc.integer({ min: 1, max: 999 }), text(120)), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(backing, { minLength: 1, maxLength: 5 }), unknown, (steps, extensions) => {
      const builder = image({ size: '1M', featureNames: true }).data(0, 2).bitmap('kept');
      for (const [type, data] of extensions) builder.extension(type, data);
      builder.writeTo(DISK);
      const others = (): unknown => {
        const editable = open();
        const { file, header } = editable.chain.top;
        const raw = [...readRawExtensions(file, hostOffset(header.headerLength), header.extensionsEnd)];
        const all = raw.filter(({ type }) => type !== 0xe2792aca);
        const { corruptions } = checkImage(editable.chain.top);
        editable.close();
        return { all: all.map(({ type, data }) => [type, [...data]]), size: header.size, corruptions };
      };
      const before = others();
      for (const step of steps) {
        rebaseAndSave(step);
        expect(info()['backing-filename']).toBe(step?.name);
        expect(info()['backing-filename-format']).toBe(step?.format);
        expect(others()).toEqual(before);
      }
    }),
    { numRuns: 40 },
  );
});
