/**
 * Gives free space back to the host: holes where nothing is used, and the end of the file cut off behind what is. A save
 * never does, since undo after it needs what an edit has freed; after this, nothing from before can be undone.
 *
 * It is no save, and needs no journal of old contents: only what nothing refers to is touched, so that the image is
 * sound and reads the same at every moment, whichever part of it a crash leaves undone. First the file is flushed: what
 * says that a cluster is free must be on stable storage before its content goes. What says so is looked at while others
 * are kept from the image. The end is cut off last.
 */
import { EngineError, type Problem } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import { LocalFile } from '../io/localFile';
import { silent, type Progress } from '../progress';
import { whileClaimed } from '../save/claim';
import type { Disk, MutableFile } from '../save/disk';
import type { SaveOptions } from '../save/save';
import { type ByteLength, type HostOffset, plus } from '../units';
import { FreeClusters } from './freeClusters';
import { blocksOf, dataFileOf, newSizeOf } from './freeSpace';
import { changedOutside, type FileSizes, openUnchanged, sizesOf } from './openUnchanged';

/** Bytes of a hole that is made at once: between two of them one can stop. */
const MOST_AT_ONCE = 2 ** 28;

export interface GiveBackOptions {
  readonly progress?: Progress;
  /** As `SaveOptions` has it. */
  readonly lock?: SaveOptions['lock'];
}

/** What was given back. Plain JSON. */
export interface GivenBack {
  /** The file is not what it was: its bytes where nothing is used, or its length. */
  readonly changed: boolean;
  readonly before: FileSizes;
  readonly after: FileSizes;
  /** Bytes of the file that are holes now, whether they were before or not; its end apart. */
  readonly holeBytes: ByteLength;
  /** False where the file system, or this system, has no holes: only the end was cut off. */
  readonly canMakeHoles: boolean;
  /** As `FreeSpace` has it. */
  readonly dataFile?: string;
  /** It ended before it was done; what was given back until then stays given back. */
  readonly stopped?: Problem;
  /** All is done, but the journal could not be removed. */
  readonly leftover?: Problem;
}

/**
 * @param image as it is on disk; nothing may be staged over it
 * @throws RefusedError, FormatError, FileError, CancelledError; nothing was changed then
 */
export function giveBack(image: Qcow2Image, disk: Disk, options: GiveBackOptions = {}): GivenBack {
  const file = openUnchanged(image, disk);
  try {
    const { value, leftover } = whileClaimed(file, image.header, disk, options.lock, () => {
      if (image.file instanceof LocalFile && image.file.hasChanged()) throw changedOutside(file);
      return new Giver(image, file, options).run();
    });
    return leftover === undefined ? value : { ...value, leftover };
  } finally {
    file.close();
  }
}

class Giver {
  readonly #progress: Progress;
  readonly #free: FreeClusters;
  #holeBytes = 0;
  #canMakeHoles = true;
  /** Something was changed, or may have been. */
  #isTouched = false;

  constructor(
    readonly image: Qcow2Image,
    readonly file: MutableFile,
    readonly options: GiveBackOptions,
  ) {
    this.#progress = options.progress ?? silent;
    this.#free = FreeClusters.of(image, this.#progress);
  }

  run(): GivenBack {
    const before = sizesOf(this.file);
    const stopped = this.#stopped(() => {
      this.#makeHoles();
      this.#cutEnd();
    });
    return {
      changed: this.#isTouched,
      before,
      after: sizesOf(this.file),
      holeBytes: this.#holeBytes,
      canMakeHoles: this.#canMakeHoles,
      ...dataFileOf(this.image),
      ...(stopped === undefined ? {} : { stopped }),
    };
  }

  /** Once something is changed, what goes wrong is part of the report. */
  #stopped(work: () => void): Problem | undefined {
    try {
      work();
      return undefined;
    } catch (error) {
      if (!this.#isTouched || !(error instanceof EngineError)) throw error;
      return error.problem;
    }
  }

  #makeHoles(): void {
    const { clusterSize } = this.image.header;
    const { end } = this.#free;
    this.#free.forEachRun((first, count) => {
      if (first === end) return false;
      const blocks = blocksOf(clusterSize, first, count);
      for (let at = blocks.start; at < blocks.end && this.#canMakeHoles; at = plus(at, MOST_AT_ONCE)) {
        this.#progress.report(first, end);
        this.#makeHole(at, Math.min(MOST_AT_ONCE, blocks.end - at));
      }
      return this.#canMakeHoles;
    });
    if (this.#isTouched) this.file.flush();
  }

  #makeHole(offset: HostOffset, length: ByteLength): void {
    this.#touch();
    this.#canMakeHoles = this.file.makeHole(offset, length);
    if (this.#canMakeHoles) this.#holeBytes += length;
    else if (this.#holeBytes === 0) this.#isTouched = false;
  }

  #cutEnd(): void {
    const size = newSizeOf(this.image, this.#free);
    if (size >= this.file.size) return;
    this.#touch();
    this.file.truncate(size);
    this.file.flush();
  }

  #touch(): void {
    this.#progress.checkCancelled();
    if (this.#isTouched) return;
    this.file.flush();
    this.#isTouched = true;
  }
}
