/** The inspector of the guest view: the entry of a cluster bit by bit, and the totals of a range of clusters. */
import { hex } from '../../src/text/hex';
import { html, nothing, type TemplateResult } from 'lit';
import type {
  ChangeKind,
  ClusterReport,
  EntryField,
  KindTotals,
  PageCommand,
  PageReport,
  RawReport,
} from '../../src/editor/page/messages';
import { safeName } from '../base/names';
import { nameClusters, nameOfKind, sharesOfTotals } from '../map/describe';
import { GUEST_KINDS, isFoundByScan, isFromBacking, KIND_WORDS } from '../map/kinds';
import { isOneCluster, type Selection } from '../map/selection';
import { ENTRY_MEANING } from './meanings';
import { shareText } from '../../src/text/shareText';
import { sizeText } from '../../src/text/sizeText';
import { formatBytes, formatCount } from '../base/numbers';
import { type AppState, diskOf } from '../state/store';
import type { Disk } from '../map/geometry';
import { t } from '../base/strings';
import { type OwnerActions, ownerFact } from './owner';
import { around, guestLink, hostLink, type PlaceActions } from './offsetLinks';

export interface ClusterActions extends PlaceActions, OwnerActions {
  zoomToSelection(): void;
  /** Shows a layer of the chain. */
  showLayer(depth: number): void;
  /** Opens the dialog of a change for the selection. */
  change(kind: ChangeKind): void;
  run(command: PageCommand): void;
}

export function clusterPanel(state: AppState, actions: ClusterActions): TemplateResult {
  const { selection } = state;
  const disk = diskOf(state.page);
  if (!selection || !disk) {
    return html`<p class="hint" data-testid="nothing-selected">
      ${t('Click a cell of the map, or drag over several cells, to inspect them.')}
    </p>`;
  }
  return html`${isOneCluster(selection, disk) ? nothing : range(selection, disk, state, actions)}
  ${oneCluster(state, disk, actions)}`;
}

function range(selection: Selection, disk: Disk, state: AppState, actions: ClusterActions): TemplateResult {
  const { start, length } = selection;
  const totals = state.rangeTotals?.answer;
  const isStale = state.rangeTotals?.of !== selection;
  return html`<section data-testid="range">
    <h2 class="panel-title">${nameClusters(start, length, disk)}</h2>
    <p class="panel-subtitle">
      ${guestLink(start, actions)} – <span class="mono">${hex(start + length)}</span>,
      <span title=${formatBytes(length)}>${sizeText(length)}</span>
      <button
        type="button"
        class="link"
        @click=${() => {
          actions.zoomToSelection();
        }}
      >
        ${t('Zoom to Selection')}
      </button>
      ${
        state.page?.readOnly === undefined
          ? html`${changeLink('writeZeroes', t('Write Zeroes…'), actions)}
            ${changeLink('discard', t('Discard…'), actions)}`
          : nothing
      }
    </p>
    ${totals === undefined ? nothing : totals.ok ? rangeTable(totals.value, disk, isStale) : problem(totals.text)}
  </section>`;
}

const changeLink = (kind: ChangeKind, text: string, actions: ClusterActions): TemplateResult =>
  html`<button
    type="button"
    class="link"
    title=${t('Shows a preview first')}
    @click=${() => {
      actions.change(kind);
    }}
  >
    ${text}
  </button>`;

function rangeTable(totals: KindTotals, disk: Disk, isStale: boolean): TemplateResult {
  const shares = sharesOfTotals(totals, GUEST_KINDS);
  return html`<table
    class="totals ${isStale ? 'is-stale' : ''}"
    data-testid="range-totals"
    aria-busy=${isStale ? 'true' : 'false'}
  >
    <thead class="visually-hidden">
      <tr>
        <th>${t('Kind')}</th>
        <th>${t('Size')}</th>
        <th>${t('Share')}</th>
        <th>${t('Clusters')}</th>
      </tr>
    </thead>
    <tbody>
      ${shares.map(
        ({ kind, amount }) =>
          html`<tr data-kind=${kind}>
            <th scope="row"><span class="swatch swatch-${kind}"></span>${nameOfKind(GUEST_KINDS, kind)}</th>
            <td title=${formatBytes(amount)} data-bytes=${amount}>${sizeText(amount)}</td>
            <td>${shareText(amount, totals.totalBytes)}</td>
            <td>${formatCount(Math.ceil(amount / disk.clusterSize))}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function oneCluster(state: AppState, disk: Disk, actions: ClusterActions): TemplateResult {
  const { report } = state;
  if (report === undefined) return html`<p class="hint">${t('Reading…')}</p>`;
  if (!report.ok) return problem(report.text);
  return 'fields' in report.value
    ? clusterReport(report.value, state, disk, actions)
    : rawReport(report.value, disk, actions);
}

const problem = (text: string, testId = 'panel-problem'): TemplateResult =>
  html`<p class="problem" role="status" data-testid=${testId}>${text}</p>`;

function clusterReport(
  report: PageReport,
  state: AppState,
  disk: Disk,
  actions: ClusterActions,
): TemplateResult {
  return html`<section data-testid="cluster-report">
    <h2 class="panel-title">
      <span class="swatch swatch-${report.cellKind}"></span>
      ${nameClusters(report.guestOffset, report.length, disk)}
      <span class="panel-kind">${kindOf(report)}</span>
    </h2>
    ${report.onDisk === undefined ? nothing : staged(report.onDisk, report.problemTextOnDisk, state, actions)}
    ${problemOf(report)} ${foundNote(report, state, actions)}
    <dl class="facts">
      ${fact(t('Guest offset'), guestLink(report.guestOffset, actions), 'guest-offset', sizeText(report.guestOffset))}
      ${fact(t('Belongs to'), ownerFact(state.owners, actions), 'owner')}
      ${fact(t('Provided by'), provider(report, state, actions), 'provider')}
      ${report.hostOffset === undefined ? nothing : fact(t('Host offset'), dataPlace(report, state, actions), 'host-offset')}
      ${
        report.compressedLength === undefined
          ? nothing
          : fact(t('Compressed'), formatBytes(report.compressedLength), 'compressed-length')
      }
      ${report.refcount === undefined ? nothing : fact(t('Refcount'), formatCount(report.refcount), 'refcount')}
      ${fact(t('L1 entry'), entry(report.l1Index, report.l1EntryOffset, report.l1Entry, actions), 'l1')}
      ${
        report.l2Entry === undefined
          ? fact(t('L2 entry'), t('No L2 table for this part of the disk'), 'l2')
          : fact(t('L2 entry'), entry(report.l2Index, report.l2EntryOffset, report.l2Entry, actions), 'l2')
      }
    </dl>
    ${report.fields.length === 0 ? nothing : bitTable(t('Bits of the L2 entry'), 'entry-bits', report.fields)}
    ${report.subclusters ? subclusterBoxes(report.subclusters) : nothing}
    ${bitTable(t('Bits of the L1 entry'), 'l1-entry-bits', report.l1Fields)}
  </section>`;
}

/** A stretch of a raw disk. */
const rawReport = (report: RawReport, disk: Disk, actions: ClusterActions): TemplateResult =>
  html`<section data-testid="cluster-report">
    <h2 class="panel-title">
      <span class="swatch swatch-${report.cellKind}"></span>
      ${nameClusters(report.guestOffset, report.length, disk)}
      <span class="panel-kind">${KIND_WORDS[report.cellKind].name}</span>
    </h2>
    <dl class="facts">
      ${fact(t('Guest offset'), guestLink(report.guestOffset, actions), 'guest-offset', sizeText(report.guestOffset))}
      ${fact(t('Host offset'), mono(hex(report.hostOffset)), 'host-offset')}
    </dl>
  </section>`;

/** Why the bytes cannot be read. */
function problemOf({ problemText, cellKind }: PageReport): TemplateResult | typeof nothing {
  if (problemText !== undefined) return problem(problemText, 'entry-problem');
  return cellKind === 'missing' ? problem(KIND_WORDS.missing.meaning, 'entry-problem') : nothing;
}

/** What a content scan has found of the cluster's data, and the way to give it up. */
function foundNote(
  { found, length }: PageReport,
  { page }: AppState,
  actions: ClusterActions,
): TemplateResult | typeof nothing {
  if (found === undefined) return nothing;
  const { zeroes, sameAsBacking } = found;
  const texts = [
    zeroes === 0
      ? undefined
      : zeroes === length
        ? t('All zeroes, stored as data.')
        : t('{0} are zeroes, stored as data.', sizeText(zeroes)),
    sameAsBacking === 0
      ? undefined
      : sameAsBacking === length
        ? t('The backing file has the same.')
        : t('{0} are the same in the backing file.', sizeText(sameAsBacking)),
  ];
  return html`<p class="hint" data-testid="found-note">
    ${texts.filter((text) => text !== undefined).join(' ')}
    ${
      page?.readOnly === undefined
        ? html`<button
            type="button"
            class="link"
            title=${t('Shows what can be given up')}
            @click=${() => {
              actions.run('shrink');
            }}
          >
            ${t('Shrink…')}
          </button>`
        : nothing
    }
  </p>`;
}

/** A note that the entry is staged, with the entry on disk. */
function staged(
  onDisk: ClusterReport,
  problemText: string | undefined,
  state: AppState,
  actions: ClusterActions,
): TemplateResult {
  const { l2Entry, hostOffset } = onDisk;
  return html`<div class="staged-note" data-testid="staged-note">
    <p><span class="swatch swatch-staged"></span> ${t('Staged: not on disk yet.')}</p>
    <p>
      ${t('On disk:')} <span class="swatch swatch-${onDisk.cellKind}"></span> ${kindOf(onDisk)}
      ${l2Entry === undefined ? t('(no L2 table)') : mono(l2Entry)}
      ${hostOffset === undefined ? nothing : html`<span class="note">${around((at) => t('host offset {0}', at), dataPlace(onDisk, state, actions))}</span>`}
    </p>
    ${problemText === undefined ? nothing : html`<p>${problemText}</p>`}
  </div>`;
}

function kindOf(report: ClusterReport): string {
  const { cellKind } = report;
  if (cellKind === 'missing' || isFoundByScan(cellKind)) return KIND_WORDS[cellKind].name;
  switch (report.kind) {
    case 'invalid':
      return t('Invalid entry');
    case 'unallocated':
      return isFromBacking(cellKind) ? KIND_WORDS[cellKind].name : KIND_WORDS.unallocated.name;
    case 'data':
    case 'zeroPlain':
    case 'zeroAllocated':
    case 'compressed':
      return KIND_WORDS[report.kind].name;
  }
}

/** A link into the file view if the offset is in the image file, not in a backing file or an external data file. */
function dataPlace(
  { hostOffset, providedBy }: ClusterReport,
  { page }: AppState,
  actions: ClusterActions,
): TemplateResult {
  const offset = hostOffset ?? 0;
  const isInImage = providedBy === 0 && page?.image.summary?.dataFileName === undefined;
  return isInImage ? hostLink(offset, actions) : mono(hex(offset));
}

const mono = (text: string): TemplateResult => html`<span class="mono">${text}</span>`;

function fact(name: string, value: TemplateResult | string, testId: string, note?: string): TemplateResult {
  return html`<dt>${name}</dt>
    <dd data-testid=${testId}>
      ${value}${note === undefined ? nothing : html` <span class="note">${note}</span>`}
    </dd>`;
}

/** "0x8000000000050001", then its index and offset. */
function entry(
  index: number | undefined,
  offset: number | undefined,
  raw: string,
  actions: ClusterActions,
): TemplateResult {
  const number = formatCount(index ?? 0);
  const place =
    offset === undefined
      ? t('index {0}', number)
      : around((at) => t('index {0}, at {1}', number, at), hostLink(offset, actions));
  return html`<span class="mono">${raw}</span> <span class="note entry-offset">${place}</span>`;
}

function provider(report: ClusterReport, state: AppState, actions: ClusterActions): TemplateResult | string {
  if (report.providedBy < 0) {
    if (report.kind === 'invalid' && report.cellKind !== 'missing') return t('no layer: cannot be read');
    return report.cellKind === 'backingUnknown'
      ? t('a layer that is not opened')
      : t('no layer: reads as zero');
  }
  if (report.providedBy === 0) return t('this image');
  const layer = state.page?.image.chain?.layers[report.providedBy];
  return html`<button
    type="button"
    class="link"
    title=${safeName(layer?.path ?? '')}
    @click=${() => {
      actions.showLayer(report.providedBy);
    }}
  >
    ${t('layer {0}: {1}', report.providedBy, layer?.nameAsWritten ?? '')}
  </button>`;
}

function bitTable(title: string, testId: string, fields: readonly EntryField[]): TemplateResult {
  return html`<h3 class="panel-heading">${title}</h3>
    <table class="bits" data-testid=${testId} aria-label=${title}>
      <thead>
        <tr>
          <th>${t('Bits')}</th>
          <th>${t('Field')}</th>
          <th>${t('Value')}</th>
        </tr>
      </thead>
      <tbody>
        ${fields.map(({ name, bits: [high, low], value }) => {
          const isClear = Number(value) === 0;
          // Clear bits need no explanation.
          const meaning = isClear ? undefined : ENTRY_MEANING[name];
          return html`<tr class=${isClear ? 'is-clear' : ''} data-field=${name}>
            <td class="mono">${high === low ? high : `${high}–${low}`}</td>
            <td>
              <span translate="no">${name}</span
              >${meaning === undefined ? nothing : html`<div class="meaning">${meaning}</div>`}
            </td>
            <td class="mono">${value}</td>
          </tr>`;
        })}
      </tbody>
    </table>`;
}

function subclusterBoxes(states: NonNullable<ClusterReport['subclusters']>): TemplateResult {
  const words = { data: t('data'), zero: t('zero'), unallocated: t('unallocated'), invalid: t('invalid') };
  return html`<h3 class="panel-heading">${t('Subclusters')}</h3>
    <ol class="subclusters" data-testid="subclusters">
      ${states.map(
        (state, index) =>
          html`<li
            class="subcluster is-${state}"
            data-state=${state}
            title=${t('Subcluster {0}: {1}', index, words[state])}
          >
            <span class="visually-hidden">${words[state]}</span>
          </li>`,
      )}
    </ol>`;
}
