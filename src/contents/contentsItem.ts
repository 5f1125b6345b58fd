/** Icon, label, description and tooltip of the nodes of the tree "Contents". */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { sizeText } from '../text/sizeText';
import { describeInside } from '../text/vscode/describe';
import { tooltipTable, treeItem, type TreeEntry } from '../text/vscode/items';
import type { FileType, GuestPart } from '../worker/contentsApi';
import { type ContentsNode, type DiskNode, type FileNode, nodeKey, type PartNode } from './contentsNode';
import { guestUri } from './guestUri';

export function contentsItem(node: ContentsNode): vscode.TreeItem {
  return treeItem({ id: nodeKey(node), ...dressOf(node) });
}

function dressOf(node: ContentsNode): TreeEntry {
  switch (node.kind) {
    case 'disk':
      return diskDress(node);
    case 'part':
      return partDress(node);
    case 'file':
      return fileDress(node);
    case 'note':
      return {
        label: node.text,
        description: '',
        collapsibleState: vscode.TreeItemCollapsibleState.None,
        contextValue: 'note',
        iconPath: warningIcon(),
      };
  }
}

function diskDress({ image, parts }: DiskNode): TreeEntry {
  const tables = { gpt: 'GPT', mbr: 'MBR', none: '' };
  return {
    label: basename(vscode.Uri.parse(image).path),
    description: parts === undefined ? '' : tables[parts.table],
    collapsibleState: vscode.TreeItemCollapsibleState.Expanded,
    contextValue: 'disk',
    iconPath: new vscode.ThemeIcon('database'),
  };
}

function partDress({ facts }: PartNode): TreeEntry {
  const { Collapsed, None } = vscode.TreeItemCollapsibleState;
  const { system, kind } = facts;
  return {
    label: partName(facts),
    description: partFacts(facts).join(' · '),
    collapsibleState: system === undefined ? None : Collapsed,
    contextValue: system === undefined ? 'part' : 'part.system',
    iconPath:
      system?.doubts.length === 0 || (system === undefined && facts.holds !== '')
        ? new vscode.ThemeIcon(kind === 'volume' ? 'layers' : 'server')
        : system === undefined
          ? new vscode.ThemeIcon('circle-slash')
          : warningIcon(),
  };
}

/** `2: root`: as paths begin, and what people call it. */
export function partName({ path, kind, name, typeName, system }: GuestPart): string {
  const called = [system?.label, name, typeName].find((text) => text !== undefined && text !== '');
  if (kind === 'disk') return called ?? vscode.l10n.t('Whole disk');
  if (kind === 'volume') return path;
  return called === undefined ? path : `${path}: ${called}`;
}

function partFacts({ size, holds, system, problem }: GuestPart): string[] {
  if (system === undefined) {
    const why = problem === undefined ? holds : describeInside(problem);
    return [...(why === '' ? [] : [why]), sizeText(size)];
  }
  return [
    system.kind,
    sizeText(system.size),
    ...(system.used === undefined ? [] : [vscode.l10n.t('{0} used', sizeText(system.used))]),
    ...(system.doubts.length === 0 ? [] : [vscode.l10n.t('not clean: shown as on disk')]),
  ];
}

function fileDress(node: FileNode): TreeEntry {
  const { type, size, target, problem } = node.entry;
  const { Collapsed, None } = vscode.TreeItemCollapsibleState;
  const facts = [
    ...(type === 'file' ? [sizeText(size)] : []),
    ...(target === undefined ? [] : [`→ ${target}`]),
    ...(type in SPECIAL ? [specialText(type)] : []),
    ...(problem === undefined ? [] : [describeInside(problem)]),
  ];
  return {
    label: node.entry.name,
    description: facts.join(' · '),
    collapsibleState: type === 'folder' ? Collapsed : None,
    contextValue: type === 'file' || type === 'folder' || type === 'link' ? type : 'special',
    resourceUri: guestUri(node),
    iconPath: iconOf(node),
    ...(type === 'file' || type === 'link'
      ? {
          command: { command: 'qcow2.contents.open', title: vscode.l10n.t('Open'), arguments: [node] },
        }
      : {}),
  };
}

function iconOf({ entry: { type, problem } }: FileNode): vscode.ThemeIcon {
  if (problem !== undefined) return warningIcon();
  if (type === 'folder') return vscode.ThemeIcon.Folder;
  if (type === 'link') return new vscode.ThemeIcon('file-symlink-file');
  return type === 'file' ? vscode.ThemeIcon.File : new vscode.ThemeIcon(SPECIAL[type] ?? 'question');
}

const SPECIAL: Readonly<Partial<Record<FileType, string>>> = {
  blockDevice: 'server',
  characterDevice: 'terminal',
  pipe: 'arrow-swap',
  socket: 'plug',
  other: 'question',
};

function specialText(type: FileType): string {
  switch (type) {
    case 'blockDevice':
      return vscode.l10n.t('block device');
    case 'characterDevice':
      return vscode.l10n.t('character device');
    case 'pipe':
      return vscode.l10n.t('named pipe');
    case 'socket':
      return vscode.l10n.t('socket');
    default:
      return vscode.l10n.t('no contents');
  }
}

/** The tooltip, made when the pointer rests on the node. */
export function contentsTooltip(node: ContentsNode): vscode.MarkdownString {
  switch (node.kind) {
    case 'disk':
      return tooltipTable([[vscode.l10n.t('Image'), vscode.Uri.parse(node.image).fsPath]]);
    case 'part':
      return partTooltip(node.facts);
    case 'file':
      return fileTooltip(node);
    case 'note':
      return tooltipTable([[vscode.l10n.t('Problem'), node.text]]);
  }
}

type Rows = [string, string][];

function partTooltip(facts: GuestPart): vscode.MarkdownString {
  const { path, typeName, name, holds, size, start, system, problem } = facts;
  const row = (title: string, value: string | undefined): Rows =>
    value === undefined || value === '' ? [] : [[title, value]];
  return tooltipTable([
    ...row(vscode.l10n.t('Path'), path),
    ...row(vscode.l10n.t('Type'), typeName),
    ...row(vscode.l10n.t('Name'), name),
    ...row(vscode.l10n.t('File system'), system?.kind ?? holds),
    ...row(vscode.l10n.t('Label'), system?.label),
    ...row('UUID', system?.uuid),
    ...row(vscode.l10n.t('Start'), start === undefined ? undefined : sizeText(start)),
    ...row(vscode.l10n.t('Size'), sizeText(size)),
    ...row(vscode.l10n.t('Used'), system?.used === undefined ? undefined : sizeText(system.used)),
    ...row(vscode.l10n.t('Problem'), problem === undefined ? undefined : describeInside(problem)),
    ...(system?.doubts ?? []).flatMap((doubt) => row(vscode.l10n.t('State'), describeInside(doubt))),
    ...((system?.doubts.length ?? 0) === 0
      ? []
      : row('', vscode.l10n.t('Files are read as they are on disk; a journal is not replayed.'))),
  ]);
}

function fileTooltip({ path, entry }: FileNode): vscode.MarkdownString {
  const { type, size, allocated, modified, mode, target, problem } = entry;
  const rows: Rows = [[vscode.l10n.t('Path'), path]];
  if (target !== undefined) rows.push([vscode.l10n.t('Link to'), target]);
  if (type === 'file') rows.push([vscode.l10n.t('Size'), sizeText(size)]);
  rows.push([vscode.l10n.t('Allocated'), sizeText(allocated)]);
  if (modified !== undefined) rows.push([vscode.l10n.t('Modified'), timeText(modified)]);
  if (mode !== undefined) rows.push([vscode.l10n.t('Mode'), mode.toString(8).padStart(4, '0')]);
  if (problem !== undefined) rows.push([vscode.l10n.t('Problem'), describeInside(problem)]);
  return tooltipTable(rows);
}

/** @param modified milliseconds since 1970, which a disk may give as any number */
function timeText(modified: number): string {
  const date = new Date(modified);
  return Number.isNaN(date.getTime()) ? '?' : date.toLocaleString(vscode.env.language);
}

const warningIcon = (): vscode.ThemeIcon =>
  new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
