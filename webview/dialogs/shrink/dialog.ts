/**
 * The Shrink dialog: what the image stores needlessly, with what giving it up would free. Two of the sources need a content
 * scan, which the dialog can start.
 */
import type { TemplateResult } from 'lit';
import type { ShrinkOffer, ShrinkSource } from '../../../src/editor/page/messages';
import type { Loadable } from '../../host/answers';
import type { ContentProgress } from '../../base/scanProgress';
import { StagingDialog, UNKNOWN, type StagingHost } from '../stagingDialog';
import { shrinkForm, type Freed, type ShrinkFormActions, type ShrinkFormState } from './form';

export interface ShrinkDialogHost extends StagingHost<readonly ShrinkSource[], Freed> {
  offers(): Promise<Loadable<readonly ShrinkOffer[]>>;
  /** Scans the contents; the dialog is told how far that is (`scanned`). */
  scan(): void;
  stopScan(): void;
  /** Cancels the preview that is being made. */
  stopPreview(): void;
}

export class ShrinkDialog
  extends StagingDialog<readonly ShrinkSource[], Freed, ShrinkFormState>
  implements ShrinkFormActions
{
  readonly #host: ShrinkDialogHost;

  constructor(host: ShrinkDialogHost) {
    super(host, 'shrink');
    this.#host = host;
  }

  /** @param scan the scan that is running, if any */
  open(scan: ContentProgress | undefined): void {
    this.show({ ...UNKNOWN, offers: undefined, chosen: new Set(), scan, scanProblem: undefined });
    this.present('h2');
    void this.#loadOffers();
  }

  /** The image was read again or changed while the dialog is open. */
  imageChanged(): void {
    if (this.state?.isStaging === false) void this.#loadOffers();
  }

  /**
   * A content scan has begun, got further, or ended.
   * @param problem why the last one ended early
   */
  scanned(scan: ContentProgress | undefined, problem: string | undefined): void {
    if (!this.state || scan === this.state.scan) return;
    const hasEnded = this.state.scan !== undefined && scan === undefined;
    this.show({ ...this.state, scan, scanProblem: problem });
    if (hasEnded) void this.#loadOffers();
  }

  choose(source: ShrinkSource, isChosen: boolean): void {
    if (!this.state) return;
    const chosen = new Set(this.state.chosen);
    if (isChosen) chosen.add(source);
    else chosen.delete(source);
    this.#want(chosen);
  }

  scan(): void {
    this.#host.scan();
  }

  stopScan(): void {
    this.#host.stopScan();
  }

  protected override requestOf({ chosen }: ShrinkFormState): readonly ShrinkSource[] | undefined {
    return chosen.size === 0 ? undefined : [...chosen];
  }

  protected override isWorthStaging({ preview, scan }: ShrinkFormState): boolean {
    return scan === undefined && preview?.ok === true && preview.value.bytes > 0;
  }

  protected override form(state: ShrinkFormState, canApply: boolean): TemplateResult {
    return shrinkForm(state, canApply, this);
  }

  protected override previewed(state: ShrinkFormState, preview: Loadable<Freed>): ShrinkFormState {
    return { ...state, preview };
  }

  protected override closed(): void {
    if (this.state?.preview === undefined) this.#host.stopPreview();
  }

  /** What frees something is chosen, unless the user has seen it before and left it out. */
  async #loadOffers(): Promise<void> {
    const before = this.state?.offers;
    const offers = await this.#host.offers();
    if (!this.state) return;
    const known = before?.ok === true ? before.value : [];
    const freedBefore = new Map(known.map(({ source, freed = 0 }) => [source, freed]));
    const chosen = new Set(this.state.chosen);
    for (const { source, freed = 0 } of offers?.ok === true ? offers.value : []) {
      if (freed === 0) chosen.delete(source);
      else if ((freedBefore.get(source) ?? 0) === 0) chosen.add(source);
    }
    this.show({ ...this.state, offers });
    this.#want(chosen);
  }

  #want(chosen: ReadonlySet<ShrinkSource>): void {
    if (!this.state) return;
    this.show({ ...this.state, chosen, preview: undefined, failure: undefined });
    if (chosen.size > 0) this.previews.want([...chosen]);
    else this.previews.cancel();
  }
}
