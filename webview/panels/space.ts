/** Where the bytes of the image file are, what each snapshot holds alone, and how the parts are given up. */
import { html, nothing, type TemplateResult } from 'lit';
import type {
  PageCommand,
  PageState,
  SnapshotSpace,
  SpaceKind,
  SpaceReport,
  SpaceRow,
  PageSpaceReport,
} from '../../src/editor/page/messages';
import { shareText } from '../../src/text/shareText';
import { sizeText } from '../../src/text/sizeText';
import { safeName } from '../base/names';
import { formatBytes, formatCount } from '../base/numbers';
import { t } from '../base/strings';
import { FILE_KINDS, GUEST_KINDS, type KindWords } from '../map/kinds';
import { type LookProgress, scanProgress } from '../base/scanProgress';
import type { AppState, Space } from '../state/store';
import { guestFree, type GuestFreeActions } from './guestFree';

export interface SpaceActions extends GuestFreeActions {
  /** Shows a view, and fades all but one kind in it. */
  showKind(space: Space, kind: string): void;
  run(command: PageCommand): void;
  /** Looks at all data for what need not be stored. */
  scanContents(): void;
  stopScan(): void;
}

/** A part of the file: its kind on the map, if it has one, and its words where they are not those of the kind. */
interface Part {
  readonly space: Space;
  readonly kind: string;
  readonly words: KindWords;
  /** How it is given up. */
  readonly waysOut?: readonly WayOut[];
}

interface WayOut {
  readonly command: PageCommand;
  readonly text: string;
}

const REPAIR: WayOut = { command: 'repair', text: t('Repair…') };
const SHRINK: WayOut = { command: 'shrink', text: t('Shrink…') };

const inFile = (kind: keyof (typeof FILE_KINDS)['words'], words = FILE_KINDS.words[kind]): Part => ({
  space: 'file',
  kind,
  words,
});
const onDisk = (kind: keyof (typeof GUEST_KINDS)['words'], meaning: string): Part => ({
  space: 'guest',
  kind,
  words: { name: GUEST_KINDS.words[kind].name, meaning },
});

const PARTS: Readonly<Record<SpaceKind, Part>> = {
  data: onDisk('data', t('Guest data.')),
  dataZero: {
    ...onDisk('dataZero', t('Zeroes stored as data. Shrink frees what no snapshot shares.')),
    waysOut: [SHRINK],
  },
  dataSame: {
    ...onDisk('dataSame', t('Data that the backing file has as well. Shrink frees what no snapshot shares.')),
    waysOut: [SHRINK],
  },
  zeroAllocated: {
    ...onDisk('zeroAllocated', t('Reads as zero and keeps its space. Shrink frees what no snapshot shares.')),
    waysOut: [SHRINK],
  },
  compressed: inFile('compressed'),
  snapshots: inFile('snapshot', {
    name: FILE_KINDS.words.snapshot.name,
    meaning: t('Used by internal snapshots only. Deleting snapshots frees it.'),
  }),
  vmState: { ...inFile('vmState'), waysOut: [SHRINK] },
  header: inFile('header'),
  refcountTable: inFile('refcountTable'),
  refcountBlocks: inFile('refcountBlock'),
  l1Table: inFile('l1'),
  l2Tables: inFile('l2'),
  snapshotTable: inFile('snapshot', {
    name: t('Snapshot table'),
    meaning: t('Lists the internal snapshots.'),
  }),
  bitmaps: inFile('bitmap'),
  usedTwice: { ...inFile('conflict'), waysOut: [REPAIR] },
  leaked: { ...inFile('leaked'), waysOut: [REPAIR] },
  free: {
    ...inFile('free'),
    waysOut: [
      { command: 'compact', text: t('Compact…') },
      { command: 'giveBack', text: t('Reclaim Free Space…') },
    ],
  },
};

export function spacePanel(state: AppState, actions: SpaceActions): TemplateResult {
  const { page, spaceReport, contentScan, scanProblem, space, highlighted } = state;
  if (spaceReport === undefined)
    return html`<p class="hint" role="status">${t('Reading the tables of the file…')}</p>`;
  if (!spaceReport.ok) {
    return html`<p class="problem" role="status" data-testid="space-problem">${spaceReport.text}</p>`;
  }
  const report = spaceReport.value;
  const access = accessOf(page);
  const isShown = (part: Part): boolean => space === part.space && highlighted === part.kind;
  return html`<section data-testid="space-report">
    <p class="hint" data-testid="space-sizes">
      ${t('The file is {0} long. The host has allocated {1} for it.', sizeText(report.length), sizeText(report.allocated))}
    </p>
    ${bar(report, isShown, actions)} ${contents(report, contentScan, scanProblem, access, actions)}
    ${
      access === 'readOnly'
        ? nothing
        : html`<p>
            <vscode-button
              data-testid="space-shrink"
              title=${access.busy ?? ''}
              ?disabled=${access.busy !== undefined}
              @click=${() => {
                actions.run('shrink');
              }}
              >${t('Shrink…')}</vscode-button
            >
          </p>`
    }
    <table class="space-table" data-testid="space-rows">
      <thead>
        <tr>
          <th>${t('Part')}</th>
          <th>${t('Size')}</th>
          <th>${t('On host')}</th>
          <th>${t('Can free')}</th>
        </tr>
      </thead>
      <tbody>
        ${report.rows.map((row) => rowOf(row, report, isShown(PARTS[row.kind]), access, actions))}
      </tbody>
    </table>
    ${
      report.guestFree === undefined || access === 'readOnly'
        ? nothing
        : guestFree(report.guestFree, state, access.busy, actions)
    }
    ${report.snapshots.length === 0 ? nothing : snapshotTable(report.snapshots)}
    <p class="hint" data-testid="space-fragmented">${fragmentation(report)}</p>
  </section>`;
}

/** Whether anything can be given up: not at all, or why not now. */
type Access = 'readOnly' | { readonly busy: string | undefined };

function accessOf(page: PageState | undefined): Access {
  if (page?.readOnly === undefined) return { busy: undefined };
  return page.compaction === undefined ? 'readOnly' : { busy: page.readOnly };
}

/** What a look at the contents has found, or the way to it. */
function contents(
  { contents: found, canScan }: PageSpaceReport,
  scan: LookProgress | undefined,
  problem: string | undefined,
  access: Access,
  actions: SpaceActions,
): TemplateResult | typeof nothing {
  if (scan !== undefined)
    return scanProgress(scan, () => {
      actions.stopScan();
    });
  if (found !== undefined) {
    const { zeroes, sameAsBacking } = found;
    return html`<p class="hint" data-testid="space-contents">
      ${t('Zeroes stored as data: {0}.', sizeText(zeroes))}
      ${sameAsBacking === undefined ? nothing : t('Same as the backing file: {0}.', sizeText(sameAsBacking))}
    </p>`;
  }
  if (!canScan) return nothing;
  const busy = access === 'readOnly' ? undefined : access.busy;
  return html`${problem === undefined ? nothing : html`<p class="problem" role="status" data-testid="scan-problem">${problem}</p>`}
    <p>
      <vscode-button
        appearance="secondary"
        data-testid="space-scan"
        title=${busy ?? t('Reads all data of the disk to find zeroes and copies.')}
        ?disabled=${busy !== undefined}
        @click=${() => {
          actions.scanContents();
        }}
        >${t('Scan Contents')}</vscode-button
      >
    </p>`;
}

/** The parts side by side, for the mouse; the table says and does the same. */
const bar = (
  { rows, length }: SpaceReport,
  isShown: (part: Part) => boolean,
  actions: SpaceActions,
): TemplateResult =>
  html`<div class="space-bar" aria-hidden="true" data-testid="space-bar">
    ${rows.map(({ kind, bytes }) => {
      const part = PARTS[kind];
      return html`<span
        class="space-piece swatch-${part.kind} ${isShown(part) ? 'is-shown' : ''}"
        data-testid="piece-${kind}"
        .style=${`flex-grow: ${bytes / length}`}
        title=${`${part.words.name}: ${sizeText(bytes)}`}
        @click=${() => {
          actions.showKind(part.space, part.kind);
        }}
      ></span>`;
    })}
  </div>`;

function rowOf(
  { kind, bytes, allocated, reclaimable }: SpaceRow,
  { length }: SpaceReport,
  isShown: boolean,
  access: Access,
  actions: SpaceActions,
): TemplateResult {
  const part = PARTS[kind];
  return html`<tr data-testid="part-${kind}">
    <th scope="row">
      <button
        type="button"
        class="legend-button"
        aria-pressed=${isShown ? 'true' : 'false'}
        title=${part.words.meaning}
        @click=${() => {
          actions.showKind(part.space, part.kind);
        }}
      >
        <span class="swatch swatch-${part.kind}"></span><span class="legend-name">${part.words.name}</span>
      </button>
      ${access === 'readOnly' ? nothing : (part.waysOut ?? []).map((way) => wayOut(way, kind, access, actions))}
    </th>
    <td title=${formatBytes(bytes)} data-bytes=${bytes}>
      ${sizeText(bytes)} <span class="note">${shareText(bytes, length)}</span>
    </td>
    <td
      title=${allocated === undefined ? t('Holes cannot be seen on this platform.') : formatBytes(allocated)}
    >
      ${allocated === undefined ? '?' : sizeText(allocated)}
    </td>
    <td title=${formatBytes(reclaimable)} data-bytes=${reclaimable}>
      ${reclaimable === 0 ? '–' : sizeText(reclaimable)}
    </td>
  </tr>`;
}

const wayOut = (
  { command, text }: WayOut,
  kind: SpaceKind,
  { busy }: Exclude<Access, 'readOnly'>,
  actions: SpaceActions,
): TemplateResult =>
  html`<button
    type="button"
    class="link space-way-out"
    data-testid="way-out-${kind}-${command}"
    title=${busy ?? ''}
    ?disabled=${busy !== undefined}
    @click=${() => {
      actions.run(command);
    }}
  >
    ${text}
  </button>`;

const snapshotTable = (snapshots: readonly SnapshotSpace[]): TemplateResult =>
  html`<h2 class="panel-heading">${t('Held by one snapshot alone')}</h2>
    <table class="space-table" data-testid="space-snapshots">
      <thead class="visually-hidden">
        <tr>
          <th>${t('Snapshot')}</th>
          <th>${t('Size')}</th>
        </tr>
      </thead>
      <tbody>
        ${snapshots.map(
          ({ index, name, bytes }) =>
            html`<tr>
              <th scope="row" translate="no">#${index + 1} ${safeName(name)}</th>
              <td title=${formatBytes(bytes)}>${sizeText(bytes)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;

const fragmentation = ({ allocatedClusters, fragmentedClusters }: SpaceReport): string =>
  t(
    'Fragmented: {0} of {1} allocated clusters',
    shareText(fragmentedClusters, allocatedClusters),
    formatCount(allocatedClusters),
  );
