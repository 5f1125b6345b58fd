/** The walk with the keyboard alone: shortcuts, the Command Palette, Tab and arrows. */
import type { Keyboard } from 'playwright-core';
import { until } from '../harness/until';
import type { Window } from '../harness/window';
import { EditorPage } from '../pages/editorPage';
import type { Hands, Pressable, Tab } from './hands';

/** More stops of Tab than the page has. */
const MOST_STOPS = 80;

export class KeyboardHands implements Hands {
  readonly #keyboard: Keyboard;

  readonly #window: Window;

  constructor(window: Window) {
    this.#window = window;
    this.#keyboard = window.page.keyboard;
  }

  async openSample(): Promise<void> {
    await this.#command('QCOW2: Open Sample Image');
  }

  async openFile(name: string): Promise<void> {
    await this.#keyboard.press('Control+P');
    await this.#choose(name);
  }

  async press(what: Pressable): Promise<void> {
    await this.#tabTo(what);
    await this.#keyboard.press('Enter');
  }

  /** One of the tabs takes part in the order of Tab; arrows lead to the others. */
  async showTab(tab: Tab): Promise<void> {
    await this.#tabTo('vscode-panel-tab');
    const order: readonly Tab[] = ['cluster', 'header', 'chain'];
    await this.#keyboard.press('Home');
    for (let step = 0; step < order.indexOf(tab); step++) await this.#keyboard.press('ArrowRight');
  }

  async goTo(place: string): Promise<void> {
    await this.#focusEditor();
    await this.#keyboard.press('Control+G');
    await this.#window.quickInput.waitFor();
    await this.#keyboard.type(place);
    await this.#keyboard.press('Enter');
    await this.#window.quickInput.waitFor({ state: 'hidden' });
  }

  async select(first: number, last: number): Promise<void> {
    await this.goTo(`#${first}`);
    // The extension tells the page where to go.
    const page = await EditorPage.of(this.#window);
    await until(`cluster ${first} is shown`, async () =>
      (await page.text('cluster-report')).includes(`Cluster ${first}`),
    );
    await this.#tabTo('[data-testid="map"]');
    for (let cluster = first; cluster < last; cluster++) await this.#keyboard.press('Shift+ArrowRight');
  }

  async scrollToLastByte(): Promise<void> {
    await this.#tabTo('#hex-dump');
    await this.#keyboard.press('End');
  }

  async followLastOffset(): Promise<void> {
    await this.#tabTo('#hex-dump');
    await this.#keyboard.press('Enter');
  }

  async askToZero(): Promise<void> {
    await this.#command('QCOW2: Write Zeroes…');
  }

  /** Enter in the field applies the change once its preview is there. */
  async applyChange(): Promise<void> {
    await this.#tabTo('[data-testid="change-start"]');
    await this.#keyboard.press('Enter');
  }

  async undo(): Promise<void> {
    await this.#focusEditor();
    await this.#keyboard.press('Control+Z');
  }

  async redo(): Promise<void> {
    await this.#focusEditor();
    await this.#keyboard.press('Control+Y');
  }

  async save(): Promise<void> {
    await this.#focusEditor();
    await this.#keyboard.press('Control+S');
  }

  async check(): Promise<void> {
    await this.#command('QCOW2: Check');
  }

  /** The keyboard does not reach the links in VS Code's panel. */
  async followProblem(link: string): Promise<void> {
    await this.#command('QCOW2: Go to Problem…');
    await this.#choose(link);
  }

  async askToRepair(): Promise<void> {
    await this.#command('QCOW2: Repair…');
  }

  async applyRepair(): Promise<void> {
    await this.press('[data-testid="repair-apply"]');
  }

  /** The command leads to the view; as long as that is empty, there is nothing in it that could have the focus. */
  async openFromTree(name: string): Promise<void> {
    const { page } = this.#window;
    await this.#command('QCOW2: Focus on Backing Chains View');
    await page.locator('.sidebar .monaco-list-row', { hasText: name }).first().waitFor();
    await this.#keyboard.press('Control+0');
    await page.locator('.sidebar .monaco-list:focus').waitFor();
    const focused = page.locator('.sidebar .monaco-list-row.focused');
    await until(`${name} is reached`, async () => {
      if ((await focused.count()) > 0 && (await focused.innerText()).includes(name)) return true;
      await this.#keyboard.press('ArrowDown');
      return false;
    });
    await this.#keyboard.press('Enter');
  }

  async #command(title: string): Promise<void> {
    await this.#keyboard.press('F1');
    await this.#choose(title);
  }

  /** Types into the quick input that opens, and takes the entry once it is the one at hand. */
  async #choose(text: string): Promise<void> {
    const { page, quickInput } = this.#window;
    await quickInput.waitFor();
    await until('the quick input has the focus', () =>
      quickInput.evaluate((field) => field === document.activeElement),
    );
    await this.#keyboard.type(text);
    await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: text }).waitFor();
    const typed = await quickInput.inputValue();
    await this.#keyboard.press('Enter');
    // The chosen command may open another quick input.
    await until('it is taken', async () => {
      return !(await quickInput.isVisible()) || (await quickInput.inputValue()) !== typed;
    });
  }

  /** As the shortcut “Focus First Editor Group” does, where the focus is elsewhere. */
  async #focusEditor(): Promise<EditorPage> {
    const page = await EditorPage.of(this.#window);
    const hasFocus = (): Promise<boolean> => page.frame.evaluate(() => document.hasFocus());
    if (!(await hasFocus())) await this.#keyboard.press('Control+1');
    await until('the page has the focus', hasFocus);
    return page;
  }

  /** From the page's last stop on, Tab leads out of it, and in again at its first. */
  async #tabTo(what: Pressable): Promise<void> {
    const { frame } = await this.#focusEditor();
    for (let stop = 0; stop < MOST_STOPS; stop++) {
      const isThere = await frame.evaluate(
        (selector) => document.hasFocus() && document.activeElement?.closest(selector) != null,
        what,
      );
      if (isThere) return;
      await this.#keyboard.press('Tab');
    }
    throw new Error(`Tab does not lead to ${what}`);
  }
}
