/**
 * Threads that help to decompress (qcow2/bulk), for the command line and for the worker. They run the engine's bundle, read
 * files by their descriptors in this process, and end when their queue is closed.
 */
import { join } from 'node:path';
import { useHelpers } from '../qcow2/bulk/helpers';
import { JobQueue } from '../qcow2/bulk/jobs';
import { prepareZstd } from '../qcow2/image/zstd';
import { prepareRelease } from '../qcow2/io/zlib';

/** Threads that decompress at a time, the one that asks included: as many as QEMU has. */
const MOST_THREADS = 4;
/** Limits of a helper's JavaScript heap. A helper that exceeds them ends alone. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 };

/** Says where the running program is; before that, there are no helpers. @param bundleFolder absolute path */
export function useHelpersOf(bundleFolder: string): void {
  const script = join(bundleFolder, 'helper.js');
  useHelpers((memory) => {
    startHelperThreads(script, memory);
  });
}

/**
 * Starts as many helpers as there are other processors, at most three. They do not keep the process running, and no one waits
 * for a helper that cannot be started, or dies.
 */
function startHelperThreads(script: string, memory: SharedArrayBuffer): void {
  // Loaded here: most commands have no threads.
  const { availableParallelism } = process.getBuiltinModule('node:os');
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const count = Math.min(MOST_THREADS, availableParallelism()) - 1;
  try {
    for (let index = 0; index < count; index++) {
      const options = { name: 'qcow2 helper', workerData: memory, execArgv: [], resourceLimits: LIMITS };
      const worker = new Worker(script, options);
      worker.on('error', () => undefined);
      worker.unref();
    }
  } catch {
    // The system has no room for another thread.
  }
}

/** What a helper runs (`dist/helper.js`). */
export function help(): void {
  const memory = process.getBuiltinModule('node:worker_threads').workerData as SharedArrayBuffer;
  void Promise.all([prepareZstd(), prepareRelease()]).then(() => {
    new JobQueue(memory).workUntilClosed();
  });
}
