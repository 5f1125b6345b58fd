/** Memory that node:zlib has returned is freed, and only that. */
import { expect, test } from 'vitest';
import { inflateCluster } from '../../../src/qcow2/image/deflate';
import { release, stepFor, zlib } from '../../../src/qcow2/io/zlib';

test('a buffer of the size is freed, any other is left as it is', () => {
  const [whole, longer, pooled] = [Buffer.alloc(70_000), Buffer.alloc(70_001), Buffer.from('pooled')];
  for (const each of [whole, longer, pooled]) release(each, 70_000);
  expect(whole.buffer.byteLength).toBe(0);
  expect(longer).toHaveLength(70_001);
  expect(pooled.toString()).toBe('pooled');
});

test.each([512, 1024, 2048, 4096, 8192, 65536])('clusters of %i bytes keep their content', (size) => {
  const content = Buffer.alloc(size, 'content');
  const stream = zlib().deflateRawSync(content);
  const neighbour = Buffer.from('of the same pool');
  for (let round = 0; round < 50; round++) {
    const target = new Uint8Array(size);
    inflateCluster(stream, target);
    expect(content.equals(target)).toBe(true);
  }
  expect(neighbour.toString()).toBe('of the same pool');
  expect(stepFor(size)).toBeGreaterThan(size);
});
