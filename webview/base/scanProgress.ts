/** How far a look at the disk is, with a button that ends it. */
import { html, type TemplateResult } from 'lit';
import { shareText } from '../../src/text/shareText';
import { sizeText } from '../../src/text/sizeText';
import { formatCount } from './numbers';
import { t } from './strings';

/** How far a look is. */
export interface LookProgress {
  /** Of a content scan, bytes of the disk's data; otherwise in a unit of its own. */
  readonly done: number;
  readonly total: number;
  /** `performance.now()` when it began. */
  readonly started: number;
}

/** What the user has the disk looked at for. */
export interface Looks {
  /** The content scan that is running. */
  readonly contentScan: LookProgress | undefined;
  /** Why the last one ended early. */
  readonly scanProblem: string | undefined;
  /** The look for what the guest does not use that is running, and why the last one ended early. */
  readonly guestLook: LookProgress | undefined;
  readonly guestLookProblem: string | undefined;
}

/** Of a content scan, with its rate and the time left. */
export function scanProgress(progress: LookProgress, stop: () => void): TemplateResult {
  const { done, total, started } = progress;
  const seconds = (performance.now() - started) / 1000;
  const rate = seconds > 0 ? done / seconds : 0;
  const left = rate > 0 ? Math.ceil((total - done) / rate) : undefined;
  const words =
    left === undefined
      ? t('Scanning contents…')
      : t(
          'Scanned {0} of {1}, {2} a second, {3} s left',
          sizeText(done),
          sizeText(total),
          sizeText(rate),
          formatCount(left),
        );
  return lookProgress('scan', t('Content scan'), words, progress, stop);
}

/** Of the look for what the guest does not use. */
export const guestLookProgress = (progress: LookProgress, stop: () => void): TemplateResult =>
  lookProgress(
    'guest-look',
    t('Look for Free Space'),
    t('Looking for free space in the guest: {0}', shareText(progress.done, progress.total)),
    progress,
    stop,
  );

function lookProgress(
  testId: string,
  name: string,
  words: string,
  { done, total }: LookProgress,
  stop: () => void,
): TemplateResult {
  return html`<p class="scan-progress" data-testid="${testId}-progress">
    <progress aria-label=${name} max=${Math.max(1, total)} .value=${done}></progress>
    <span class="hint">${words}</span>
    <button
      type="button"
      class="link"
      data-testid="${testId}-stop"
      @click=${() => {
        stop();
      }}
    >
      ${t('Cancel')}
    </button>
  </p>`;
}
