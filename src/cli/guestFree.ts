/** `qcow2 shrink --guest-free`: what the guest's file systems do not use. */
import type { FreeSpace } from '../guest/diskFree';
import { GuestError, isGuestError } from '../guest/errors';
import { describeGuest } from '../inside/describeGuest';
import { findGuestFree } from '../inside/guestFree';
import { inside } from '../inside/insideError';
import { describeProblem } from '../qcow2/describeProblem';
import { EngineError } from '../qcow2/errors';
import type { GuestRange } from '../qcow2/edit/changeRequest';
import type { EditableImage } from '../qcow2/edit/editableImage';
import { refuseSource } from '../qcow2/edit/shrink';
import { printable } from '../text/printable';
import { warn } from './editable';
import type { ProgressBar } from './progressBar';
import { type ArgumentsOf, requireComplete } from './verb';

/** The guest's part of the verb's options. */
type GuestOptions = Pick<ArgumentsOf<'shrink'>['options'], 'guest-free' | 'guest-swap' | 'unpartitioned'>;

/** Whether anything that the guest does not use is to be given up. */
export const asksForGuestFree = (options: GuestOptions): boolean =>
  options['guest-free'] !== undefined || options['guest-swap'] || options.unpartitioned;

/**
 * The ranges that the options ask for. Parts of the disk that may not be believed are told on standard error and left alone.
 * @throws EngineError, InsideError where there is nothing of what was asked for, or nothing of it may be believed
 */
export function guestFreeRanges(
  image: EditableImage,
  file: string,
  options: GuestOptions,
  progress: ProgressBar,
): readonly GuestRange[] {
  if (!asksForGuestFree(options)) return [];
  const { chain } = image;
  requireComplete(chain);
  refuseSource(chain, 'guestFree');
  const place = options['guest-free'] ?? '';
  const choices = { swap: options['guest-swap'], unpartitioned: options.unpartitioned };
  const { ranges, spaces } = inside(file, place, () => {
    const found = findGuestFree(chain.layers, place, choices, progress);
    const [problem] = found.unread;
    if (found.spaces.length === 0 && problem !== undefined) throw new GuestError(problem.code, problem);
    return found;
  });
  progress.clear();
  for (const line of doubtLines(spaces)) warn(file, line);
  return ranges;
}

/** A line for each source of free space that may not be believed. */
const doubtLines = (spaces: readonly FreeSpace[]): readonly string[] =>
  spaces.flatMap(({ source, path, problems }) => {
    const place = source === 'unpartitioned' ? 'unpartitioned space' : path === '' ? 'disk' : path;
    return problems
      .slice(0, 1)
      .map((problem) => `${printable(place)}: left alone: ${describeGuest(problem)}`);
  });

/** What giving up all that the guest does not use would free. */
export interface GuestOffer {
  /** Bytes of the file; undefined where nothing may be believed, or there is no file system. */
  readonly freed: number | undefined;
  /** Why, part by part. */
  readonly notes: readonly string[];
}

export function guestOffer(
  image: EditableImage,
  freedBy: (ranges: readonly GuestRange[]) => number,
  progress: ProgressBar,
): GuestOffer {
  const { chain } = image;
  try {
    refuseSource(chain, 'guestFree');
    if (!chain.complete) return { freed: undefined, notes: [] };
    const { ranges, spaces } = findGuestFree(
      chain.layers,
      '',
      { swap: false, unpartitioned: false },
      progress,
    );
    return { freed: spaces.length === 0 ? undefined : freedBy(ranges), notes: doubtLines(spaces) };
  } catch (error) {
    if (isGuestError(error)) return { freed: undefined, notes: [describeGuest(error.problem)] };
    if (error instanceof EngineError) return { freed: undefined, notes: [describeProblem(error.problem)] };
    throw error;
  }
}
