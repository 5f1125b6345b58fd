/**
 * The Shrink dialog: what the image stores needlessly, with what giving it up would free. Two of the sources need a content
 * scan, and what the guest does not use has to be looked for; the dialog can start both.
 */
import type { TemplateResult } from 'lit';
import type { ShrinkChoice, ShrinkOffers } from '../../../src/editor/page/messages';
import type { Loadable } from '../../host/answers';
import type { Looks } from '../../base/scanProgress';
import { StagingDialog, UNKNOWN, type StagingHost } from '../stagingDialog';
import { choicesOf, chosenOf } from './choices';
import { shrinkForm } from './form';
import type { Freed, ShrinkFormActions, ShrinkFormState } from './formState';

export interface ShrinkDialogHost extends StagingHost<ShrinkChoice, Freed> {
  offers(): Promise<Loadable<ShrinkOffers>>;
  /** Scans the contents; the dialog is told how far that is (`looked`). */
  scan(): void;
  stopScan(): void;
  /** Finds what the guest does not use; told in the same way. */
  lookForGuestFree(): void;
  stopGuestLook(): void;
  /** Cancels the preview that is being made. */
  stopPreview(): void;
}

export class ShrinkDialog
  extends StagingDialog<ShrinkChoice, Freed, ShrinkFormState>
  implements ShrinkFormActions
{
  readonly #host: ShrinkDialogHost;

  constructor(host: ShrinkDialogHost) {
    super(host, 'shrink');
    this.#host = host;
  }

  /** @param looks those that are running, if any */
  open(looks: Looks): void {
    this.show({ ...UNKNOWN, offers: undefined, chosen: new Set(), looks });
    this.present('h2');
    void this.#loadOffers();
  }

  /** The image was read again or changed while the dialog is open. */
  imageChanged(): void {
    if (this.state?.isStaging === false) void this.#loadOffers();
  }

  /** A look has begun, got further, or ended. */
  looked(looks: Looks): void {
    const before = this.state?.looks;
    if (!this.state || before === undefined) return;
    const { contentScan, guestLook } = looks;
    if (contentScan === before.contentScan && guestLook === before.guestLook) return;
    this.show({ ...this.state, looks });
    const hasEnded =
      (before.contentScan !== undefined && contentScan === undefined) ||
      (before.guestLook !== undefined && guestLook === undefined);
    if (hasEnded) void this.#loadOffers();
  }

  choose(key: string, isChosen: boolean): void {
    if (!this.state) return;
    const chosen = new Set(this.state.chosen);
    if (isChosen) chosen.add(key);
    else chosen.delete(key);
    this.#want(chosen);
  }

  scan(): void {
    this.#host.scan();
  }

  stopScan(): void {
    this.#host.stopScan();
  }

  lookForGuestFree(): void {
    this.#host.lookForGuestFree();
  }

  stopGuestLook(): void {
    this.#host.stopGuestLook();
  }

  protected override requestOf({ offers, chosen }: ShrinkFormState): ShrinkChoice | undefined {
    return chosen.size === 0 || offers?.ok !== true ? undefined : chosenOf(offers.value, chosen);
  }

  protected override isWorthStaging({ preview, looks }: ShrinkFormState): boolean {
    const isLooking = looks.contentScan !== undefined || looks.guestLook !== undefined;
    return !isLooking && preview?.ok === true && preview.value.bytes > 0;
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

  /** What frees something is chosen, unless the user has seen it before and left it out, or has to ask for it. */
  async #loadOffers(): Promise<void> {
    const before = this.state?.offers;
    const offers = await this.#host.offers();
    if (!this.state) return;
    const known = before?.ok === true ? choicesOf(before.value) : [];
    const freedBefore = new Map(known.map(({ key, freed }) => [key, freed]));
    const chosen = new Set<string>();
    for (const { key, freed, isUsual } of offers?.ok === true ? choicesOf(offers.value) : []) {
      const isNew = (freedBefore.get(key) ?? 0) === 0;
      if (freed > 0 && (this.state.chosen.has(key) || (isNew && isUsual))) chosen.add(key);
    }
    this.show({ ...this.state, offers });
    this.#want(chosen);
  }

  #want(chosen: ReadonlySet<string>): void {
    if (!this.state) return;
    const state = { ...this.state, chosen, preview: undefined, failure: undefined };
    this.show(state);
    const choice = this.requestOf(state);
    if (choice === undefined) this.previews.cancel();
    else this.previews.want(choice);
  }
}
