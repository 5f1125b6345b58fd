/**
 * The real worker with a hook in its thread that stops it where a test says. The hook sits between the engine and `fs`, in
 * a script of the tests, so that no part of it is shipped. Orders come through a file.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { until } from './worker';

/** Where the thread is stopped: at the next such call. `idle`: while it has nothing to do, or between two slices of a scan. */
export type Place =
  | 'idle'
  /** Reads of the image; within a change, a check, a scan. */
  | 'read image'
  /** Writes to the journal: a save before its seal. */
  | 'write journal'
  /** Writes to the image: a save after its seal. */
  | 'write image'
  /** The journal is about to be deleted: all is saved. */
  | 'remove journal'
  /** The journal was deleted: the save has not been answered yet. */
  | 'journal removed';

/** `die`: the thread ends. `throw`: an uncaught error while it is idle. `wait`: until `release`. */
export type Deed = 'die' | 'throw' | 'wait';

export interface OrderedWorker {
  /** For `Sessions`. */
  readonly script: string;
  /** Orders the next thread that reaches the place to do this, once. @param skipped calls to let pass first */
  order(place: Place, deed: Deed, skipped?: number): void;
  /** Fulfilled once a thread has reached the place of the last order. */
  reached(): Promise<void>;
  /** Lets a waiting thread continue. */
  release(): void;
}

/**
 * @param bundle of the worker
 * @param folder for the script and the orders
 * @param image that is read and written
 */
export function orderedWorker(bundle: string, folder: string, image: string): OrderedWorker {
  const script = path.join(folder, 'ordered-worker.js');
  const [order, reached, released] = ['order', 'reached', 'released'].map((name) => path.join(folder, name));
  writeFileSync(
    script,
    `const fs = require('node:fs');
     const [image, order, reached, released] = ${JSON.stringify([image, order, reached, released])};
     const { existsSync, readFileSync, openSync, readSync, writeSync, unlinkSync, rmSync, writeFileSync } = fs;
     const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
     const opened = new Map();
     function at(place) {
       if (!existsSync(order)) return;
       const given = JSON.parse(readFileSync(order, 'utf8'));
       if (given.place !== place) return;
       if (given.skipped-- > 0) { writeFileSync(order, JSON.stringify(given)); return; }
       rmSync(order);
       writeFileSync(reached, '');
       if (given.deed === 'die') process.exit(9);
       if (given.deed === 'throw') throw new Error('a fault');
       while (!existsSync(released)) sleep(5);
       rmSync(released);
     }
     const placeOf = (descriptor, verb) => {
       const file = opened.get(descriptor);
       return file === image ? verb + ' image' : file === image + '-journal' ? verb + ' journal' : undefined;
     };
     fs.openSync = (file, ...rest) => {
       const descriptor = openSync(file, ...rest);
       opened.set(descriptor, String(file));
       return descriptor;
     };
     fs.readSync = (descriptor, ...rest) => { at(placeOf(descriptor, 'read')); return readSync(descriptor, ...rest); };
     fs.writeSync = (descriptor, ...rest) => { at(placeOf(descriptor, 'write')); return writeSync(descriptor, ...rest); };
     fs.unlinkSync = (file) => {
       if (file !== image + '-journal') return unlinkSync(file);
       at('remove journal');
       unlinkSync(file);
       at('journal removed');
     };
     setInterval(() => at('idle'), 5);
     require(${JSON.stringify(bundle)});`,
  );
  return {
    script,
    order(place, deed, skipped = 0) {
      rmSync(reached!, { force: true });
      writeFileSync(`${order!}.new`, JSON.stringify({ place, deed, skipped }));
      // Whole at once: threads look for it all the time.
      renameSync(`${order!}.new`, order!);
    },
    reached: () => until('the thread to come to its place', () => existsSync(reached!)).then(() => undefined),
    release() {
      writeFileSync(released!, '');
    },
  };
}
