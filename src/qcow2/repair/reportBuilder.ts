/** Gathers what a repair does while it does it; what is told one by one is bounded, numbers are not. */
import type { RepairAction, RepairExample, RepairLoss } from '../repairAction';
import type { RepairActionKind } from '../repairText';

const MAX_EXAMPLES = 64;
const MAX_LOSSES = 1000;

export class RepairLog {
  readonly #actions = new Map<RepairActionKind, { count: number; examples: RepairExample[] }>();
  readonly losses: RepairLoss[] = [];
  lossCount = 0;
  lostBytes = 0;

  /** No further example of this kind is told. */
  isFull(kind: RepairActionKind): boolean {
    return (this.#actions.get(kind)?.examples.length ?? 0) >= MAX_EXAMPLES;
  }

  /**
   * @param example or a function that makes it, for what is done by the hundred thousand
   * @param count of the same kind, from the example's place on
   */
  did(kind: RepairActionKind, example: RepairExample | (() => RepairExample), count = 1): void {
    const action = this.#actions.get(kind) ?? { count: 0, examples: [] };
    this.#actions.set(kind, action);
    action.count += count;
    if (action.examples.length >= MAX_EXAMPLES) return;
    action.examples.push(typeof example === 'function' ? example() : example);
  }

  lost(loss: RepairLoss): void {
    this.lostBytes += loss.length;
    const last = this.losses.at(-1);
    const continues =
      last !== undefined &&
      last.guest + last.length === loss.guest &&
      last.snapshot === loss.snapshot &&
      last.why === loss.why &&
      last.wasReadable === loss.wasReadable &&
      last.reads === loss.reads;
    if (continues) {
      this.losses[this.losses.length - 1] = { ...last, length: last.length + loss.length };
      return;
    }
    this.lossCount++;
    if (this.losses.length < MAX_LOSSES) this.losses.push(loss);
  }

  get actions(): RepairAction[] {
    return [...this.#actions].map(([kind, action]) => ({ kind, ...action }));
  }
}
