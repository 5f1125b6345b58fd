/**
 * The colours of the canvases, read from the theme's CSS variables, and a notification when they may have changed. The
 * rest of the page is styled by CSS and follows the theme by itself.
 */
import { HOLE, HOLE_EVERY, type KindSet } from './kinds';
import type { Palette } from './paint';

/** CSS colours, fit for `fillStyle`. */
export interface Theme {
  /** In the order of the kinds. */
  readonly kinds: readonly string[];
  /** Of the lines over them; the same colour where a kind has none. */
  readonly lines: readonly string[];
  readonly background: string;
  readonly foreground: string;
  readonly selection: string;
  /** Colour of the hatching over staged cells. */
  readonly staged: string;
  /** Colour of the marks of a file. */
  readonly file: string;
  readonly focus: string;
  readonly isHighContrast: boolean;
}

/** Opacity of a kind while another kind is highlighted. */
const DIMMED = 0.14;
/** Opacity of every other line of a kind where the file has a hole. */
const HOLE_SHADE = 0.2;

export function readTheme(set: KindSet): Theme {
  const style = getComputedStyle(document.body);
  const colour = (name: string, otherwise: string): string => {
    const value = style.getPropertyValue(name).trim();
    return value === '' ? otherwise : value;
  };
  const foreground = colour('--vscode-editor-foreground', colour('--vscode-foreground', '#808080'));
  return {
    kinds: set.kinds.map((kind) => colour(set.variable(kind), foreground)),
    lines: set.kinds.map((kind) => colour(set.lines(kind)?.variable ?? set.variable(kind), foreground)),
    background: colour('--vscode-editor-background', '#1e1e1e'),
    foreground,
    selection: colour('--vscode-qcow2-mapSelection', foreground),
    staged: colour('--vscode-qcow2-mapStaged', foreground),
    file: colour('--vscode-qcow2-mapFile', foreground),
    focus: colour('--vscode-focusBorder', foreground),
    isHighContrast: document.body.classList.contains('vscode-high-contrast'),
  };
}

/**
 * The theme's colours as pixels; with `highlighted`, all other kinds fade into the background.
 * @param highlighted a kind, or `HOLE`
 */
export function paletteOf(theme: Theme, set: KindSet, highlighted: string | undefined): Palette {
  const painter = new ColourPainter(theme.background);
  const inks = (colours: readonly string[], holeAlpha: number): Uint32Array => {
    const ink = (isHole: boolean): number[] =>
      set.kinds.map((kind, index) => {
        const isShown = highlighted === undefined || highlighted === kind || (isHole && highlighted === HOLE);
        const alpha = (isShown ? 1 : DIMMED) * (isHole ? holeAlpha : 1);
        return painter.pixel(colours[index] ?? theme.foreground, alpha);
      });
    return Uint32Array.from([...ink(false), ...ink(true)]);
  };
  return {
    inks: inks(theme.kinds, 1),
    lines: inks(theme.lines, HOLE_SHADE),
    every: Uint8Array.from([
      ...set.kinds.map((kind) => set.lines(kind)?.every ?? 0),
      ...set.kinds.map(() => HOLE_EVERY),
    ]),
    background: painter.pixel(theme.background, 1),
    unknown: painter.pixel(theme.foreground, 0.2),
    staged: painter.pixel(theme.staged, 1),
  };
}

/** Converts CSS colours to pixels, blended with the background, by painting them on a canvas. */
class ColourPainter {
  readonly #context: CanvasRenderingContext2D;

  readonly #background: string;

  constructor(background: string) {
    this.#background = background;
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('The browser has no 2D canvas');
    this.#context = context;
  }

  pixel(colour: string, alpha: number): number {
    const context = this.#context;
    context.globalAlpha = 1;
    context.fillStyle = this.#background;
    context.fillRect(0, 0, 1, 1);
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const { data } = context.getImageData(0, 0, 1, 1);
    return new DataView(data.buffer).getUint32(0, true);
  }
}

/** Calls back after the theme may have changed: VS Code rewrites the root's style and the body's classes. */
export function watchTheme(changed: () => void): void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ['class', 'style', 'data-vscode-theme-kind'],
  });
}
