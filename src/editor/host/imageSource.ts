/** From a URI to the bytes of an image. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { type ImageSource, SourceError } from '../model/source';

/** What is not on a local disk is held in memory, so it must be small. */
export const LARGEST_REMOTE_FILE = 64 * 1024 * 1024;

export function imageSource(uri: vscode.Uri): ImageSource {
  if (uri.scheme === 'file') return { kind: 'path', path: uri.fsPath };
  const name = basename(uri.path);
  return {
    kind: 'bytes',
    name,
    uri: uri.toString(),
    read: () => readWhole(uri, name),
    stamp: () => stampOf(uri),
  };
}

/** Time and length, as far as that file system tells. */
async function stampOf(uri: vscode.Uri): Promise<string> {
  try {
    const { mtime, size } = await vscode.workspace.fs.stat(uri);
    return `${mtime}:${size}`;
  } catch (error) {
    return String(error);
  }
}

/** @throws SourceError, or what the file system of that scheme throws */
async function readWhole(uri: vscode.Uri, name: string): Promise<Uint8Array> {
  const { size } = await statOf(uri, name);
  if (size > LARGEST_REMOTE_FILE) throw tooLarge(name, size);
  const bytes = await vscode.workspace.fs.readFile(uri);
  // Some file systems only learn the size by reading.
  if (bytes.length > LARGEST_REMOTE_FILE) throw tooLarge(name, bytes.length);
  // Its own buffer: a view over a larger one would be carried to the thread whole.
  return bytes.slice();
}

async function statOf(uri: vscode.Uri, name: string): Promise<vscode.FileStat> {
  try {
    return await vscode.workspace.fs.stat(uri);
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') {
      throw new SourceError({ kind: 'io', code: 'file.missing', file: name });
    }
    throw error;
  }
}

function tooLarge(file: string, size: number): SourceError {
  return new SourceError({
    kind: 'io',
    code: 'file.notLocal',
    file,
    value: size,
    limit: LARGEST_REMOTE_FILE,
  });
}
