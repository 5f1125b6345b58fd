/** A raw file as a layer: guest bytes are the file's bytes. */
import type { BlockFile } from '../io/blockFile';
import {
  type ByteLength,
  guestOffset,
  type GuestOffset,
  hostOffset,
  type HostOffset,
  rawHostOffset,
} from '../units';
import { FileHoles } from '../io/fileHoles';
import { type CompressedStream, type Layer, NO_HOST, RunKind, type RunVisitor } from './layer';

const SECTOR = 512;
const sectorDown = (bytes: number): number => Math.floor(bytes / SECTOR) * SECTOR;

export class RawImage implements Layer {
  readonly format = 'raw';
  readonly namesBacking = false;
  readonly isEncrypted = false;
  readonly granularity = SECTOR;
  readonly looksForHoles = true;
  readonly size: ByteLength;

  readonly #holes: FileHoles | undefined;

  /** Takes over `file`. */
  static open(file: BlockFile): RawImage {
    return new RawImage(file, false);
  }

  /** The same file with its holes as unallocated runs, for a picture; to QEMU, a raw file has data throughout. */
  static withHoles(file: BlockFile): RawImage {
    return new RawImage(file, true);
  }

  private constructor(
    readonly file: BlockFile,
    hasHoles: boolean,
  ) {
    this.#holes = hasHoles ? new FileHoles(file) : undefined;
    // A last, incomplete sector counts as a whole one; the rest of it reads as zeroes.
    this.size = Math.ceil(file.size / SECTOR) * SECTOR;
  }

  get dataFile(): BlockFile {
    return this.file;
  }

  get dataEnd(): HostOffset {
    return hostOffset(this.size);
  }

  wasInUse(): boolean {
    return false;
  }

  forEachRun(start: GuestOffset, end: GuestOffset, visit: RunVisitor): void {
    const stop = guestOffset(Math.min(end, this.size));
    let at = start;
    let goesOn = true;
    const tellTo = (next: GuestOffset, isHole: boolean): void => {
      if (!goesOn || next <= at) return;
      const [kind, host] = isHole ? [RunKind.unallocated, NO_HOST] : [RunKind.data, rawHostOffset(at)];
      goesOn = visit(at, next - at, kind, host) !== false;
      at = next;
    };
    this.#holes?.forEach(rawHostOffset(start), rawHostOffset(stop), (hole, length) => {
      // Of the last sector, the file may have a part.
      const holeEnd = hole + length >= this.file.size ? this.size : sectorDown(hole + length);
      tellTo(guestOffset(this.size - sectorDown(this.size - hole)), false);
      tellTo(guestOffset(holeEnd), true);
      return goesOn;
    });
    tellTo(stop, false);
  }

  readRun(target: Uint8Array, _guest: number, _kind: RunKind, host: HostOffset): void {
    this.file.read(target, host);
  }

  compressedStream(): CompressedStream | undefined {
    return undefined;
  }

  close(): void {
    this.file.close();
  }
}
