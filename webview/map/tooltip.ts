/** The tooltip of the cell under the pointer. It ignores the pointer itself. */
import { html, render } from 'lit';
import { holeShareOf, nameClusters, nameOfKind, placeOf, sharesOf, type KindShare } from './describe';
import { HOLE_WORDS, type KindSet } from './kinds';
import { shareText } from '../../src/text/shareText';
import { t } from '../base/strings';
import type { Disk, Frame, Point, View } from './geometry';
import { cellSpan } from './selection';
import { stagedShareOf } from './staged';
import type { TileCache } from './tiles';

/** CSS pixels between the cell and the box. */
const DISTANCE = 6;

export class Tooltip {
  readonly element = document.createElement('div');

  constructor() {
    this.element.className = 'tooltip';
    this.element.dataset['testid'] = 'map-tooltip';
    this.element.setAttribute('aria-hidden', 'true');
    this.element.hidden = true;
  }

  hide(): void {
    this.element.hidden = true;
  }

  /** @param origin the cell's top left corner in canvas pixels */
  show(
    cell: number,
    view: View,
    disk: Disk,
    cache: TileCache,
    kinds: KindSet,
    origin: Point,
    frame: Frame,
  ): void {
    const { start, end } = cellSpan(cell, view.bytesPerCell, disk);
    const source = cache.find(view.bytesPerCell, cell);
    const shares = sharesOf(source, cell, kinds);
    const holes = holeShareOf(source, cell, kinds);
    const staged = stagedShareOf(source, cell);
    render(
      html`<strong>${nameClusters(start, end - start, disk)}</strong>
        <div class="mono">${placeOf(start, end - start)}</div>
        ${shares === undefined ? html`<div>${t('Not scanned yet')}</div>` : shares.map((share) => row(share, shares, kinds))}
        ${holes === 0 ? '' : shareRow('hole', HOLE_WORDS.name, holes)}
        ${staged === 0 ? '' : shareRow('staged', t('Staged, not saved yet'), staged)}`,
      this.element,
    );
    this.element.hidden = false;
    this.#place(origin, view.cellSize / frame.ratio, frame);
  }

  #place(origin: Point, size: number, frame: Frame): void {
    const { offsetWidth, offsetHeight } = this.element;
    const width = frame.width / frame.ratio;
    const height = frame.height / frame.ratio;
    const x = origin.x / frame.ratio;
    const y = origin.y / frame.ratio;
    const right = x + size + DISTANCE;
    const left = right + offsetWidth <= width ? right : Math.max(0, x - DISTANCE - offsetWidth);
    const below = y + size + DISTANCE;
    const top = below + offsetHeight <= height ? below : Math.max(0, y - DISTANCE - offsetHeight);
    this.element.style.setProperty('transform', `translate(${Math.round(left)}px, ${Math.round(top)}px)`);
  }
}

/** What may be of any kind. @param share 0 to 255 */
function shareRow(swatch: string, name: string, share: number): unknown {
  return html`<div class="tooltip-row">
    <span class="swatch swatch-${swatch}"></span>${name}
    ${share < 255 ? html`<span class="tooltip-share">${shareText(share, 255)}</span>` : ''}
  </div>`;
}

function row(share: KindShare, all: readonly KindShare[], set: KindSet): unknown {
  const sum = all.reduce((total, { amount }) => total + amount, 0);
  return html`<div class="tooltip-row">
    <span class="swatch swatch-${share.kind}"></span>${nameOfKind(set, share.kind)}
    ${all.length > 1 ? html`<span class="tooltip-share">${shareText(share.amount, sum)}</span>` : ''}
  </div>`;
}
