/** Readers of file systems see the same through an image of any shape over two backing files, with edits staged, as on a plain disk. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDisk } from '../../../src/guest/disk';
import type { FileSystem } from '../../../src/guest/fileSystem';
import { READERS } from '../../../src/guest/readers';
import { openGuestDisk } from '../../../src/inside/guestDisk';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { guestOffset } from '../../../src/qcow2/units';
import { seededRandom } from '../../support/builder/random';
import { MemoryDevice } from '../../support/guest/devices';
import { placeDisk } from '../../support/guest/placedDisk';
import { onDisk, randomGuest } from '../../support/guest/randomGuest';
import { freeOf, type TreeFile, treeOf } from '../../support/guest/tree';
import '../../support/guest/useGuest';
import { type Workspace, workspace } from '../../support/workspace';

/** Bytes of files that are read: some have a hole of a terabyte. */
const LONGEST_FILE = 64 * 1024 * 1024;
/** With this one the images have all that the last test looks for. */
const SEED = 2;

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

interface Seen {
  readonly files: Map<string, TreeFile>;
  readonly free: [number, number][];
  readonly extents: unknown[];
}

function seen(system: FileSystem): Seen {
  const files = treeOf(system, LONGEST_FILE);
  const { entries } = system.list(system.root);
  return { files, free: freeOf(system), extents: entries.map(({ id }) => [...system.extents(id)]) };
}

const plain = (bytes: Buffer): FileSystem => openDisk(new MemoryDevice(bytes), READERS).parts[0]!.system!;

/** The first piece of a file on the disk, of at least 512 bytes. */
function somePiece(bytes: Buffer, start: number): number {
  const system = plain(bytes);
  for (const { id, type } of system.list(system.root).entries) {
    if (type === 'folder') {
      for (const entry of system.list(id).entries)
        for (const { place: at, length } of system.extents(entry.id))
          if (entry.type === 'file' && at !== undefined && length >= 512) return start + at;
    } else if (type === 'file') {
      for (const { place: at, length } of system.extents(id))
        if (at !== undefined && length >= 512) return start + at;
    }
  }
  throw new Error('no file has contents on the disk');
}

const shapes: string[] = [];

test.each(['ext', 'fat', 'ntfs', 'xfs', 'exfat'] as const)(
  '%s: names, sizes, contents and free space',
  (kind) => {
    const random = seededRandom(SEED);
    const guest = randomGuest(kind, random, place.folder);
    const { bytes, start } = onDisk(guest, random, place.folder);
    const { path, shape } = placeDisk(random, bytes, place.folder, 3);
    shapes.push(shape);
    const image = EditableImage.open(path, { followsNames: true, scratchPath: place.path('scratch') });
    const open = (): FileSystem => openGuestDisk(image.chain.layers).parts[0]!.system!;
    const before = seen(plain(bytes));
    expect(seen(open())).toEqual(before);
    const at = somePiece(bytes, start);
    const written = Buffer.alloc(512, 'written by an edit that is not saved. ');
    image.apply({ kind: 'write', start: guestOffset(at), bytes: written });
    written.copy(bytes, at);
    const after = seen(plain(bytes));
    expect(after.files).not.toEqual(before.files);
    expect(seen(open())).toEqual(after);
    image.close();
  },
);

test('through images of all kinds', () => {
  for (const part of [
    '"extendedL2":true',
    '"compression":"zstd"',
    '"compression":"deflate"',
    '"version":2',
    'raw of',
  ])
    expect(shapes.join('\n')).toContain(part);
});
