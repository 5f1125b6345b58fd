/** Icon, label, description and tooltip of a tree node. */
import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { type Health, healthDetail, healthText, verdictOf } from '../text/vscode/health';
import { listed } from '../text/printable';
import { sizeText } from '../text/sizeText';
import { tooltipTable, treeItem, type TreeEntry } from '../text/vscode/items';
import { describe } from '../text/vscode/describe';
import type { Problem } from '../worker/api';
import type { IndexedImage } from '../worker/indexApi';
import { type BrokenNode, type ChainNode, type ImageNode, shortNameOf } from './chainModel';

/** What is known about a node besides its header. */
export interface NodeState {
  /** Its backing chain is complete. */
  readonly isWhole: boolean;
  /** It was created after the workspace was opened. */
  readonly isNew: boolean;
  readonly health: Health;
}

export function chainItem(
  node: ChainNode,
  collapsibleState: vscode.TreeItemCollapsibleState,
  state: NodeState,
): vscode.TreeItem {
  const { id } = node;
  const dress = node.kind === 'image' ? imageDress(node, state) : brokenDress(node);
  return treeItem({ id, label: shortNameOf(node), collapsibleState, ...dress });
}

type Dress = Omit<TreeEntry, 'label' | 'collapsibleState'>;

function imageDress(node: ImageNode, { isWhole, isNew, health }: NodeState): Dress {
  const { image } = node;
  const broken = isWhole ? [] : [vscode.l10n.t('broken chain')];
  const fresh = isNew ? [vscode.l10n.t('new')] : [];
  const words = [...healthFacts(health), ...facts(node), ...broken, ...fresh, ...folderOf(image.path)];
  return {
    contextValue: contextOf(node, health),
    description: words.join(' · '),
    iconPath: imageIcon(node, isWhole, health),
    command: { command: 'qcow2.chains.open', title: vscode.l10n.t('Open'), arguments: [node] },
  };
}

/** The context value that the menus in package.json test. */
function contextOf({ image }: ImageNode, health: Health): string {
  const isDamaged = health.kind === 'checked' && verdictOf(health.report) !== 'clean';
  return [
    'image',
    ...(image.format === 'raw' ? ['raw'] : []),
    ...(isElsewhere(image) ? ['outside'] : []),
    ...(isDamaged ? ['damaged'] : []),
  ].join('.');
}

/** Outside the workspace folders: the Explorer does not show it. */
const isElsewhere = ({ path }: IndexedImage): boolean =>
  vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path)) === undefined;

/**
 * The tooltip, made when the pointer rests on the node.
 * @param overlays images that name it as their backing file
 */
export function chainTooltip(
  node: ChainNode,
  health: Health,
  overlays: readonly IndexedImage[],
): vscode.MarkdownString {
  return node.kind === 'image' ? imageTooltip(node, health, overlays) : brokenTooltip(node);
}

/** The result of the last check; empty if there was none. */
function healthFacts(health: Health): string[] {
  if (health.kind === 'unchecked') return [];
  return [health.kind === 'checking' ? vscode.l10n.t('checking…') : healthText(health)];
}

/** Why a node is not what its name says. A raw backing file is fine, a raw `.qcow2` is not. */
function problemOf({ image, isNamed }: ImageNode): Problem | undefined {
  return image.format === 'raw' && isNamed ? undefined : image.problem;
}

function facts(node: ImageNode): string[] {
  const { image } = node;
  const { summary } = image;
  const problem = problemOf(node);
  if (problem !== undefined) return [describe(problem)];
  const onDisk = vscode.l10n.t('{0} on disk', sizeText(image.allocatedBytes));
  if (summary === undefined) return [vscode.l10n.t('raw'), sizeText(image.fileSize), onDisk];
  return [`v${summary.version}`, sizeText(summary.virtualSize), onDisk, ...marks(image)];
}

/** The folder, for images that are not at the top of the workspace. */
function folderOf(path: string): string[] {
  const folder = dirname(path);
  const relative = vscode.workspace.asRelativePath(folder, false);
  const isTop = vscode.workspace.workspaceFolders?.some(({ uri }) => uri.fsPath === folder) === true;
  return isTop ? [] : [relative];
}

/** What is special about an image. */
function marks({ summary }: IndexedImage): string[] {
  if (summary === undefined) return [];
  return [
    ...(summary.corrupt ? [vscode.l10n.t('corrupt')] : []),
    ...(summary.dirty ? [vscode.l10n.t('dirty')] : []),
    ...(summary.encryption === undefined ? [] : [vscode.l10n.t('encrypted')]),
    ...(summary.snapshots === 0 ? [] : [vscode.l10n.t('snapshots: {0}', summary.snapshots)]),
  ];
}

function imageIcon(node: ImageNode, isWhole: boolean, health: Health): vscode.ThemeIcon {
  const { image, parent } = node;
  if (problemOf(node) !== undefined) return image.format === 'raw' ? warningIcon() : errorIcon();
  const verdict = health.kind === 'checked' ? verdictOf(health.report) : undefined;
  if (verdict === 'damaged' || health.kind === 'failed') return errorIcon();
  const { corrupt = false, dirty = false } = image.summary ?? {};
  if (!isWhole || corrupt || dirty || verdict === 'leaks') return warningIcon();
  if (verdict === 'clean') return new vscode.ThemeIcon('pass', new vscode.ThemeColor('testing.iconPassed'));
  return new vscode.ThemeIcon(parent === undefined ? 'database' : 'layers');
}

function imageTooltip(
  node: ImageNode,
  health: Health,
  overlays: readonly IndexedImage[],
): vscode.MarkdownString {
  const { image } = node;
  const { summary, backing } = image;
  const rows: [string, string][] = [[vscode.l10n.t('File'), image.path]];
  const problem = problemOf(node);
  if (problem !== undefined) rows.push([vscode.l10n.t('Problem'), describe(problem)]);
  rows.push([vscode.l10n.t('Format'), summary === undefined ? image.format : `qcow2 v${summary.version}`]);
  if (summary !== undefined) {
    rows.push([vscode.l10n.t('Virtual size'), sizeText(summary.virtualSize)]);
    rows.push([vscode.l10n.t('Cluster size'), sizeText(summary.clusterSize)]);
  }
  rows.push([vscode.l10n.t('File size'), sizeText(image.fileSize)]);
  rows.push([vscode.l10n.t('On disk'), sizeText(image.allocatedBytes)]);
  if (backing !== undefined) {
    const format = backing.format ?? vscode.l10n.t('format not given');
    rows.push([vscode.l10n.t('Backing file'), `${backing.nameAsWritten} (${format})`]);
  }
  if (summary?.dataFileName !== undefined) rows.push([vscode.l10n.t('Data file'), summary.dataFileName]);
  const special = marks(image);
  if (special.length > 0) rows.push([vscode.l10n.t('State'), special.join(', ')]);
  if (health.kind !== 'unchecked') rows.push([vscode.l10n.t('Health'), healthDetail(health)]);
  if (overlays.length > 0) {
    rows.push([vscode.l10n.t('Used by'), listed(overlays.map(({ path }) => basename(path)))]);
  }
  if (node.isOutside && isElsewhere(image)) {
    rows.push([vscode.l10n.t('Place'), vscode.l10n.t('not among the images of the workspace')]);
  }
  return tooltipTable(rows);
}

function brokenDress(node: BrokenNode): Dress {
  const isError = node.reason === 'missing' || node.reason === 'refused';
  return {
    contextValue: 'broken',
    description: brokenText(node),
    iconPath: isError ? errorIcon() : warningIcon(),
  };
}

function brokenTooltip(node: BrokenNode): vscode.MarkdownString {
  return tooltipTable([
    [vscode.l10n.t('Backing file'), node.reference.nameAsWritten],
    [vscode.l10n.t('Place'), node.reference.path === undefined ? '—' : dirname(node.reference.path)],
    [vscode.l10n.t('Problem'), brokenText(node)],
  ]);
}

function brokenText(node: BrokenNode): string {
  switch (node.reason) {
    case 'missing':
      return vscode.l10n.t('missing');
    case 'refused':
      return node.reference.problem === undefined
        ? vscode.l10n.t('not opened')
        : describe(node.reference.problem);
    case 'cycle':
      return vscode.l10n.t('cycle: this file is already in the chain');
    case 'notRead':
      return vscode.l10n.t('not among the images of the workspace, not read');
    case 'tooDeep':
      return vscode.l10n.t('the chain continues; further layers are not shown');
  }
}

function errorIcon(): vscode.ThemeIcon {
  return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
}

function warningIcon(): vscode.ThemeIcon {
  return new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
}
