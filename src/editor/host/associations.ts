/** Which files VS Code opens with this editor because of a setting (`workbench.editorAssociations`). */
import * as vscode from 'vscode';
import { compileGlob } from '../../worker/glob';
import { ANY_FILE_EDITOR, VIEW_TYPES } from './viewTypes';

const SECTION = 'workbench';
const NAME = 'editorAssociations';

type Associations = Readonly<Record<string, string>>;

/** The glob that stands for one file: VS Code compares globs with slashes to scheme and path. */
export function patternOfFile(uri: vscode.Uri): string {
  // There is no escape in a glob; such characters match any single one.
  return `**${uri.path.replace(/[*?[\]{}!,\\]/g, '?')}`;
}

/** `*.img` for `disk.img`; undefined where a name has no ending. */
export function patternOfEnding(uri: vscode.Uri): string | undefined {
  const ending = /[^/](\.[\w-]+)$/.exec(uri.path)?.[1];
  return ending === undefined ? undefined : `*${ending}`;
}

/** Whether a file is opened with this editor by a setting, and not by its name or by a choice made for once. */
export function isAssociated(uri: vscode.Uri): boolean {
  const associations = vscode.workspace.getConfiguration(SECTION).get<Associations>(NAME, {});
  const name = uri.path.slice(uri.path.lastIndexOf('/') + 1);
  return Object.entries(associations).some(([glob, viewType]) => {
    if (!VIEW_TYPES.some((own) => own === viewType)) return false;
    return compileGlob(glob, true)(glob.includes('/') ? `${uri.scheme}:${uri.path}` : name);
  });
}

/**
 * Has VS Code open what matches a glob with this editor from now on: in the workspace where the file lies in it, else
 * everywhere.
 * @throws Error where the settings cannot be written
 */
export async function associate(glob: string, uri: vscode.Uri): Promise<void> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const given = settings.inspect<Associations>(NAME);
  const isOfWorkspace = belongsToWorkspace(uri);
  const former = isOfWorkspace ? given?.workspaceValue : given?.globalValue;
  const target = isOfWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
  await settings.update(NAME, { ...former, [glob]: ANY_FILE_EDITOR }, target);
}

/** Whether `associate` writes to the settings of the workspace. */
export function belongsToWorkspace(uri: vscode.Uri): boolean {
  return vscode.workspace.getWorkspaceFolder(uri) !== undefined;
}
