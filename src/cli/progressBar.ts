/** `--progress`: a bar on standard error, if that is a terminal. */
import type { Progress } from '../qcow2/progress';
import { silent } from '../qcow2/progress';
import { sizeText } from '../text/sizeText';
import { drawError } from './output';

/** Milliseconds between two updates. */
const INTERVAL = 100;
const WIDTH = 40;

export interface ProgressBar extends Progress {
  /** From here on bytes are counted: how many, how many a second, and the time left are shown beside the bar. */
  showBytes(): void;
  /** Erases the bar. */
  clear(): void;
}

export function progressBar(wanted: boolean): ProgressBar {
  if (!wanted || !process.stderr.isTTY) {
    return { ...silent, showBytes: () => undefined, clear: () => undefined };
  }
  let next = 0;
  let started: number | undefined;
  return {
    report: (done, total) => {
      const now = performance.now();
      if (now < next) return;
      next = now + INTERVAL;
      const share = total === 0 ? 1 : done / total;
      const filled = Math.round(share * WIDTH);
      const bar = '#'.repeat(filled).padEnd(WIDTH, '.');
      const bytes = started === undefined ? '' : byteText(done, total, now - started);
      drawError(`\r[${bar}] ${(share * 100).toFixed(1).padStart(5)} %${bytes}`);
    },
    showBytes: () => {
      started = performance.now();
    },
    checkCancelled: () => undefined,
    clear: () => {
      drawError('\r\u001b[K');
    },
  };
}

/** @param time milliseconds that it took */
function byteText(done: number, total: number, time: number): string {
  const rate = (done * 1000) / Math.max(1, time);
  const left = rate === 0 ? '' : `, ${Math.ceil((total - done) / rate)} s left`;
  return `  ${sizeText(done)} of ${sizeText(total)}, ${sizeText(Math.round(rate))}/s${left}\u001b[K`;
}
