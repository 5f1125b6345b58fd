/** Names of files with the folder of each, from which paths are built when they are asked for; some 32 bytes a file. */
import type { FileId } from './fileSystem';

/** Folders within each other that a path names. */
const DEEPEST = 4096;

export class FileNames {
  #bytes = new Uint8Array(64 * 1024);
  /** Where each name ends in `bytes`. */
  #ends = new Uint32Array(1024);
  #folders = new Uint32Array(1024);
  #ids = new Float64Array(1024);
  #count = 0;
  readonly #encoder = new TextEncoder();

  get count(): number {
    return this.#count;
  }

  /** Bytes that the names take. */
  get nameBytes(): number {
    return this.#ends[this.#count - 1] ?? 0;
  }

  /**
   * @param folder number of the folder; a root has its own, and no name
   * @returns its number
   */
  add(name: string, id: FileId, folder: number): number {
    const number = this.#count;
    if (number === this.#ends.length) this.#grow();
    const start = this.nameBytes;
    // No character takes more than three bytes a code unit.
    while (this.#bytes.length < start + 3 * name.length)
      this.#bytes = longer(this.#bytes, new Uint8Array(2 * this.#bytes.length));
    const { written } = this.#encoder.encodeInto(name, this.#bytes.subarray(start));
    this.#ends[number] = start + written;
    this.#folders[number] = folder;
    this.#ids[number] = id;
    this.#count++;
    return number;
  }

  idOf(number: number): FileId {
    return this.#ids[number] ?? 0;
  }

  /** From the root, with `/` in front. */
  pathOf(number: number): string {
    const names: string[] = [];
    for (let at = number; names.length < DEEPEST; at = this.#folders[at] ?? 0) {
      if (this.#folders[at] === at) break;
      names.push(this.#nameOf(at));
    }
    return `/${names.reverse().join('/')}`;
  }

  #nameOf(number: number): string {
    const start = number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
    return new TextDecoder().decode(this.#bytes.subarray(start, this.#ends[number]));
  }

  #grow(): void {
    const length = 2 * this.#count;
    this.#ends = longer(this.#ends, new Uint32Array(length));
    this.#folders = longer(this.#folders, new Uint32Array(length));
    this.#ids = longer(this.#ids, new Float64Array(length));
  }
}

function longer<T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
