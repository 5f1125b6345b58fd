/** Progress of work that goes over an image several times: each pass is a part of the whole. */
import type { Progress } from '../progress';

const UNITS = 1000;

export interface PhasedProgress extends Progress {
  /** All is done, in however few passes. */
  finish(): void;
}

/** @param phases passes, at most: what comes after them is not told */
export function phased(progress: Progress, phases: number): PhasedProgress {
  let phase = 0;
  let told = 0;
  let share = 0;
  return {
    checkCancelled: () => {
      progress.checkCancelled();
    },
    report: (done, total) => {
      const now = total === 0 ? 1 : done / total;
      // A pass that begins is known by what it reports.
      if (now < share) phase++;
      share = now;
      const sum = Math.min(phases, phase + now) * UNITS;
      if (sum <= told) return;
      told = sum;
      progress.report(told, phases * UNITS);
    },
    finish: () => {
      progress.report(phases * UNITS, phases * UNITS);
    },
  };
}
