/**
 * How strict some guards are, where that can be set: the settings `qcow2.guards.*`. Those that keep an image whole
 * (the full check, locks that are seen, feature bits, changes from outside) are not among them.
 */
import * as vscode from 'vscode';

const LEVELS = {
  /** The image is the backing file of others. */
  usedAsBase: ['ask', 'refuse', 'ignore'],
  /** Whether another program has the image open cannot be seen, or cannot be kept from it. */
  unseenLocks: ['ask', 'refuse'],
  /** Auto Save wants staged edits written; never unattended. */
  autoSave: ['ask', 'keepStaged'],
} as const;

type Levels = typeof LEVELS;

/** The first level is the default, and stands for whatever is none. */
export function guardLevel<Name extends keyof Levels>(name: Name, image: vscode.Uri): Levels[Name][number] {
  const levels: readonly Levels[Name][number][] = LEVELS[name];
  const given = vscode.workspace.getConfiguration('qcow2.guards', image).get<string>(name);
  return levels.find((level) => level === given) ?? LEVELS[name][0];
}
