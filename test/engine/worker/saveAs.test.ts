/** Save As: the other file shows exactly what the image as staged shows, or is not written at all. */
import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Result, SaveAsTrust } from '../../../src/worker/api';
import { EngineClient } from '../../../src/worker/engineClient';
import { loadAttributes } from '../../../src/qcow2/io/native';
import { WholeFile } from '../../../src/worker/wholeFile';
import { Holder } from '../../support/holder';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { type BuiltWorker, buildWorker } from '../../support/worker';
import { workspace, type Workspace } from '../../support/workspace';
import { guestOffset, hostOffset } from '../../../src/qcow2/units';

const ACCESS_LIST = 'system.posix_acl_access';

/** An access control list as Linux has it (linux/posix_acl_xattr.h), which gives a user something besides the mode. */
function accessList([permissions, user]: readonly [number, number]): Uint8Array {
  const NOBODY = 0xffff_ffff;
  const [OWNER, USER, GROUP, MASK, OTHER] = [1, 2, 4, 16, 32];
  const entries = [
    [OWNER, 6, NOBODY],
    [USER, permissions, user],
    [GROUP, 0, NOBODY],
    [MASK, 7, NOBODY],
    [OTHER, 0, NOBODY],
  ] as const;
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2);
  entries.forEach(([tag, may, id], index) => {
    bytes.writeUInt16LE(tag, 4 + index * 8);
    bytes.writeUInt16LE(may, 6 + index * 8);
    bytes.writeUInt32LE(id, 8 + index * 8);
  });
  return new Uint8Array(bytes);
}

describe('an image saved as another file', () => {
  let worker: BuiltWorker;
  let files: Workspace;
  let engine: EngineClient;

  beforeAll(() => {
    worker = buildWorker();
  });

  afterAll(() => {
    worker.remove();
  });

  beforeEach(() => {
    files = workspace();
    mkdirSync(files.path('other'));
    mustQemuImg(['create', '-q', '-f', 'qcow2', files.path('base.qcow2'), '4M']);
    mustQemuIo(files.path('base.qcow2'), ['write -P 1 0 1M']);
    engine = new EngineClient(worker.script);
  });

  afterEach(() => {
    void engine.dispose();
    files.remove();
  });

  /** Opens `image.qcow2` over a backing file, zeroes its first cluster, and saves it under another name. */
  async function saveAs(backing: string | undefined, target: string): Promise<Result<undefined>> {
    const image = files.path('image.qcow2');
    const over = backing === undefined ? [] : ['-u', '-b', backing, '-F', 'qcow2'];
    mustQemuImg(['create', '-q', '-f', 'qcow2', ...over, image, '4M']);
    return save(image, target);
  }

  async function save(image: string, target: string, trust: SaveAsTrust = {}): Promise<Result<undefined>> {
    const scratchFolder = files.folder;
    await engine.open(image, { generation: 1, followsNames: true, scratchFolder });
    const options = { unmap: false, fallback: true, thorough: false, policy: 'unallocate' } as const;
    const change = { kind: 'writeZeroes', start: guestOffset(0), length: 65536, options } as const;
    await engine.calls.apply(change, 'Zero', { generation: 2, operation: 1 });
    return engine.calls.saveAs(files.path(target), trust, { generation: 3, operation: 2 });
  }

  it('beside the first one has the same backing file, and what was staged', async () => {
    expect(await saveAs('base.qcow2', 'copy.qcow2')).toEqual({ ok: true });
    mustQemuIo(files.path('copy.qcow2'), ['read -P 0 0 64k', 'read -P 1 64k 960k']);
    mustQemuIo(files.path('image.qcow2'), ['read -P 1 0 1M']);
  });

  it('in another folder has it where the name leads there as well', async () => {
    expect(await saveAs(files.path('base.qcow2'), 'other/copy.qcow2')).toEqual({ ok: true });
    mustQemuIo(files.path('other/copy.qcow2'), ['read -P 0 0 64k', 'read -P 1 64k 960k']);
    void engine.dispose();
    engine = new EngineClient(worker.script);
    const json = { driver: 'qcow2', file: { driver: 'file', filename: files.path('base.qcow2') } };
    expect(await saveAs(`json:${JSON.stringify(json)}`, 'other/json.qcow2')).toEqual({ ok: true });
  });

  it('is refused where the name would lead elsewhere', async () => {
    for (const name of ['base.qcow2', 'file:base.qcow2']) {
      expect(await saveAs(name, 'other/copy.qcow2')).toMatchObject({
        ok: false,
        problem: { code: 'copy.backing', value: name },
      });
    }
    expect(readdirSync(files.path('other'))).toEqual([]);
  });

  it('is refused where the backing file changed that alone has what a staged shrink gave up', async () => {
    const [image, base] = [files.path('image.qcow2'), files.path('base.qcow2')];
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', image, '4M']);
    mustQemuIo(image, ['write -P 1 0 1M']);
    await engine.open(image, { generation: 1, followsNames: true, scratchFolder: files.folder });
    expect(await engine.calls.scanContents(1)).toEqual({ ok: true });
    const change = { kind: 'shrink', sources: ['sameAsBacking'], policy: 'unallocate' } as const;
    await engine.calls.apply(change, 'Shrink', { generation: 2, operation: 2 });
    mustQemuIo(base, ['write -P 9 0 64k']);
    expect(
      await engine.calls.saveAs(files.path('copy.qcow2'), {}, { generation: 3, operation: 3 }),
    ).toMatchObject({ problem: { code: 'shrink.backingChanged' } });
    expect(readdirSync(files.folder)).not.toContain('copy.qcow2');
  });

  it('is refused over a layer of its own chain, which stays as it is', async () => {
    const before = readFileSync(files.path('base.qcow2'));
    expect(await saveAs('base.qcow2', 'base.qcow2')).toMatchObject({ problem: { code: 'copy.ontoChain' } });
    expect(readFileSync(files.path('base.qcow2'))).toEqual(before);
  });

  it('is refused where its data is in an external file', async () => {
    const image = files.path('ext.qcow2');
    const data = `data_file=${files.path('ext.raw')}`;
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', data, image, '4M']);
    expect(await save(image, 'copy.qcow2')).toMatchObject({ problem: { code: 'copy.dataFile' } });
  });

  describe('over a file that is there', () => {
    const target = (): string => files.path('target.qcow2');
    const saved = (): Promise<Result<undefined>> => saveAs('base.qcow2', 'target.qcow2');

    beforeEach(() => {
      mustQemuImg(['create', '-q', '-f', 'qcow2', target(), '1M']);
    });

    /** Refuses, does not touch the file, and leaves nothing else behind. */
    async function isRefused(code: string): Promise<void> {
      const before = readFileSync(target());
      const names = readdirSync(files.folder);
      expect(await saved()).toMatchObject({ ok: false, problem: { code } });
      expect(readFileSync(target()).equals(before)).toBe(true);
      expect(readdirSync(files.folder).filter((name) => !names.includes(name))).toEqual(['image.qcow2']);
    }

    it('keeps its owner and its mode', async () => {
      chownSync(target(), 65534, 100);
      chmodSync(target(), 0o664);
      expect(await saved()).toEqual({ ok: true });
      const { uid, gid, mode } = statSync(target());
      expect([uid, gid, mode & 0o7777]).toEqual([65534, 100, 0o664]);
      mustQemuIo(target(), ['read -P 0 0 64k', 'read -P 1 64k 960k']);
    });

    it('keeps its access control list and attributes, and takes none from its folder', async () => {
      const attributes = loadAttributes()!;
      // Others of the machine may read and write all that comes into the folder; the file had its own list, or none.
      for (const list of [accessList([3, 5000]), undefined]) {
        const folder = openSync(files.folder, 'r');
        expect(attributes.set(folder, 'system.posix_acl_default', accessList([7, 6000]))).toBe('done');
        closeSync(folder);
        const file = openSync(target(), 'r+');
        attributes.remove(file, ACCESS_LIST);
        if (list !== undefined) expect(attributes.set(file, ACCESS_LIST, list)).toBe('done');
        expect(attributes.set(file, 'user.origin', Buffer.from('here'))).toBe('done');
        closeSync(file);
        const { mode } = statSync(target());
        expect(await saved()).toEqual({ ok: true });
        expect(attributes.get(target(), ACCESS_LIST)).toEqual(list);
        expect(String(Buffer.from(attributes.get(target(), 'user.origin')!))).toBe('here');
        expect(statSync(target()).mode).toBe(mode);
      }
    });

    it('is refused while QEMU has it open for writing, and names it', async () => {
      const holder = await Holder.open(target());
      try {
        await isRefused('lock.held');
        expect(await saved()).toMatchObject({ problem: { value: `qemu-io, pid ${holder.pid}` } });
      } finally {
        await holder.end();
      }
      expect(await saved()).toEqual({ ok: true });
    });

    it('is refused while QEMU has it open for reading', async () => {
      const holder = await Holder.open(target(), '-r');
      try {
        await isRefused('lock.held');
      } finally {
        await holder.end();
      }
    });

    it('is refused where the file has other names', async () => {
      linkSync(target(), files.path('other/name.qcow2'));
      await isRefused('guard.hardLinks');
    });

    it('is refused where a save of it was interrupted', async () => {
      writeFileSync(`${target()}-journal`, 'journal');
      await isRefused('journal.exists');
    });

    it('is refused over what is no regular file', async () => {
      rmSync(target());
      mkdirSync(target());
      expect(await saved()).toMatchObject({ ok: false, problem: { code: 'file.notRegular' } });
    });

    it('asks where locks cannot be seen, and goes on once that is trusted', async () => {
      vi.stubEnv('QCOW2_NATIVE', 'off');
      await engine.dispose();
      engine = new EngineClient(worker.script);
      try {
        await isRefused('lock.notTaken');
        const image = files.path('image.qcow2');
        expect(await save(image, 'target.qcow2', { trustsUnseenLocks: true })).toEqual({ ok: true });
      } finally {
        vi.unstubAllEnvs();
      }
    });

    it('writes through a link, to a file that is not there yet as well', async () => {
      symlinkSync(target(), files.path('link.qcow2'));
      expect(await saveAs('base.qcow2', 'link.qcow2')).toEqual({ ok: true });
      symlinkSync('later.qcow2', files.path('dangling.qcow2'));
      expect(await saveAs('base.qcow2', 'dangling.qcow2')).toEqual({ ok: true });
      for (const name of ['link.qcow2', 'dangling.qcow2']) {
        expect(lstatSync(files.path(name)).isSymbolicLink()).toBe(true);
        mustQemuIo(files.path(name), ['read -P 0 0 64k', 'read -P 1 64k 960k']);
      }
    });
  });

  it('is refused over the data file of a layer below', async () => {
    const data = files.path('ext.raw');
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', `data_file=${data}`, files.path('ext.qcow2'), '4M']);
    const before = readFileSync(data);
    expect(await saveAs('ext.qcow2', 'ext.raw')).toMatchObject({ problem: { code: 'copy.ontoChain' } });
    expect(readFileSync(data).equals(before)).toBe(true);
  });

  it('is refused over the image itself, by whatever name', async () => {
    await saveAs('base.qcow2', 'copy.qcow2');
    symlinkSync('image.qcow2', files.path('link.qcow2'));
    const image = files.path('image.qcow2');
    expect(await save(image, 'link.qcow2')).toMatchObject({ problem: { code: 'copy.ontoItself' } });
  });

  it.each([0o600, 0o640, 0o666])('as a new file has the permissions of the first one: %o', async (mode) => {
    const image = files.path('image.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', image, '4M']);
    chmodSync(image, mode);
    expect(await save(image, 'copy.qcow2')).toEqual({ ok: true });
    expect(statSync(files.path('copy.qcow2')).mode & 0o7777).toBe(mode);
  });
});

describe('a file written whole', () => {
  let files: Workspace;

  beforeEach(() => {
    files = workspace();
    chmodSync(files.folder, 0o777);
  });

  afterEach(() => {
    files.remove();
  });

  it.runIf(process.getuid?.() === 0)('is refused at once where its owner could not be kept', () => {
    const target = files.path('theirs');
    writeFileSync(target, 'theirs');
    chownSync(target, 1, 1);
    chmodSync(target, 0o666);
    process.setegid?.(65534);
    process.seteuid?.(65534);
    try {
      expect(() => new WholeFile(target, { failure: 'copy.write' })).toThrow(/replace\.owner/);
    } finally {
      process.seteuid?.(0);
      process.setegid?.(0);
    }
    expect(readdirSync(files.folder)).toEqual(['theirs']);
    expect(readFileSync(target, 'utf8')).toBe('theirs');
  });

  it('does not take the place of what came to be there meanwhile', () => {
    const target = files.path('file');
    const file = new WholeFile(target, { failure: 'copy.write' });
    file.write(Buffer.from('new'), hostOffset(0));
    writeFileSync(target, 'other');
    expect(() => {
      file.finish();
    }).toThrow(/guard\.changed/);
    file.discard();
    expect(readdirSync(files.folder)).toEqual(['file']);
    expect(readFileSync(target, 'utf8')).toBe('other');
  });
});
