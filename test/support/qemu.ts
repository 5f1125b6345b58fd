/** QEMU's own programs: they make the images of the matrix and judge the engine's answers. */
import { must, type Ran, run, type RunOptions } from './process';

/** Runs qemu-img, which may fail. */
export const qemuImg = (args: readonly string[], options?: RunOptions): Ran => run('qemu-img', args, options);

/** Runs qemu-img for something that must succeed. */
export function mustQemuImg(args: readonly string[], options?: RunOptions): Buffer {
  return must('qemu-img', args, options);
}

/**
 * Runs qemu-io commands on an image, in order; all must succeed.
 * @param commands as qemu-io takes them, `write -P 7 0 64k` and the like
 * @param extra further options in front, `-d unmap` say
 */
export function mustQemuIo(
  file: string,
  commands: readonly string[],
  options?: RunOptions,
  extra: readonly string[] = [],
): void {
  const args = [...extra, ...commands.flatMap((command) => ['-c', command]), file];
  const output = must('qemu-io', args, options).toString();
  // Some failures leave the exit code at 0.
  const failure = /^(?:.* failed: |Pattern verification failed).*$/m.exec(output);
  if (failure !== null) throw new Error(`qemu-io ${commands.join('; ')}: ${failure[0]}`);
}

/** Makes qemu-io die in the middle of its work: the image stays dirty, its bitmaps in use. */
export function abortQemuIo(file: string, commands: readonly string[], options?: RunOptions): void {
  run('qemu-io', [...commands, 'abort'].flatMap((command) => ['-c', command]).concat(file), options);
}
