/** The editor's page as a test reads it: where a cluster is painted, its colour, and the panels beside the map. */
import * as path from 'node:path';
import type { Frame, Locator } from 'playwright-core';
import { printable } from '../../../src/text/printable';
import { drawn, until } from '../harness/until';
import type { Window } from '../harness/window';

export type Kind =
  | 'data'
  | 'dataZero'
  | 'dataSame'
  | 'zeroAllocated'
  | 'zeroPlain'
  | 'compressed'
  | 'unallocated'
  | 'backing1'
  | 'backing2'
  | 'backing3'
  | 'backingUnknown'
  | 'invalid'
  | 'missing';

/** Kinds of the file view. */
export type FileKind =
  | 'header'
  | 'refcountTable'
  | 'refcountBlock'
  | 'l1'
  | 'l2'
  | 'data'
  | 'compressed'
  | 'snapshot'
  | 'bitmap'
  | 'conflict'
  | 'leaked'
  | 'free'
  | 'hole';

/** Kinds that are drawn as data with lines in a colour of their own. */
const LINED: readonly Kind[] = ['dataZero', 'dataSame'];

/** Where the map's cells are on its canvas, in canvas pixels. */
export interface MapGeometry {
  readonly bytesPerCell: number;
  readonly cellSize: number;
  readonly columns: number;
  readonly firstCell: number;
  readonly gap: number;
  readonly shift: number;
}

export class EditorPage {
  private constructor(
    readonly window: Window,
    readonly frame: Frame,
  ) {}

  /**
   * The page of the editor that is shown, once its map is painted.
   * @param timeout in milliseconds, of each step
   */
  static async of(window: Window, timeout = 30_000): Promise<EditorPage> {
    const page = new EditorPage(window, await window.webview(timeout));
    await page.get('map-cells').waitFor({ timeout });
    const isPainted = async (): Promise<boolean> => {
      const cells = await page.frame.evaluate(
        () => document.querySelector<HTMLElement>('[data-testid="map-cells"]')?.dataset['columns'],
      );
      return cells !== undefined;
    };
    await until('the map is painted', isPainted, timeout);
    // It takes the focus once it has loaded, unless something else has it by then; that would close a quick pick.
    await until('the page has the focus', () => page.hasFocus(), 2_000).catch(() => undefined);
    return page;
  }

  /** The page of the image with that name, once it is shown: for a moment the page of the editor before it still is. */
  static async named(window: Window, name: string): Promise<EditorPage> {
    const shown = async (): Promise<EditorPage | undefined> => {
      const page = await EditorPage.of(window, 10_000);
      return (await page.text('file-name')) === printable(name) ? page : undefined;
    };
    // The page of the editor before it may go while it is looked at.
    return until(
      `${name} is shown`,
      () => shown().catch(() => undefined),
      45_000,
      () => window.whatIsThere(`not-shown-${name}`),
    );
  }

  /** The name of the file whose page is shown; undefined where none is, or none whose image could be read. */
  static async shownName(window: Window): Promise<string | undefined> {
    const [frame] = await window.webviews();
    return frame?.evaluate(() => {
      const map = document.querySelector('[data-testid="map-cells"]');
      return map === null
        ? undefined
        : document.querySelector<HTMLElement>('[data-testid="file-name"]')?.innerText;
    });
  }

  /** Opens an image, and waits until it is the one that is shown. */
  static async open(window: Window, file: string): Promise<EditorPage> {
    await window.openFile(file);
    return EditorPage.named(window, path.basename(file));
  }

  /** Opens a file that is not a readable image. @returns the document that says why, once it is shown */
  static async openUnreadable(window: Window, file: string): Promise<Frame> {
    await window.openFile(file);
    const shown = async (): Promise<Frame | undefined> => {
      const frame = await window.webview();
      const isUnreadable = (await frame.locator('[data-testid="unreadable"]').count()) > 0;
      const name = await frame.locator('[data-testid="file-name"]').innerText({ timeout: 1_000 });
      return isUnreadable && name === printable(path.basename(file)) ? frame : undefined;
    };
    return until(`${file} is shown`, () => shown().catch(() => undefined));
  }

  hasFocus(): Promise<boolean> {
    return this.window.page.evaluate(() => document.activeElement?.tagName === 'IFRAME');
  }

  /** The element with a `data-testid`. */
  get(testId: string): Locator {
    return this.frame.locator(`[data-testid="${testId}"]`);
  }

  async text(testId: string): Promise<string> {
    return (await this.get(testId).innerText()).replace(/\s+/g, ' ').trim();
  }

  /** Of the map as it is once it is drawn: clicks and keys move it in the next frame. */
  async geometry(): Promise<MapGeometry> {
    await drawn(this.frame);
    return this.frame.evaluate(() => {
      const { dataset } = document.querySelector<HTMLElement>('[data-testid="map-cells"]')!;
      const number = (name: string): number => Number(dataset[name]);
      return {
        bytesPerCell: number('bytesPerCell'),
        cellSize: number('cellSize'),
        columns: number('columns'),
        firstCell: number('firstCell'),
        gap: number('gap'),
        shift: number('shift'),
      };
    });
  }

  /** Colours on the canvas, from the top to the bottom of a cell, as `r,g,b`. */
  async coloursOf(cell: number): Promise<string[]> {
    const { cellSize, columns, firstCell, gap, shift } = await this.geometry();
    const index = cell - firstCell;
    const x = (index % columns) * cellSize + Math.floor((cellSize - gap) / 2);
    const y = Math.floor(index / columns) * cellSize - shift;
    return this.frame.evaluate(
      ({ x, y, height }) => {
        const canvas = document.querySelector<HTMLCanvasElement>('[data-testid="map-cells"]')!;
        const { data } = canvas.getContext('2d')!.getImageData(x, y, 1, height);
        return Array.from({ length: height }, (_, row) => data.subarray(row * 4, row * 4 + 3).join(','));
      },
      { x, y, height: cellSize - gap },
    );
  }

  /** The theme's colour for a kind as `r,g,b`. */
  themeColour(kind: Kind): Promise<string> {
    return this.cssColour(`--vscode-qcow2-map${kind.charAt(0).toUpperCase()}${kind.slice(1)}`);
  }

  /** The value of a CSS variable as `r,g,b`. */
  async cssColour(name: string): Promise<string> {
    return this.frame.evaluate((variable) => {
      const context = document.createElement('canvas').getContext('2d')!;
      context.fillStyle = getComputedStyle(document.body).getPropertyValue(variable);
      context.fillRect(0, 0, 1, 1);
      return context.getImageData(0, 0, 1, 1).data.subarray(0, 3).join(',');
    }, name);
  }

  /** Opaque colours that are drawn over a cell to say that something is staged there; none where nothing is. */
  async stagedColoursOf(cell: number): Promise<Set<string>> {
    const { cellSize, columns, firstCell, gap, shift } = await this.geometry();
    const index = cell - firstCell;
    const x = (index % columns) * cellSize;
    const y = Math.floor(index / columns) * cellSize - shift;
    const colours = await this.frame.evaluate(
      ({ x, y, size }) => {
        const canvas = document.querySelector<HTMLCanvasElement>('[data-testid="map-staged"]')!;
        const { data } = canvas.getContext('2d')!.getImageData(x, y, size, size);
        const pixels = Array.from({ length: data.length / 4 }, (_, at) => data.subarray(at * 4, at * 4 + 4));
        return pixels.flatMap(([red, green, blue, alpha]) =>
          alpha === 255 ? [`${red ?? 0},${green ?? 0},${blue ?? 0}`] : [],
        );
      },
      { x, y, size: cellSize - gap },
    );
    return new Set(colours);
  }

  /** Waits until a cell is painted in one kind's colours from top to bottom. */
  async waitForCell(cell: number, kind: Kind): Promise<void> {
    const colours = LINED.includes(kind) ? (['data', kind] as const) : [kind];
    await this.#waitForColours(cell, kind, await Promise.all(colours.map((each) => this.themeColour(each))));
  }

  /** The same in the file view. */
  async waitForFileCell(cell: number, kind: FileKind): Promise<void> {
    await this.#waitForColours(cell, kind, [await this.fileColour(kind)]);
  }

  /** Waits until a cell of the file view is painted as a hole of one kind: in lines of its colour and of a shade of it. */
  async waitForHole(cell: number, kind: FileKind): Promise<void> {
    const colour = await this.fileColour(kind);
    await until(`cell ${cell} is a hole of ${kind}`, async () => {
      const seen = await this.coloursOf(cell);
      return seen[0] === colour && new Set(seen).size === 2;
    });
  }

  /** The theme's colour for a kind of the file view as `r,g,b`. */
  fileColour(kind: FileKind): Promise<string> {
    if (kind === 'free') return this.themeColour('unallocated');
    if (kind === 'data' || kind === 'compressed') return this.themeColour(kind);
    return this.cssColour(`--vscode-qcow2-file${kind.charAt(0).toUpperCase()}${kind.slice(1)}`);
  }

  async #waitForColours(cell: number, kind: string, wanted: readonly string[]): Promise<void> {
    let seen: string[] = [];
    const isSo = async (): Promise<boolean> => {
      seen = await this.coloursOf(cell);
      return seen.every((colour) => wanted.includes(colour)) && new Set(seen).size === wanted.length;
    };
    await until(`cell ${cell} is ${kind} (${wanted.join(' and ')})`, isSo, 10_000).catch((error: unknown) => {
      throw new Error(`${String(error)}; it is ${[...new Set(seen)].join(' ')}`);
    });
  }

  /** The middle of a cell on the screen, for the mouse. */
  async pointOf(cell: number): Promise<{ readonly x: number; readonly y: number }> {
    const { cellSize, columns, firstCell, shift } = await this.geometry();
    const box = await this.get('map').boundingBox();
    if (!box) throw new Error('the map is not in sight');
    const index = cell - firstCell;
    return {
      x: box.x + ((index % columns) + 0.5) * cellSize,
      y: box.y + (Math.floor(index / columns) + 0.5) * cellSize - shift,
    };
  }

  async clickCell(cell: number): Promise<void> {
    const { x, y } = await this.pointOf(cell);
    await this.window.page.mouse.click(x, y);
  }

  /** Types a place into the field of the toolbar. */
  async goTo(place: string): Promise<void> {
    const field = this.get('go-to').locator('input');
    await field.fill(place);
    await field.press('Enter');
  }

  async showTab(tab: 'cluster' | 'header' | 'chain' | 'space'): Promise<void> {
    await this.frame.locator(`#tab-${tab}`).click();
  }

  /**
   * Waits until the image has been checked again. A short check begins and ends between two frames, and the page may look
   * the same before and after it; but the end of every check is announced.
   * @param start starts the check
   */
  async untilChecked(start: () => Promise<void>): Promise<void> {
    const announced = await this.frame.evaluateHandle(() => {
      const texts: string[] = [];
      const announcer = document.querySelector('[data-testid="announcer"]')!;
      new MutationObserver(() => texts.push(announcer.textContent)).observe(announcer, { childList: true });
      return texts;
    });
    await start();
    await until('the result of the check is announced and shown', async () => {
      const title = (await this.get('health').getAttribute('title')) ?? '';
      return (await announced.evaluate((texts) => texts)).some((text) => title.startsWith(text));
    });
  }

  /** Stages the change of the dialog that is open, once its preview and what stands in the way of it are known. */
  async applyChange(): Promise<void> {
    await this.untilEnabled('change-apply');
    await this.get('change-apply').click();
    await this.get('change-dialog').waitFor({ state: 'hidden' });
  }

  async untilEnabled(testId: string): Promise<void> {
    await until(
      `${testId} is enabled`,
      async () => (await this.get(testId).getAttribute('disabled')) === null,
    );
  }

  /** Bytes of a kind in the legend. */
  async legendBytes(kind: Kind | FileKind): Promise<number> {
    return Number(await this.get(`legend-${kind}`).locator('[data-bytes]').getAttribute('data-bytes'));
  }

  /** The hex dump's lines in sight: offset and bytes; empty while they are fetched. */
  async hexLines(): Promise<{ readonly offset: number; readonly bytes: string }[]> {
    return this.frame.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('[data-testid="hex"] .hex-line')].map((line) => ({
        offset: Number(line.dataset['offset']),
        bytes: line.querySelector('.hex-bytes')?.textContent.trim() ?? '',
      })),
    );
  }

  /** The bytes of the hex dump that start at an offset, once they are in sight. */
  async hexAt(offset: number, length: number): Promise<string> {
    return until(`the bytes at ${offset} are in sight`, async () => {
      const lines = await this.hexLines();
      const first = lines.findIndex((line) => line.offset === offset);
      if (first < 0 || lines[first]!.bytes.includes('.')) return undefined;
      const bytes = lines.slice(first).flatMap((line) => line.bytes.split(' '));
      return bytes.length < length ? undefined : bytes.slice(0, length).join(' ');
    });
  }

  /** A field of the header panel: raw and decoded. */
  async headerField(name: string): Promise<{ readonly raw: string; readonly decoded: string }> {
    const row = this.get('header-fields').locator(`tr[data-field="${name}"]`);
    const decoded = row.locator('[data-testid="decoded"]');
    return {
      raw: await row.locator('[data-testid="raw"]').innerText(),
      decoded: (await decoded.count()) > 0 ? await decoded.innerText() : '',
    };
  }
}
