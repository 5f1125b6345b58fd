/**
 * Whether the log was closed: its last record must be one that unmounting wrote. The end of the log is found as the kernel
 * does when it mounts (`xlog_find_head`, `xlog_find_tail`): the log is a ring, each of its sectors bears the number of the
 * turn in which it was written (its cycle), and the last record ends where the cycle falls. Where the kernel would correct
 * what was torn, the log counts as unclear.
 */
import { GuestError, type GuestProblem } from '../errors';
import { type DeviceOffset, deviceOffset } from '../units';
import { sameBytes, viewOf } from './bigEndian';
import { checksumOf } from './checksum';
import { invalid } from './problems';
import { fsBlock, type Volume } from './volume';

const LOG = 'log';
/** Bytes of what the log counts in. */
const SECTOR = 512;
/** Sectors that may be in flight at one time: 8 buffers of 256 KiB. */
const WINDOW = 4096;
/** `struct xlog_rec_header`. */
const MAGIC = 0xfeedbabe;
/** Data that one sector of a header describes; longer records have headers of more sectors. */
const DATA_PER_HEADER = 32_768;
/** Sectors of the longest header. */
const MOST_HEADERS = 8;
const LONGEST_RECORD = 256 * 1024;
const CHECKSUM_AT = 32;
/** Bytes of the header that the checksum covers: 32-bit systems had no padding at the end. */
const COVERED = [328, 324];
/** Bytes of each further sector of a header that it covers: a cycle, and what 64 sectors began with. */
const COVERED_MORE = 4 + 256;
/** `oh_flags` of `struct xlog_op_header`. */
const FLAGS_AT = 9;
const UNMOUNT = 0x20;

/** Why the log cannot be shown to be closed; undefined where it is. */
export function logDoubt(volume: Volume): GuestProblem | undefined {
  if (volume.superblock.logStart === 0) return { code: 'xfs.externalLog' };
  try {
    return new Log(volume).isClosed() ? undefined : { code: 'xfs.notClosed' };
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    return { ...error.problem, code: 'xfs.logUnclear' };
  }
}

class Log {
  readonly #volume: Volume;
  readonly #start: DeviceOffset;
  /** Sectors of the log. */
  readonly #length: number;

  constructor(volume: Volume) {
    const { logStart, logBlocks, blockSize } = volume.superblock;
    if (logBlocks === 0) throw invalid(LOG, 96, 0, '≥ 1');
    this.#volume = volume;
    this.#start = volume.place(fsBlock(logStart), logBlocks, LOG);
    this.#length = (logBlocks * blockSize) / SECTOR;
  }

  /** @throws GuestError where that is not clear */
  isClosed(): boolean {
    const head = this.#head();
    this.#expectCycles(head);
    const header = this.#lastHeader(head);
    if (header === undefined) throw invalid(LOG, this.#start, head, 'a record before the head');
    return this.#isUnmount(header, head);
  }

  /** The sector behind the last one written, from 0 to before the length. */
  #head(): number {
    const first = this.#cycleOf(0);
    const last = this.#cycleOf(this.#length - 1);
    if (first === 0) throw invalid(LOG, this.#start, 0, '≥ 1');
    if (first === last) return 0;
    // From 0 on sectors have the cycle of the first one; from the head on that of the last one.
    let low = 0;
    let high = this.#length - 1;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#cycleOf(middle) === last) high = middle;
      else low = middle;
    }
    return high;
  }

  /**
   * Around the head no sector may have another cycle than a log without torn writes: what is in flight when a machine stops
   * arrives in any order, or does not.
   */
  #expectCycles(head: number): void {
    const cycle = this.#cycleOf(head === 0 ? this.#length - 1 : head - 1);
    const before = head === 0 ? this.#length : head;
    const start = Math.max(0, before - WINDOW);
    this.#expectCycle(start, before, cycle);
    const left = WINDOW - (before - start);
    // The end of the turn before; a short log is seen whole.
    if (head > 0) {
      this.#expectCycle(head, Math.min(this.#length, head + WINDOW), cycle - 1);
      this.#expectCycle(Math.max(head, this.#length - left), this.#length, cycle - 1);
    }
  }

  #expectCycle(start: number, end: number, expected: number): void {
    if (start >= end) return;
    const view = viewOf(this.#read(start, end - start));
    for (let at = 0; at < view.byteLength; at += SECTOR) {
      const cycle = cycleAt(view, at);
      if (cycle !== expected) throw invalid(LOG, this.#start + start * SECTOR + at, cycle, expected);
    }
  }

  /** The sector of the header that is nearest before the head, or where that is the start, before the end. */
  #lastHeader(head: number): number | undefined {
    // Longest records, and their headers, fit twice.
    const most = Math.min(this.#length, 2 * (LONGEST_RECORD / SECTOR + MOST_HEADERS));
    for (let back = 1; back <= most; back++) {
      const sector = (head - back + this.#length) % this.#length;
      if (viewOf(this.#read(sector, 1)).getUint32(0) === MAGIC) return sector;
    }
    return undefined;
  }

  /** Whether the record at `sector` ends at the head, and is what unmounting writes. @throws GuestError */
  #isUnmount(sector: number, head: number): boolean {
    const header = this.#read(sector, 1);
    const view = viewOf(header);
    const place = this.#start + sector * SECTOR;
    const { uuidBytes, uuid, version } = this.#volume.superblock;
    const isOurs = sameBytes(header.subarray(304, 320), uuidBytes);
    if (!isOurs) throw invalid(LOG, place, 'another UUID', uuid);
    const logVersion = view.getUint32(8);
    if (logVersion !== 1 && logVersion !== 2) throw invalid(LOG, place, logVersion, '1, 2');
    const length = view.getUint32(12);
    if (length === 0 || length > LONGEST_RECORD) throw invalid(LOG, place, length, LONGEST_RECORD);
    const size = view.getUint32(320);
    const headers = logVersion === 2 && size > DATA_PER_HEADER ? Math.ceil(size / DATA_PER_HEADER) : 1;
    if (headers > MOST_HEADERS) throw invalid(LOG, place, size, LONGEST_RECORD);
    const data = Math.ceil(length / SECTOR);
    const end = (sector + headers + data) % this.#length;
    if (end !== head || view.getUint32(40) !== 1) return false;
    const record = this.#readRing(sector, headers + data);
    if ((record[headers * SECTOR + FLAGS_AT] ?? 0) !== UNMOUNT) return false;
    // mkfs and xfs_repair write no checksum here.
    const stored = view.getUint32(CHECKSUM_AT, true);
    const isRight =
      version !== 5 ||
      stored === 0 ||
      COVERED.some((covered) => recordChecksum(record, headers, length, covered) === stored);
    if (!isRight) throw invalid(LOG, place, 'wrong checksum', 'checksum');
    return true;
  }

  #cycleOf(sector: number): number {
    return cycleAt(viewOf(this.#read(sector, 1)), 0);
  }

  #readRing(sector: number, count: number): Uint8Array {
    const straight = Math.min(count, this.#length - sector);
    return Buffer.concat([
      this.#read(sector, straight),
      this.#read(0, Math.min(this.#length, count - straight)),
    ]);
  }

  #read(sector: number, count: number): Uint8Array {
    return this.#volume.read(deviceOffset(this.#start + sector * SECTOR), count * SECTOR, LOG);
  }
}

/** Headers begin with a magic number, and have the cycle behind it; everything else begins with the cycle. */
function cycleAt(view: DataView, at: number): number {
  const first = view.getUint32(at);
  return first === MAGIC ? view.getUint32(at + 4) : first;
}

/** @param covered bytes of the first sector of the header */
function recordChecksum(record: Uint8Array, headers: number, length: number, covered: number): number {
  const pieces = [record.subarray(0, covered)];
  for (let index = 1; index < headers; index++)
    pieces.push(record.subarray(index * SECTOR, index * SECTOR + COVERED_MORE));
  pieces.push(record.subarray(headers * SECTOR, headers * SECTOR + length));
  return checksumOf(Buffer.concat(pieces), CHECKSUM_AT);
}
