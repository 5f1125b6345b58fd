/**
 * Every state of the page (states/states.ts) in the installed package: axe-core finds nothing in any kind of theme, and in
 * every language nothing is cut off or out of reach: in English in a small window, a large one and a narrow split, in
 * others where there is least room.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workspace } from '../support/workspace';
import { faults } from './harness/axe';
import { THEME_KINDS } from './harness/themes';
import { VSCode } from './harness/vscode';
import { animations } from './pages/motion';
import { layoutFaults } from './states/layoutFaults';
import { writeImages } from './states/images';
import { Stage, STATES } from './states/states';

interface Size {
  readonly width: number;
  readonly height: number;
}

const SIZES: readonly Size[] = [
  { width: 800, height: 600 },
  { width: 1920, height: 1080 },
  // An editor of 400 pixels.
  { width: 750, height: 700 },
];
/** As narrow and as low as any of them. */
const TIGHTEST: Size = { width: 750, height: 600 };
const USUAL: Size = { width: 1200, height: 800 };

describe.each(['en', 'de'])('the page in %s', (language) => {
  const files = workspace();
  let vscode: VSCode;
  let stage: Stage;

  beforeAll(async () => {
    writeImages(files);
    vscode = await (language === 'en' ? VSCode.shared() : VSCode.start({ language }));
    stage = new Stage(await vscode.openWindow(files.folder), files);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  // There and back again: each state begins in the theme in which the one before ended.
  const inTurn = STATES.map((state, at) => ({
    ...state,
    themes: at % 2 === 0 ? THEME_KINDS : THEME_KINDS.toReversed(),
  }));

  it.each(inTurn)('$name', async ({ themes, ...state }) => {
    const { window } = stage;
    const found: string[] = [];
    const frame = await state.show(stage);
    // What axe-core looks for does not depend on the language.
    for (const [at, theme] of (language === 'en' ? themes : []).entries()) {
      await vscode.setTheme(window, theme);
      for (const fault of await faults(frame, at === 0 ? 'all' : 'colours')) found.push(`${theme}: ${fault}`);
    }
    for (const size of language === 'en' ? SIZES : [TIGHTEST]) {
      await window.resize(size);
      for (const fault of await layoutFaults(frame)) found.push(`${size.width} × ${size.height}: ${fault}`);
      if (language === 'en')
        await window.screenshot(`state-${state.name.replace(/\W+/g, '-')}-${size.width}`);
    }
    await window.resize(USUAL);
    await state.leave?.(stage);
    expect(found).toEqual([]);
  });

  if (language === 'en') {
    it('does not move if reduced motion is set', async () => {
      const { page } = stage.window;
      await page.emulateMedia({ reducedMotion: 'reduce' });
      const opening = STATES.find(({ name }) => name === 'an image that is being opened');
      const frame = await opening?.show(stage);
      if (frame === undefined) throw new Error('there is no such state');
      expect(await animations(frame)).toEqual([]);
      expect(await frame.locator('.loading-words').isVisible()).toBe(true);
      await opening?.leave?.(stage);
      await page.emulateMedia({ reducedMotion: null });
    });
  }
});
