/**
 * QEMU judges the command line on damaged images: compares exit codes and numbers of `info`, `map`, `check` and
 * `check -r all`, each on a separate copy, since repairs change it.
 */
import * as fs from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { command } from './command';
import type { Ran } from './process';
import { qemuImg } from './qemu';

export type Verb = 'info' | 'map' | 'check' | 'repair';

/** The differences, as text; `ours` and `theirs` are exit codes. */
export interface Difference {
  readonly verb: Verb;
  readonly ours: number;
  readonly theirs: number;
  readonly what: string;
}

/** Intended differences for images that were cut off, and why. */
const LISTED: readonly { readonly reason: string; readonly holds: (difference: Difference) => boolean }[] = [
  {
    reason:
      'without its refcounts a file that was cut off is left as it is here: new ones would be put where what is missing belongs, as qemu-img puts them',
    holds: ({ verb, ours, theirs, what }) =>
      verb === 'repair' &&
      ours === theirs &&
      /"corruptions-fixed":0.*\n.*"corruptions-fixed":[1-9]/.test(what),
  },
  {
    reason: 'without its L1 table the image is left as it is here, and the exit code is that of the check',
    holds: ({ verb, what }) => verb === 'repair' && what.includes('Not repaired: the active L1 table'),
  },
];

/** Why a difference is as it should be; undefined for one that is not. */
export const listedReason = (difference: Difference): string | undefined =>
  LISTED.find(({ holds }) => holds(difference))?.reason;

type Json = Readonly<Record<string, unknown>>;

const ARGUMENTS: Readonly<Record<Verb, readonly [verb: 'info' | 'map' | 'check', ...options: string[]]>> = {
  info: ['info', '--output=json'],
  map: ['map', '--output=json'],
  check: ['check', '--output=json'],
  repair: ['check', '--output=json', '-r', 'all'],
};

export const VERBS = Object.keys(ARGUMENTS) as readonly Verb[];

/** @param folder has the files that the image names */
export async function judgeDamaged(
  folder: string,
  bytes: Uint8Array,
  verb: Verb,
): Promise<Difference | undefined> {
  const path = `${folder}/disk.qcow2`;
  const [name, ...options] = ARGUMENTS[verb];
  const copy = (): void => {
    fs.writeFileSync(path, bytes);
  };
  copy();
  const theirs = qemuImg([name, ...options, path]);
  copy();
  const ours = await command(folder, name, ...options, path);
  const what = verb === 'repair' ? afterRepair(path, bytes, ours, theirs) : differs(verb, ours, theirs);
  return what === undefined ? undefined : { verb, ours: ours.status, theirs: theirs.status, what };
}

function differs(verb: Verb, ours: Ran, theirs: Ran): string | undefined {
  if (ours.status !== theirs.status) return `exit code: ${ours.stderr}${theirs.stderr}`;
  // Where QEMU prints nothing, ours prints what can be read.
  if (theirs.status === 1 && verb !== 'check') return undefined;
  if (theirs.stdout.length === 0) return undefined;
  const [one, other] = [shown(ours), shown(theirs)];
  return isDeepStrictEqual(one, other) ? undefined : `${JSON.stringify(one)}\n${JSON.stringify(other)}`;
}

/** Compares with QEMU's own repair if that ends in a clean image. */
function afterRepair(path: string, bytes: Uint8Array, ours: Ran, theirs: Ran): string | undefined {
  if (ours.status === 1) {
    const isKept = fs.readFileSync(path).equals(Buffer.from(bytes));
    if (!isKept) return 'it fails, and has changed the image';
    return theirs.status === 1 ? undefined : `exit code: ${ours.stderr}${theirs.stderr}`;
  }
  const judge = qemuImg(['check', '-q', path]);
  if (judge.status !== ours.status) return `qemu-img check says ${judge.status} afterwards: ${judge.stderr}`;
  if (ours.status !== theirs.status) return `exit code: ${ours.stderr}${theirs.stderr}`;
  const [one, other] = [repairCounts(ours), repairCounts(theirs)];
  return isDeepStrictEqual(one, other) ? undefined : `${JSON.stringify(one)}\n${JSON.stringify(other)}`;
}

const REPAIR_COUNTS = ['corruptions', 'leaks', 'check-errors', 'corruptions-fixed', 'leaks-fixed'] as const;

function repairCounts({ stdout }: Ran): unknown {
  const json = JSON.parse(String(stdout)) as Json;
  return Object.fromEntries(REPAIR_COUNTS.map((name) => [name, json[name] ?? 0]));
}

/** Without what depends on the file system, and what QEMU does not look for. */
function shown({ stdout }: Ran): unknown {
  const text = String(stdout);
  if (text === '') return undefined;
  const json = JSON.parse(text) as Json | readonly Json[];
  if (Array.isArray(json)) return json;
  const unlike = { 'actual-size': undefined, defects: undefined, 'defect-list': undefined };
  return { ...(json as Json), ...unlike };
}
