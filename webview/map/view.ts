/**
 * The cluster map as an element of the page, made of canvases, tooltip and navigator. Every change requests an
 * animation frame, and all drawing happens there.
 */
import type { KindSet } from './kinds';
import { paletteOf, readTheme, type Theme } from './theme';
import { MapCanvas } from './canvas';
import { cellOrigin, visibleCells, type Disk, type Frame, type Point } from './geometry';
import { attachInput, type MapTarget } from './input';
import type { MarkedRanges } from './markedRanges';
import { Navigator, type SavedPlace } from './navigator';
import type { Palette } from './paint';
import type { Selection } from './selection';
import type { TileCache } from './tiles';
import type { CellRange } from './loader';
import { Tooltip } from './tooltip';

export interface MapEvents {
  /** The visible part of the disk or the zoom has changed; called in an animation frame. */
  moved(range: CellRange): void;
  selected(selection: Selection | undefined): void;
  /** Enter was pressed on the selection. */
  inspected(): void;
}

export class MapView implements MapTarget {
  readonly element = document.createElement('div');
  readonly navigator = new Navigator();
  readonly #canvas = new MapCanvas();
  readonly #tooltip = new Tooltip();
  #theme: Theme;
  #palette: Palette;
  #highlighted: string | undefined;
  #hovered: { readonly cell: number; readonly point: Point } | undefined;
  #isFocused = false;
  #file: MarkedRanges | undefined;
  /** What the next frame draws; cells include marks. */
  #due: 'nothing' | 'marks' | 'cells' = 'nothing';

  #cache: TileCache;
  #kinds: KindSet;
  readonly #events: MapEvents;

  constructor(cache: TileCache, kinds: KindSet, events: MapEvents) {
    this.#cache = cache;
    this.#kinds = kinds;
    this.#events = events;
    this.#theme = readTheme(kinds);
    this.#palette = paletteOf(this.#theme, kinds, undefined);
    this.element.className = 'map';
    this.element.tabIndex = 0;
    this.element.dataset['testid'] = 'map';
    this.element.append(this.#canvas.cells, this.#canvas.staged, this.#canvas.marks, this.#tooltip.element);
    attachInput(this);
    new ResizeObserver((entries) => {
      const entry = entries.at(-1);
      if (entry) this.#resized(entry);
    }).observe(this.element);
  }

  /** Label and usage of the map, for screen readers. */
  setWords(label: string, description: string): void {
    this.element.setAttribute('role', 'application');
    this.element.setAttribute('aria-label', label);
    this.element.setAttribute('aria-description', description);
  }

  setDisk(disk: Disk): void {
    this.navigator.setDisk(disk);
    this.#hovered = undefined;
    this.redraw();
  }

  /** Shows cells of other kinds of the same disk; what is selected and shown stays. */
  setKinds(cache: TileCache, kinds: KindSet): void {
    this.#cache = cache;
    this.#kinds = kinds;
    this.#highlighted = undefined;
    this.themeChanged();
  }

  /** Marks the cells that have bytes of these ranges. */
  markFile(ranges: MarkedRanges | undefined): void {
    this.#file = ranges;
    this.#request('marks');
  }

  restore(place: SavedPlace, selection: Selection | undefined): void {
    this.navigator.restore(place);
    this.navigator.selection = selection;
    this.redraw();
  }

  highlight(kind: string | undefined): void {
    if (kind === this.#highlighted) return;
    this.#highlighted = kind;
    this.#palette = paletteOf(this.#theme, this.#kinds, kind);
    this.redraw();
  }

  themeChanged(): void {
    this.#theme = readTheme(this.#kinds);
    this.#palette = paletteOf(this.#theme, this.#kinds, this.#highlighted);
    this.redraw();
  }

  navigate(action: (navigator: Navigator) => void): void {
    const before = this.navigator.selection;
    action(this.navigator);
    this.redraw();
    if (this.navigator.selection !== before) this.#events.selected(this.navigator.selection);
  }

  inspect(): void {
    this.#events.inspected();
  }

  hover(point: Point | undefined): void {
    const cell = point && this.navigator.cellAt(point);
    this.#hovered = point && cell !== undefined ? { cell, point } : undefined;
    this.#request('marks');
  }

  setFocused(isFocused: boolean): void {
    this.#isFocused = isFocused;
    this.#request('marks');
  }

  /** Draws everything again in the next frame. */
  redraw(): void {
    this.#request('cells');
  }

  pointOf(event: { readonly clientX: number; readonly clientY: number }): Point {
    const box = this.element.getBoundingClientRect();
    const { ratio } = this.navigator.frame;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  }

  #resized(entry: ResizeObserverEntry): void {
    const ratio = window.devicePixelRatio;
    const exact = entry.devicePixelContentBoxSize[0];
    const frame: Frame = {
      width: exact?.inlineSize ?? Math.round(entry.contentRect.width * ratio),
      height: exact?.blockSize ?? Math.round(entry.contentRect.height * ratio),
      ratio,
    };
    if (frame.width === 0 || frame.height === 0) return;
    this.navigator.setFrame(frame);
    this.#canvas.resize(frame);
    // Resizing empties a canvas: draw before the browser paints.
    this.#due = 'cells';
    this.#draw();
  }

  #request(what: 'marks' | 'cells'): void {
    if (this.#due === 'nothing')
      requestAnimationFrame(() => {
        this.#draw();
      });
    if (this.#due !== 'cells') this.#due = what;
  }

  #draw(): void {
    const due = this.#due;
    this.#due = 'nothing';
    if (due === 'nothing') return;
    const { disk, view, frame, selection } = this.navigator;
    if (due === 'cells') {
      this.#canvas.drawCells(view, disk, frame, this.#cache, this.#palette, this.#theme);
      this.#canvas.drawStaged(view, disk, frame, this.#cache, this.#theme);
      const { from, to } = visibleCells(view, disk, frame);
      this.#events.moved({ bytesPerCell: view.bytesPerCell, from, to });
      if (this.#hovered) this.#rehover(this.#hovered.point);
    }
    const marks = {
      selection,
      hovered: this.#hovered?.cell,
      isFocused: this.#isFocused,
      file: this.#file,
    };
    this.#canvas.drawMarks(view, disk, frame, marks, this.#theme);
    this.#placeTooltip();
  }

  /** Updates the hovered cell after the cells have moved under the pointer. */
  #rehover(point: Point): void {
    const cell = this.navigator.cellAt(point);
    this.#hovered = cell === undefined ? undefined : { cell, point };
  }

  #placeTooltip(): void {
    if (!this.#hovered) {
      this.#tooltip.hide();
      return;
    }
    const { disk, view, frame } = this.navigator;
    const origin = cellOrigin(view, this.#hovered.cell, frame);
    this.#tooltip.show(this.#hovered.cell, view, disk, this.#cache, this.#kinds, origin, frame);
  }
}
