import { describe, expect, it } from 'vitest';
import { relativeName } from '../../../src/commands/backingName';

describe('the name of a backing file relative to its image', () => {
  it.each([
    ['/vm/disk.qcow2', '/vm/base.qcow2', 'base.qcow2'],
    ['/vm/disk.qcow2', '/vm/bases/10/base.qcow2', 'bases/10/base.qcow2'],
    ['/vm/disk.qcow2', '/vm/nbd:base', './nbd:base'],
    ['/vm/disk.qcow2', '/vm/a/b:c', 'a/b:c'],
    ['/vm/disk.qcow2', '/vm/..base', '..base'],
  ])('in %s, for %s, is %s', (image, backing, name) => {
    expect(relativeName(image, backing)).toBe(name);
  });

  it.each([
    ['/vm/disk.qcow2', '/base.qcow2'],
    ['/vm/disk.qcow2', '/vm2/base.qcow2'],
    ['/vm/disk.qcow2', '/vm'],
  ])('is not offered in %s for %s', (image, backing) => {
    expect(relativeName(image, backing)).toBeUndefined();
  });
});
