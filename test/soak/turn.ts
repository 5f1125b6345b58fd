/** One turn of a kind, in a separate process: consecutive cases until the time is up. */
import * as fs from 'node:fs';
import { prepareZstd } from '../../src/qcow2/image/zstd';
import type { Counts, Kind } from './kind';

/** Cases after which garbage is collected: what earlier cases left must not count as the memory of one. */
const COLLECT_EVERY = 20;

/** What a turn does, as one argument of its process. */
export interface Turn {
  readonly kind: string;
  /** Seed of the first case. */
  readonly seed: number;
  /** How far the next seed is. */
  readonly step: number;
  /** Milliseconds after which no case begins; absent: one case, which tells what happens. */
  readonly time?: number;
  /** Nothing else is in it. */
  readonly folder: string;
}

export type Message =
  | { readonly kind: 'started'; readonly seed: number }
  | { readonly kind: 'done'; readonly seed: number; readonly counts: Counts }
  | { readonly kind: 'violated'; readonly seed: number; readonly what: string };

/** Runs the cases of a turn; each is told of when it begins and when it ends. */
export async function takeTurn(
  { seed: first, step, time, folder }: Turn,
  kind: Kind,
  send: (message: Message) => void,
): Promise<void> {
  await prepareZstd();
  const end = performance.now() + (time ?? 0);
  const tell = time === undefined ? (line: string) => process.stdout.write(`  ${line}\n`) : undefined;
  let seed = first;
  for (let index = 0; index === 0 || performance.now() < end; index++, seed += step) {
    send({ kind: 'started', seed });
    try {
      const counts = await kind.run(seed, { folder, tell });
      const peak = process.resourceUsage().maxRSS * 1024;
      if (peak > (kind.memoryLimit ?? Infinity)) {
        send({ kind: 'violated', seed, what: `memory reached ${peak} bytes, limit ${kind.memoryLimit}` });
        return;
      }
      send({ kind: 'done', seed, counts });
    } catch (error) {
      send({ kind: 'violated', seed, what: wordsOf(error) });
    }
    if (tell === undefined) for (const name of fs.readdirSync(folder)) remove(`${folder}/${name}`);
    const isLarge = process.memoryUsage.rss() > (kind.memoryLimit ?? Infinity) / 2;
    if (isLarge || index % COLLECT_EVERY === 0) globalThis.gc?.();
    // Messages leave, and signals arrive.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const remove = (path: string): void => {
  fs.rmSync(path, { recursive: true, force: true });
};

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\n${wordsOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
