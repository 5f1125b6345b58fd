/** Obstacles to changing an image, with real files and real QEMU processes. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findObstacles } from '../../../src/qcow2/check/obstacles';
import { CancelledError } from '../../../src/qcow2/errors';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { openLocalFile } from '../../../src/qcow2/io/localFile';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import { describeProblem } from '../../../src/qcow2/describeProblem';
import { silent } from '../../../src/qcow2/progress';
import { Holder } from '../../support/holder';
import { image, type ImageBuilder } from '../../support/imageBuilder';
import { run } from '../../support/process';
import { REPOSITORY } from '../../support/repository';
import { mustQemuIo } from '../../support/qemu';
import { type Workspace, workspace } from '../../support/workspace';

let place: Workspace;
let file: string;

beforeEach(() => {
  place = workspace();
  file = place.path('disk.qcow2');
});
afterEach(() => {
  vi.unstubAllEnvs();
  place.remove();
});

const write = (builder: ImageBuilder): void => {
  builder.build().writeTo(file);
};
const plain = (): ImageBuilder => image({ clusterBits: 12 }).data(0, 3);

/** `refuse guard.dirty` and so on; every sentence is complete. */
function obstacles(dataFile?: string): string[] {
  const open = Qcow2Image.open(openLocalFile(file), {
    dataFile: dataFile === undefined ? undefined : openLocalFile(dataFile),
  });
  try {
    return findObstacles(open).map(({ severity, problem }) => {
      expect(describeProblem(problem)).not.toMatch(/\?|undefined|\{/);
      return `${severity} ${problem.code}`;
    });
  } finally {
    open.close();
  }
}

test('nothing stands in the way of a sound image', () => {
  write(plain());
  expect(obstacles()).toStrictEqual([]);
});

test('leaks do not', () => {
  write(plain());
  fs.appendFileSync(file, Buffer.alloc(4096));
  const { layout } = plain().build();
  const bytes = fs.readFileSync(file);
  // The refcount of the cluster that was added.
  bytes.writeUInt16BE(1, layout.refcountBlockOffsets[0]! + (bytes.length / 4096 - 1) * 2);
  fs.writeFileSync(file, bytes);
  expect(run('qemu-img', ['check', file]).status).toBe(3);
  expect(obstacles()).toStrictEqual([]);
});

test('feature bits do', () => {
  write(image({ clusterBits: 12, dirty: true, corrupt: true }));
  expect(obstacles()).toStrictEqual(['refuse guard.corrupt', 'refuse guard.dirty']);
});

describe('damage does', () => {
  const poke = (offset: number, value: bigint): void => {
    const bytes = fs.readFileSync(file);
    bytes.writeBigUInt64BE(value, offset);
    fs.writeFileSync(file, bytes);
  };

  test('a refcount of 0 for data in use', () => {
    write(plain());
    const { layout } = plain().build();
    const bytes = fs.readFileSync(file);
    bytes.writeUInt16BE(0, layout.refcountBlockOffsets[0]! + (layout.hostOffsets.get(1)! / 4096) * 2);
    fs.writeFileSync(file, bytes);
    expect(obstacles()).toStrictEqual(['refuse guard.unsound']);
  });

  test('a zero flag in version 2, which QEMU does not count', () => {
    const builder = image({ version: 2, clusterBits: 12 }).data(0, 3);
    write(builder);
    poke(builder.build().layout.l2Offsets.get(0)! + 5 * 8, 1n);
    expect(run('qemu-img', ['check', file]).status).toBe(0);
    expect(obstacles()).toStrictEqual(['refuse guard.unsound']);
  });
});

test('hard links do', () => {
  write(plain());
  fs.linkSync(file, place.path('other.qcow2'));
  expect(obstacles()).toStrictEqual(['refuse guard.hardLinks']);
});

test('a symbolic link does not', () => {
  write(plain());
  const target = place.path('target.qcow2');
  fs.renameSync(file, target);
  fs.symlinkSync(path.basename(target), file);
  expect(obstacles()).toStrictEqual([]);
});

test('a change since it was read does', () => {
  write(plain());
  const open = Qcow2Image.open(openLocalFile(file));
  mustQemuIo(file, ['write -P 1 40k 4k']);
  expect(findObstacles(open).map(({ problem }) => problem.code)).toContain('guard.changed');
  open.close();
});

test('a file that is only in memory does', () => {
  const open = Qcow2Image.open(new MemoryFile('disk.qcow2', plain().toBuffer()));
  expect(findObstacles(open).map(({ problem }) => problem.code)).toStrictEqual(['guard.notLocal']);
});

test('permissions do', () => {
  write(plain());
  // In a process of its own: the test may be root, to whom everything is permitted.
  const script = place.path('obstacles.cjs');
  buildSync({
    stdin: {
      contents: `
        import { findObstacles } from './src/qcow2/check/obstacles';
        import { Qcow2Image } from './src/qcow2/image/qcow2Image';
        import { openLocalFile } from './src/qcow2/io/localFile';
        const image = Qcow2Image.open(openLocalFile(process.argv[2]!));
        console.log(findObstacles(image).map(({ problem }) => problem.code).join(' '));
      `,
      resolveDir: REPOSITORY,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['koffi'],
    outfile: script,
  });
  const options = process.getuid?.() === 0 ? { uid: 65534 } : {};
  const said = (): string[] =>
    String(run(process.execPath, [script, file], options).stdout)
      .trim()
      .split(' ');
  fs.chmodSync(place.folder, 0o555);
  fs.chmodSync(file, 0o444);
  expect(said()).toEqual(expect.arrayContaining(['guard.fileReadOnly', 'guard.folderReadOnly']));
  fs.chmodSync(file, 0o666);
  expect(said()).not.toContain('guard.fileReadOnly');
  fs.chmodSync(place.folder, 0o777);
  expect(said()).not.toContain('guard.folderReadOnly');
});

test('an external data file that is not open does, and what is wrong with one that is', () => {
  write(image({ clusterBits: 12, dataFile: { name: 'disk.data' } }).data(0, 2));
  expect(obstacles()).toStrictEqual(['refuse dataFile.notOpen']);
  expect(obstacles(place.path('disk.data'))).toStrictEqual(['ask dataFile.beside']);
  fs.linkSync(place.path('disk.data'), place.path('other.data'));
  expect(obstacles(place.path('disk.data'))).toStrictEqual(['refuse guard.hardLinks', 'ask dataFile.beside']);
});

test('QEMU does, even if it only reads', async () => {
  write(plain());
  for (const options of [[], ['-r']]) {
    const holder = await Holder.open(file, ...options);
    expect(obstacles()).toStrictEqual(['refuse lock.held']);
    await holder.end();
  }
  expect(obstacles()).toStrictEqual([]);
});

test('it asks where locks cannot be taken', () => {
  write(plain());
  vi.stubEnv('QCOW2_NATIVE', 'off');
  expect(obstacles()).toStrictEqual(['ask lock.notTaken']);
});

test('it can be cancelled', () => {
  write(plain());
  const open = Qcow2Image.open(openLocalFile(file));
  const checkCancelled = (): never => {
    throw new CancelledError(file);
  };
  expect(() => findObstacles(open, { progress: { ...silent, checkCancelled } })).toThrow(CancelledError);
  open.close();
});
