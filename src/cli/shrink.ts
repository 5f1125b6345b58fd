/**
 * `qcow2 shrink`: gives up what an image stores needlessly. Without sources, or with `--dry-run`, it only says what that
 * would free.
 */
import { basename } from 'node:path';
import { overlaysBeside } from '../qcow2/chain/overlaysBeside';
import { describeProblem } from '../qcow2/describeProblem';
import type { EditableImage } from '../qcow2/edit/editableImage';
import { SCANNED_SOURCES, SHRINK_SOURCES, type ShrinkSource } from '../qcow2/edit/changeRequest';
import { refuseSource } from '../qcow2/edit/shrink';
import { type ShrinkOffer, shrinkOffers } from '../qcow2/edit/shrinkOffers';
import { EngineError, type Problem, RefusedError } from '../qcow2/errors';
import { toEnd } from '../qcow2/progress';
import { refuseCompaction } from '../qcow2/space/compactRefusals';
import type { FileSizes } from '../qcow2/space/openUnchanged';
import type { ByteLength } from '../qcow2/units';
import { listed } from '../text/printable';
import { type JsonValue, qemuJson } from '../text/qemuJson';
import { sizeText } from '../text/sizeText';
import { asksForGuestFree, type GuestOffer, guestFreeRanges, guestOffer } from './guestFree';
import { openEditable, prepareChange, saveImage, warn, withEditable } from './editable';
import type { ProgressBar } from './progressBar';
import { warnOfWriters } from './settled';
import { asError, type ArgumentsOf, requireComplete, type Run } from './verb';
import { prepareReading } from './prepareReading';

/** The options, in words. */
const NAMES: Readonly<Record<ShrinkSource, readonly [option: string, words: string]>> = {
  zeroes: ['zeroes', 'data that is all zero'],
  sameAsBacking: ['same-as-backing', 'data that the backing file has as well'],
  allocatedZeroes: ['allocated-zeroes', 'space that zero clusters keep'],
  vmState: ['vm-state', 'VM state that an applied snapshot left behind'],
  leaks: ['leaks', 'leaked clusters'],
};

type Policy = ArgumentsOf<'shrink'>['options']['policy'];

export const shrink: Run<'shrink'> = async (args) => {
  const { operands, options, output } = args;
  const path = operands.FILE;
  const sources = SHRINK_SOURCES.filter((source) => isChosen(options, source));
  const print = (text: string): void => {
    output.write(Buffer.from(`${text}\n`));
  };
  const isJson = options.output === 'json';
  await prepareReading(path);
  if (sources.length === 0 && !asksForGuestFree(options)) {
    const [offers, guest] = withUnchanged(path, args, (image, progress) => [
      offersOf(image, options.policy, progress),
      guestOfferOf(image, options.policy, progress),
    ]);
    print(isJson ? qemuJson(offersJson(path, offers, guest)) : offersText(offers, guest));
    return undefined;
  }
  if (options['dry-run']) {
    const freed = withUnchanged(path, args, (image, progress) => freedBy(image, sources, args, progress));
    print(
      isJson
        ? qemuJson({ filename: path, 'freed-bytes': freed })
        : `shrink: ${sizeText(freed)} would be freed`,
    );
    return undefined;
  }
  return withEditable(path, args, (image, progress) => shrinkImage(image, sources, args, progress, print));
};

const isChosen = (options: ArgumentsOf<'shrink'>['options'], source: ShrinkSource): boolean =>
  (options as Readonly<Record<string, unknown>>)[NAMES[source][0]] === true;

/**
 * Opens an image that is not to be changed: other programs may have it open. The refcounts of one that was not closed
 * properly are rebuilt in memory, as they would be for the change.
 */
function withUnchanged<T>(
  path: string,
  args: ArgumentsOf<'shrink'>,
  use: (image: EditableImage, progress: ProgressBar) => T,
): T {
  return openEditable(path, args, (image, progress) => {
    image.rebuildDirtyRefcounts('', progress);
    const damage = image.obstacles(progress).find(({ isDamage = false }) => isDamage);
    if (damage !== undefined) throw asError(damage.problem);
    const value = use(image, progress);
    progress.clear();
    warnOfWriters(image.onDisk);
    return value;
  });
}

/** @returns the exit code where it is not 0 */
function shrinkImage(
  image: EditableImage,
  sources: readonly ShrinkSource[],
  { operands, options }: ArgumentsOf<'shrink'>,
  progress: ProgressBar,
  print: (text: string) => void,
): number | undefined {
  const path = operands.FILE;
  const { policy, holes, compact, output } = options;
  refuseSources(image, sources);
  if (compact) refuseCompaction(image.onDisk.top);
  refuseOverlays(path);
  prepareChange(image, 'unwritten', progress);
  const guestFree = guestFreeRanges(image, path, options, progress);
  scanFor(image, sources, progress);
  const before = image.onDisk.top.file.size;
  const { freedBytes } = image.apply({ kind: 'shrink', sources, policy, guestFree }, '', progress);
  if (image.edits.unsaved > 0) saveImage(image, progress);
  const given = afterwards(image, { holes, compact }, progress);
  progress.clear();
  if (output === 'json') print(qemuJson(resultJson(path, freedBytes, before, image)));
  else print(`shrink: ${resultText(freedBytes, before, given)}`);
  for (const problem of given?.problems ?? []) warn(path, describeProblem(problem));
  return given?.isStopped === true ? 1 : undefined;
}

/** What was done about the file's length, once what is in it was freed. */
interface Shortened {
  readonly after: FileSizes;
  readonly problems: readonly Problem[];
  readonly isStopped: boolean;
}

/** Compaction comes first: it leaves less to make holes in. What was freed is saved, whatever becomes of it. */
function afterwards(
  image: EditableImage,
  { holes, compact }: { readonly holes: boolean; readonly compact: boolean },
  progress: ProgressBar,
): Shortened | undefined {
  if (!holes && !compact) return undefined;
  if (compact) progress.showBytes();
  const stopped = [
    ...(compact ? [stoppedBy(() => image.space.compactAtOnce(progress))] : []),
    ...(holes ? [stoppedBy(() => image.space.giveBack(progress))] : []),
  ];
  const { size, allocatedBytes } = image.onDisk.top.file;
  return {
    after: { fileSize: size, allocatedBytes },
    problems: stopped.flatMap(({ problems }) => problems),
    isStopped: stopped.some(({ isStopped }) => isStopped),
  };
}

/** @returns what went wrong */
function stoppedBy(
  work: () => { readonly stopped?: Problem; readonly leftover?: Problem },
): Pick<Shortened, 'problems' | 'isStopped'> {
  try {
    const { stopped, leftover } = work();
    const problems = [leftover, stopped].filter((each) => each !== undefined);
    return { problems, isStopped: stopped !== undefined };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { problems: [error.problem], isStopped: true };
  }
}

/** @throws EngineError for a source that is not offered; a missing file of the chain is named */
function refuseSources({ chain }: EditableImage, sources: readonly ShrinkSource[]): void {
  if (sources.includes('sameAsBacking')) requireComplete(chain);
  for (const source of sources) refuseSource(chain, source);
}

/** @throws RefusedError where other images depend on this one */
function refuseOverlays(path: string): void {
  const { paths } = overlaysBeside(path);
  if (paths.length > 0)
    throw new RefusedError(path, 'shrink.usedAsBase', { value: listed(paths.map((file) => basename(file))) });
}

function scanFor(image: EditableImage, sources: readonly ShrinkSource[], progress: ProgressBar): void {
  if (!sources.some((source) => SCANNED_SOURCES.has(source))) return;
  toEnd(image.scanContents(progress));
}

function freedBy(
  image: EditableImage,
  sources: readonly ShrinkSource[],
  { operands, options }: ArgumentsOf<'shrink'>,
  progress: ProgressBar,
): ByteLength {
  refuseSources(image, sources);
  const guestFree = guestFreeRanges(image, operands.FILE, options, progress);
  scanFor(image, sources, progress);
  return image.preview({ kind: 'shrink', sources, policy: options.policy, guestFree }, progress).freedBytes;
}

const guestOfferOf = (image: EditableImage, policy: Policy, progress: ProgressBar): GuestOffer =>
  guestOffer(
    image,
    (guestFree) => image.preview({ kind: 'shrink', sources: [], policy, guestFree }, progress).freedBytes,
    progress,
  );

function offersOf(image: EditableImage, policy: Policy, progress: ProgressBar): ShrinkOffer[] {
  const isScannable = shrinkOffers(image, policy, progress).some(
    ({ freed, problem }) => freed === undefined && problem === undefined,
  );
  if (isScannable) toEnd(image.scanContents(progress));
  return shrinkOffers(image, policy, progress);
}

function offersText(offers: readonly ShrinkOffer[], guest: GuestOffer): string {
  const sizes = [...offers, guest].map(({ freed = 0 }) => (freed > 0 ? sizeText(freed) : '-'));
  const options = [...offers.map(({ source }) => `--${NAMES[source][0]}`), '--guest-free'];
  const [sizeWidth, optionWidth] = [sizes, options].map((column) =>
    Math.max(...column.map((cell) => cell.length)),
  );
  const words = [
    ...offers.map(
      ({ source, problem }) =>
        NAMES[source][1] + (problem === undefined ? '' : `: ${describeProblem(problem)}`),
    ),
    "what the guest's file systems do not use",
  ];
  const lines = words.map((text, index) => {
    const cells = [sizes[index]?.padStart(sizeWidth ?? 0), options[index]?.padEnd(optionWidth ?? 0)];
    return `  ${cells.join('  ')}  ${text}`;
  });
  return ['What giving up would free:', ...lines, ...guest.notes.map((note) => `    ${note}`)].join('\n');
}

const offersJson = (filename: string, offers: readonly ShrinkOffer[], guest: GuestOffer): JsonValue => ({
  filename,
  sources: [
    ...offers.map(({ source, freed, problem }) => ({
      source: NAMES[source][0],
      'freed-bytes': freed,
      problem: problem === undefined ? undefined : describeProblem(problem),
    })),
    { source: 'guest-free', 'freed-bytes': guest.freed, notes: guest.notes },
  ],
});

function resultText(freed: ByteLength, before: ByteLength, given: Shortened | undefined): string {
  const freedText = freed === 0 ? 'nothing to free' : `${sizeText(freed)} freed in the file`;
  if (given === undefined)
    return freed === 0 ? freedText : `${freedText}; "qcow2 compact" makes the file shorter`;
  const { fileSize, allocatedBytes } = given.after;
  return (
    `${freedText}; the file takes ${sizeText(allocatedBytes)} of storage and is ${fileSize} bytes long ` +
    (fileSize === before ? '(as before)' : `(was ${before})`)
  );
}

const resultJson = (
  filename: string,
  freed: ByteLength,
  before: ByteLength,
  image: EditableImage,
): JsonValue => ({
  filename,
  'freed-bytes': freed,
  'file-size': before,
  'new-file-size': image.onDisk.top.file.size,
  'new-actual-size': image.onDisk.top.file.allocatedBytes,
});
