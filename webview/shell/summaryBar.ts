/** The summary bar at the top of the page: name, sizes, what is special about the image, and its health. */
import { html, nothing, type TemplateResult } from 'lit';
import type {
  DiskShape,
  ImageState,
  ImageSummary,
  PageCommand,
  PageHealth,
  PageState,
} from '../../src/editor/page/messages';
import { safeName } from '../base/names';
import { icon, type IconName } from '../base/icons';
import { shareText } from '../../src/text/shareText';
import { sizeText } from '../../src/text/sizeText';
import { formatBytes, formatCount } from '../base/numbers';
import { lastingReadOnly } from '../state/store';
import { t } from '../base/strings';

export function summaryBar(
  page: PageState,
  health: PageHealth | undefined,
  run: (command: PageCommand) => void,
): TemplateResult {
  const { image } = page;
  const access = accessBadges(page);
  return html`<div class="summary-line">
      <h1 class="summary-name" translate="no" title=${safeName(image.path)} data-testid="file-name">
        ${safeName(page.fileName)}
      </h1>
      ${access.length === 0 ? nothing : badgeList('access', t('Access restrictions'), access)}
      ${facts(image, image.summary ?? image.raw)}
    </div>
    ${badgeList('badges', t('Properties of this image'), badges(page))}
    <div class="summary-state">
      ${image.summary && health ? healthFact(health, run) : nothing} ${stagedFact(image)}
    </div>`;
}

function facts(image: ImageState, disk: DiskShape | undefined): TemplateResult | typeof nothing {
  if (disk === undefined) return fileSize(image);
  // With its metadata, a full image takes more than its virtual size.
  const allocated = Math.min(image.allocatedBytes, disk.virtualSize);
  const share = disk.virtualSize === 0 ? 0 : allocated / disk.virtualSize;
  return html`<span class="fact" title=${formatBytes(disk.virtualSize)} data-testid="virtual-size"
      ><b>${sizeText(disk.virtualSize)}</b> ${t('virtual')}</span
    >
    <span class="fact" title=${formatBytes(image.allocatedBytes)} data-testid="disk-size"
      ><b>${sizeText(image.allocatedBytes)}</b> ${t('on disk')}
      <svg class="share-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="share-all" width="100" height="8" />
        <rect class="share-part" width=${(share * 100).toFixed(2)} height="8" />
      </svg>
      ${shareText(allocated, disk.virtualSize)}</span
    >
    ${sizeText(image.fileSize) === sizeText(image.allocatedBytes) ? nothing : fileSize(image)}
    ${
      image.summary === undefined
        ? html`<span class="fact" data-testid="version">${t('raw disk')}</span>`
        : formatFacts(image.summary)
    }`;
}

const formatFacts = ({ version, clusterSize }: ImageSummary): TemplateResult =>
  html`<span class="fact" title=${t('Format version')} data-testid="version">
      <span translate="no">v${version}</span></span
    >
    <span class="fact" title=${t('Cluster size')} data-testid="cluster-size">
      <b>${sizeText(clusterSize)}</b> ${t('clusters')}</span
    >`;

/** Number of staged edits. */
function stagedFact({ edits }: ImageState): TemplateResult | typeof nothing {
  const count = edits?.unsaved ?? 0;
  if (count === 0) return nothing;
  const text = count === 1 ? t('1 edit staged') : t('{0} edits staged', formatCount(count));
  return html`<span
    class="fact staged-fact"
    title=${t('Staged until you save the image')}
    data-testid="staged"
    >${icon('edit')} <b>${text}</b></span
  >`;
}

const HEALTH_ICONS: Readonly<Record<PageHealth['kind'], IconName>> = {
  unchecked: 'pulse',
  checking: 'pulse',
  clean: 'pass',
  leaks: 'warning',
  damaged: 'error',
  failed: 'error',
  unsettled: 'pulse',
};

/** Result of the last check; a click runs it. The findings are in the Problems panel. */
function healthFact(
  { kind, text, detail, hasFindings, canRepair }: PageHealth,
  run: (command: PageCommand) => void,
): TemplateResult {
  const isChecking = kind === 'checking';
  const words = isChecking
    ? t('Stop the check')
    : kind === 'unchecked'
      ? t('Check the image')
      : t('Check again');
  return html`<span class="health">
    <button
      type="button"
      class="health-button is-${kind}"
      title=${`${detail} ${words}.`}
      aria-label=${t('Health: {0}. {1}', text, words)}
      data-testid="health"
      data-health=${kind}
      @click=${() => {
        run(isChecking ? 'cancelCheck' : 'check');
      }}
    >
      ${icon(isChecking ? 'stop-circle' : HEALTH_ICONS[kind])}<span>${text}</span>
    </button>
    ${
      hasFindings
        ? html`<button
            type="button"
            class="link"
            data-testid="show-problems"
            @click=${() => {
              run('showProblems');
            }}
          >
            ${t('Show Problems')}
          </button>`
        : nothing
    }
    ${
      canRepair
        ? html`<button
            type="button"
            class="link"
            title=${t('Shows a preview first')}
            data-testid="repair"
            @click=${() => {
              run('repair');
            }}
          >
            ${t('Repair…')}
          </button>`
        : nothing
    }
  </span>`;
}

/** Length of the file; nothing if it is missing. */
const fileSize = (image: ImageState): TemplateResult | typeof nothing =>
  image.header === undefined || image.header.raw.length === 0
    ? nothing
    : html`<span class="fact" title=${formatBytes(image.fileSize)} data-testid="file-size"
        ><b>${sizeText(image.fileSize)}</b> ${t('file')}</span
      >`;

interface Badge {
  readonly text: string;
  readonly title: string;
  readonly tone: 'plain' | 'warning' | 'error';
}

const badgeList = (testId: string, label: string, shown: readonly Badge[]): TemplateResult =>
  html`<ul class="badges" data-testid=${testId} aria-label=${label}>
    ${shown.map(badge)}
  </ul>`;

/** Badges beside the name that say why the image cannot be changed. */
function accessBadges(page: PageState): readonly Badge[] {
  const { inUse } = page;
  const readOnly = lastingReadOnly(page);
  return [
    ...(inUse === undefined ? [] : [{ text: inUse.text, title: inUse.detail, tone: 'warning' } as const]),
    ...(readOnly === undefined ? [] : [{ text: t('read-only'), title: readOnly, tone: 'plain' } as const]),
  ];
}

function badge({ text, title, tone }: Badge): TemplateResult {
  const mark: IconName | undefined = tone === 'plain' ? undefined : tone;
  // Titles are shown for the mouse only; screen readers get the text.
  return html`<li class="badge is-${tone}" title=${title}>
    ${mark ? icon(mark) : ''}<span>${text}</span>${
      title === '' ? nothing : html`<span class="visually-hidden">: ${title}</span>`
    }
  </li>`;
}

function badges(page: PageState): readonly Badge[] {
  const { summary, problem } = page.image;
  const found: Badge[] = [];
  const add = (condition: boolean, text: string, title: string, tone: Badge['tone'] = 'plain'): void => {
    if (condition) found.push({ text, title, tone });
  };
  add(
    page.isRestricted,
    t('Restricted Mode'),
    t('The folder is not trusted: only this file is read.'),
    'warning',
  );
  add(problem !== undefined, t('cannot be opened'), page.problemText ?? '', 'error');
  if (!summary) return found;
  add(
    summary.corrupt,
    t('corrupt'),
    t('The image is marked as corrupt: QEMU refuses to write to it.'),
    'error',
  );
  add(summary.dirty, t('dirty'), t('The image was not closed cleanly: refcounts may be wrong.'), 'warning');
  add(
    summary.backingName !== undefined,
    t('backing: {0}', summary.backingName ?? ''),
    t('Clusters that are not allocated here are read from the backing file.'),
  );
  add(summary.snapshots > 0, t('snapshots {0}', formatCount(summary.snapshots)), t('Internal snapshots'));
  add(summary.bitmaps > 0, t('bitmaps {0}', formatCount(summary.bitmaps)), t('Persistent dirty bitmaps'));
  add(summary.extendedL2, t('extended L2'), t('Each cluster is divided into 32 subclusters.'));
  add(
    summary.dataFileName !== undefined,
    t('data file: {0}', summary.dataFileName ?? ''),
    t('Guest data is stored in an external data file.'),
  );
  add(
    summary.encryption !== undefined,
    t('encrypted: {0}', (summary.encryption ?? '').toUpperCase()),
    t('The data cannot be read without a key.'),
  );
  return found;
}
