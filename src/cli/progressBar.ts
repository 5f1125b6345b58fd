/** `--progress`: a bar on standard error, if that is a terminal. */
import type { Progress } from '../qcow2/progress';
import { silent } from '../qcow2/progress';
import { drawError } from './output';

/** Milliseconds between two updates. */
const INTERVAL = 100;
const WIDTH = 40;

export interface ProgressBar extends Progress {
  /** Erases the bar. */
  clear(): void;
}

export function progressBar(wanted: boolean): ProgressBar {
  if (!wanted || !process.stderr.isTTY) return { ...silent, clear: () => undefined };
  let next = 0;
  return {
    report: (done, total) => {
      const now = performance.now();
      if (now < next) return;
      next = now + INTERVAL;
      const share = total === 0 ? 1 : done / total;
      const filled = Math.round(share * WIDTH);
      const bar = '#'.repeat(filled).padEnd(WIDTH, '.');
      drawError(`\r[${bar}] ${(share * 100).toFixed(1).padStart(5)} %`);
    },
    checkCancelled: () => undefined,
    clear: () => {
      drawError('\r\u001b[K');
    },
  };
}
