/** Shrinking: what the image stores needlessly is given up, as one change. */
import type { Chain } from '../chain/openChain';
import type { Change, ChangeContext } from '../change/context';
import { giveUp } from '../change/giveUp';
import { RefusedError, UnsupportedError } from '../errors';
import { GuestSet } from '../guestSet';
import type { Qcow2Image } from '../image/qcow2Image';
import { LocalFile } from '../io/localFile';
import type { Repair } from '../repair/repairImage';
import { comparisonProblem, type ContentScan } from '../space/contentScan';
import { type ChangeRequest, type GuestRange, SCANNED_SOURCES, type ShrinkSource } from './changeRequest';
import { comparedFiles, refuseInterrupted } from './comparedFiles';
import type { EditFacts } from './history';

/** What shrinking works on. */
export interface ShrinkWork {
  readonly chain: Chain;
  /** The image as it was read from disk. */
  readonly onDisk: Qcow2Image;
  /** Of what is staged, where it was scanned. */
  readonly scan: ContentScan | undefined;
  repairLeaks(): Repair;
  /** For a change: of the image as it is by then. */
  context(): ChangeContext;
}

/**
 * Why a source cannot be given up in this image, whatever it holds.
 * @throws RefusedError, UnsupportedError
 */
export function refuseSource(chain: Chain, source: ShrinkSource | 'guestFree'): void {
  const { top } = chain;
  const { file, header } = top;
  if (top.hasDataFile && source !== 'leaks') throw new UnsupportedError(file.name, 'shrink.dataFile');
  const isRead = source === 'guestFree' || SCANNED_SOURCES.has(source);
  if (isRead && top.encryption !== undefined)
    throw new UnsupportedError(file.name, 'encrypted.scan', { value: top.encryption.toUpperCase() });
  const becomesZero = source === 'guestFree' || source === 'zeroes';
  if (becomesZero && header.version === 2 && top.namesBacking)
    throw new UnsupportedError(file.name, 'shrink.version2Backing');
  if (source !== 'sameAsBacking') return;
  const problem = comparisonProblem(chain.layers);
  if (problem !== undefined) throw problem;
  refuseInterrupted(chain);
}

/**
 * Leaks first: they are part of the same edit.
 * @throws as `refuseSource`; RefusedError where the contents have to be scanned first, the image has changed since it was
 *   looked into, or the backing file is written to; FormatError, FileError, CancelledError
 */
export function shrink(
  request: Extract<ChangeRequest, { readonly kind: 'shrink' }>,
  work: ShrinkWork,
): Change & EditFacts {
  const { policy, guestFree = [] } = request;
  const sources = new Set(request.sources);
  for (const source of sources) refuseSource(work.chain, source);
  if (guestFree.length > 0) {
    refuseSource(work.chain, 'guestFree');
    refuseChanged(work.onDisk);
  }
  const sets = { ...foundBy(sources, work), ...wholeUnits(guestFree, work.chain) };
  const comparedWith = sources.has('sameAsBacking') ? comparedFiles(work.chain) : undefined;
  const repair = sources.has('leaks') ? work.repairLeaks() : undefined;
  const { tally, freed, allocated } = giveUp(work.context(), {
    ...sets,
    policy,
    allocatedZeroes: sources.has('allocatedZeroes'),
    vmState: sources.has('vmState'),
  });
  repair?.freed.forEachRun((first, count) => {
    freed.add(first, count);
  });
  const { clusterSize } = work.chain.top.header;
  return {
    tally: {
      ...tally,
      changed: tally.changed || repair?.report.changed === true,
      freedClusters: freed.count,
      freedBytes: freed.count * clusterSize,
    },
    freed,
    allocated,
    ...(comparedWith === undefined ? {} : { comparedWith }),
  };
}

function wholeUnits(ranges: readonly GuestRange[], { top }: Chain): { readonly guestFree?: GuestSet } {
  if (ranges.length === 0) return {};
  const guestFree = new GuestSet(top.granularity, top.size);
  for (const [start, end] of ranges) guestFree.addWhole(start, end);
  return { guestFree };
}

function foundBy(
  sources: ReadonlySet<ShrinkSource>,
  { chain, onDisk, scan }: ShrinkWork,
): { readonly zeroes?: GuestSet; readonly sameAsBacking?: GuestSet } {
  if (![...sources].some((source) => SCANNED_SOURCES.has(source))) return {};
  if (scan === undefined) throw new RefusedError(chain.top.file.name, 'shrink.notScanned');
  refuseChanged(onDisk);
  const { zeroes, sameAsBacking } = scan;
  return {
    ...(sources.has('zeroes') ? { zeroes } : {}),
    ...(sources.has('sameAsBacking') && sameAsBacking !== undefined ? { sameAsBacking } : {}),
  };
}

/**
 * What was found in an image may be old, or half of it.
 * @throws RefusedError `guard.changed` where the file has changed since it was opened
 */
function refuseChanged({ file }: Qcow2Image): void {
  if (file instanceof LocalFile && file.hasChanged()) throw new RefusedError(file.name, 'guard.changed');
}
