/** The calls of `ContentsCalls`, for the image that is shown. */
import { type GuestProblem, isGuestError } from '../guest/errors';
import type { DiskPart, GuestDisk } from '../guest/disk';
import type { DirectoryEntry, FileSystem } from '../guest/fileSystem';
import { fileAt, openGuestDisk, partAt, systemOf } from '../inside/guestDisk';
import { guestOffset } from '../qcow2/units';
import { EngineError } from '../qcow2/errors';
import type { Progress } from '../qcow2/progress';
import type { Result } from './api';
import { contentMapCalls } from './contentMap';
import type { ContentsCalls, GuestEntry, GuestPart, GuestParts, GuestSystem } from './contentsApi';
import { contentsWorkCalls, type ContentsWorkHost } from './contentsWork';
import type { OpenImage, View } from './openImage';
import { isQcow2, type ShownChain } from './rawDisk';

/** Most bytes that are returned at a time. */
const MAX_READ = 1024 * 1024;

/** What these calls need from the engine. */
export interface ContentsHost extends ContentsWorkHost {
  onView<T>(use: (view: View, image: OpenImage) => T): Result<T>;
}

export function contentsCalls(host: ContentsHost): ContentsCalls {
  const disks = new OpenDisks();
  return {
    ...contentsWorkCalls(host, (view) => disks.of(view)),
    ...contentMapCalls(host, (view) => disks.of(view)),
    guestParts: (operation) => host.onView((view) => partsOf(disks.of(view), host.progressOf(operation))),
    guestFolder: (part, folder) =>
      host.onView((view) => {
        const system = systemOf(partAt(disks.of(view), part));
        const { entries, problem } = system.list(folder);
        return {
          entries: entries.map((entry) => entryOf(system, entry)),
          ...(problem === undefined ? {} : { problem }),
        };
      }),
    guestFileAt: (part, path) =>
      host.onView((view) => {
        const { system, id, realPath } = fileAt(disks.of(view), `${part}:${path}`);
        const name = path.slice(path.lastIndexOf('/') + 1);
        return { ...entryOf(system, { name, id, type: undefined }), realPath };
      }),
    readGuestFile: (part, file, at, length) =>
      host.onView((view) => {
        const target = new Uint8Array(Math.max(0, Math.min(length, MAX_READ)));
        return target.subarray(0, systemOf(partAt(disks.of(view), part)).read(file, at, target));
      }),
  };
}

/** The disk of each chain that was looked into; kept as long as that chain is shown. */
export class OpenDisks {
  readonly #disks = new WeakMap<ShownChain, GuestDisk>();

  /** @throws EngineError where a file of the chain is missing, or its contents cannot be read */
  of({ chain }: View): GuestDisk {
    let disk = this.#disks.get(chain);
    if (disk === undefined) {
      if (chain.problem !== undefined) throw new EngineError(chain.problem);
      if (isQcow2(chain)) chain.top.refuseFaults('use');
      disk = openGuestDisk(chain.layers);
      this.#disks.set(chain, disk);
    }
    return disk;
  }
}

const partsOf = ({ table, parts, problems }: GuestDisk, progress: Progress): GuestParts => ({
  table: table.kind,
  parts: parts.map((part) => partOf(part, progress)),
  problems,
});

function partOf(part: DiskPart, progress: Progress): GuestPart {
  const { path, origin, size, signatures, system, problem } = part;
  const partition = origin.kind === 'partition' ? origin.partition : undefined;
  const start = origin.kind === 'disk' ? 0 : partition?.start;
  return {
    path,
    kind: origin.kind,
    ...(start === undefined ? {} : { start: guestOffset(start) }),
    size,
    typeName: partition?.type.name ?? '',
    name: partition?.name ?? '',
    holds: signatures.map(({ name }) => name).join(', '),
    ...(system === undefined ? {} : { system: systemFacts(system, progress) }),
    ...(problem === undefined ? {} : { problem }),
  };
}

function systemFacts(system: FileSystem, progress: Progress): GuestSystem {
  const { kind, label, uuid, size, root, doubts } = system;
  const used = tried(() => system.used(progress));
  return {
    kind,
    label,
    ...(uuid === undefined ? {} : { uuid }),
    size,
    ...(typeof used === 'number' ? { used } : {}),
    root,
    doubts,
  };
}

/** What can be said of an entry; of one that cannot be read, why. */
export function entryOf(system: FileSystem, { name, id, type }: DirectoryEntry): GuestEntry {
  const info = tried(() => system.stat(id));
  if ('code' in info) return { name, id, type: type ?? 'other', size: 0, allocated: 0, problem: info };
  const { modified, mode, target, problem } = info;
  return {
    name,
    id,
    type: info.type,
    size: info.size,
    allocated: info.allocated,
    ...(modified === undefined ? {} : { modified }),
    ...(mode === undefined ? {} : { mode }),
    ...(target === undefined ? {} : { target }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** The problem instead, where there is one with what is on the disk. */
function tried<T>(action: () => T): T | GuestProblem {
  try {
    return action();
  } catch (error) {
    if (isGuestError(error)) return error.problem;
    throw error;
  }
}
