/** The walkthrough of the installed package: its steps with their pictures, and the sample that it opens. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workspace } from '../support/workspace';
import { isMarked, PSEUDO_LOCALE } from './harness/pseudoLocale';
import { expectSoon, until } from './harness/until';
import { VSCode } from './harness/vscode';
import type { Window } from './harness/window';
import { EditorPage } from './pages/editorPage';

const STEPS = [
  'Open an image',
  'Read the map',
  'Zero a range',
  'Make the file smaller',
  'Check and repair',
  'Follow a backing chain',
];

describe('the walkthrough', () => {
  const files = workspace();
  let vscode: VSCode;
  let window: Window;

  beforeAll(async () => {
    // Narrower windows show the steps without their pictures.
    vscode = await VSCode.start({ viewport: { width: 1600, height: 900 } });
    window = await vscode.openWindow(files.folder);
  });

  afterAll(async () => {
    await vscode.stop();
    files.remove();
  });

  const openWalkthrough = async (on: Window, title: string): Promise<void> => {
    await on.runCommand('Welcome: Open Walkthrough...', title);
    await on.page.locator('.getting-started-step').first().waitFor();
  };

  it('has its steps, each with a picture that is there', async () => {
    await openWalkthrough(window, 'Get Started with Disk Images');
    const steps = window.page.locator('.getting-started-step');
    let before = '';
    for (const [index, title] of STEPS.entries()) {
      const step = steps.filter({ hasText: title });
      await step.locator('.step-title').click();
      const picture = window.page.locator('.getting-started-media img');
      // The picture of the step before stays for a moment.
      before = await until('its own picture is there', async () => {
        const [source, width] = await picture.evaluate((element) => {
          const { currentSrc, naturalWidth } = element as HTMLImageElement;
          return [currentSrc, naturalWidth] as const;
        });
        return source !== before && width > 500 && source;
      });
      await window.screenshot(`walkthrough-${index + 1}`);
    }
  });

  it('opens the sample, in which a cluster can be looked at', async () => {
    const steps = window.page.locator('.getting-started-step');
    await steps.filter({ hasText: 'Open an image' }).locator('.step-title').click();
    await window.page.getByRole('button', { name: 'Open Sample Image' }).click();
    const page = await EditorPage.of(window);
    await page.waitForCell(4, 'data');
    await page.waitForCell(0, 'backing1');
    await window.screenshot('walkthrough-sample');
  });

  it('asks which of the open images a step is about, the sample first', async () => {
    await window.page.locator('.tab', { hasText: /Welcome|Walkthrough/ }).click();
    const steps = window.page.locator('.getting-started-step');
    await steps.filter({ hasText: 'Read the map' }).locator('.step-title').click();
    await window.page.getByRole('button', { name: 'Go to Offset…' }).click();
    await window.quickPick('sample.qcow2');
    await window.page.locator('.quick-input-title', { hasText: 'Go to Offset' }).waitFor();
    await window.quickInput.fill('#4');
    await window.page.keyboard.press('Enter');
    const page = await EditorPage.of(window);
    await expectSoon(() => page.text('cluster-report')).toContain('Cluster 4');
  });

  it('is translated', async () => {
    const marked = await VSCode.start({ language: PSEUDO_LOCALE });
    try {
      const other = await marked.openWindow(files.folder);
      await openWalkthrough(other, '⟦Get Started with Disk Images⟧');
      const titles = await other.page.locator('.getting-started-step .step-title').allInnerTexts();
      expect(titles).toHaveLength(STEPS.length);
      expect(titles.filter((title) => !isMarked(title))).toEqual([]);
      const buttons = await other.page.locator('.getting-started-step button').allInnerTexts();
      expect(buttons.filter((text) => text.trim() !== '' && !isMarked(text))).toEqual([]);
    } finally {
      await marked.stop();
    }
  });
});
