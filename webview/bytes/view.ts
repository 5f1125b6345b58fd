/**
 * The bytes of the guest disk or the image file as hex and text. Only the visible lines exist as elements. The view
 * scrolls by lines itself, since no element can be as tall as the dump of a large disk.
 */
import { html, render, type TemplateResult } from 'lit';
import type { MaybeProblem } from '../host/answers';
import { BLOCK_BYTES, type ByteBlocks } from './blocks';
import { clampTop, hexOf, lineCount, runsOf, textOf } from './lines';
import { HexScrollbar } from './scrollbar';

/** CSS pixels; the same as in the style sheet. */
const LINE_HEIGHT = 18;

/** Stands for a byte that is being read. In ASCII, since glyphs of another font would move the line. */
const PENDING = '.. ';

export interface HexEvents {
  /** A line's offset was clicked, or Enter pressed on it. */
  offsetChosen(byte: number): void;
  /** The translated message of a problem. */
  describe(problem: MaybeProblem): Promise<string>;
  scrolled(topByte: number): void;
}

export class HexView {
  readonly element = document.createElement('div');
  readonly #dump = document.createElement('div');
  readonly #probe = document.createElement('span');
  readonly #scrollbar: HexScrollbar;
  #size = 0;
  #clusterSize = 1;
  #bytesPerLine = 16;
  #linesShown = 1;
  #top = 0;
  /** The line that the arrow keys move and Enter goes to; always visible. */
  #current = 0;
  #marked = { start: 0, end: 0 };
  #problem: { readonly of: MaybeProblem; readonly text: string } | undefined;
  #isDue = false;

  readonly #blocks: ByteBlocks;
  readonly #events: HexEvents;

  constructor(blocks: ByteBlocks, events: HexEvents, name: string) {
    this.#blocks = blocks;
    this.#events = events;
    this.element.className = 'hex';
    this.element.dataset['testid'] = 'hex';
    this.#dump.className = 'hex-dump mono';
    this.#dump.id = 'hex-dump';
    this.#dump.tabIndex = 0;
    this.#dump.setAttribute('role', 'group');
    this.#dump.setAttribute('aria-label', name);
    this.#probe.className = 'hex-probe mono';
    this.#probe.setAttribute('aria-hidden', 'true');
    this.#probe.textContent = '0'.repeat(100);
    this.#scrollbar = new HexScrollbar((line) => {
      this.#scrollToLine(line);
    });
    this.element.append(this.#dump, this.#scrollbar.element, this.#probe);
    this.#attach();
    new ResizeObserver(() => {
      this.#resized();
    }).observe(this.element);
  }

  /** @param size bytes of the disk or file */
  setDisk(size: number, clusterSize: number): void {
    const byte = this.topByte;
    this.#size = size;
    this.#clusterSize = clusterSize;
    this.#problem = undefined;
    this.#measure();
    this.scrollTo(byte);
  }

  /** Marks the lines of the selected bytes. */
  mark(range: { readonly start: number; readonly length: number } | undefined): void {
    this.#marked = range ? { start: range.start, end: range.start + range.length } : { start: 0, end: 0 };
    this.redraw();
  }

  get topByte(): number {
    return this.#top * this.#bytesPerLine;
  }

  scrollTo(byte: number): void {
    this.#current = Math.floor(byte / this.#bytesPerLine);
    this.#scrollToLine(this.#current);
  }

  redraw(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  get #lines(): number {
    return lineCount(this.#size, this.#bytesPerLine);
  }

  #scrollToLine(line: number): void {
    this.#top = clampTop(line, this.#lines, this.#linesShown);
    this.#moveTo(this.#current);
    this.#events.scrolled(this.topByte);
    this.redraw();
  }

  #resized(): void {
    const byte = this.topByte;
    this.#measure();
    this.#top = clampTop(Math.floor(byte / this.#bytesPerLine), this.#lines, this.#linesShown);
    this.#moveTo(this.#current);
    this.redraw();
  }

  /** Makes a line the current one, or the nearest visible line. */
  #moveTo(line: number): void {
    const last = Math.min(this.#lines, this.#top + this.#linesShown) - 1;
    this.#current = Math.max(this.#top, Math.min(line, last));
  }

  /** Goes to a line by keyboard, scrolling as little as needed. */
  #goToLine(line: number): void {
    const target = Math.max(0, Math.min(line, this.#lines - 1));
    const top = Math.max(Math.min(this.#top, target), target - this.#linesShown + 1);
    this.#current = target;
    this.#scrollToLine(top);
  }

  /** 16 bytes per line if they fit, else 8. */
  #measure(): void {
    const characterWidth = this.#probe.getBoundingClientRect().width / 100;
    const perByte = 4;
    const fixed = this.#offsetDigits + 6;
    const characters = this.#dump.clientWidth / Math.max(1, characterWidth);
    this.#bytesPerLine = characters >= fixed + 16 * perByte ? 16 : 8;
    this.element.classList.toggle('is-tight', characters < fixed + this.#bytesPerLine * perByte);
    this.#linesShown = Math.max(1, Math.floor(this.#dump.clientHeight / LINE_HEIGHT));
  }

  get #offsetDigits(): number {
    return Math.max(8, Math.max(0, this.#size - 1).toString(16).length);
  }

  #draw(): void {
    const start = this.topByte;
    const end = Math.min(this.#size, start + this.#linesShown * this.#bytesPerLine);
    if (end > start) this.#blocks.want(start, end);
    this.#scrollbar.show(this.#top, this.#lines, this.#linesShown);
    const lines: TemplateResult[] = [];
    for (let offset = start; offset < end; offset += this.#bytesPerLine) {
      const line = this.#line(offset, Math.min(this.#bytesPerLine, this.#size - offset));
      if (line) lines.push(line);
    }
    const problem = this.#problemInSight(start);
    render(problem === undefined ? lines : html`<div class="hex-problem">${problem}</div>`, this.#dump);
  }

  #line(offset: number, length: number): TemplateResult | undefined {
    const block = this.#blocks.at(offset);
    const digits = offset.toString(16).padStart(this.#offsetDigits, '0');
    const isMarked = offset + length > this.#marked.start && offset < this.#marked.end;
    const isEdge = offset % this.#clusterSize === 0;
    const isCurrent = offset === this.#current * this.#bytesPerLine;
    const bytes = block?.ok ? bytesIn(block.bytes, offset, length) : undefined;
    return html`<div
      class="hex-line ${isMarked ? 'is-marked' : ''} ${isEdge ? 'is-edge' : ''} ${isCurrent ? 'is-current' : ''}"
      data-offset=${offset}
      translate="no"
    >
      <span class="hex-offset" data-offset=${offset}>${digits}</span>
      <span class="hex-bytes">${bytes ? byteSpans(bytes) : PENDING.repeat(length).trimEnd()}</span>
      <span class="hex-text">${bytes ? textOf(bytes) : ' '.repeat(length)}</span>
    </div>`;
  }

  /** The translated problem of the first visible block; empty until the translation arrives. */
  #problemInSight(start: number): string | undefined {
    const block = this.#blocks.at(start);
    if (!block || block.ok) return undefined;
    if (this.#problem?.of === block.problem) return this.#problem?.text ?? '';
    this.#problem = { of: block.problem, text: '' };
    void this.#events.describe(block.problem).then((text) => {
      this.#problem = { of: block.problem, text };
      this.redraw();
    });
    return '';
  }

  #attach(): void {
    let travel = 0;
    this.element.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        travel += event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * LINE_HEIGHT : event.deltaY;
        const lines = Math.trunc(travel / LINE_HEIGHT);
        travel -= lines * LINE_HEIGHT;
        if (lines !== 0) this.#scrollToLine(this.#top + lines);
      },
      { passive: false },
    );
    this.#dump.addEventListener('keydown', (event) => {
      this.#pressed(event);
    });
    this.#dump.addEventListener('click', (event) => {
      const offset = event.target instanceof HTMLElement ? event.target.dataset['offset'] : undefined;
      if (
        offset !== undefined &&
        event.target instanceof HTMLElement &&
        event.target.matches('.hex-offset')
      ) {
        this.#events.offsetChosen(Number(offset));
      }
    });
  }

  #pressed(event: KeyboardEvent): void {
    const toAnEnd = event.key === 'Home' || event.key === 'End';
    if (event.altKey || event.shiftKey || ((event.ctrlKey || event.metaKey) && !toAnEnd)) return;
    const page = Math.max(1, this.#linesShown - 1);
    const targets: Record<string, number> = {
      ArrowUp: this.#current - 1,
      ArrowDown: this.#current + 1,
      PageUp: this.#current - page,
      PageDown: this.#current + page,
      Home: 0,
      End: this.#lines - 1,
    };
    const target = targets[event.key];
    if (event.key === 'Enter') this.#events.offsetChosen(this.#current * this.#bytesPerLine);
    else if (target === undefined) return;
    else this.#goToLine(target);
    event.preventDefault();
  }
}

/** A block is cut short at the disk's end, and never holds half a line otherwise. */
function bytesIn(block: Uint8Array, offset: number, length: number): Uint8Array {
  const at = offset % BLOCK_BYTES;
  return block.subarray(at, at + length);
}

const byteSpans = (bytes: Uint8Array): readonly TemplateResult[] =>
  runsOf(bytes).map(
    (run, index) =>
      html`${index > 0 ? ' ' : ''}<span class=${run.isZero ? 'is-zero' : ''}>${hexOf(run.bytes)}</span>`,
  );
