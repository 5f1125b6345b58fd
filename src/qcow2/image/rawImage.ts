/** A raw file as a layer: guest bytes are the file's bytes. */
import type { BlockFile } from '../io/blockFile';
import { type ByteLength, type GuestOffset, hostOffset, type HostOffset, rawHostOffset } from '../units';
import { type CompressedStream, RunKind, type Layer, type RunVisitor } from './layer';

export class RawImage implements Layer {
  readonly format = 'raw';
  readonly namesBacking = false;
  readonly isEncrypted = false;
  readonly granularity = 512;
  readonly looksForHoles = true;
  readonly size: ByteLength;

  /** Takes over `file`. */
  static open(file: BlockFile): RawImage {
    return new RawImage(file);
  }

  private constructor(readonly file: BlockFile) {
    // A last, incomplete sector counts as a whole one; the rest of it reads as zeroes.
    this.size = Math.ceil(file.size / 512) * 512;
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
    const length = Math.min(end, this.size) - start;
    if (length > 0) visit(start, length, RunKind.data, rawHostOffset(start));
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
