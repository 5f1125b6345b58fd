/** State that outlives the page: VS Code discards a hidden page, and restores this when it is shown again. */
import type { PageTab } from '../../src/editor/page/messages';
import { vscode } from '../host/client';
import { CONTENT_KINDS, FILE_KINDS, GUEST_KINDS, HOLE } from '../map/kinds';
import type { SavedPlace } from '../map/navigator';
import type { Selection } from '../map/selection';
import type { Colours, Space } from './store';

/** The panels' share of the page, 0 to 1: of its width beside the map, of its height below it. */
export interface Division {
  readonly wide: number;
  readonly narrow: number;
}

export interface SavedState {
  readonly tab: PageTab;
  readonly space: Space;
  readonly colours: Colours;
  readonly place?: SavedPlace | undefined;
  readonly selection?: Selection | undefined;
  readonly filePlace?: SavedPlace | undefined;
  readonly fileSelection?: Selection | undefined;
  /** A kind of the visible view, or `HOLE`. */
  readonly highlighted?: string | undefined;
  readonly hexTop: number;
  readonly division?: Division | undefined;
}

/** Milliseconds over which changes are collected before they are saved. */
const DELAY = 150;
const TABS: readonly PageTab[] = ['cluster', 'header', 'chain', 'space'];

/** The saved state, validated, since another version of the page may have written it. */
export function loadSaved(): SavedState {
  const kept = vscode.getState();
  const parts: Record<string, unknown> = isRecord(kept) ? kept : {};
  const tab = TABS.find((name) => name === parts['tab']) ?? 'cluster';
  const space = parts['space'] === 'file' ? 'file' : 'guest';
  const colours = parts['colours'] === 'content' ? 'content' : 'kind';
  const guestKinds: readonly string[] = colours === 'content' ? CONTENT_KINDS.kinds : GUEST_KINDS.kinds;
  const kinds = space === 'file' ? [...FILE_KINDS.kinds, HOLE] : guestKinds;
  const highlighted = kinds.find((kind) => kind === parts['highlighted']);
  const hexTop = typeof parts['hexTop'] === 'number' ? parts['hexTop'] : 0;
  const place = isPlace(parts['place']) ? parts['place'] : undefined;
  const selection = isSelection(parts['selection']) ? parts['selection'] : undefined;
  const filePlace = isPlace(parts['filePlace']) ? parts['filePlace'] : undefined;
  const fileSelection = isSelection(parts['fileSelection']) ? parts['fileSelection'] : undefined;
  const division = isDivision(parts['division']) ? parts['division'] : undefined;
  return { tab, space, colours, place, selection, filePlace, fileSelection, highlighted, hexTop, division };
}

export class StateSaver {
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly #collect: () => SavedState;

  constructor(collect: () => SavedState) {
    this.#collect = collect;
    // The page may be discarded before the delay is over.
    window.addEventListener('pagehide', () => {
      this.#keep();
    });
    document.addEventListener('visibilitychange', () => {
      this.#keep();
    });
  }

  changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#keep();
    }, DELAY);
  }

  #keep(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    vscode.setState(this.#collect());
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const hasNumbers = (value: unknown, names: readonly string[]): boolean =>
  isRecord(value) && names.every((name) => Number.isFinite(value[name]));

const isPlace = (value: unknown): value is SavedPlace =>
  hasNumbers(value, ['start', 'bytesPerCell', 'cellSize']) &&
  isRecord(value) &&
  typeof value['isWholeDisk'] === 'boolean';

const isDivision = (value: unknown): value is Division => hasNumbers(value, ['wide', 'narrow']);

const isSelection = (value: unknown): value is Selection =>
  isRecord(value) &&
  hasNumbers(value, ['start', 'length']) &&
  hasNumbers(value['anchor'], ['start', 'end']) &&
  hasNumbers(value['cursor'], ['start', 'end']);
