/** A file system that a test makes up, whatever it likes its names to be. */
import { GuestError } from '../../../src/guest/errors';
import type {
  FileExtent,
  FileId,
  FileInfo,
  FileSystem,
  FileType,
  Listing,
} from '../../../src/guest/fileSystem';
import { deviceOffset } from '../../../src/guest/units';

export interface FakeFile {
  readonly name: string;
  /** Default: a folder where there are `entries`, else a file. */
  readonly type?: FileType;
  readonly content?: Uint8Array | string;
  readonly target?: string;
  readonly entries?: readonly FakeFile[];
  /** Over what follows from the above. */
  readonly info?: Partial<FileInfo>;
  readonly extents?: readonly FileExtent[];
}

export class FakeTree implements FileSystem {
  readonly kind = 'fake';
  readonly label = '';
  readonly uuid = undefined;
  readonly size = 2 ** 30;
  readonly blockSize = 4096;
  readonly root = 0;
  readonly doubts = [];
  readonly #files: FakeFile[] = [];
  readonly #ids = new Map<FakeFile, FileId>();

  /** @param entries of the root folder; one that occurs twice is one file with two names */
  constructor(entries: readonly FakeFile[]) {
    this.#add({ name: '', entries });
  }

  used(): number {
    return 0;
  }

  list(folder: FileId): Listing {
    const { entries } = this.#file(folder);
    if (entries === undefined) throw new GuestError('guest.notFolder', { value: folder });
    return {
      entries: entries.map((entry) => ({ name: entry.name, id: this.#add(entry), type: this.#type(entry) })),
    };
  }

  stat(id: FileId): FileInfo {
    const file = this.#file(id);
    const size = this.#bytes(file).length;
    return {
      id,
      type: this.#type(file),
      size,
      allocated: size,
      modified: Date.UTC(2020, 1, 2),
      ...(file.target === undefined ? {} : { target: file.target }),
      ...file.info,
    };
  }

  read(id: FileId, at: number, target: Uint8Array): number {
    const { size } = this.stat(id);
    const length = Math.max(0, Math.min(target.length, size - at));
    target.fill(0, 0, length);
    target.set(this.#bytes(this.#file(id)).subarray(at, at + length));
    return length;
  }

  extents(id: FileId): Iterable<FileExtent> {
    const file = this.#file(id);
    const { length } = this.#bytes(file);
    return file.extents ?? (length === 0 ? [] : [{ at: 0, length, place: deviceOffset(4096) }]);
  }

  forEachFree(): void {
    // All of it is in use.
  }

  #add(file: FakeFile): FileId {
    let id = this.#ids.get(file);
    if (id === undefined) {
      id = this.#files.push(file) - 1;
      this.#ids.set(file, id);
    }
    return id;
  }

  #file(id: FileId): FakeFile {
    const file = this.#files[id];
    if (file === undefined) throw new GuestError('guest.noFile', { value: id });
    return file;
  }

  #type({ type, target, entries }: FakeFile): FileType {
    return type ?? (target !== undefined ? 'link' : entries !== undefined ? 'folder' : 'file');
  }

  #bytes({ content = '' }: FakeFile): Uint8Array {
    return typeof content === 'string' ? Buffer.from(content) : content;
  }
}
