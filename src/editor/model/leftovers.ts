/**
 * Files that earlier windows have left: the folder of an extension host that has ended, pages of backups that no manifest
 * names any more, and backups for renames that were not used. Backups themselves are VS Code's business: it deletes them,
 * and asks for those it wants back.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isFolderOfEndedHost } from './storage';

/** Milliseconds; a backup that is being written names its pages long before. */
const OLD = 24 * 60 * 60 * 1000;

/** Never rejects: what cannot be looked at or removed stays. */
export async function removeLeftovers(folders: readonly string[], now = Date.now()): Promise<void> {
  for (const folder of folders) await removeFrom(folder, now).catch(() => undefined);
}

async function removeFrom(folder: string, now: number): Promise<void> {
  const names = await readdir(folder);
  const isPages = (name: string): boolean => /^pages-[0-9a-f]{12}$/.test(name);
  const old: string[] = [];
  const ended = names.filter(isFolderOfEndedHost);
  for (const name of ended) await rm(join(folder, name), { recursive: true, force: true });
  for (const name of names.filter((each) => !ended.includes(each))) {
    const found = await stat(join(folder, name));
    if (found.isFile() && now - found.mtimeMs > OLD) old.push(name);
  }
  const renamed = old.filter((name) => name.startsWith('renamed-'));
  for (const name of renamed) await rm(join(folder, name));
  const pages = old.filter(isPages);
  if (pages.length === 0) return;
  const kept = names.filter((name) => !isPages(name) && !renamed.includes(name));
  const manifests = await Promise.all(
    kept.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')),
  );
  for (const name of pages) {
    if (!manifests.some((manifest) => manifest.includes(`"${name}"`))) await rm(join(folder, name));
  }
}
