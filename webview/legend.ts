/** The legend: each kind with its colour, clusters, bytes and share. Its entries highlight their kind in the map. */
import { html, type TemplateResult } from 'lit';
import type { KindTotals } from '../src/editor/page/messages';
import { FILE_KINDS, GUEST_KINDS, isFromBacking, type KindSet } from './kinds';
import { shareText } from '../src/text/shareText';
import { sizeText } from '../src/text/sizeText';
import { formatBytes, formatCount } from './numbers';
import { type AppState, lastingReadOnly } from './store';
import { t } from './strings';

/**
 * A real table; its rows are laid out as a grid of entries to save height, which is why every role is spelled out:
 * browsers forget a table's roles when its display changes.
 */
export function legend(state: AppState, toggle: (kind: string) => void): TemplateResult {
  const isFile = state.space === 'file';
  const totals = (isFile ? state.fileTotals : state.totals) ?? NOTHING;
  const set: KindSet = isFile ? FILE_KINDS : GUEST_KINDS;
  const kinds = isFile ? fileKinds(totals) : guestKinds(state, totals);
  const clusterSize = state.page?.image.summary?.clusterSize ?? 1;
  return html`<table
    class="legend"
    role="table"
    data-testid="legend"
    aria-label=${isFile ? t('What the file consists of') : t('What the disk consists of')}
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
      ${kinds.map((kind) => entry(kind, set, totals, clusterSize, state.highlighted, toggle))}
      ${stagedEntry(state, totals.totalBytes, clusterSize)}
    </tbody>
  </table>`;
}

const NOTHING: KindTotals = { bytes: [], scannedBytes: 0, totalBytes: 0 };

/** The image's own kinds and those of its layers always: as they are counted, no entry comes that moves the others. */
function guestKinds(state: AppState, totals: KindTotals): readonly string[] {
  const layers = state.page?.image.chain?.layers ?? [];
  const deepest = layers.filter(({ state: kind }) => kind === 'open').length - 1;
  return GUEST_KINDS.kinds.filter((kind, index) => {
    if ((totals.bytes[index] ?? 0) > 0) return true;
    if (kind === 'invalid' || kind === 'missing') return false;
    if (kind === 'backingUnknown') return deepest < layers.length - 1;
    return !isFromBacking(kind) || Number(kind.slice(-1)) <= deepest;
  });
}

/** What every file has, what is worth knowing that it has not, and what there is. */
function fileKinds(totals: KindTotals): readonly string[] {
  const optional: readonly string[] = ['compressed', 'snapshot', 'bitmap', 'conflict'];
  return FILE_KINDS.kinds.filter((kind, index) => !optional.includes(kind) || (totals.bytes[index] ?? 0) > 0);
}

function entry(
  kind: string,
  set: KindSet,
  totals: KindTotals,
  clusterSize: number,
  highlighted: string | undefined,
  toggle: (kind: string) => void,
): TemplateResult {
  const bytes = totals.bytes[set.kinds.indexOf(kind)] ?? 0;
  const { name, meaning } = set.words[kind] ?? { name: kind, meaning: '' };
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
    <td role="cell">${shareText(bytes, totals.totalBytes)}</td>
    <td role="cell" data-clusters=${Math.ceil(bytes / clusterSize)}>
      ${formatCount(Math.ceil(bytes / clusterSize))}
    </td>
  </tr>`;
}

/** Where something is staged, whatever its kind: beside the kinds, not one of them; wherever something could be. */
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
      <span
        class="legend-button is-plain"
        title=${t('Differs from what is on disk, until the image is saved.')}
      >
        <span class="swatch swatch-staged"></span><span class="legend-name">${t('Staged')}</span>
      </span>
    </th>
    <td role="cell" title=${formatBytes(bytes)} data-bytes=${bytes}>${sizeText(bytes)}</td>
    <td role="cell">${shareText(bytes, totalBytes)}</td>
    <td role="cell" data-clusters=${clusters}>${formatCount(clusters)}</td>
  </tr>`;
}
