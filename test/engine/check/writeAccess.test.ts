/** Whether an image may be written, with real QEMU processes and a real read-only mount. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findObstacles } from '../../../src/qcow2/check/obstacles';
import { writeAccessOf, type WriteAccess } from '../../../src/qcow2/check/writeAccess';
import { Qcow2Image } from '../../../src/qcow2/image/qcow2Image';
import { openLocalFile } from '../../../src/qcow2/io/localFile';
import { MemoryFile } from '../../../src/qcow2/io/memoryFile';
import { Holder } from '../../support/holder';
import { image } from '../../support/imageBuilder';
import { run } from '../../support/process';
import { type Workspace, workspace } from '../../support/workspace';

let place: Workspace;
let mount: string;
const holders: Holder[] = [];

beforeEach(() => {
  place = workspace();
  mount = place.path('mount');
  fs.mkdirSync(mount);
});
afterEach(async () => {
  for (const holder of holders.splice(0)) await holder.end();
  run('umount', [mount]);
  vi.unstubAllEnvs();
  place.remove();
});

function imageAt(file: string): string {
  image({ clusterBits: 12 }).data(0, 3).writeTo(file);
  return file;
}

function opened<T>(file: string, use: (open: Qcow2Image) => T, dataFile?: string): T {
  const data = dataFile === undefined ? undefined : openLocalFile(dataFile);
  const open = Qcow2Image.open(openLocalFile(file), { dataFile: data });
  try {
    return use(open);
  } finally {
    open.close();
  }
}

const accessTo = (file: string, dataFile?: string): WriteAccess => opened(file, writeAccessOf, dataFile);

async function hold(file: string, ...options: string[]): Promise<number | undefined> {
  const holder = await Holder.open(file, ...options);
  holders.push(holder);
  return holder.pid;
}

test('an image with one name that no program has open may be written', () => {
  expect(accessTo(imageAt(place.path('disk.qcow2')))).toStrictEqual({});
});

describe.each(['', 'off'])('with QCOW2_NATIVE=%s', (native) => {
  test('QEMU that has the image open is named with its pid, and forgotten once it ends', async () => {
    vi.stubEnv('QCOW2_NATIVE', native);
    const file = imageAt(place.path('disk.qcow2'));
    for (const options of [[], ['-r']]) {
      const pid = await hold(file, ...options);
      expect(accessTo(file)).toMatchObject({
        held: { holder: { pid, program: 'qemu-io' }, problem: { code: 'lock.held', file } },
      });
      await holders.pop()?.end();
      expect(accessTo(file)).toStrictEqual({});
    }
  });
});

test('a program whose name is longer than the kernel keeps is named in full', async () => {
  const file = imageAt(place.path('disk.qcow2'));
  const program = place.path('qemu-system-x86_64');
  fs.copyFileSync(String(run('which', ['qemu-io']).stdout).trim(), program);
  fs.chmodSync(program, 0o755);
  const holder = await Holder.openWith(program, file);
  holders.push(holder);
  expect(accessTo(file).held?.holder).toStrictEqual({ pid: holder.pid, program: 'qemu-system-x86_64' });
});

test('several names keep it from being written', () => {
  const file = imageAt(place.path('disk.qcow2'));
  fs.linkSync(file, place.path('other.qcow2'));
  expect(accessTo(file).readOnly?.code).toBe('guard.hardLinks');
});

test('an external data file counts as well, under its own name', () => {
  const file = place.path('disk.qcow2');
  image({ clusterBits: 12, dataFile: { name: 'disk.data' } })
    .data(0, 2)
    .writeTo(file);
  const data = place.path('disk.data');
  fs.linkSync(data, place.path('other.data'));
  expect(accessTo(file, data).readOnly).toMatchObject({ code: 'guard.hardLinks', file: data });
});

test('bytes in memory have no limits that could be seen, and a file that is gone neither', () => {
  const bytes = image({ clusterBits: 12 }).data(0, 3).toBuffer();
  expect(writeAccessOf(Qcow2Image.open(new MemoryFile('disk.qcow2', bytes)))).toStrictEqual({});
  const file = imageAt(place.path('disk.qcow2'));
  opened(file, (open) => {
    fs.rmSync(file);
    expect(writeAccessOf(open)).toStrictEqual({});
  });
});

// Root may write despite permissions, and only root may mount: in either case something is read-only.
test('a read-only mount, or permissions, are told once and in the words of the guards', () => {
  const isRoot = process.getuid?.() === 0;
  const file = path.join(mount, 'disk.qcow2');
  if (isRoot) expect(run('mount', ['-t', 'tmpfs', 'tmpfs', mount])).toMatchObject({ status: 0 });
  imageAt(file);
  expect(accessTo(file)).toStrictEqual({});
  if (isRoot) expect(run('mount', ['-o', 'remount,ro', mount])).toMatchObject({ status: 0 });
  else fs.chmodSync(file, 0o444);
  const code = isRoot ? 'guard.mountedReadOnly' : 'guard.fileReadOnly';
  expect(accessTo(file).readOnly).toMatchObject({ code, file });
  const refusals = opened(file, (open) => findObstacles(open)).filter(
    ({ severity }) => severity === 'refuse',
  );
  expect(refusals.map(({ problem }) => problem)).toStrictEqual([accessTo(file).readOnly]);
});
