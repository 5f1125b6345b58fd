/**
 * `npm run film`: takes a picture of each step of a new user's walk (test/browser/walk) in each kind of theme, and writes
 * an overview. It is not part of the repository: look at .cache/film/index.html.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { CACHE } from '../../../scripts/lib/paths.mjs';
import { workspace } from '../../support/workspace';
import { THEME_KINDS } from '../harness/themes';
import { VSCode } from '../harness/vscode';
import { MouseHands } from '../walk/mouseHands';
import { STORY, Walk } from '../walk/story';

const FOLDER = path.join(CACHE, 'film');

describe('the film: a person', () => {
  const files = workspace();
  let vscode: VSCode;
  let walk: Walk;

  beforeAll(async () => {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    Walk.prepare(files);
    vscode = await VSCode.start({ settings: { 'workbench.startupEditor': 'welcomePage' } });
    const window = await vscode.openWindow(files.folder);
    walk = new Walk(window, new MouseHands(window), files);
  });

  afterAll(async () => {
    writeFileSync(path.join(FOLDER, 'index.html'), sheet());
    await vscode.stop();
    files.remove();
  });

  for (const [index, step] of STORY.entries()) {
    it(step.name, async () => {
      await step.run(walk);
      for (const kind of THEME_KINDS) {
        await vscode.setTheme(walk.window, kind);
        // Repainting for the new theme takes a moment.
        await walk.window.page.waitForTimeout(500);
        const taken = await walk.window.screenshot('film');
        renameSync(taken, path.join(FOLDER, pictureName(index, kind)));
      }
    });
  }
});

const pictureName = (index: number, kind: string): string =>
  `${String(index + 1).padStart(2, '0')}-${kind}.png`;

/** A line for each step, a column for each kind of theme. */
function sheet(): string {
  const lines = STORY.map(({ name }, index) => {
    const pictures = THEME_KINDS.map(
      (kind) => `<img src="${pictureName(index, kind)}" alt="${kind}" width="600">`,
    );
    return `<h2>${index + 1}. The person ${name}</h2>\n<div>${pictures.join('')}</div>`;
  });
  return `<!doctype html><meta charset="utf-8"><title>The walk</title>\n<style>div { display: flex; gap: 8px }</style>\n${lines.join('\n')}\n`;
}
