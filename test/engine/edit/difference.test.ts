/** The exact difference between the staged disk and the one on disk, in bytes and in runs. */
import fc from 'fast-check';
import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeRequest } from '../../../src/qcow2/edit/changeRequest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import type { Chain } from '../../../src/qcow2/chain/openChain';
import { readGuest } from '../../../src/qcow2/image/read';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { workspace, type Workspace } from '../../support/workspace';
import { guestOffset, plus } from '../../../src/qcow2/units';

const CLUSTER = 512;
/** Several L2 tables of 64 clusters. */
const SIZE = 320 * CLUSTER;

const request = fc
  .record({
    kind: fc.constantFrom<ChangeRequest['kind']>('writeZeroes', 'discard', 'write'),
    first: fc.integer({ min: 0, max: SIZE - 1 }),
    length: fc.oneof(fc.integer({ min: 1, max: 3 * CLUSTER }), fc.integer({ min: 1, max: SIZE })),
    unmap: fc.boolean(),
    byte: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ kind, first, length: wanted, unmap, byte }): ChangeRequest => {
    const start = guestOffset(first);
    const length = Math.min(wanted, SIZE - start);
    const options = { unmap, fallback: true, policy: 'unallocate', thorough: false } as const;
    if (kind === 'writeZeroes') return { kind, start, length, options };
    if (kind === 'discard') return { kind, start, length };
    return { kind: 'write', start, bytes: new Uint8Array(Math.min(length, 2000)).fill(byte) };
  });

/** Of each byte of the disk what holds it: kind and place. */
function places({ top }: Chain): string[] {
  const found: string[] = [];
  top.forEachRun(guestOffset(0), guestOffset(SIZE), (start, length, kind, host) => {
    for (let at = start; at < start + length; at = plus(at, CLUSTER)) {
      found.push(`${kind}:${host < 0 || kind === 3 ? host : host + at - start}`);
    }
    return undefined;
  });
  return found;
}

function bytesOf({ layers }: Chain): Buffer {
  const bytes = Buffer.alloc(SIZE);
  readGuest(layers, bytes, guestOffset(0));
  return bytes;
}

describe.each([['3'], ['0.10']])('the difference, compat %s', (compat) => {
  let files: Workspace;
  let disk: string;

  beforeAll(() => {
    files = workspace();
    disk = files.path('disk.qcow2');
    const version = compat === '3' ? '1.1' : compat;
    mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', `cluster_size=512,compat=${version}`, disk, `${SIZE}`]);
    mustQemuIo(disk, [
      'write -P 1 0 40k',
      'write -P 2 64k 10k',
      'write -c -P 3 100k 512',
      'write -P 2 120k 20k',
    ]);
  });

  afterAll(() => {
    files.remove();
  });

  it('is each cluster that has another place, or other bytes', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 5 }), (requests) => {
        const copy = files.path('copy.qcow2');
        fs.copyFileSync(disk, copy);
        const image = EditableImage.open(copy, { followsNames: true, scratchPath: files.path('scratch') });
        try {
          for (const each of requests) image.apply(each);
          const marked = new Uint8Array(SIZE);
          let last = 0;
          image.forEachDifference((start, length) => {
            expect(start).toBeGreaterThanOrEqual(last);
            last = start + length;
            marked.fill(1, start, last);
            return undefined;
          });
          const [was, is] = [places(image.onDisk), places(image.chain)];
          const [before, after] = [bytesOf(image.onDisk), bytesOf(image.chain)];
          for (let cluster = 0; cluster < SIZE / CLUSTER; cluster++) {
            const [from, to] = [cluster * CLUSTER, (cluster + 1) * CLUSTER];
            const isMarked = marked.subarray(from, to).includes(1);
            const isOther = !before.subarray(from, to).equals(after.subarray(from, to));
            const isElsewhere = was[cluster] !== is[cluster];
            expect(isMarked, `cluster ${cluster}`).toBe(isElsewhere || isOther);
          }
        } finally {
          image.close();
        }
      }),
      { numRuns: 150 },
    );
  });
});
