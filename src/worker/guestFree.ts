/**
 * Space that the guest does not use, found in the disk of an image: what a shrink is offered, and the ranges behind the names
 * that it asks for. What a look has found holds for the state that it has read alone: it is kept by its chain.
 */
import type { DiskPart, GuestDisk } from '../guest/disk';
import type { FreeSpace } from '../guest/diskFree';
import { GuestError } from '../guest/errors';
import { type DiskSpaces, findSpaces, rangesOf } from '../inside/guestFree';
import type { ZeroPolicy } from '../qcow2/change/decide';
import type { Chain } from '../qcow2/chain/openChain';
import type { ChangeRequest as EngineRequest } from '../qcow2/edit/changeRequest';
import type { EditableImage } from '../qcow2/edit/editableImage';
import { refuseSource } from '../qcow2/edit/shrink';
import { refusalOf } from '../qcow2/edit/shrinkOffers';
import { EngineError } from '../qcow2/errors';
import { type Progress, quietOf } from '../qcow2/progress';
import type { ByteLength } from '../qcow2/units';
import { listed } from '../text/printable';
import type { ChangeRequest, GuestFree, GuestSpace } from './guestFreeApi';
import type { View } from './openImage';
import { qcow2Chain } from './rawDisk';

interface Found extends DiskSpaces {
  readonly offers: readonly GuestSpace[];
}

export class GuestFreeFinder {
  readonly #found = new WeakMap<Chain, Found>();

  /** What is known of what is shown. */
  known(view: View): GuestFree {
    const chain = qcow2Chain(view.chain);
    const problem = refusalOf(chain, 'guestFree') ?? chain.problem;
    if (problem !== undefined) return { problem };
    const found = this.#found.get(chain);
    return found === undefined ? {} : { spaces: found.offers };
  }

  /**
   * Finds what the guest does not use, and what giving it up would free.
   * @throws as `findIn`
   */
  look(view: View, editable: EditableImage, policy: ZeroPolicy, progress: Progress): void {
    const chain = qcow2Chain(view.chain);
    editable.space.refuseWhileCompacting();
    const found = findIn(chain, progress);
    const freedBy = (space: FreeSpace): ByteLength =>
      space.ranges.count === 0
        ? 0
        : editable.preview(
            { kind: 'shrink', sources: [], policy, guestFree: rangesOf([space]) },
            quietOf(progress),
          ).freedBytes;
    this.#found.set(chain, { ...found, offers: offersOf(found, freedBy) });
  }

  /**
   * A change to preview, with the ranges of what it names.
   * @throws as `withRanges`
   */
  ranged(change: ChangeRequest, view: View, progress: Progress): EngineRequest {
    const chain = qcow2Chain(view.chain);
    return withRanges(change, () => this.#found.get(chain) ?? findIn(chain, progress));
  }
}

/**
 * A change to stage: what it names is found once more, in the state that is changed.
 * @throws as `withRanges`
 */
export const rangedAsStaged = (
  change: ChangeRequest,
  { chain }: EditableImage,
  progress: Progress,
): EngineRequest => withRanges(change, () => findIn(chain, progress));

/** @throws GuestError where a space is not there, or may not be believed; as `findIn` */
function withRanges(change: ChangeRequest, find: () => DiskSpaces): EngineRequest {
  if (change.kind !== 'shrink') return change;
  const { guestFree = [], ...rest } = change;
  if (guestFree.length === 0) return rest;
  const { spaces, disk } = find();
  const named = guestFree.map(({ source, path }) => {
    const space = spaces.find((each) => each.source === source && each.path === path);
    if (space === undefined) throw missing(disk, path);
    const [problem] = space.problems;
    if (problem !== undefined) throw new GuestError(problem.code, problem);
    return space;
  });
  return { ...rest, guestFree: rangesOf(named) };
}

/** Why there is no such space: what its part holds is another by now, or there is no such part. */
function missing({ parts }: GuestDisk, path: string): GuestError {
  const problem = parts.find((part) => part.path === path)?.problem;
  if (problem !== undefined) return new GuestError(problem.code, problem);
  return new GuestError('guest.noPart', { value: path, limit: listed(parts.map((part) => part.path)) });
}

/** @throws EngineError where the image cannot be looked into; CancelledError */
function findIn(chain: Chain, progress: Progress): DiskSpaces {
  refuseSource(chain, 'guestFree');
  if (chain.problem !== undefined) throw new EngineError(chain.problem);
  chain.top.refuseFaults('use');
  return findSpaces(chain.layers, progress);
}

/** Part by part, those included that cannot be looked into; then what is in none. */
function offersOf({ disk, spaces }: DiskSpaces, freedBy: (space: FreeSpace) => ByteLength): GuestSpace[] {
  const offered = (space: FreeSpace): Omit<GuestSpace, 'system' | 'label'> => {
    const { source, path, problems } = space;
    const [problem] = problems;
    return { source, path, ...(problem === undefined ? { freed: freedBy(space) } : { problem }) };
  };
  const inParts = disk.parts.flatMap((part) => {
    const words = wordsOf(part);
    const space = spaces.find(({ source, path }) => isOfPart(source) && path === part.path);
    if (space !== undefined) return [{ ...offered(space), ...words }];
    const { path, problem } = part;
    const isUnknown = part.signatures.length > 0 && part.group === undefined && problem !== undefined;
    return isUnknown ? [{ source: 'fileSystem', path, problem, ...words } as const] : [];
  });
  const others = spaces.filter(
    ({ source }) => source === 'extents' || (source === 'unpartitioned' && disk.table.kind !== 'none'),
  );
  return [...inParts, ...others.map((space) => ({ ...offered(space), system: '', label: '' }))];
}

const isOfPart = (source: FreeSpace['source']): boolean => source === 'fileSystem' || source === 'swap';

const wordsOf = ({
  origin,
  system,
  signatures,
}: DiskPart): Pick<GuestSpace, 'part' | 'system' | 'label'> => ({
  part: origin.kind,
  system: system?.kind ?? signatures.map(({ name }) => name).join(', '),
  label: system?.label ?? '',
});
