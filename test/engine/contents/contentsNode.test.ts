/** The nodes of the tree "Contents": in the Explorer's order, each known by its place. */
import { describe, expect, it } from 'vitest';
import {
  type DiskNode,
  fileNodes,
  guestNode,
  nodeKey,
  type PartNode,
} from '../../../src/contents/contentsNode';
import type { FileType, GuestEntry } from '../../../src/worker/contentsApi';

const disk: DiskNode = { kind: 'disk', image: 'file:///disk.qcow2' };

function part(system = true): PartNode {
  const size = 4096;
  return {
    kind: 'part',
    image: disk.image,
    part: '2',
    facts: {
      path: '2',
      kind: 'partition',
      size,
      typeName: '',
      name: '',
      holds: '',
      ...(system ? { system: { kind: 'ext4', label: '', size, root: 2, doubts: [] } } : {}),
    },
    parent: disk,
  };
}

const entry = (name: string, type: FileType = 'file'): GuestEntry => ({
  name,
  id: 12,
  type,
  size: 0,
  allocated: 0,
});

describe('the files of a folder', () => {
  it('come after the folders, by name as people read it', () => {
    const names = ['file10', 'b', 'file9', 'File1', 'B', 'é'];
    const nodes = fileNodes(part(), [...names.map((name) => entry(name)), entry('z', 'folder')]);
    expect(nodes.map((node) => node.entry.name)).toEqual(['z', 'B', 'b', 'é', 'File1', 'file9', 'file10']);
  });

  it('are known by their paths', () => {
    const [folder] = fileNodes(part(), [entry('etc', 'folder')]);
    const [file] = fileNodes(folder!, [entry('fstab')]);
    expect(file).toMatchObject({ image: disk.image, part: '2', path: '/etc/fstab', id: 12 });
    const keys = [disk, part(), folder!, file!].map(nodeKey);
    expect(new Set(keys).size).toBe(4);
    expect(nodeKey(fileNodes(folder!, [{ ...entry('fstab'), id: 13, size: 5 }])[0]!)).toBe(keys[3]);
  });
});

describe('a partition', () => {
  it('stands for the root of its file system, where it has one', () => {
    expect(guestNode(part())).toEqual({ image: disk.image, part: '2', id: 2, path: '/' });
    expect(guestNode(part(false))).toBeUndefined();
    expect(guestNode(disk)).toBeUndefined();
  });
});
