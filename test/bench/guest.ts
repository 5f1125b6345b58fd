/** Looking into disks: lists of files, free space, and reading a file beside reading the same bytes of the disk. */
import '../support/guest/useGuest';
import type { FileSystem } from '../../src/guest/fileSystem';
import { forEachFile } from '../../src/guest/walk';
import { openGuestDisk } from '../../src/inside/guestDisk';
import { openChain } from '../../src/qcow2/chain/openChain';
import type { Layers } from '../../src/qcow2/image/layer';
import { readGuest } from '../../src/qcow2/image/read';
import { silent } from '../../src/qcow2/progress';
import { guestOffset } from '../../src/qcow2/units';
import { CROWDED, FILES, GuestImages, LARGE_FOLDER, LONG_FILE, SPACIOUS } from './guestImages';
import { median } from './measure';
import type { Row } from './report';
import type { Programs } from './space';

const RUNS = 5;
const PIECE = 2 ** 20;

/**
 * @param cache a folder for the images
 * @param isAskedFor whether a row is to be measured
 */
export function guestRows(
  cache: string,
  { idle, ours, peakMemory }: Programs,
  isAskedFor: (work: string) => boolean,
): (Row | undefined)[] {
  const images = new GuestImages(cache);

  /** Milliseconds of what is done with a file system that was just opened, each time again. */
  const measured = (
    work: string,
    file: () => string,
    limit: number,
    action: (system: FileSystem) => void,
    hasMemory = false,
  ): Row | undefined => {
    if (!isAskedFor(work)) return undefined;
    const path = file();
    console.log(`measuring: ${work}`);
    const times = Array.from({ length: RUNS }, () =>
      onDisk(path, (system) =>
        timeOf(() => {
          action(system);
        }),
      ),
    );
    return {
      work,
      ours: median(times),
      floor: { milliseconds: limit },
      ...(hasMemory ? { memory: peakMemory(ours('df', path)) - peakMemory(idle) } : {}),
    };
  };

  return [
    ...CROWDED.flatMap((kind) => [
      measured(
        `root of ${FILES} files, ${kind}`,
        () => images.crowded(kind),
        50,
        (system) => {
          system.list(system.root);
        },
      ),
      measured(
        `folder of ${LARGE_FOLDER} files, ${kind}`,
        () => images.crowded(kind),
        100,
        (system) => {
          const { id } = system.list(system.root).entries.find(({ name }) => name === 'large')!;
          expectLeast(system.list(id).entries.length, LARGE_FOLDER);
        },
      ),
      measured(
        `extents of ${FILES} files, ${kind}`,
        () => images.crowded(kind),
        3000,
        (system) => {
          // NTFS has files of its own besides.
          expectLeast(walkExtents(system), FILES);
        },
      ),
    ]),
    ...SPACIOUS.map((kind) =>
      measured(
        `free space of 8 TiB, ${kind}`,
        () => images.spacious(kind),
        kind === 'ext4, fresh' || kind === 'XFS, fresh' ? 200 : 2000,
        (system) => {
          system.forEachFree(() => undefined, silent);
        },
        true,
      ),
    ),
    longFile(images, isAskedFor),
  ];
}

function longFile(images: GuestImages, isAskedFor: (work: string) => boolean): Row | undefined {
  const work = 'read a file of 1 GiB, ext4';
  if (!isAskedFor(work)) return undefined;
  const path = images.long;
  console.log(`measuring: ${work}`);
  const buffer = new Uint8Array(PIECE);
  const pairs = Array.from({ length: RUNS }, () =>
    onDisk(path, (system, layers) => {
      const { id } = system.list(system.root).entries.find(({ name }) => name === 'long')!;
      const theirs = timeOf(() => {
        for (const { place, length } of system.extents(id))
          for (let at = 0; at < length; at += PIECE)
            readGuest(layers, buffer.subarray(0, length - at), guestOffset(place! + at));
      });
      const ours = timeOf(() => {
        for (let at = 0; at < LONG_FILE; at += PIECE) system.read(id, at, buffer);
      });
      return { ours, theirs };
    }),
  );
  return {
    work,
    ours: median(pairs.map(({ ours }) => ours)),
    theirs: median(pairs.map(({ theirs }) => theirs)),
    floor: { timesFaster: 0.8 },
    detail: 'beside the same bytes of the disk, not qemu-img',
  };
}

function onDisk<T>(path: string, use: (system: FileSystem, layers: Layers) => T): T {
  const chain = openChain(path, { followsNames: true });
  try {
    return use(openGuestDisk(chain.layers).parts[0]!.system!, chain.layers);
  } finally {
    chain.close();
  }
}

/** Milliseconds. */
function timeOf(action: () => void): number {
  const started = performance.now();
  action();
  return performance.now() - started;
}

/** What an index of which file a place belongs to has to look at. @returns files */
function walkExtents(system: FileSystem): number {
  let files = 0;
  forEachFile(
    system,
    system.root,
    ({ entry, type }) => {
      if (type !== 'file') return;
      for (const { length } of system.extents(entry.id)) if (length > 0) files++;
    },
    (path) => {
      throw new Error(`cannot be read: ${path}`);
    },
    silent,
  );
  return files;
}

function expectLeast(found: number, least: number): void {
  if (found < least) throw new Error(`${found}, fewer than ${least}`);
}
