/**
 * What commands are called with: by our own menus and pages, but by any link and any other extension as well. What is not
 * as it has to be counts as not given. No argument answers a question in place of the user, or
 * says where a file is written.
 */
import * as vscode from 'vscode';
import type { ChainNode } from '../chains/chainModel';
import type { GuestNode } from '../contents/contentsNode';
import type { CommandTarget } from './target';

/** A file in the Explorer, a node of the tree, or an object with a URI; undefined for everything else. */
export function targetIn(given: unknown): CommandTarget {
  if (given instanceof vscode.Uri) return given;
  const uri = fieldIn(given, 'uri');
  return uri instanceof vscode.Uri ? { uri } : nodeIn(given);
}

/** A node of the tree "Backing Chains"; undefined for everything else. */
export function nodeIn(given: unknown): ChainNode | undefined {
  switch (fieldIn(given, 'kind')) {
    case 'image':
      return textIn(fieldIn(given, 'image'), 'path') === undefined ? undefined : (given as ChainNode);
    case 'broken':
      return isReference(fieldIn(given, 'reference')) ? (given as ChainNode) : undefined;
    default:
      return undefined;
  }
}

/**
 * Files inside an image, as nodes of the tree "Contents" name them; a partition stands for its root.
 * @param given the node that the command was called on
 * @param selected all that were selected then
 */
export function guestNodesIn(given: unknown, selected?: unknown): GuestNode[] {
  const all: readonly unknown[] = Array.isArray(selected) && selected.length > 0 ? selected : [given];
  return all.flatMap((each) => guestNodeIn(each) ?? []);
}

function guestNodeIn(given: unknown): GuestNode | undefined {
  const [image, part] = [textIn(given, 'image'), textIn(given, 'part')];
  if (image === undefined || part === undefined) return undefined;
  const root = offsetIn(fieldIn(fieldIn(given, 'facts'), 'system'), 'root');
  if (root !== undefined) return { image, part, id: root, path: '/' };
  const [id, path] = [offsetIn(given, 'id'), textIn(given, 'path')];
  return id === undefined || path?.startsWith('/') !== true ? undefined : { image, part, id, path };
}

/** A field that is text. */
export function textIn(given: unknown, field: string): string | undefined {
  const value = fieldIn(given, field);
  return typeof value === 'string' ? value : undefined;
}

/** A field that is a place: a number of bytes from 0 on. */
export function offsetIn(given: unknown, field: string): number | undefined {
  const value = fieldIn(given, field);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function fieldIn(given: unknown, field: string): unknown {
  if (typeof given !== 'object' || given === null || !Object.hasOwn(given, field)) return undefined;
  return (given as Readonly<Record<string, unknown>>)[field];
}

function isReference(given: unknown): boolean {
  const path = fieldIn(given, 'path');
  return textIn(given, 'nameAsWritten') !== undefined && (path === undefined || typeof path === 'string');
}
