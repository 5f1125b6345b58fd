/** The preview of a change: a table in clusters and bytes, and notes. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Amount, ChangePreview, ChangeTally } from '../../../src/editor/page/messages';
import { sizeText } from '../../../src/text/sizeText';
import { formatBytes, formatCount } from '../../base/numbers';
import { icon } from '../../base/icons';
import { t } from '../../base/strings';

interface Row {
  readonly id: string;
  readonly text: string;
  readonly amount: Amount;
}

export function previewTable({ tally, notes }: ChangePreview): TemplateResult {
  const rows = rowsOf(tally).filter(({ amount }) => amount.bytes > 0);
  return html`<table class="preview" data-testid="preview" aria-label=${t('Effect')}>
      <thead>
        <tr>
          <th scope="col">${t('Effect')}</th>
          <th scope="col">${t('Clusters')}</th>
          <th scope="col">${t('Size')}</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ id, text, amount }) =>
            html`<tr data-row=${id} data-clusters=${amount.clusters} data-bytes=${amount.bytes}>
              <th scope="row">${text}</th>
              <td>${formatCount(amount.clusters)}</td>
              <td title=${formatBytes(amount.bytes)}>${sizeText(amount.bytes)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${tally.changed ? inTheFile(tally) : html`<p data-testid="no-change">${t('Nothing would change.')}</p>`}
    ${
      notes.length === 0
        ? nothing
        : html`<ul class="change-notes" data-testid="change-notes">
            ${notes.map(({ severity, text }) => html`<li>${icon(severity)}<span>${text}</span></li>`)}
          </ul>`
    }`;
}

function rowsOf(tally: ChangeTally): readonly Row[] {
  const { writtenExplicitly: explicit, notDiscarded } = tally;
  return [
    { id: 'becameUnallocated', text: t('become unallocated'), amount: tally.becameUnallocated },
    { id: 'becameZero', text: t('become zero without allocation'), amount: tally.becameZero },
    { id: 'keptAllocation', text: t('become zero and keep their allocation'), amount: tally.keptAllocation },
    {
      id: 'explicit.version2',
      text: t('are filled with zeroes: version 2 has no zero flag'),
      amount: explicit.version2,
    },
    {
      id: 'explicit.partialCluster',
      text: t('are filled with zeroes: part of a cluster in use'),
      amount: explicit.partialCluster,
    },
    {
      id: 'explicit.compressed',
      text: t('are filled with zeroes: part of a compressed cluster'),
      amount: explicit.compressed,
    },
    {
      id: 'kept.partialCluster',
      text: t('are not discarded: part of a cluster'),
      amount: notDiscarded.partialCluster,
    },
    {
      id: 'kept.version2Backing',
      text: t('are not discarded: version 2 with a backing file'),
      amount: notDiscarded.version2Backing,
    },
    { id: 'unchanged', text: t('stay unchanged'), amount: tally.unchanged },
  ];
}

/** Effects on the image file. */
function inTheFile(tally: ChangeTally): TemplateResult {
  const lines: (TemplateResult | typeof nothing)[] = [
    tally.freedClusters === 0
      ? nothing
      : html`<li data-testid="freed" data-clusters=${tally.freedClusters}>
          ${t(
            'Freed inside the image: {0} ({1}). The file does not shrink.',
            clusters(tally.freedClusters),
            sizeText(tally.freedBytes),
          )}
        </li>`,
    tally.allocatedClusters === 0
      ? nothing
      : html`<li data-testid="allocated" data-clusters=${tally.allocatedClusters}>
          ${t('Allocated in the file: {0} ({1})', clusters(tally.allocatedClusters), sizeText(tally.allocatedBytes))}
        </li>`,
    tally.l2TablesGivenUp === 0
      ? nothing
      : html`<li>${t('L2 tables freed: {0}', formatCount(tally.l2TablesGivenUp))}</li>`,
    tally.l2TablesCopied === 0
      ? nothing
      : html`<li>
          ${t('L2 tables copied because a snapshot shares them: {0}', formatCount(tally.l2TablesCopied))}
        </li>`,
  ];
  return html`<ul class="change-facts">
    ${lines}
  </ul>`;
}

const clusters = (count: number): string =>
  count === 1 ? t('1 cluster') : t('{0} clusters', formatCount(count));
