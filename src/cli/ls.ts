/** `qcow2 ls`: lists a folder inside the disk, or the roots of all its file systems. */
import type { GuestDisk } from '../guest/disk';
import { type GuestProblem, isGuestError } from '../guest/errors';
import type { DirectoryEntry, FileId, FileInfo } from '../guest/fileSystem';
import { describeGuest } from '../inside/describeGuest';
import { fileAt, type GuestFile, placeText } from '../inside/guestDisk';
import { ByteWriter } from '../text/byteWriter';
import { printable } from '../text/printable';
import { writeQemuJson } from '../text/qemuJson';
import { warn } from './editable';
import { fileJson, LONG_COLUMNS, longCells } from './fileLines';
import { withGuestDisk } from './inside';
import { writeTable } from './textTable';
import type { ArgumentsOf, Run } from './verb';

const EXIT_INCOMPLETE = 1;

export const ls: Run<'ls'> = (args) => {
  const { FILE: file, PATH: place } = args.operands;
  return withGuestDisk(file, place ?? '', (disk) => {
    const output = new ByteWriter(args.output);
    const roots = place === undefined ? rootsOf(disk) : [linkOrTarget(disk, place)];
    const lister = new Lister(args, roots.length > 1, (text) => {
      output.text(text);
    });
    for (const root of roots) lister.list(root);
    lister.end();
    output.flush();
    return lister.isIncomplete ? EXIT_INCOMPLETE : undefined;
  });
};

/** What a link leads to, or the link itself where that cannot be followed. @throws GuestError */
function linkOrTarget(disk: GuestDisk, place: string): GuestFile {
  try {
    return fileAt(disk, place);
  } catch (error) {
    if (!isGuestError(error)) throw error;
    return fileAt(disk, place, { followsLast: false });
  }
}

/** @throws GuestError where there is no file system */
function rootsOf(disk: GuestDisk): GuestFile[] {
  const roots = disk.parts.flatMap((part) => {
    const { system } = part;
    return system === undefined ? [] : [{ part, system, id: system.root, path: '/', realPath: '/' }];
  });
  return roots.length > 0 ? roots : [fileAt(disk, '/')];
}

/** A file that was found, by its place as it can be asked for. */
interface Found {
  readonly place: string;
  readonly id: FileId;
}

class Lister {
  /** Something could not be read; it was told. */
  isIncomplete = false;
  /** Written so far: folders, or files in JSON. */
  #written = 0;

  constructor(
    readonly args: ArgumentsOf<'ls'>,
    readonly hasHeadings: boolean,
    readonly write: (text: string) => void,
  ) {}

  list(root: GuestFile): void {
    const { system, id } = root;
    const place = placeText(root);
    if (system.stat(id).type !== 'folder') {
      this.#show(root, [{ place, id, name: place }]);
      return;
    }
    const seen = new Set<FileId>([id]);
    for (let level: Found[] = [{ place, id }]; level.length > 0;) {
      const next: Found[] = [];
      for (const folder of level) {
        for (const { entry, info } of this.#listFolder(root, folder)) {
          const type = info?.type ?? entry.type;
          if (!this.args.options.recursive || type !== 'folder' || seen.has(entry.id)) continue;
          seen.add(entry.id);
          next.push({ place: below(folder.place, entry.name), id: entry.id });
        }
      }
      level = next;
    }
  }

  end(): void {
    if (this.args.options.output === 'json') this.write(this.#written === 0 ? '[\n]\n' : '\n]\n');
  }

  #listFolder(
    root: GuestFile,
    folder: Found,
  ): readonly { readonly entry: DirectoryEntry; readonly info: FileInfo | undefined }[] {
    const listing = this.#tried(folder.place, () => root.system.list(folder.id));
    if (listing?.problem !== undefined) this.#tell(folder.place, listing.problem);
    const entries = [...(listing?.entries ?? [])].sort((one, other) => (one.name < other.name ? -1 : 1));
    const { output, recursive } = this.args.options;
    if (output === 'human' && (this.hasHeadings || recursive))
      this.write(`${this.#written++ === 0 ? '' : '\n'}${printable(folder.place)}:\n`);
    const infos = this.#show(
      root,
      entries.map(({ name, id, type }) => ({ place: below(folder.place, name), id, name, type })),
    );
    return entries.map((entry, index) => ({ entry, info: infos[index] }));
  }

  /** @returns what was found out of each, where that was needed */
  #show(
    { system }: GuestFile,
    files: readonly (Found & Pick<DirectoryEntry, 'name'> & Partial<DirectoryEntry>)[],
  ): readonly (FileInfo | undefined)[] {
    const { output, long } = this.args.options;
    const isJson = output === 'json';
    const infos = files.map(({ place, id, type }) =>
      isJson || long || type === undefined ? this.#tried(place, () => system.stat(id)) : undefined,
    );
    const shownName = (index: number): string => {
      const [file, info] = [files[index], infos[index]];
      const isFolder = (info?.type ?? file?.type) === 'folder';
      return `${printable(file?.name ?? '')}${isFolder ? '/' : ''}`;
    };
    if (isJson)
      infos.forEach((info, index) => {
        if (info !== undefined) this.#writeJson(files[index]?.place ?? '', info);
      });
    else if (long) {
      const rows = infos.map((info, index) =>
        info === undefined ? ['?', '-', '-', '-', '-', shownName(index)] : longCells(info, shownName(index)),
      );
      writeTable(rows, LONG_COLUMNS, this.write);
    } else
      files.forEach((_, index) => {
        this.write(`${shownName(index)}\n`);
      });
    return infos;
  }

  #writeJson(place: string, info: FileInfo): void {
    this.write(this.#written++ === 0 ? '[\n    ' : ',\n    ');
    const problem = info.problem === undefined ? undefined : describeGuest(info.problem);
    writeQemuJson(fileJson(place, info, problem), this.write, '    ');
  }

  #tried<T>(place: string, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      if (!isGuestError(error)) throw error;
      this.#tell(place, error.problem);
      return undefined;
    }
  }

  #tell(place: string, problem: GuestProblem): void {
    this.isIncomplete = true;
    warn(this.args.operands.FILE, `${printable(place)}: ${describeGuest(problem)}`);
  }
}

const below = (place: string, name: string): string => `${place.endsWith('/') ? place : `${place}/`}${name}`;
