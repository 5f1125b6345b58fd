/** Images mounted by the kernel: only where root runs the tests, and the kernel has XFS. */
import * as fs from 'node:fs';
import { run } from '../../process';

let answer: boolean | undefined;

/** @param tryIt mounts something, and throws where that fails */
export function canMount(tryIt: () => void): boolean {
  if (answer === undefined) {
    const isRoot = process.getuid?.() === 0;
    answer = isRoot && fs.readFileSync('/proc/filesystems', 'utf8').includes('\txfs\n');
    if (answer) answer = didNotThrow(tryIt);
  }
  return answer;
}

function didNotThrow(action: () => void): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}

/** Does something with the files of a mounted image, and unmounts it. @throws Error where mounting fails */
export function whileMounted<T>(image: string, point: string, options: string, action: () => T): T {
  fs.mkdirSync(point, { recursive: true });
  must('mount', ['-t', 'xfs', '-o', `loop,${options}`, image, point]);
  try {
    return action();
  } finally {
    must('umount', [point]);
  }
}

/** @throws Error where the program fails */
export function must(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = run(program, args);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${status} ${stderr}`);
  return String(stdout);
}
