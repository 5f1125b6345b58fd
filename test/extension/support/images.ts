/** Images for the suite, made by QEMU in separate folders, inside or outside the workspace. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';

export class ImageFolder {
  private constructor(readonly path: string) {}

  /** A folder of the workspace. */
  static inWorkspace(name: string): ImageFolder {
    const [workspace] = vscode.workspace.workspaceFolders ?? [];
    if (workspace === undefined) throw new Error('the suite runs with a folder open');
    const path = join(workspace.uri.fsPath, name);
    mkdirSync(path, { recursive: true });
    return new ImageFolder(path);
  }

  /** A folder that VS Code knows nothing of. */
  static outside(): ImageFolder {
    return new ImageFolder(realpathSync(mkdtempSync(join(tmpdir(), 'qcow2-suite-'))));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  uri(name: string): vscode.Uri {
    return vscode.Uri.file(this.file(name));
  }

  /** Creates an image; `options` come before the name, as `qemu-img create` takes them. */
  create(name: string, size: string | undefined, ...options: string[]): string {
    const sizes = size === undefined ? [] : [size];
    qemuImg('create', '-q', '-f', 'qcow2', ...options, this.file(name), ...sizes);
    return this.file(name);
  }

  /** An image over another one of the folder. */
  overlay(name: string, backing: string): string {
    return this.create(name, undefined, '-b', backing, '-F', 'qcow2');
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What qemu-img says; fails when it fails. */
export function qemuImg(...args: string[]): string {
  return execFileSync('qemu-img', args, { encoding: 'utf8', timeout: 30_000 });
}

/** Runs `commands` on an image, `write -P 1 0 1M` and the like. */
export function qemuIo(file: string, ...commands: string[]): void {
  const args = commands.flatMap((command) => ['-c', command]);
  execFileSync('qemu-io', [...args, file], { timeout: 30_000, stdio: 'ignore' });
}
