/**
 * The Write Zeroes and Discard dialog: range and options, with a preview that the engine computes.
 */
import { hex } from '../../../src/text/hex';
import type { TemplateResult } from 'lit';
import type { ChangeKind, ChangePreview, PageChange } from '../../../src/editor/page/messages';
import type { Loadable } from '../../host/answers';
import type { Disk } from '../../map/geometry';
import { StagingDialog, UNKNOWN, type StagingHost } from '../stagingDialog';
import { exactSizeText } from '../../../src/text/sizeText';
import { readRange, type Range } from './range';
import { changeForm, type ChangeFormState, type FormActions } from './form';

export type ChangeDialogHost = StagingHost<PageChange, ChangePreview>;

export class ChangeDialog
  extends StagingDialog<PageChange, ChangePreview, ChangeFormState>
  implements FormActions
{
  #disk: Disk = { size: 0, clusterSize: 1 };

  constructor(host: ChangeDialogHost) {
    super(host, 'change');
    // Undo and redo belong to the text field: VS Code would undo a staged edit instead of typing.
    this.element.addEventListener('keydown', (event) => {
      if ((event.ctrlKey || event.metaKey) && /^[azy]$/i.test(event.key)) event.stopPropagation();
    });
  }

  /** @param range the selection; undefined to leave the fields empty */
  open(kind: ChangeKind, range: Range | undefined, disk: Disk, hasBacking: boolean): void {
    this.#disk = disk;
    const startText = range ? hex(range.start) : '';
    const length = range ? exactSizeText(range.length) : '';
    const asked = { kind, startText, lengthText: length, unmap: true, thorough: false, hasBacking };
    this.state = { ...UNKNOWN, ...asked, range: readRange(startText, length, disk), isStale: true };
    this.#changed({});
    this.present('[data-testid="change-start"]');
  }

  /** The image was read again or changed while the dialog is open. */
  imageChanged(disk: Disk): void {
    this.#disk = disk;
    if (this.state && !this.state.isStaging) this.#changed({});
  }

  setStart(startText: string): void {
    this.#changed({ startText });
  }

  setLength(text: string): void {
    this.#changed({ lengthText: text });
  }

  setUnmap(unmap: boolean): void {
    this.#changed({ unmap });
  }

  setThorough(thorough: boolean): void {
    this.#changed({ thorough });
  }

  protected override requestOf({ kind, range, unmap, thorough }: ChangeFormState): PageChange | undefined {
    if (!range.ok) return undefined;
    return kind === 'discard'
      ? { kind, ...range.range }
      : { kind, ...range.range, unmap, thorough: unmap && thorough };
  }

  protected override isWorthStaging({ preview, range, isStale }: ChangeFormState): boolean {
    return range.ok && !isStale && preview?.ok === true && preview.value.tally.changed;
  }

  protected override form(state: ChangeFormState, canApply: boolean): TemplateResult {
    return changeForm(state, canApply, this);
  }

  protected override previewed(state: ChangeFormState, preview: Loadable<ChangePreview>): ChangeFormState {
    return { ...state, preview, isStale: false };
  }

  /** The change is another one: the preview follows. */
  #changed(change: Partial<ChangeFormState>): void {
    if (!this.state) return;
    const next = { ...this.state, ...change };
    const range = readRange(next.startText, next.lengthText, this.#disk);
    this.show({ ...next, range, isStale: true, failure: undefined });
    const wanted = this.requestOf({ ...next, range });
    if (wanted) this.previews.want(wanted);
    else this.previews.cancel();
  }
}
