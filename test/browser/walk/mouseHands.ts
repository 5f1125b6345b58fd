/** The walk with the mouse: menus, buttons, links, drags. Only an offset is typed, followed by Enter. */
import type { Locator } from 'playwright-core';
import { until } from '../harness/until';
import type { Window } from '../harness/window';
import { EditorPage } from '../pages/editorPage';
import type { Hands, Pressable, Tab } from './hands';

export class MouseHands implements Hands {
  readonly #window: Window;

  constructor(window: Window) {
    this.#window = window;
  }

  async openSample(): Promise<void> {
    const { page } = this.#window;
    await page.locator('.gettingStartedContainer').first().waitFor();
    const card = page.locator('.getting-started-category', { hasText: 'Get Started with Disk Images' });
    const more = page.getByRole('button', { name: 'More...' });
    await until(
      'the walkthrough is offered',
      async () => (await card.isVisible()) || (await more.isVisible()),
    );
    if (await card.isVisible()) await card.click();
    else {
      await more.click();
      await this.#window.quickPick('Get Started with Disk Images');
    }
    await page.getByRole('button', { name: 'Open Sample Image' }).click();
  }

  async openFile(name: string): Promise<void> {
    await this.#showView('Explorer');
    await this.#row(name).click();
  }

  async press(what: Pressable): Promise<void> {
    await (await this.#page()).frame.locator(what).click();
  }

  async showTab(tab: Tab): Promise<void> {
    await this.press(`#tab-${tab}`);
  }

  async goTo(place: string): Promise<void> {
    const field = (await this.#page()).get('go-to').locator('input');
    await field.click({ clickCount: 3 });
    await this.#window.page.keyboard.type(place);
    await this.#window.page.keyboard.press('Enter');
  }

  async select(first: number, last: number): Promise<void> {
    const { mouse } = this.#window.page;
    const page = await this.#page();
    const from = await page.pointOf(first);
    const to = await page.pointOf(last);
    await mouse.move(from.x, from.y);
    await mouse.down();
    await mouse.move(to.x, to.y, { steps: 5 });
    await mouse.up();
  }

  async scrollToLastByte(): Promise<void> {
    const { mouse } = this.#window.page;
    const bar = (await this.#page()).get('hex-scrollbar');
    const thumb = await boxOf(bar.locator('.hex-thumb'));
    const whole = await boxOf(bar);
    const x = thumb.x + thumb.width / 2;
    await mouse.move(x, thumb.y + thumb.height / 2);
    await mouse.down();
    await mouse.move(x, whole.y + whole.height + 20, { steps: 5 });
    await mouse.up();
  }

  async followLastOffset(): Promise<void> {
    await (await this.#page()).frame.locator('.hex-offset').last().click();
  }

  async askToZero(): Promise<void> {
    await this.press('[data-testid="change-writeZeroes"]');
  }

  async applyChange(): Promise<void> {
    await this.press('[data-testid="change-apply"]');
  }

  async undo(): Promise<void> {
    await this.#menu('Edit', 'Undo');
  }

  async redo(): Promise<void> {
    await this.#menu('Edit', 'Redo');
  }

  async save(): Promise<void> {
    await this.#menu('File', 'Save');
  }

  async check(): Promise<void> {
    await this.press('[data-testid="health"]');
  }

  async followProblem(link: string): Promise<void> {
    await this.press('[data-testid="show-problems"]');
    await this.#window.page.locator('.markers-panel').getByText(link).first().click();
  }

  async askToRepair(): Promise<void> {
    await this.press('[data-testid="repair"]');
  }

  async applyRepair(): Promise<void> {
    await this.press('[data-testid="repair-apply"]');
  }

  async openFromTree(name: string): Promise<void> {
    await this.#showView('QCOW2');
    const tab = this.#window.page.locator('.tab.active').filter({ hasText: name });
    // The tree may be redrawn under the pointer when the state of an image changes; a user would click again.
    await until(`${name} is opened`, async () => {
      await this.#row(name).click();
      return tab.waitFor({ timeout: 5000 }).then(
        () => true,
        () => false,
      );
    });
  }

  #page(): Promise<EditorPage> {
    return EditorPage.of(this.#window);
  }

  #row(name: string): Locator {
    return this.#window.page.locator('.sidebar .monaco-list-row', { hasText: name }).first();
  }

  /** A second click on the icon of the view that is shown would hide it. */
  async #showView(name: string): Promise<void> {
    const icon = this.#window.page.locator('.activitybar .action-item', {
      has: this.#window.page.locator(`.action-label[aria-label^="${name}"]`),
    });
    if ((await icon.getAttribute('aria-selected')) !== 'true') await icon.locator('.action-label').click();
  }

  async #menu(menu: string, entry: string): Promise<void> {
    const { page } = this.#window;
    await page.locator('.menubar .menubar-menu-button').first().click();
    const item = (name: string): Locator =>
      page.locator('.monaco-menu .action-menu-item', {
        has: page.locator('.action-label').getByText(name, { exact: true }),
      });
    await item(menu).click();
    await item(entry).waitFor();
    // A menu takes an immediate click for the click that opened it.
    await until('the menu is gone', async () => {
      if (!(await item(entry).isVisible())) return true;
      await item(entry).click();
      return false;
    });
  }
}

async function boxOf(element: Locator): Promise<NonNullable<Awaited<ReturnType<Locator['boundingBox']>>>> {
  const box = await element.boundingBox();
  if (!box) throw new Error('what is to be dragged is not in sight');
  return box;
}
