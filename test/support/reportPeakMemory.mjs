// Loaded before a measured program (`node --import`): its last line on standard error is the program's peak memory.
import * as fs from 'node:fs';

/** Linux counts a parent's memory into a child's `maxRSS`; the high-water mark of the process itself does not. */
function peakKibibytes() {
  if (!fs.existsSync('/proc/self/status')) return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

process.on('exit', () => {
  fs.writeSync(2, `peak memory ${peakKibibytes()} KiB\n`);
});
