/** One window of VS Code: what a user does in it with mouse and keyboard, and what they see. */
import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import type { Frame, Locator, Page } from 'playwright-core';
import { CACHE } from '../../../scripts/lib/paths.mjs';
import { type Picture, readPng } from './picture';
import { type ThemeKind, WEBVIEW_KINDS, WORKBENCH_CLASSES } from './themes';
import { drawn, until } from './until';

/** The extension's view container. VS Code remembers it, and shows it before extensions are known. */
const ACTIVITY_BAR_ICON = '.activitybar .action-label[aria-label*="QCOW2"]';

/** Milliseconds in which a list takes what is done in it; where it was closed meanwhile, all is done again. */
const SOON = 2_000;

export class Window {
  /** Errors of the pages' scripts and violations of their Content-Security-Policy, VS Code's own included. */
  readonly errors: string[] = [];

  private constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text());
    });
  }

  static async open(page: Page, address: string): Promise<Window> {
    const window = new Window(page);
    await page.goto(address);
    await window.#waitUntilReady();
    return window;
  }

  /** Reloads the window; the extension host restarts. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.#waitUntilReady();
  }

  /**
   * Closes the window as a user does: its state (open editors, what webviews keep) is stored. Would VS Code ask
   * whether to leave, the answer is yes. The extension host runs on for a while.
   */
  async close(): Promise<void> {
    await this.#loseFocus();
    this.page.on('dialog', (dialog) => void dialog.accept());
    const closed = this.page.waitForEvent('close');
    await this.page.close({ runBeforeUnload: true });
    await closed;
  }

  /** VS Code stores its state when its window loses the focus; else every five seconds, and not at the end. */
  async #loseFocus(): Promise<void> {
    await this.page.evaluate(() => {
      document.hasFocus = () => false;
      document.dispatchEvent(new Event('visibilitychange'));
    });
    // Storing continues in the background, and no event says when it is done.
    await this.page.waitForTimeout(1_000);
  }

  /** The window is gone at once: nothing is asked or stored. Server and extension host run on. */
  async kill(): Promise<void> {
    await this.page.close();
  }

  async #waitUntilReady(): Promise<void> {
    await this.page.locator(ACTIVITY_BAR_ICON).waitFor({ timeout: 60_000 });
    // VS Code opens a file as text while it does not know what extensions contribute. It says on its clock when it does.
    await this.page.waitForFunction(() => performance.getEntriesByName('code/didLoadExtensions').length > 0);
  }

  /** Opens a file by its absolute path in the editor that VS Code chooses for it. */
  async openFile(file: string): Promise<void> {
    const tab = this.page.locator('.tab.active').filter({ hasText: path.basename(file) });
    const open = async (): Promise<boolean> => {
      await (await this.findFile(file)).click({ timeout: SOON });
      await tab.waitFor({ timeout: 5_000 });
      return true;
    };
    // A page that takes the focus late closes the list before it takes the click.
    await until(
      `${file} is opened`,
      () => open().catch(() => tab.isVisible()),
      60_000,
      () => this.whatIsThere(`not-opened-${path.basename(file)}`),
    );
  }

  /** Types a file's absolute path into Quick Open; a click on the answer opens it. */
  async findFile(file: string): Promise<Locator> {
    const entry = this.page
      .locator('.quick-input-list .monaco-list-row')
      .filter({ hasText: path.basename(file) })
      .first();
    // A page that takes the focus late closes it.
    await until(`${file} is found`, async () => {
      if (!(await this.quickInput.isVisible())) await this.page.keyboard.press('Control+P');
      return this.quickInput
        .fill(file, { timeout: SOON })
        .then(() => entry.waitFor({ timeout: SOON }))
        .then(
          () => true,
          () => false,
        );
    });
    return entry;
  }

  /**
   * Runs a command of the palette by its title, category included: `QCOW2: Export Map…`.
   * @param choice label to choose in the quick pick that the command opens
   */
  async runCommand(title: string, choice?: string): Promise<void> {
    const entry = this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: title }).first();
    const run = async (): Promise<void> => {
      await this.page.keyboard.press('F1');
      await this.quickInput.fill(`>${title}`, { timeout: SOON });
      await entry.click({ timeout: SOON });
      if (choice !== undefined) await this.#quickPickRow(choice).click({ timeout: 5_000 });
    };
    // A page that takes the focus late closes open quick inputs.
    await until(`${title} is chosen`, () =>
      run().then(
        () => true,
        () => false,
      ),
    );
  }

  /** Shows the extension's views in the side bar. */
  async showViews(): Promise<void> {
    await this.page.locator(ACTIVITY_BAR_ICON).click();
  }

  /** The first node with a text in the trees of the side bar. */
  treeRow(text: string): Locator {
    return this.page
      .locator('.pane-body .monaco-list-row[role="treeitem"]')
      .filter({ hasText: text })
      .first();
  }

  /** Saves the editor in front by key, once VS Code knows that there is something to save: before, the key does nothing. */
  async save(): Promise<void> {
    await this.page.locator('.tab.active.dirty').waitFor();
    await this.page.keyboard.press('Control+S');
  }

  /** Trusts the folder of a server that was started with `requiresTrust`: Restricted Mode ends. */
  async trustFolder(): Promise<void> {
    await this.runCommand('Workspaces: Manage Workspace Trust');
    const editor = this.page.locator('.workspace-trust-editor');
    await editor.getByRole('button', { name: 'Trust', exact: true }).click();
    await editor.getByText('You trust this folder').waitFor();
    await this.page.getByRole('button', { name: 'Close Modal Editor' }).click();
    await editor.waitFor({ state: 'detached' });
  }

  /**
   * Chooses a file in a dialog of VS Code's own.
   * @param open opens the dialog, and again where it was closed
   * @param file absolute path, typed in place of the one that is proposed
   * @param answered what is on the screen once it was chosen
   */
  async chooseFile(open: () => Promise<void>, file: string, answered: Locator): Promise<void> {
    // A page that takes the focus late closes the field.
    const isChosen = async (): Promise<boolean> => {
      if (!(await this.quickInput.isVisible())) await open();
      await this.#typePath(file);
      await this.page.keyboard.press('Enter');
      await this.page.waitForTimeout(1_000);
      // VS Code asks in the same field whether a file that is there is to be replaced.
      const isAsked = !(await answered.isVisible()) && (await this.quickInput.isVisible());
      if (isAsked) await this.page.keyboard.press('Enter');
      await answered.waitFor({ timeout: 5_000 });
      return true;
    };
    await until(`${file} is chosen`, () => isChosen().catch(() => answered.isVisible()), 60_000);
  }

  /** The dialog puts its own path into the field once it has listed the folder, and takes no Enter before. */
  async #typePath(file: string): Promise<void> {
    const value = (): Promise<string> => this.quickInput.inputValue({ timeout: 2_000 });
    await until('a path is proposed', async () => (await value()) !== '', 5_000);
    await until(
      'the path stays',
      async () => {
        await this.quickInput.fill(file, { timeout: 2_000 });
        await this.page.waitForTimeout(500);
        return (await value()) === file;
      },
      5_000,
    );
  }

  /** The field of the open quick pick or input box. */
  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget input.input');
  }

  /** Chooses the entry with a label in the quick pick that is open. */
  async quickPick(label: string): Promise<void> {
    await this.#quickPickRow(label).click();
  }

  #quickPickRow(label: string): Locator {
    return this.page
      .locator('.quick-input-list .monaco-list-row')
      .filter({ has: this.page.locator('.label-name', { hasText: label }) })
      .first();
  }

  /** The entries of the context menu that is open, those of its open submenu included. */
  get menuEntries(): Locator {
    return this.page.locator('.monaco-menu .action-label:not(.separator)');
  }

  /** Opens the context menu of an element. */
  async openMenu(target: Locator): Promise<void> {
    // Where the pointer rests, a hover comes up, and may cover the element.
    await this.page.mouse.move(0, 0);
    await target.click({ button: 'right' });
    await this.menuEntries.first().waitFor();
  }

  /** Opens the context menu of an element and clicks an entry; names before the last one are submenus. */
  async chooseFromMenu(target: Locator, ...labels: readonly string[]): Promise<void> {
    await this.openMenu(target);
    const entry = (label: string): Locator =>
      this.page.locator('.monaco-menu').getByText(label, { exact: true }).first();
    for (const [index, label] of labels.entries()) {
      const next = labels[index + 1];
      await entry(label).waitFor();
      // A menu takes no click right after it was opened, and does not show when it does.
      await until(`${label} is chosen`, async () => {
        await entry(label)
          .click({ timeout: 1_000 })
          .catch(() => undefined);
        const chosen =
          next === undefined
            ? this.menuEntries.first().waitFor({ state: 'detached', timeout: 1_000 })
            : entry(next).waitFor({ timeout: 1_000 });
        return chosen.then(
          () => true,
          () => false,
        );
      });
    }
  }

  /** Notifications on the screen whose message holds a text. */
  notification(text: string): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item').filter({ hasText: text });
  }

  /** The modal dialog, whenever there is one. */
  get dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  /**
   * The document inside the webview that is shown; of several (split editors), the one farthest to the left.
   * A webview is two nested frames; what the extension wrote is in the inner one.
   */
  async webview(timeout = 30_000): Promise<Frame> {
    return until('a webview is shown', async () => (await this.webviews())[0], timeout);
  }

  /** The documents of all webviews that are shown, from left to right. */
  async webviews(): Promise<Frame[]> {
    const shown: { frame: Frame; left: number }[] = [];
    for (const frame of this.page.frames()) {
      const left = await leftEdge(frame);
      if (left !== undefined) shown.push({ frame, left });
    }
    return shown.sort((one, other) => one.left - other.left).map(({ frame }) => frame);
  }

  async waitForTheme(kind: ThemeKind): Promise<void> {
    await this.page.locator(`.monaco-workbench.${WORKBENCH_CLASSES[kind]}`).waitFor({ state: 'attached' });
    for (const frame of await this.webviews()) {
      await frame
        .locator(`body[data-vscode-theme-kind="${WEBVIEW_KINDS[kind]}"]`)
        .waitFor({ state: 'attached' });
      // The toolkit's elements take their colours a moment later.
      await drawn(frame);
    }
  }

  /** Changes the size of the window, and waits until VS Code and the pages in it are laid out for it. */
  async resize(size: { readonly width: number; readonly height: number }): Promise<void> {
    await this.page.setViewportSize(size);
    await until('VS Code has its size', async () => {
      const box = await this.page.locator('.monaco-workbench').boundingBox();
      return box?.width === size.width && box.height === size.height;
    });
    for (const frame of await this.webviews()) {
      const place = await frame.parentFrame()?.frameElement();
      await until('the page has its size', async () => {
        const box = await place?.boundingBox();
        const [width, height] = await frame.evaluate(() => [innerWidth, innerHeight] as const);
        return Math.round(box?.width ?? 0) === width && Math.round(box?.height ?? 0) === height;
      });
      await drawn(frame);
    }
  }

  /** What may be in the way, for the message of a test that fails; a picture of it is kept. */
  async whatIsThere(name: string): Promise<string> {
    await this.screenshot(name);
    const texts = await Promise.all(
      ['.monaco-dialog-box', '.quick-input-widget', '.notifications-toasts', '.tab.active']
        // Of what is hidden, the text would be the styles in it, too.
        .map((part) => this.page.locator(part).filter({ visible: true }).allInnerTexts()),
    );
    const pages = await Promise.all(
      (await this.webviews()).map((frame) =>
        frame.evaluate(() => document.body.innerText.slice(0, 1_000)).catch(() => 'a page that is gone'),
      ),
    );
    return JSON.stringify([...texts.flat(), ...pages].filter((text) => text.trim() !== ''));
  }

  /** Saves what the window shows as .cache/screenshots/NAME.png, to be looked at. */
  async screenshot(name: string): Promise<string> {
    const folder = path.join(CACHE, 'screenshots');
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, `${name}.png`);
    await this.page.screenshot({ path: file });
    return file;
  }

  /** The pixels where an element is (a canvas, say), with overlays. */
  async picture(element: Locator): Promise<Picture> {
    return readPng(await element.screenshot({ scale: 'css', animations: 'disabled' }));
  }
}

/** Where a webview's document begins on the screen; undefined for other frames and hidden ones. */
async function leftEdge(frame: Frame): Promise<number | undefined> {
  if (!frame.url().includes('/fake.html') || frame.isDetached()) return undefined;
  try {
    const outer = await frame.parentFrame()?.frameElement();
    if (outer === undefined || !(await outer.isVisible())) return undefined;
    return (await outer.boundingBox())?.x;
  } catch {
    // It went away while it was looked at.
    return undefined;
  }
}
