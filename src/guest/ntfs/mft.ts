/** The master file table ($MFT): all records by number. */
import { type BlockDevice, readBytes } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import type { Geometry } from './bootSector';
import { type AttributeVolume, FileAttributes, newRuns } from './fileAttributes';
import { ATTRIBUTE, FileRecord } from './record';
import type { Runs } from './runs';
import { type Stream, readStream } from './stream';

/** Records that every volume has (the files' names begin with `$`). */
export const RECORD = {
  mft: 0,
  mirror: 1,
  log: 2,
  volume: 3,
  root: 5,
  bitmap: 6,
  boot: 7,
} as const;

const RECORDS_AT_ONCE = 32;

export class Mft implements AttributeVolume {
  readonly #runs: Runs;
  #stream: Stream;
  #free = new Uint8Array();
  /** Why records may be missing, or which copy of the first record is used. */
  readonly problem: GuestProblem | undefined;

  /**
   * @param device metadata is read in small pieces: one with a cache
   * @throws GuestError where neither copy of the first record can be read
   */
  constructor(
    readonly device: BlockDevice,
    readonly geometry: Geometry,
  ) {
    const { recordSize, clusterSize, mftCluster } = geometry;
    this.#runs = newRuns(this);
    const { record, problem } = this.#firstRecord();
    this.problem = problem ?? record.problem;
    // The records that say where the rest of the table is are in what is known of it by then.
    const known = { size: recordSize, initialised: recordSize, flags: 0, unitClusters: 0 };
    this.#stream = { ...known, resident: record.bytes, runs: undefined };
    try {
      const file = new FileAttributes(this, record);
      const first = file.first(ATTRIBUTE.data);
      if (first !== undefined && !first.isResident) {
        const most = Number.MAX_SAFE_INTEGER;
        this.#stream = { ...known, size: most, initialised: most, resident: undefined, runs: this.#runs };
      }
      this.#stream = file.open(ATTRIBUTE.data, '', this.#runs) ?? this.#stream;
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      this.problem ??= error.problem;
    }
    const where = this.#runs.count > 0 ? this.#runs.run(0).lcn : undefined;
    if (where !== mftCluster) {
      const what = 'first cluster of the master file table';
      this.problem ??= { code: 'guest.value', what, offset: 0x30, value: mftCluster, limit: where ?? 'none' };
    }
    if (this.#runs.count === 0) {
      const at = mftCluster * clusterSize;
      throw new GuestError('guest.value', {
        what: 'master file table',
        offset: at,
        value: 0,
        limit: 'records',
      });
    }
  }

  /** Records, in use or not. */
  get count(): number {
    const { size, initialised } = this.#stream;
    const mapped = this.#runs.end * this.geometry.clusterSize;
    return Math.floor(Math.min(size, initialised, mapped) / this.geometry.recordSize);
  }

  /**
   * A record, in use or not.
   * @throws GuestError `guest.noFile` where the table has none of this number; where it cannot be read, or is torn
   */
  record(number: number): FileRecord {
    const { recordSize } = this.geometry;
    if (!(number >= 0 && number < this.count)) throw new GuestError('guest.noFile', { value: number });
    const bytes = this.#newBytes();
    readStream(this, this.#stream, number * recordSize, bytes);
    return new FileRecord(number, bytes, this.#placeOf(number));
  }

  /** Memory for a record, a part of memory for many: hundreds of thousands of records are read. */
  #newBytes(): Uint8Array {
    const { recordSize } = this.geometry;
    if (this.#free.length < recordSize) this.#free = new Uint8Array(RECORDS_AT_ONCE * recordSize);
    const bytes = this.#free.subarray(0, recordSize);
    this.#free = this.#free.subarray(recordSize);
    return bytes;
  }

  /** Bytes from the start of the device. */
  #placeOf(number: number): number {
    const { recordSize, clusterSize } = this.geometry;
    const at = number * recordSize;
    const { vcn, lcn = 0 } = this.#runs.run(this.#runs.indexAt(Math.floor(at / clusterSize)));
    return lcn * clusterSize + at - vcn * clusterSize;
  }

  #firstRecord(): { readonly record: FileRecord; readonly problem?: GuestProblem } {
    const { mftCluster, mirrorCluster } = this.geometry;
    try {
      return { record: this.recordOfCopy(mftCluster, RECORD.mft) };
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      try {
        return { record: this.recordOfCopy(mirrorCluster, RECORD.mft), problem: error.problem };
      } catch (second) {
        if (!(second instanceof GuestError)) throw second;
        throw error;
      }
    }
  }

  /**
   * One of the first records, of the table itself or of its mirror.
   * @param cluster where the copy begins
   * @throws GuestError
   */
  recordOfCopy(cluster: number, number: number): FileRecord {
    const { clusterSize, recordSize } = this.geometry;
    const at = cluster * clusterSize + number * recordSize;
    return new FileRecord(number, readBytes(this.device, at, recordSize, 'record'), at);
  }
}
