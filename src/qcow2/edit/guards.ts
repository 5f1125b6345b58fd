/**
 * What stands in the way of changing an image, repairing it, saving it, or giving its free space back: what
 * check/obstacles.ts finds, and what the edits that are staged make of it.
 */
import { findObstacles, type Obstacle } from '../check/obstacles';
import { EngineError, RefusedError } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import type { Progress } from '../progress';
import type { History } from './history';
import { journalProblem } from './interrupted';

/** An image as it is on disk, and as it is staged. */
export interface GuardedImage {
  readonly onDisk: Qcow2Image;
  readonly staged: Qcow2Image;
}

const isRefusal = ({ severity }: Obstacle): boolean => severity === 'refuse';

export class Guards {
  readonly #path: string;
  readonly #history: History;
  /** The full check need not be repeated as long as the file is what it was. */
  #isKnownSound = false;

  constructor(path: string, history: History) {
    this.#path = path;
    this.#history = history;
  }

  /**
   * What stands in the way of changing the image.
   * @throws CancelledError
   */
  obstacles({ onDisk, staged }: GuardedImage, progress: Progress): readonly Obstacle[] {
    const interrupted = this.#interrupted();
    if (interrupted !== undefined) return [interrupted];
    const { repaired, unsavedRepairs } = this.#history;
    const isKnownSound = repaired?.isSound ?? this.#isKnownSound;
    // Where no repair lies between them, both are sound or neither is.
    const isAsOnDisk = repaired === undefined && unsavedRepairs.length === 0;
    const looked = { progress, staged: isAsOnDisk ? onDisk : staged, isKnownSound };
    const found = findObstacles(onDisk, looked);
    if (repaired === undefined) this.#isKnownSound = !found.some(isRefusal);
    return found;
  }

  /** What stands in the way of repairing the image, which damage does not; quickly found. */
  repairObstacles({ onDisk, staged }: GuardedImage): readonly Obstacle[] {
    const interrupted = this.#interrupted();
    if (interrupted !== undefined) return [interrupted];
    const found = findObstacles(onDisk, { staged, isKnownSound: true });
    return found.filter(({ isDamage = false }) => !isDamage);
  }

  /**
   * That the image is damaged does not stand in the way of a save where a repair is to be saved, or taken back.
   * @throws EngineError for what does; CancelledError
   */
  refuseSave(image: GuardedImage, progress: Progress): void {
    const isRepair = this.#history.unsavedRepairs.length > 0;
    this.#refuse(image, progress, ({ isDamage = false }) => !(isRepair && isDamage));
  }

  /** @throws EngineError for what stands in the way of giving free space back; CancelledError */
  refuseGivingBack(image: GuardedImage, progress: Progress): void {
    if (this.#history.unsaved > 0) throw new RefusedError(this.#path, 'space.unsaved');
    this.#refuse(image, progress, () => true);
  }

  /** The history is about to be forgotten: what its repairs have made of the image is remembered here. */
  rememberRepair(): void {
    this.#isKnownSound = this.#history.repaired?.isSound ?? this.#isKnownSound;
  }

  #refuse(image: GuardedImage, progress: Progress, counts: (obstacle: Obstacle) => boolean): void {
    const refusal = this.obstacles(image, progress).find((each) => isRefusal(each) && counts(each));
    if (refusal !== undefined) throw new EngineError(refusal.problem);
  }

  /** A save that was interrupted has to be finished, or taken back, before anything else. */
  #interrupted(): Obstacle | undefined {
    const problem = journalProblem(this.#path);
    return problem && { severity: 'refuse', problem };
  }
}
