/** The legend: each kind with its colour, clusters, bytes and share. Its entries highlight their kind in the map. */
import { html, type TemplateResult } from 'lit';
import type { CellKind, KindTotals } from '../src/editor/messages';
import { isFromBacking, KIND_WORDS, KINDS } from './kinds';
import { formatBytes, formatCount, formatShare, formatSize } from './numbers';
import type { AppState } from './store';
import { t } from './strings';

/**
 * A real table; its rows are laid out as a grid of entries to save height, which is why every role is spelled out:
 * browsers forget a table's roles when its display changes.
 */
export function legend(state: AppState, toggle: (kind: CellKind) => void): TemplateResult {
  const totals = state.totals ?? { bytes: [], scannedBytes: 0, totalBytes: 0 };
  const clusterSize = state.page?.image.summary?.clusterSize ?? 1;
  return html`<table
      class="legend"
      role="table"
      data-testid="legend"
      aria-label=${t('What the disk consists of')}
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
        ${shownKinds(state, totals).map((kind) => entry(kind, totals, clusterSize, state.highlighted, toggle))}
        ${stagedEntry(state, clusterSize)}
      </tbody>
    </table>
    ${scanNote(totals)}`;
}

/** The image's own kinds always, those of the backing chain where there is one. */
function shownKinds(state: AppState, totals: KindTotals): readonly CellKind[] {
  const hasBacking = (state.page?.image.chain?.layers.length ?? 1) > 1;
  return KINDS.filter((kind, index) => {
    if ((totals.bytes[index] ?? 0) > 0) return true;
    if (kind === 'invalid') return false;
    return kind === 'backing1' ? hasBacking : !isFromBacking(kind);
  });
}

function entry(
  kind: CellKind,
  totals: KindTotals,
  clusterSize: number,
  highlighted: CellKind | undefined,
  toggle: (kind: CellKind) => void,
): TemplateResult {
  const bytes = totals.bytes[KINDS.indexOf(kind)] ?? 0;
  const { name, meaning } = KIND_WORDS[kind];
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
    <td role="cell" title=${formatBytes(bytes)} data-bytes=${bytes}>${formatSize(bytes)}</td>
    <td role="cell">${formatShare(bytes, totals.totalBytes)}</td>
    <td role="cell" data-clusters=${Math.ceil(bytes / clusterSize)}>
      ${formatCount(Math.ceil(bytes / clusterSize))}
    </td>
  </tr>`;
}

/** Where something is staged, whatever its kind: beside the kinds, not one of them. */
function stagedEntry({ page }: AppState, clusterSize: number): TemplateResult | '' {
  const bytes = page?.image.edits?.stagedBytes ?? 0;
  if (bytes === 0) return '';
  const clusters = Math.ceil(bytes / clusterSize);
  return html`<tr role="row" class="legend-entry" data-testid="legend-staged">
    <th role="rowheader" scope="row">
      <span
        class="legend-button is-plain"
        title=${t('Differs from what is on disk, until the image is saved.')}
      >
        <span class="swatch swatch-staged"></span><span class="legend-name">${t('Staged')}</span>
      </span>
    </th>
    <td role="cell" title=${formatBytes(bytes)} data-bytes=${bytes}>${formatSize(bytes)}</td>
    <td role="cell">${formatShare(bytes, page?.image.summary?.virtualSize ?? 0)}</td>
    <td role="cell" data-clusters=${clusters}>${formatCount(clusters)}</td>
  </tr>`;
}

function scanNote(totals: KindTotals): TemplateResult | '' {
  if (totals.scannedBytes >= totals.totalBytes) return '';
  return html`<div class="scan-note" data-testid="scan-note">
    ${t('Scanning: {0} of the disk so far', formatShare(totals.scannedBytes, totals.totalBytes))}
  </div>`;
}
