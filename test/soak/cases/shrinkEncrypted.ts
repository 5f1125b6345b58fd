/**
 * Shrinks an image that LUKS encrypts: nothing is scanned and nothing compacted, since what lies on the host is not what the
 * guest reads; what needs no look at the contents is given up, and the guest reads the same.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { EngineError } from '../../../src/qcow2/errors';
import { toEnd } from '../../../src/qcow2/progress';
import type { Random } from '../../support/builder/random';
import { DISK } from '../../support/changes/imagePlan';
import { Kitchen } from '../../support/matrix/recipe';
import { mustQemuImg } from '../../support/qemu';
import type { Counts } from '../kind';

const SECRET = 'abc';
/** Arguments for the image, as QEMU's programs take them. */
const WITH_KEY = [
  '--object',
  `secret,id=key,data=${SECRET}`,
  '--image-opts',
  `driver=qcow2,file.filename=${DISK},encrypt.key-secret=key`,
] as const;

export function shrinkEncrypted(random: Random, folder: string, tell?: (line: string) => void): Counts {
  const kitchen = new Kitchen(folder);
  const clusterSize = random.pick([512, 4096, 65536]);
  const options = `cluster_size=${clusterSize},encrypt.format=luks,encrypt.iter-time=10`;
  tell?.(options);
  kitchen.createEncrypted(DISK, '1M', options, SECRET);
  const commands = Array.from({ length: 2 + random.below(6) }, () => {
    const start = 512 * random.below(1024);
    return `${random.pick(['write -P 0', 'write -P 7', 'write -z'])} ${start} ${512 * (1 + random.below(1024))}`;
  });
  kitchen.ioWithKey(DISK, SECRET, ...commands);
  const before = decrypted(folder);
  const image = EditableImage.open(`${folder}/${DISK}`, {
    followsNames: true,
    scratchPath: `${folder}/scratch`,
  });
  try {
    assert.equal(
      problemOf(() => toEnd(image.scanContents())),
      'encrypted.scan',
    );
    for (const source of ['zeroes', 'sameAsBacking'] as const) {
      assert.equal(
        problemOf(() => image.preview({ kind: 'shrink', sources: [source], policy: 'unallocate' })),
        'encrypted.scan',
      );
    }
    const bytes = fs.readFileSync(`${folder}/${DISK}`);
    assert.equal(
      problemOf(() => toEnd(image.space.compact())),
      'compact.encrypted',
    );
    assert.ok(fs.readFileSync(`${folder}/${DISK}`).equals(bytes));
    image.apply({ kind: 'shrink', sources: ['allocatedZeroes', 'vmState', 'leaks'], policy: 'unallocate' });
    image.save();
  } finally {
    image.close();
  }
  mustQemuImg(['check', ...WITH_KEY], { cwd: folder });
  assert.ok(decrypted(folder).equals(before));
  return { images: 1, operations: 4 };
}

function decrypted(folder: string): Buffer {
  const [object, secret, ...source] = WITH_KEY;
  mustQemuImg(['convert', object, secret, '-O', 'raw', ...source, 'judge.raw'], { cwd: folder });
  return fs.readFileSync(`${folder}/judge.raw`);
}

function problemOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof EngineError) return error.problem.code;
    throw error;
  }
}
