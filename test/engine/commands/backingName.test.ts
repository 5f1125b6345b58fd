// @requires posix: paths with slashes
import { describe, expect, it } from 'vitest';
import { backingNames } from '../../../src/commands/backingName';

describe('the name of a backing file relative to its image', () => {
  it.each([
    ['/vm/disk.qcow2', '/vm/base.qcow2', 'base.qcow2'],
    ['/vm/disk.qcow2', '/vm/bases/10/base.qcow2', 'bases/10/base.qcow2'],
    ['/vm/disk.qcow2', '/vm/nbd:base', './nbd:base'],
    ['/vm/disk.qcow2', '/vm/a/b:c', 'a/b:c'],
    ['/vm/disk.qcow2', '/vm/..base', '..base'],
    ['/vm/overlays/disk.qcow2', '/vm/base.qcow2', '../base.qcow2'],
    ['/vm/overlays/one/disk.qcow2', '/vm/bases/base.qcow2', '../../bases/base.qcow2'],
    ['/vm/overlays/disk.qcow2', '/vm/a:b.qcow2', '../a:b.qcow2'],
  ])('in %s, for %s, is %s, and both may be moved together', (image, backing, relative) => {
    expect(backingNames(image, backing)).toEqual({ relative, absolute: backing, belongTogether: true });
  });

  it.each([
    ['/vm/disk.qcow2', '/base.qcow2', '../base.qcow2'],
    ['/vm/disk.qcow2', '/vm2/base.qcow2', '../vm2/base.qcow2'],
  ])('in %s, for %s, is %s, and they have only the root in common', (image, backing, relative) => {
    expect(backingNames(image, backing)).toEqual({ relative, absolute: backing, belongTogether: false });
  });
});
