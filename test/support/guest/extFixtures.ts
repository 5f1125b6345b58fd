/** Images that only a kernel can make (test/fixtures/guest/ext/make.mjs), with what it says of them. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { REPOSITORY } from '../repository';

const FOLDER = path.join(REPOSITORY, 'test/fixtures/guest/ext');
const BLOCK = 1024;

export interface Fixture {
  readonly bytes: Uint8Array;
  readonly files: ReadonlyMap<string, FixtureFile>;
  /** `[start, end)` in bytes. */
  readonly free: readonly (readonly [number, number])[];
}

export interface FixtureFile {
  readonly type: string;
  readonly id: number;
  readonly mode: number;
  readonly links: number;
  readonly modified: number;
  readonly allocated: number;
  /** Not of folders. */
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
}

export const FIXTURES = ['fragmented', 'inline', 'mapped', 'mounted', 'encrypted'] as const;

export function readFixture(name: (typeof FIXTURES)[number]): Fixture {
  const bytes = gunzipSync(fs.readFileSync(path.join(FOLDER, `${name}.img.gz`)));
  const lines = fs
    .readFileSync(path.join(FOLDER, `${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');
  const entries = lines.map((line) => JSON.parse(line) as [string, unknown]);
  const [, lists] = entries.pop() as [string, string[]];
  const free: [number, number][] = [];
  for (const [, first, last = first] of lists.join(',').matchAll(/(\d+)(?:-(\d+))?/g)) {
    const [start, end] = [Number(first) * BLOCK, (Number(last) + 1) * BLOCK];
    const previous = free.at(-1);
    if (previous?.[1] === start) previous[1] = end;
    else free.push([start, end]);
  }
  return { bytes, files: new Map(entries as [string, FixtureFile][]), free };
}
