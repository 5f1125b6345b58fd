/**
 * The overview bar: the whole disk or file from left to right, each column showing the kinds at that place, with a frame
 * around the part that the map shows. The frame can be dragged, a click elsewhere moves it there, and for the keyboard
 * it is a slider.
 */
import { hex } from '../../src/text/hex';
import type { KindSet } from './kinds';
import { cellCount, type Disk } from './geometry';
import type { MarkedRanges } from './markedRanges';
import { Bands, paintBands, sumShares, type Palette } from './paint';
import type { TileCache } from './tiles';
import { sizeText } from '../../src/text/sizeText';
import { t } from '../base/strings';
import { paletteOf, readTheme } from './theme';

/** Minimum width of the frame, CSS pixels. */
const NARROWEST_FRAME = 8;
/** Minimum width of the selection's mark, CSS pixels. */
const NARROWEST_MARK = 2;
/** Distance of one arrow key, as a fraction of the visible part. */
const KEY_STEP = 0.25;

export interface Shown {
  readonly start: number;
  readonly end: number;
}

export class Minimap {
  readonly element = document.createElement('div');
  readonly #canvas = document.createElement('canvas');
  readonly #frame = document.createElement('div');
  readonly #selection = document.createElement('div');
  #palette: Palette;
  #highlighted: string | undefined;
  #disk: Disk = { size: 0, clusterSize: 1 };
  #level = 1;
  #shown: Shown = { start: 0, end: 0 };
  #selected: Shown | undefined;
  #isDue = false;
  #file: MarkedRanges | undefined;

  #cache: TileCache;
  #kinds: KindSet;
  readonly #goTo: (byte: number) => void;

  /** @param goTo centres the map on a byte */
  constructor(cache: TileCache, kinds: KindSet, goTo: (byte: number) => void) {
    this.#cache = cache;
    this.#kinds = kinds;
    this.#goTo = goTo;
    this.#palette = paletteOf(readTheme(kinds), kinds, undefined);
    this.element.className = 'minimap';
    this.element.dataset['testid'] = 'minimap';
    this.#canvas.dataset['testid'] = 'minimap-canvas';
    this.#canvas.setAttribute('aria-hidden', 'true');
    this.#frame.className = 'minimap-frame';
    this.#frame.dataset['testid'] = 'minimap-frame';
    this.#frame.tabIndex = 0;
    this.#frame.setAttribute('role', 'slider');
    // A slider must have a value even if the disk is empty.
    this.#frame.setAttribute('aria-valuenow', '0');
    this.#frame.setAttribute('aria-label', t('Part of the disk shown in the map'));
    this.#selection.className = 'minimap-selection';
    this.#selection.hidden = true;
    this.element.append(this.#canvas, this.#selection, this.#frame);
    this.#attachPointer();
    this.#frame.addEventListener('keydown', (event) => {
      this.#pressed(event);
    });
    new ResizeObserver(() => {
      this.#resized();
    }).observe(this.element);
  }

  /** @param level bytes of one cell of the tiles that hold the whole disk */
  setDisk(disk: Disk, level: number): void {
    this.#disk = disk;
    this.#level = level;
    this.redraw();
  }

  setKinds(cache: TileCache, kinds: KindSet): void {
    this.#cache = cache;
    this.#kinds = kinds;
    this.#highlighted = undefined;
    this.themeChanged();
  }

  /** Marks where a file lies. */
  markFile(ranges: MarkedRanges | undefined): void {
    this.#file = ranges;
    this.redraw();
  }

  highlight(kind: string | undefined): void {
    if (kind === this.#highlighted) return;
    this.#highlighted = kind;
    this.themeChanged();
  }

  themeChanged(): void {
    this.#palette = paletteOf(readTheme(this.#kinds), this.#kinds, this.#highlighted);
    this.redraw();
  }

  redraw(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  /** Moves the frame. Called in an animation frame. */
  show(shown: Shown): void {
    this.#shown = shown;
    const { size } = this.#disk;
    const full = this.element.clientWidth;
    if (size === 0 || full === 0) return;
    const width = Math.min(full, Math.max(NARROWEST_FRAME, ((shown.end - shown.start) / size) * full));
    const middle = ((shown.start + shown.end) / 2 / size) * full;
    const left = Math.min(Math.max(0, middle - width / 2), full - width);
    this.#frame.style.setProperty('transform', `translateX(${left.toFixed(1)}px)`);
    this.#frame.style.setProperty('width', `${width.toFixed(1)}px`);
    this.#frame.setAttribute('aria-valuemin', '0');
    this.#frame.setAttribute('aria-valuemax', String(size));
    this.#frame.setAttribute('aria-valuenow', String(shown.start));
    this.#frame.setAttribute(
      'aria-valuetext',
      t('{0} from {1}', sizeText(shown.end - shown.start), hex(shown.start)),
    );
  }

  /** Marks where the selection is. */
  mark(range: { readonly start: number; readonly length: number } | undefined): void {
    this.#selected = range && { start: range.start, end: range.start + range.length };
    const { size } = this.#disk;
    this.#selection.hidden = !this.#selected || size === 0;
    if (!this.#selected || size === 0) return;
    const full = this.element.clientWidth;
    const width = Math.max(NARROWEST_MARK, ((this.#selected.end - this.#selected.start) / size) * full);
    const left = Math.min((this.#selected.start / size) * full, full - width);
    this.#selection.style.setProperty('transform', `translateX(${left.toFixed(1)}px)`);
    this.#selection.style.setProperty('width', `${width.toFixed(1)}px`);
  }

  #resized(): void {
    const ratio = window.devicePixelRatio;
    this.#canvas.width = Math.max(1, Math.round(this.element.clientWidth * ratio));
    this.#canvas.height = Math.max(1, Math.round(this.element.clientHeight * ratio));
    this.#draw();
    this.show(this.#shown);
    const selected = this.#selected;
    this.mark(selected && { start: selected.start, length: selected.end - selected.start });
  }

  #draw(): void {
    const context = this.#canvas.getContext('2d', { alpha: false });
    if (!context) return;
    const { width, height } = this.#canvas;
    const image = context.createImageData(width, height);
    paintColumns(
      new Uint32Array(image.data.buffer),
      width,
      height,
      this.#disk,
      this.#level,
      this.#cache,
      this.#palette,
    );
    context.putImageData(image, 0, 0);
    this.#drawFile(context, width, height);
  }

  /** A strip along the bottom. */
  #drawFile(context: CanvasRenderingContext2D, width: number, height: number): void {
    const { size } = this.#disk;
    if (this.#file === undefined || size === 0) return;
    const theme = readTheme(this.#kinds);
    const strip = Math.max(3, Math.round(height / 4));
    context.fillStyle = theme.background;
    context.fillRect(0, height - strip - 1, width, strip + 1);
    context.fillStyle = theme.file;
    this.#file.forEachRun(size / width, 0, width, (from, to) => {
      context.fillRect(from, height - strip, to - from, strip);
    });
  }

  #attachPointer(): void {
    // Distance of the pointer from the middle of the frame, in bytes, so that the frame does not jump to the pointer.
    let grabbed: number | undefined;
    this.element.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      const byte = this.#byteAt(event);
      const { start, end } = this.#shown;
      const isOnFrame = event.target === this.#frame;
      grabbed = isOnFrame ? byte - (start + end) / 2 : 0;
      this.element.setPointerCapture(event.pointerId);
      if (!isOnFrame) this.#goTo(byte);
    });
    this.element.addEventListener('pointermove', (event) => {
      if (grabbed !== undefined) this.#goTo(Math.max(0, this.#byteAt(event) - grabbed));
    });
    const end = (): void => {
      grabbed = undefined;
    };
    this.element.addEventListener('pointerup', end);
    this.element.addEventListener('pointercancel', end);
  }

  #byteAt(event: PointerEvent): number {
    const box = this.element.getBoundingClientRect();
    const part = (event.clientX - box.left) / Math.max(1, box.width);
    return Math.min(Math.max(0, part), 1) * this.#disk.size;
  }

  #pressed(event: KeyboardEvent): void {
    const { start, end } = this.#shown;
    const middle = (start + end) / 2;
    const targets: Record<string, number> = {
      ArrowLeft: middle - (end - start) * KEY_STEP,
      ArrowRight: middle + (end - start) * KEY_STEP,
      ArrowUp: middle - (end - start) * KEY_STEP,
      ArrowDown: middle + (end - start) * KEY_STEP,
      PageUp: middle - (end - start),
      PageDown: middle + (end - start),
      Home: 0,
      End: this.#disk.size,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.#goTo(Math.min(Math.max(0, target), this.#disk.size));
  }
}

/** Paints one pixel column for each equal part of the disk from the tiles of `level`. */
function paintColumns(
  pixels: Uint32Array,
  width: number,
  height: number,
  disk: Disk,
  level: number,
  cache: TileCache,
  palette: Palette,
): void {
  pixels.fill(palette.background);
  const tile = cache.get(level, 0);
  const cells = cellCount(disk, level);
  if (!tile || cells === 0) return;
  const { kindCount } = cache;
  // A tile from before the disk grew may be shorter.
  const known = tile.shares.length / kindCount;
  const sums = new Float64Array(kindCount);
  const column = {
    shares: new Uint8Array(kindCount),
    holes: tile.holes === undefined ? undefined : new Uint8Array(kindCount),
  };
  const bands = new Bands(kindCount, height);
  const thickness = Math.max(1, Math.round(window.devicePixelRatio));
  const markHeight = Math.max(2, Math.round(height / 8));
  for (let x = 0; x < width; x++) {
    const from = Math.min(cells - 1, Math.floor((x / width) * cells));
    const to = Math.max(from + 1, Math.min(cells, Math.floor(((x + 1) / width) * cells)));
    const [first, last] = [Math.min(from, known), Math.min(to, known)];
    sumShares(tile.shares, first, last, sums);
    const total = sums.reduce((sum, value) => sum + value, 0);
    scaleShares(sums, total, column.shares);
    if (tile.holes !== undefined && column.holes !== undefined) {
      sumShares(tile.holes, first, last, sums);
      scaleShares(sums, total, column.holes);
    }
    bands.fill(column, 0);
    paintBands(pixels, x, width, bands.out, thickness, palette);
    if (!tile.staged?.subarray(from, to).some((share) => share > 0)) continue;
    // On top, separated by a line.
    for (let y = 0; y <= markHeight; y++) {
      pixels[y * width + x] = y < markHeight ? palette.staged : palette.background;
    }
  }
}

/** Scales sums to 0 to 255, which stands for `total`; a kind that is present gets at least 1. */
function scaleShares(sums: Float64Array, total: number, out: Uint8Array): void {
  sums.forEach((sum, kind) => {
    out[kind] = sum === 0 ? 0 : Math.max(1, Math.round((sum / total) * 255));
  });
}
