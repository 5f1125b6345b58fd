/**
 * Files of this extension host alone: staged pages that outgrow memory, backups for the case that a thread dies, and
 * backups for renames. They lie in a folder named after this process, so that another one can tell when it has ended.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning, type Owner, thisThread } from '../../worker/owner';

const PREFIX = 'host';
const SEPARATOR = ',';

/** @param parent the extension's storage; the folder in it is made when it is needed */
export const folderOfThisHost = (parent: string): string => join(parent, nameOfThisHost());

function nameOfThisHost(): string {
  const { host, boot, pid, started } = thisThread();
  return [PREFIX, ...[host, boot, String(pid), started].map(encodeURIComponent)].join(SEPARATOR);
}

/** Whether a name is that of a folder whose process has ended; one of another machine may still run. */
export function isFolderOfEndedHost(name: string): boolean {
  const [prefix, ...facts] = name.split(SEPARATOR);
  if (prefix !== PREFIX || facts.length !== 4 || name === nameOfThisHost()) return false;
  try {
    const [host, boot, pid, started] = facts.map(decodeURIComponent);
    const owner: Owner = { host: host!, boot: boot!, pid: Number(pid), started: started! };
    return isRunning(owner) === false;
  } catch {
    // Not a name of ours.
    return false;
  }
}

/** A backup of staged edits: its manifest, and the file beside it that holds its pages and may be another one's, too. */
export interface Backup {
  readonly path: string;
  readonly pages: string;
}

/**
 * Removes a backup. Never rejects: what cannot be removed stays until its host has ended.
 * @param others backups whose pages must stay
 */
export async function removeBackup({ path, pages }: Backup, others: Iterable<Backup> = []): Promise<void> {
  const kept = [...others];
  if (!kept.some((other) => other.path === path)) await remove(path);
  if (!kept.some((other) => other.pages === pages)) await remove(join(path, '..', pages));
}

const remove = (path: string): Promise<void> => rm(path, { force: true }).catch(() => undefined);
