/** The legend: colour, clusters, bytes and share of each kind. Clicking an entry highlights its kind in the map. */
import { html, type TemplateResult } from 'lit';
import type { KindTotals } from '../../src/editor/page/messages';
import {
  CONTENT_KINDS,
  FILE_KINDS,
  GUEST_KINDS,
  HOLE,
  HOLE_WORDS,
  isFoundByScan,
  isFromBacking,
  type KindSet,
  type KindWords,
} from '../map/kinds';
import { shareText } from '../../src/text/shareText';
import { sizeText } from '../../src/text/sizeText';
import { formatBytes, formatCount } from '../base/numbers';
import { type AppState, diskOf, lastingReadOnly } from '../state/store';
import { t } from '../base/strings';

/**
 * A table whose rows are laid out as a grid to save height. Every role is written out, since browsers drop the roles of
 * a table when its display changes.
 */
export function legend(state: AppState, toggle: (kind: string) => void): TemplateResult {
  const isFile = state.space === 'file';
  const isContent = !isFile && state.colours === 'content';
  const totals = (isFile ? state.fileTotals : isContent ? state.contentTotals : state.totals) ?? NOTHING;
  const set: KindSet = isFile ? FILE_KINDS : isContent ? CONTENT_KINDS : GUEST_KINDS;
  const kinds = isFile ? fileKinds(totals) : isContent ? contentKinds(totals) : guestKinds(state, totals);
  const { highlighted } = state;
  const clusterSize = diskOf(state.page)?.clusterSize ?? 1;
  return html`<table
    class="legend"
    role="table"
    data-testid="legend"
    aria-label=${isFile ? t('Contents of the file by use') : t('Contents of the disk by kind')}
  >
    <thead role="rowgroup" class="visually-hidden">
      <tr role="row">
        <th role="columnheader">${t('Kind')}</th>
        <th role="columnheader">${t('Size')}</th>
        <th role="columnheader">${t('Share')}</th>
        <th role="columnheader">${t('Clusters')}</th>
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${set.kinds.map((kind, index) =>
        // What is highlighted can be found here, to end it.
        kinds.has(kind) || kind === highlighted
          ? entry(
              kind,
              wordsOf(set, kind),
              totals.bytes[index] ?? 0,
              totals,
              clusterSize,
              highlighted,
              toggle,
            )
          : '',
      )}
      ${isFile ? holeEntry(totals, clusterSize, highlighted, toggle) : ''}
      ${stagedEntry(state, totals.totalBytes, clusterSize)}
    </tbody>
  </table>`;
}

const NOTHING: KindTotals = { bytes: [], scannedBytes: 0, totalBytes: 0 };

const wordsOf = (set: KindSet, kind: string): KindWords => set.words[kind] ?? { name: kind, meaning: '' };

/** Kinds that the image and its layers can have are always listed, so that entries do not move while they are counted. */
function guestKinds(state: AppState, totals: KindTotals): ReadonlySet<string> {
  const layers = state.page?.image.chain?.layers ?? [];
  const deepest = layers.filter(({ state: kind }) => kind === 'open').length - 1;
  return new Set(
    GUEST_KINDS.kinds.filter((kind, index) => {
      if ((totals.bytes[index] ?? 0) > 0) return true;
      if (kind === 'invalid' || kind === 'missing' || isFoundByScan(kind)) return false;
      if (kind === 'backingUnknown') return deepest < layers.length - 1;
      return !isFromBacking(kind) || Number(kind.slice(-1)) <= deepest;
    }),
  );
}

/** A file system is in doubt only now and then. */
const contentKinds = (totals: KindTotals): ReadonlySet<string> =>
  new Set(CONTENT_KINDS.kinds.filter((kind, index) => kind !== 'inDoubt' || (totals.bytes[index] ?? 0) > 0));

/** Optional kinds are listed only if the file has them. */
function fileKinds(totals: KindTotals): ReadonlySet<string> {
  const optional: readonly string[] = ['compressed', 'vmState', 'snapshot', 'bitmap', 'conflict'];
  return new Set(
    FILE_KINDS.kinds.filter((kind, index) => !optional.includes(kind) || (totals.bytes[index] ?? 0) > 0),
  );
}

/** Holes of every kind; left out if the file has none. */
function holeEntry(
  totals: KindTotals,
  clusterSize: number,
  highlighted: string | undefined,
  toggle: (kind: string) => void,
): TemplateResult | '' {
  const bytes = (totals.holes ?? []).reduce((sum, each) => sum + each, 0);
  if (bytes === 0 && highlighted !== HOLE) return '';
  return entry(HOLE, HOLE_WORDS, bytes, totals, clusterSize, highlighted, toggle);
}

function entry(
  kind: string,
  { name, meaning }: KindWords,
  bytes: number,
  { totalBytes }: KindTotals,
  clusterSize: number,
  highlighted: string | undefined,
  toggle: (kind: string) => void,
): TemplateResult {
  return html`<tr
    role="row"
    class="legend-entry ${bytes === 0 ? 'is-absent' : ''}"
    data-testid="legend-${kind}"
  >
    <th role="rowheader" scope="row">
      <button
        type="button"
        class="legend-button"
        aria-pressed=${highlighted === kind ? 'true' : 'false'}
        title=${meaning}
        @click=${() => {
          toggle(kind);
        }}
      >
        <span class="swatch swatch-${kind}"></span><span class="legend-name">${name}</span>
      </button>
    </th>
    <td role="cell" title=${formatBytes(bytes)} data-bytes=${bytes}>${sizeText(bytes)}</td>
    <td role="cell">${shareText(bytes, totalBytes)}</td>
    <td role="cell" data-clusters=${Math.ceil(bytes / clusterSize)}>
      ${formatCount(Math.ceil(bytes / clusterSize))}
    </td>
  </tr>`;
}

/** Staged clusters of every kind; left out if the image is read-only and nothing is staged. */
function stagedEntry(
  { page, space }: AppState,
  totalBytes: number,
  clusterSize: number,
): TemplateResult | '' {
  const edits = page?.image.edits;
  const bytes = (space === 'file' ? edits?.stagedFileBytes : edits?.stagedBytes) ?? 0;
  if (bytes === 0 && page !== undefined && lastingReadOnly(page) !== undefined) return '';
  const clusters = Math.ceil(bytes / clusterSize);
  return html`<tr
    role="row"
    class="legend-entry ${bytes === 0 ? 'is-absent' : ''}"
    data-testid="legend-staged"
  >
    <th role="rowheader" scope="row">
      <span class="legend-button is-plain" title=${t('Staged edits that are not on disk yet.')}>
        <span class="swatch swatch-staged"></span><span class="legend-name">${t('Staged')}</span>
      </span>
    </th>
    <td role="cell" title=${formatBytes(bytes)} data-bytes=${bytes}>${sizeText(bytes)}</td>
    <td role="cell">${shareText(bytes, totalBytes)}</td>
    <td role="cell" data-clusters=${clusters}>${formatCount(clusters)}</td>
  </tr>`;
}
