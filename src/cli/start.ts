/**
 * What `dist/cli.js` runs. Most of the time that the command takes to start is for loading its code, and what changes images
 * is half of that: so what changes none has a bundle of its own.
 *
 * On Node 20, `qcow2 info` takes 108 ms instead of 123 with it, 78 of which are those of Node itself; `qcow2 check` gains as much.
 */
import type { READING_VERBS } from './readingVerbs';

const READING: Readonly<Record<keyof typeof READING_VERBS, true>> = {
  info: true,
  map: true,
  space: true,
  read: true,
  ls: true,
  cat: true,
  cp: true,
  df: true,
  help: true,
  completion: true,
};

/** An option that may be `--repair` or `-r`, by itself or among other letters. */
const MAY_REPAIR = /^-(?:[a-z]*r|-repair)/i;

/** Whether a command changes no image. @param argv verb and arguments */
export function changesNothing([verb = '', ...args]: readonly string[]): boolean {
  if (verb === 'check') return !args.some((arg) => MAY_REPAIR.test(arg));
  return Object.hasOwn(READING, verb) || verb === '' || verb.startsWith('-');
}
