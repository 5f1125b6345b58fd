/** Translates mouse, wheel and keyboard input on the cluster map into calls of the navigator. */
import type { Point } from './geometry';
import type { Navigator } from './navigator';

/** CSS pixels of wheel travel per zoom step; a notch of a mouse wheel is 100 to 120. */
const WHEEL_STEP = 50;
const LINE_HEIGHT = 16;

type Drag =
  | { readonly kind: 'select'; readonly pointer: number }
  | { readonly kind: 'pan'; readonly pointer: number; last: Point; sideways: number };

/** What the input is for: the map, as far as it can be moved by hand. */
export interface MapTarget {
  readonly element: HTMLElement;
  readonly navigator: Navigator;
  /** The position of a pointer event in canvas pixels. */
  pointOf(event: { readonly clientX: number; readonly clientY: number }): Point;
  /** Runs an action that may move the view or the selection, then redraws and notifies. */
  navigate(action: (navigator: Navigator) => void): void;
  hover(point: Point | undefined): void;
  setFocused(isFocused: boolean): void;
  /** Enter was pressed on the selection. */
  inspect(): void;
}

export function attachInput(map: MapTarget): void {
  attachPointer(map, attachKeyboard(map));
  attachWheel(map);
}

/** @param keys whether Space is held, which turns a drag into a pan */
function attachPointer(map: MapTarget, keys: { readonly isSpaceHeld: boolean }): void {
  const { element } = map;
  let drag: Drag | undefined;

  element.addEventListener('pointerdown', (event) => {
    if (event.button > 1) return;
    const point = map.pointOf(event);
    element.setPointerCapture(event.pointerId);
    if (event.button === 1 || keys.isSpaceHeld) {
      drag = { kind: 'pan', pointer: event.pointerId, last: point, sideways: 0 };
      element.classList.add('is-panning');
      event.preventDefault();
      return;
    }
    const cell = map.navigator.cellAt(point);
    if (cell === undefined) return;
    drag = { kind: 'select', pointer: event.pointerId };
    map.navigate((navigator) => {
      navigator.selectCell(cell, event.shiftKey);
    });
  });

  element.addEventListener('pointermove', (event) => {
    const point = map.pointOf(event);
    map.hover(drag?.kind === 'pan' ? undefined : point);
    if (drag?.pointer !== event.pointerId) return;
    if (drag.kind === 'pan') pan(map, drag, point);
    else extendSelection(map, point);
  });

  const end = (event: PointerEvent): void => {
    if (drag?.pointer !== event.pointerId) return;
    drag = undefined;
    element.classList.remove('is-panning');
  };
  element.addEventListener('pointerup', end);
  element.addEventListener('pointercancel', end);
  element.addEventListener('pointerleave', () => {
    map.hover(undefined);
  });
  element.addEventListener('dblclick', (event) => {
    map.navigate((navigator) => {
      navigator.zoomBy(2, map.pointOf(event));
    });
  });
  // Otherwise the middle button starts the browser's own scrolling or paste.
  element.addEventListener('mousedown', (event) => {
    if (event.button === 1) event.preventDefault();
  });
  element.addEventListener('auxclick', (event) => {
    event.preventDefault();
  });
}

function pan(map: MapTarget, drag: Extract<Drag, { kind: 'pan' }>, point: Point): void {
  drag.sideways += drag.last.x - point.x;
  const { cellSize } = map.navigator.view;
  const cells = Math.trunc(drag.sideways / cellSize);
  drag.sideways -= cells * cellSize;
  const pixels = Math.round(drag.last.y - point.y);
  drag.last = { x: point.x, y: drag.last.y - pixels };
  map.navigate((navigator) => {
    navigator.scroll(cells, pixels);
  });
}

/** Beyond the upper or lower edge, the map scrolls. */
function extendSelection(map: MapTarget, point: Point): void {
  map.navigate((navigator) => {
    const { frame, view } = navigator;
    if (point.y < 0) navigator.scroll(0, -view.cellSize);
    if (point.y > frame.height) navigator.scroll(0, view.cellSize);
    const inside = {
      x: Math.min(Math.max(point.x, 0), frame.width - 1),
      y: Math.min(Math.max(point.y, 0), frame.height - 1),
    };
    const cell = navigator.cellAt(inside);
    if (cell !== undefined) navigator.selectCell(cell, true);
  });
}

function attachWheel(map: MapTarget): void {
  let travel = 0;
  map.element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_HEIGHT : 1;
      if (event.shiftKey) {
        const pixels = (event.deltaY === 0 ? event.deltaX : event.deltaY) * scale;
        map.navigate((navigator) => {
          navigator.scroll(0, Math.round(pixels * navigator.frame.ratio));
        });
        return;
      }
      travel -= event.deltaY * scale;
      const steps = Math.trunc(travel / WHEEL_STEP);
      if (steps === 0) return;
      travel -= steps * WHEEL_STEP;
      const point = map.pointOf(event);
      map.navigate((navigator) => {
        navigator.zoomBy(steps, point);
      });
    },
    { passive: false },
  );
}

function attachKeyboard(map: MapTarget): { readonly isSpaceHeld: boolean } {
  const { element } = map;
  const keys = { isSpaceHeld: false };
  const space = (isHeld: boolean): void => {
    keys.isSpaceHeld = isHeld;
    element.classList.toggle('is-ready-to-pan', isHeld);
  };
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === ' ') space(true);
    else if (!pressed(map, event)) return;
    event.preventDefault();
  });
  element.addEventListener('keyup', (event) => {
    if (event.key === ' ') space(false);
  });
  element.addEventListener('focus', () => {
    map.setFocused(true);
  });
  element.addEventListener('blur', () => {
    space(false);
    map.setFocused(false);
  });
  return keys;
}

/** @returns whether the key was handled */
function pressed(map: MapTarget, event: KeyboardEvent): boolean {
  const { columns, rows } = map.navigator;
  const move = (cells: number): boolean => {
    map.navigate((navigator) => {
      navigator.moveCursor(cells, event.shiftKey);
    });
    return true;
  };
  switch (event.key) {
    case 'ArrowLeft':
      return move(-1);
    case 'ArrowRight':
      return move(1);
    case 'ArrowUp':
      return move(-columns);
    case 'ArrowDown':
      return move(columns);
    case 'PageUp':
      return move(-columns * rows);
    case 'PageDown':
      return move(columns * rows);
    case 'Home':
    case 'End':
      map.navigate((navigator) => {
        navigator.moveToEnd(event.key === 'End', event.shiftKey);
      });
      return true;
    case '+':
    case '=':
      zoomAtCursor(map, 1);
      return true;
    case '-':
    case '_':
      zoomAtCursor(map, -1);
      return true;
    case '0':
      map.navigate((navigator) => {
        navigator.showWholeDisk();
      });
      return true;
    case 'Enter':
      map.inspect();
      return true;
    default:
      return false;
  }
}

/** Zooms around the selected cell if it is visible, else around the middle. */
export function zoomAtCursor(map: MapTarget, steps: number): void {
  map.navigate((navigator) => {
    navigator.zoomBy(steps, navigator.focusPoint);
  });
}
