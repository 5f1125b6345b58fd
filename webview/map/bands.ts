/**
 * Partitions and logical volumes beside the map: a band along the rows that each takes, with its label, and a mark above
 * the overview bar. A click selects the whole of one. For the keyboard all bands are one stop, with arrow keys between them.
 */
import type { GuestBand } from '../../src/editor/page/messages';
import { sizeText } from '../../src/text/sizeText';
import { t } from '../base/strings';
import { bandLabel } from './bandLabel';
import { gridOf, type Disk, type Frame, type View } from './geometry';

/** Bands that are drawn at a time: more are too thin to be told apart. */
const MOST_SHOWN = 200;

/** A contiguous stretch of a band. */
interface Piece {
  readonly band: GuestBand;
  readonly start: number;
  readonly end: number;
}

export class BandGutter {
  /** Beside the map, and above the overview bar. */
  readonly element = document.createElement('div');
  readonly overview = document.createElement('div');
  #pieces: readonly Piece[] = [];
  #disk: Disk = { size: 0, clusterSize: 1 };
  /** By their place among the pieces. */
  readonly #buttons = new Map<number, HTMLButtonElement>();

  readonly #chosen: (start: number, end: number) => void;

  /** @param chosen selects a range of the disk */
  constructor(chosen: (start: number, end: number) => void) {
    this.#chosen = chosen;
    this.element.className = 'map-bands';
    this.element.dataset['testid'] = 'map-bands';
    this.element.setAttribute('role', 'group');
    this.element.setAttribute('aria-label', t('Partitions and volumes'));
    this.overview.className = 'minimap-bands';
    this.overview.setAttribute('aria-hidden', 'true');
    this.setBands([], this.#disk);
    this.element.addEventListener('keydown', (event) => {
      this.#pressed(event);
    });
  }

  /** @param bands inner ones last: they are drawn over the others */
  setBands(bands: readonly GuestBand[], disk: Disk): void {
    this.#disk = disk;
    this.#pieces = bands.flatMap(piecesOf);
    for (const [index] of this.#buttons) this.#remove(index);
    this.element.hidden = this.overview.hidden = bands.length === 0;
    const marks = this.#pieces.slice(0, MOST_SHOWN).map(({ start, end }) => {
      const mark = document.createElement('div');
      mark.style.setProperty('inset-inline-start', `${(start / disk.size) * 100}%`);
      mark.style.setProperty('width', `${((end - start) / disk.size) * 100}%`);
      return mark;
    });
    this.overview.replaceChildren(...marks);
  }

  /** Draws the bands of the rows in sight. Called in an animation frame. */
  show(view: View, frame: Frame): void {
    if (this.element.hidden) return;
    const { columns } = gridOf(frame, view.cellSize);
    const topOf = (byte: number): number =>
      (((byte / view.bytesPerCell - view.first) / columns) * view.cellSize - view.shift) / frame.ratio;
    const height = frame.height / frame.ratio;
    let shown = 0;
    this.#pieces.forEach((piece, index) => {
      const top = Math.max(0, topOf(piece.start));
      const bottom = Math.min(height, topOf(piece.end));
      if (bottom <= top || shown >= MOST_SHOWN) {
        this.#remove(index);
        return;
      }
      shown++;
      const button = this.#buttons.get(index) ?? this.#add(piece, index);
      button.style.setProperty('top', `${top.toFixed(1)}px`);
      button.style.setProperty('height', `${Math.max(2, bottom - top).toFixed(1)}px`);
    });
    const first = this.element.querySelector('button');
    if (first !== null && this.element.querySelector('[tabindex="0"]') === null) first.tabIndex = 0;
  }

  #add({ band, start, end }: Piece, index: number): HTMLButtonElement {
    const button = document.createElement('button');
    const label = bandLabel(band);
    button.type = 'button';
    button.className = 'map-band';
    button.dataset['testid'] = 'map-band';
    button.tabIndex = -1;
    button.title = `${label}, ${sizeText(band.size)}`;
    button.setAttribute('aria-label', t('Select {0}', button.title));
    button.textContent = label;
    button.addEventListener('click', () => {
      this.#chosen(start, Math.min(end, this.#disk.size));
    });
    this.#buttons.set(index, button);
    const next = [...this.#buttons.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
    this.element.insertBefore(button, (next === undefined ? undefined : this.#buttons.get(next)) ?? null);
    return button;
  }

  #remove(index: number): void {
    this.#buttons.get(index)?.remove();
    this.#buttons.delete(index);
  }

  #pressed(event: KeyboardEvent): void {
    const buttons = [...this.element.querySelectorAll('button')];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const targets: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: buttons.length - 1,
    };
    const target = buttons[targets[event.key] ?? -1];
    if (at < 0 || target === undefined) return;
    event.preventDefault();
    for (const button of buttons) button.tabIndex = -1;
    target.tabIndex = 0;
    target.focus();
  }
}

function piecesOf(band: GuestBand): Piece[] {
  const pieces: Piece[] = [];
  for (let index = 0; index + 1 < band.pieces.length; index += 2)
    pieces.push({ band, start: band.pieces[index] ?? 0, end: band.pieces[index + 1] ?? 0 });
  return pieces;
}
