/**
 * Runs before the browser tests: packages the extension for this machine and installs the .vsix as a user would, into a
 * folder that all servers of the run share.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import type { TestProject } from 'vitest/node';
import { ROOT } from '../../../scripts/lib/paths.mjs';
import { run } from '../../../scripts/lib/process.mjs';
import { writePseudoLocale } from './pseudoLocale';
import { extensionsFolder, installExtension, provisionServer } from '../../../scripts/lib/vscodeServer.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder into which the packaged extension is installed. */
    extensionsFolder: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'qcow2-editor-browser-'));
  const removeFolder = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const vsix = await packageForThisMachine(folder);
    await installExtension(await provisionServer(), folder, vsix);
    writePseudoLocale(extensionsFolder(folder));
    project.provide('extensionsFolder', extensionsFolder(folder));
  } catch (error) {
    removeFolder();
    throw error;
  }
  return removeFolder;
}

async function packageForThisMachine(folder: string): Promise<string> {
  const out = path.join(folder, 'out');
  const target = `${process.platform}-${process.arch}`;
  const args = ['scripts/package.mjs', `--target=${target}`, `--out=${out}`];
  const { code, output } = await run(process.execPath, args, { cwd: ROOT, minutes: 5, quiet: true });
  const vsix = code === 0 ? readdirSync(out).find((name) => name.endsWith('.vsix')) : undefined;
  if (vsix === undefined) throw new Error(`the extension could not be packaged:\n${output}`);
  return path.join(out, vsix);
}
