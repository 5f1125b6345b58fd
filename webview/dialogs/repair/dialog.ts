/**
 * The Repair dialog: leaks or everything, with a preview of the repairs and of the data that would be lost.
 */
import type { TemplateResult } from 'lit';
import type { RepairMode, RepairPreview } from '../../../src/editor/page/messages';
import type { Loadable } from '../../host/answers';
import { StagingDialog, UNKNOWN, type StagingHost } from '../stagingDialog';
import { repairForm, type RepairFormActions, type RepairFormState } from './form';

export interface RepairDialogHost extends StagingHost<RepairMode, RepairPreview> {
  /** Cancels the preview that is being made. */
  stopPreview(): void;
}

export class RepairDialog
  extends StagingDialog<RepairMode, RepairPreview, RepairFormState>
  implements RepairFormActions
{
  readonly #host: RepairDialogHost;

  constructor(host: RepairDialogHost) {
    super(host, 'repair');
    this.#host = host;
  }

  /** @param mode the mode to preselect; undefined to let the user choose */
  open(mode: RepairMode | undefined): void {
    this.state = { ...UNKNOWN, mode };
    if (mode === undefined) this.show(this.state);
    else this.setMode(mode);
    this.present(mode === undefined ? 'input' : 'input:checked');
  }

  /** The image was read again or changed while the dialog is open. */
  imageChanged(): void {
    const { mode, isStaging = true } = this.state ?? {};
    if (mode !== undefined && !isStaging) this.setMode(mode);
  }

  setMode(mode: RepairMode): void {
    const { state } = this;
    if (!state) return;
    if (state.preview === undefined && state.mode !== undefined && state.mode !== mode)
      this.#host.stopPreview();
    this.show({ ...state, mode, preview: undefined, failure: undefined });
    this.previews.want(mode);
  }

  protected override requestOf({ mode }: RepairFormState): RepairMode | undefined {
    return mode;
  }

  protected override isWorthStaging({ preview }: RepairFormState): boolean {
    return preview?.ok === true && preview.value.changed;
  }

  protected override form(state: RepairFormState, canApply: boolean): TemplateResult {
    return repairForm(state, canApply, this);
  }

  protected override previewed(state: RepairFormState, preview: Loadable<RepairPreview>): RepairFormState {
    return { ...state, preview };
  }

  protected override closed(): void {
    if (this.state?.preview === undefined) this.#host.stopPreview();
  }
}
