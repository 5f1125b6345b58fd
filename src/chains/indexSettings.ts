/** The settings for indexing a folder; they may differ between the folders of a workspace. */
import * as vscode from 'vscode';
import type { Exclusion } from '../worker/indexApi';

export interface IndexSettings {
  readonly enabled: boolean;
  /** Images of the folder. */
  readonly maxImages: number;
  readonly exclude: readonly Exclusion[];
  readonly followsLinks: boolean;
}

/** Sections of the settings that `indexSettings` reads. */
export const INDEX_SETTINGS = ['qcow2.index', 'files.exclude', 'search.followSymlinks'] as const;

/** Without a folder: for images outside the workspace. */
export function indexSettings(folder?: vscode.Uri): IndexSettings {
  const settings = vscode.workspace.getConfiguration(undefined, folder);
  const exclude = settings.get<string>('qcow2.index.exclude', '');
  return {
    enabled: settings.get('qcow2.index.enabled', true),
    maxImages: settings.get('qcow2.index.maxFiles', 10_000),
    exclude: [
      ...(exclude === '' ? [] : [{ glob: exclude }]),
      ...exclusions(settings.get<Readonly<Record<string, unknown>>>('files.exclude', {})),
    ],
    followsLinks: settings.get('search.followSymlinks', true),
  };
}

/** For each glob `files.exclude` has `true`, or the name of another file that must exist. */
function exclusions(globs: Readonly<Record<string, unknown>>): Exclusion[] {
  return Object.entries(globs).flatMap(([glob, condition]): Exclusion[] => {
    if (condition === true) return [{ glob }];
    const isConditional = typeof condition === 'object' && condition !== null && 'when' in condition;
    return isConditional && typeof condition.when === 'string' ? [{ glob, when: condition.when }] : [];
  });
}

/** Workspace folders on a local disk: only their files can be read. */
export function localFolders(): vscode.Uri[] {
  const folders = vscode.workspace.workspaceFolders ?? [];
  return folders.map(({ uri }) => uri).filter(({ scheme }) => scheme === 'file');
}
