/** The walk of a new user in the installed package, once with the mouse and once with the keyboard alone. */
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { workspace } from '../support/workspace';
import { VSCode } from './harness/vscode';
import type { Hands } from './walk/hands';
import { InputWatch } from './walk/inputWatch';
import { KeyboardHands } from './walk/keyboardHands';
import { MouseHands } from './walk/mouseHands';
import { STORY, Walk } from './walk/story';

const HANDS = [
  { name: 'the mouse', of: (window) => new MouseHands(window) },
  { name: 'the keyboard', of: (window) => new KeyboardHands(window) },
] as const satisfies readonly { name: string; of: (window: Walk['window']) => Hands }[];

describe.each(HANDS)('with $name alone, a person', ({ name, of }) => {
  const files = workspace();
  let vscode: VSCode;
  let walk: Walk;
  let seen: InputWatch;

  beforeAll(async () => {
    Walk.prepare(files);
    vscode = await VSCode.start({ settings: { 'workbench.startupEditor': 'welcomePage' } });
    const window = await vscode.openWindow(files.folder);
    seen = await InputWatch.of(window);
    walk = new Walk(window, of(window), files);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  for (const [index, step] of STORY.entries()) {
    it(step.name, async () => {
      onTestFailed(() => walk.window.screenshot(`walk-${name.slice(4)}-${index}`).then(() => undefined));
      await seen.takeIn();
      await step.run(walk);
    });
  }

  it('has used nothing else', () => {
    // The offset, letter by letter, and Enter.
    if (name === 'the mouse') expect(seen.keys.join('')).toBe('0x208000Enter');
    else expect(seen.pointer).toBe(0);
  });
});
