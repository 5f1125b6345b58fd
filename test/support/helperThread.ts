/** A real thread that helps a `BulkReader`, for tests: it is up before it is needed, and says what it has done. */
import { MessageChannel, Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import type { StartHelpers } from '../../src/qcow2/bulk/helpers';
import { REPOSITORY } from './repository';

export interface HelperThread {
  /** For `BulkOptions`. */
  readonly start: StartHelpers;
  /** How many jobs it has done since the last start; waits until it knows. */
  jobsDone(): Promise<number>;
  end(): Promise<void>;
}

/** @param dies in its first job, which is then never done */
export async function helperThread({ dies = false } = {}): Promise<HelperThread> {
  const bundle = buildSync({
    stdin: { contents: threadCode(dies), resolveDir: REPOSITORY, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  }).outputFiles[0]!.text;
  const worker = new Worker(bundle, { eval: true });
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  let jobs: Promise<number> = Promise.resolve(0);
  return {
    start: (memory) => {
      const isUp = new Int32Array(new SharedArrayBuffer(4));
      const { port1, port2 } = new MessageChannel();
      jobs = new Promise((resolve) => {
        port1.once('message', (count: number) => {
          port1.close();
          resolve(count);
        });
      });
      worker.postMessage({ memory, isUp, port: port2 }, [port2]);
      Atomics.wait(isUp, 0, 0);
    },
    jobsDone: () => jobs,
    end: async () => {
      await worker.terminate();
    },
  };
}

const threadCode = (dies: boolean): string => `
  import { parentPort } from 'node:worker_threads';
  import { JobQueue } from './src/qcow2/bulk/jobs';
  import { prepareZstd } from './src/qcow2/image/zstd';
  if (${dies}) require('node:fs').readSync = () => process.exit(0);
  parentPort.on('message', ({ memory, isUp, port }) => {
    Atomics.store(isUp, 0, 1);
    Atomics.notify(isUp, 0);
    port.postMessage(new JobQueue(memory).workUntilClosed());
  });
  void prepareZstd().then(() => parentPort.postMessage(0));
`;
