/**
 * Whether the log ($LogFile) was closed: its restart pages (LFS_RESTART_PAGE_HEADER, LFS_RESTART_AREA) tell whether a client
 * had it open, and whether the volume was clean at that moment.
 */
import { GuestError, type GuestProblem } from '../errors';
import { isPowerOfTwo } from './bootSector';
import { applyFixups } from './fixups';
import { unsigned64, viewOf } from './numbers';
import { readStream, type Stream, type StreamVolume } from './stream';

const PAGE_HEADER = 0x1e;
const AREA = 0x30;
const NO_CLIENT = 0xffff;
const VOLUME_IS_CLEAN = 2;
/** Where restart pages can be, and a log that was never used is looked through. */
const FRONT = 1024 * 1024;
const PROBE = 512;
const UNUSED = 0xff;

/** @returns why the log may hold changes that are not on the volume; undefined where it was closed */
export function doubtOfLog(volume: StreamVolume, log: Stream): GuestProblem | undefined {
  const { size } = log;
  const front = new Uint8Array(Math.min(size, FRONT));
  readStream(volume, log, 0, front);
  if (front.length > 0 && isUnused(front))
    return isUnusedBehind(volume, log) ? undefined : { code: 'ntfs.logUnreadable' };
  const page = latestPage(front);
  if (page === undefined) return { code: 'ntfs.logUnreadable' };
  if (page.major !== 1 || page.minor !== 1)
    return { code: 'ntfs.logCached', value: `${page.major}.${page.minor}` };
  const isClosed = page.clientsInUse === NO_CLIENT || (page.flags & VOLUME_IS_CLEAN) !== 0;
  return isClosed ? undefined : { code: 'ntfs.logOpen' };
}

/** A log that is to be made new is filled with ones. */
const isUnused = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === UNUSED);

/** Behind the front, places at powers of two are representative, as they are for NTFS-3G. */
function isUnusedBehind(volume: StreamVolume, log: Stream): boolean {
  const bytes = new Uint8Array(PROBE);
  for (let at = FRONT; at < log.size; at *= 2) {
    const length = readStream(volume, log, at, bytes);
    if (!isUnused(bytes.subarray(0, length))) return false;
  }
  return true;
}

interface RestartPage {
  readonly lsn: number;
  readonly major: number;
  readonly minor: number;
  readonly clientsInUse: number;
  readonly flags: number;
}

/** The restart page written last, of the two. */
function latestPage(front: Uint8Array): RestartPage | undefined {
  const first = readPage(front, 0);
  // The second one is a page further on; while the first is damaged, any size of page is possible.
  const sizes =
    first === undefined ? [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536] : [first.pageSize];
  let latest = first?.page;
  for (const at of sizes) {
    const second = readPage(front, at);
    if (
      second !== undefined &&
      second.pageSize === at &&
      (latest === undefined || second.page.lsn > latest.lsn)
    )
      latest = second.page;
  }
  return latest;
}

function readPage(
  front: Uint8Array,
  at: number,
): { readonly page: RestartPage; readonly pageSize: number } | undefined {
  if (at + PAGE_HEADER > front.length) return undefined;
  const pageSize = viewOf(front).getUint32(at + 0x10, true);
  if (!isPowerOfTwo(pageSize, 512, 65_536) || at + pageSize > front.length) return undefined;
  const bytes = front.slice(at, at + pageSize);
  try {
    applyFixups(bytes, 'RSTR', 'restart page', at);
    const view = viewOf(bytes);
    const area = view.getUint16(0x18, true);
    if (area < PAGE_HEADER || area + AREA > pageSize) return undefined;
    const page = {
      lsn: unsigned64(view, area, 'sequence number of the log'),
      major: view.getInt16(0x1c, true),
      minor: view.getInt16(0x1a, true),
      clientsInUse: view.getUint16(area + 12, true),
      flags: view.getUint16(area + 14, true),
    };
    return { page, pageSize };
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    return undefined;
  }
}
