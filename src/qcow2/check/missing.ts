/** Whether parts of an image that were there once are missing: a download or a copy of its file was cut off. */
import type { Problem } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import { type ByteLength, guestOffset, type HostOffset, plus } from '../units';
import type { CheckReport } from './checkReport';
import type { Structure } from '../findingText';
import type { Place } from './referenceReceiver';

/** Made again by a repair: nothing is missing with them. */
const REFCOUNT_STRUCTURES: ReadonlySet<Structure | undefined> = new Set(['refcount table', 'refcount block']);

/** With so many clusters past the end that had a refcount, it is clear what happened to the file. */
const LOOKS_AT_REFCOUNTS = 4096;

/**
 * What internal snapshots alone have lost; what they share with the active layer is missing on the disk itself, and told
 * by the scan of that.
 */
export class SnapshotLosses {
  /** Guest bytes. */
  #bytes = 0;
  /** The offset of the file that they would reach to. */
  #end = 0;
  /** All bytes count that a table stands for: there may be fewer. */
  #hasTables = false;
  #looksLeft = LOOKS_AT_REFCOUNTS;

  readonly #image: Qcow2Image;

  constructor(image: Qcow2Image) {
    this.#image = image;
  }

  /** A reference that leads past the end of the file. @throws FileError */
  add(
    structure: Structure,
    offset: HostOffset,
    size: ByteLength,
    { guest = guestOffset(0), snapshot }: Place,
  ): void {
    const { clusterSize, l2Span } = this.#image.header;
    if (snapshot === undefined) return;
    if (this.#looksLeft > 0 && !this.#image.wasInUse(plus(offset, size - 1))) return;
    this.#looksLeft--;
    const isTable = structure === 'L1 table' || structure === 'L2 table';
    const span = structure === 'L1 table' ? Infinity : structure === 'L2 table' ? l2Span : clusterSize;
    const diskSize = Number(this.#image.snapshots[snapshot]?.virtualSize ?? this.#image.header.size);
    this.#bytes += Math.min(span, Math.max(0, diskSize - guest));
    this.#end = Math.max(this.#end, offset + size);
    this.#hasTables ||= isTable;
  }

  /** Undefined where nothing is missing. */
  get problem(): Problem | undefined {
    if (this.#bytes === 0) return undefined;
    const { name, size } = this.#image.file;
    const code = this.#hasTables ? 'file.incompleteSnapshotTables' : 'file.incompleteSnapshots';
    return { kind: 'format', code, file: name, value: this.#end, amount: this.#bytes, limit: size };
  }
}

/**
 * An entry leads past the end of the file, to what was in use: a whole copy of the file would bring it back. Where nothing ever
 * was, the entry is broken.
 * @throws FileError
 */
export const isPartMissing = (image: Qcow2Image, { incomplete, findings }: CheckReport): boolean =>
  incomplete !== undefined ||
  findings.some(
    ({ kind, structure, host, size = image.header.clusterSize }) =>
      kind === 'beyondFile' &&
      host !== undefined &&
      !REFCOUNT_STRUCTURES.has(structure) &&
      image.wasInUse(plus(host, size - 1)),
  );
