/** The calls of `ContentMapCalls`, for the image that is shown. */
import type { DiskPart, GuestDisk } from '../guest/disk';
import type { FreeSpace } from '../guest/diskFree';
import type { FileId } from '../guest/fileSystem';
import type { Owned, Owners } from '../guest/owners';
import type { Ranges } from '../guest/ranges';
import { guestCode } from '../inside/guestCode';
import { partAt, systemOf } from '../inside/guestDisk';
import { Overview } from '../qcow2/map/overview';
import { type Progress, quietOf } from '../qcow2/progress';
import { guestOffset } from '../qcow2/units';
import { contentRecounting } from './contentKinds';
import type { ContentMapCalls, GuestBand, GuestFilePlaces, GuestOwner } from './contentMapApi';
import { marked } from './mapCells';
import type { View } from './openImage';
import type { QuestionHost } from './questions';
import { shapeOfMap, type ShownChain } from './rawDisk';

/** Pieces of a file or a volume that are told: more are not told apart on a map. */
const MOST_PIECES = 10_000;
/** Milliseconds of a walk between two looks at whether it is to stop. */
const SLICE = 50;
/** Files between two such looks. */
const CHECK_EVERY = 256;

/** What was found out about the disk of a chain. */
interface Found {
  free?: readonly FreeSpace[];
  map?: Overview;
  owners?: Owners;
}

/** @param diskOf the disk of what is shown; throws where it cannot be looked into */
export function contentMapCalls(
  host: Pick<QuestionHost, 'onView' | 'progressOf'>,
  diskOf: (view: View) => GuestDisk,
): ContentMapCalls {
  /** Kept as long as a chain is shown. */
  const known = new WeakMap<ShownChain, Found>();

  function foundOf({ chain }: View): Found {
    const found = known.get(chain) ?? {};
    known.set(chain, found);
    return found;
  }

  function freeOf(view: View, progress: Progress): readonly FreeSpace[] {
    const { freeRanges, USUAL_CHOICES } = guestCode();
    return (foundOf(view).free ??= freeRanges(diskOf(view), USUAL_CHOICES, progress));
  }

  function mapOf(view: View, progress: Progress): Overview {
    const found = foundOf(view);
    if (found.map !== undefined) return found.map;
    const { top } = view.chain;
    const { layers, clusterSize } = shapeOfMap(view.chain);
    const contents = guestCode().diskContents(diskOf(view), freeOf(view, quietOf(progress)));
    const map = new Overview(layers, clusterSize, undefined, contentRecounting(contents));
    while (!map.step(performance.now() + SLICE)) {
      progress.checkCancelled();
      progress.report(map.scanned, top.size);
    }
    return (found.map = map);
  }

  return {
    guestBands: () => host.onView((view) => bandsOf(diskOf(view))),
    guestFilePlaces: (part, file, operation) =>
      host.onView((view) => {
        const disk = diskOf(view);
        return filePlaces(disk, partAt(disk, part), file, host.progressOf(operation));
      }),
    contentCells: (request, operation) =>
      host.onView((view) => {
        const map = mapOf(view, host.progressOf(operation));
        return marked(map.cells(request), view.marks, request);
      }),
    indexGuestOwners: (operation) =>
      host.onView((view) => {
        const progress = host.progressOf(operation);
        const { Owners } = guestCode();
        foundOf(view).owners ??= new Owners(diskOf(view), freeOf(view, quietOf(progress)), progress);
        return undefined;
      }),
    guestOwners: (start, length) =>
      host.onView((view) => {
        const end = Math.min(start + length, view.chain.top.size);
        return foundOf(view).owners?.at(start, end).map(ownerOf);
      }),
  };
}

function bandsOf(disk: GuestDisk): GuestBand[] {
  return disk.parts.flatMap((part) => {
    if (part.origin.kind === 'disk' || part.device === undefined) return [];
    const places = guestCode().placesOf(disk, part);
    return [{ path: part.path, ...wordsOf(part), size: part.size, pieces: piecesOf(places) }];
  });
}

/** What a part is called, and what it holds. */
function wordsOf({ origin, system, signatures, group }: DiskPart): { name: string; holds: string } {
  const partition = origin.kind === 'partition' ? origin.partition : undefined;
  const label = system?.label ?? signatures[0]?.label ?? '';
  const names = [label, partition?.name ?? '', group ?? '', partition?.type.name ?? ''];
  const holds = system?.kind ?? signatures.map(({ name }) => name).join(', ');
  return { name: names.find((name) => name !== '') ?? '', holds };
}

function filePlaces(disk: GuestDisk, part: DiskPart, file: FileId, progress: Progress): GuestFilePlaces {
  const { Ranges, covered, forEachFile, forEachFilePlace } = guestCode();
  const system = systemOf(part);
  const places = new Ranges();
  let first: number | undefined;
  const add = (id: FileId): void => {
    forEachFilePlace(disk, part, system, id, (start, end) => {
      first ??= start;
      places.add(start, end);
    });
  };
  add(file);
  if (system.stat(file).type === 'folder') {
    let files = 0;
    const found = ({ entry: { id }, type }: { entry: { id: FileId }; type: string }): void => {
      if (files++ % CHECK_EVERY === 0) progress.checkCancelled();
      // One file that cannot be read does not hide the others.
      if (type === 'file' || type === 'folder') add(id);
    };
    forEachFile(system, file, found, () => undefined, progress);
  }
  const all = covered([places]);
  const { count, bytes } = all;
  return {
    pieces: piecesOf(all),
    count,
    bytes,
    ...(first === undefined ? {} : { first: guestOffset(first) }),
  };
}

function piecesOf({ starts, ends, count }: Ranges): Float64Array {
  const told = Math.min(count, MOST_PIECES);
  return Float64Array.from(
    { length: 2 * told },
    (_, index) => (index % 2 === 0 ? starts : ends)[index >>> 1] ?? 0,
  );
}

function ownerOf({ owner, bytes }: Owned): GuestOwner {
  switch (owner.kind) {
    case 'table':
    case 'unpartitioned':
      return { kind: owner.kind, bytes };
    case 'extents':
      return { kind: owner.kind, bytes, part: owner.group };
    case 'file':
    case 'metadata':
    case 'free':
    case 'undecided':
    case 'part':
      return {
        kind: owner.kind,
        bytes,
        part: owner.part.path,
        ...wordsOf(owner.part),
        ...(owner.kind === 'file' ? { path: owner.path, file: owner.id } : {}),
      };
  }
}
