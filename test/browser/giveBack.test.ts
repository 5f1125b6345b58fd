/** Giving free space back in the installed package: what the question says, and the answer. */
import { statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustQemuImg, mustQemuIo, qemuImg } from '../support/qemu';
import { workspace } from '../support/workspace';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const MIB = 2 ** 20;
const TITLE = 'QCOW2: Reclaim Free Space…';

describe('giving free space back', () => {
  const files = workspace();
  const disk = files.path('disk.qcow2');
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '16M']);
    // QEMU frees clusters within the image, and is told not to give them to the file system.
    mustQemuIo(disk, ['write -P 1 0 8M', 'write -z -u 1M 2M', 'write -z -u 7M 1M'], {}, ['-d', 'ignore']);
    vscode = await VSCode.shared();
    window = await vscode.openWindow(files.folder);
    await EditorPage.open(window, disk);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  it('says what it would come to, and that nothing of it can be undone, and does nothing unless it is told to', async () => {
    const { size, mtimeMs } = statSync(disk);
    await window.runCommand(TITLE);
    await window.dialog.waitFor();
    const question = await window.dialog.innerText();
    expect(question).toContain('Reclaim the free space of disk.qcow2?');
    expect(question).toContain('3 MiB can be reclaimed.');
    expect(question).toContain('The file shrinks by 1 MiB');
    expect(question).toContain('This cannot be undone');
    await window.screenshot('give-back-question');
    await window.dialog.getByRole('button', { name: 'Cancel' }).click();
    await window.dialog.waitFor({ state: 'detached' });
    expect(statSync(disk)).toMatchObject({ size, mtimeMs });
  });

  it('gives it back, and leaves a clean image', async () => {
    const before = statSync(disk);
    await window.runCommand(TITLE);
    await window.dialog.getByRole('button', { name: 'Reclaim' }).click();
    await window.notification('Reclaimed').waitFor();
    await window.screenshot('give-back-done');
    const after = statSync(disk);
    expect(after.size).toBe(before.size - MIB);
    expect((before.blocks - after.blocks) * 512).toBeGreaterThanOrEqual(3 * MIB - 65536);
    expect(qemuImg(['check', disk]).status).toBe(0);
    mustQemuIo(disk, ['read -P 1 0 1M', 'read -P 0 1M 2M', 'read -P 1 3M 4M', 'read -P 0 7M 1M']);
  });
});
