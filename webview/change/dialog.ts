/**
 * The dialog of Write Zeroes… and Discard…: which range, how, what it would do as the engine has it, and what stands in
 * the way. Applying stages an edit; nothing on disk changes before the image is saved.
 */
import { render } from 'lit';
import type { ChangeKind, ChangePreview, GuardReport, PageChange } from '../../src/editor/messages';
import type { Answer } from '../answers';
import { mayPass } from '../guards';
import { Latest } from '../latest';
import type { Disk } from '../map/geometry';
import { formatOffset } from '../numbers';
import { lengthText, readRange, type Range, type RangeAnswer } from './range';
import { changeForm, type FormActions } from './form';

/** What the dialog asks of the page. */
export interface ChangeDialogHost {
  guards(): Promise<Answer<GuardReport>>;
  preview(change: PageChange): Promise<Answer<ChangePreview>>;
  stage(change: PageChange, confirmed: readonly string[]): Promise<Answer<{ readonly label: string }>>;
  /** The change is staged; `label` is the edit's name. */
  staged(label: string): void;
}

/** What the dialog shows. */
export interface ChangeFormState {
  readonly kind: ChangeKind;
  readonly startText: string;
  readonly lengthText: string;
  readonly unmap: boolean;
  readonly thorough: boolean;
  /** The image has a backing file: looking through it makes sense. */
  readonly hasBacking: boolean;
  readonly range: RangeAnswer;
  /** Undefined until they are known. */
  readonly guards: Answer<GuardReport>;
  readonly confirmed: ReadonlySet<string>;
  /** Of the change as it is, or of an earlier one while `isStale`. */
  readonly preview: Answer<ChangePreview>;
  readonly isStale: boolean;
  readonly isStaging: boolean;
  readonly failure: string | undefined;
}

export class ChangeDialog implements FormActions {
  readonly element = document.createElement('dialog');
  readonly #previews: Latest<PageChange, Answer<ChangePreview>>;
  #disk: Disk = { size: 0, clusterSize: 1 };
  #state: ChangeFormState | undefined;

  constructor(private readonly host: ChangeDialogHost) {
    this.element.className = 'change-dialog';
    this.element.dataset['testid'] = 'change-dialog';
    this.element.setAttribute('aria-labelledby', 'change-title');
    this.#previews = new Latest(
      (change) => host.preview(change),
      (preview) => {
        this.#update({ preview, isStale: false });
      },
    );
    // Typing is the field's business here: VS Code would undo a staged edit instead of a letter.
    this.element.addEventListener('keydown', (event) => {
      if ((event.ctrlKey || event.metaKey) && /^[azy]$/i.test(event.key)) event.stopPropagation();
    });
    this.element.addEventListener('close', () => {
      this.#previews.cancel();
      this.#state = undefined;
    });
  }

  /** @param range what is selected; without one the person says which */
  open(kind: ChangeKind, range: Range | undefined, disk: Disk, hasBacking: boolean): void {
    this.#disk = disk;
    const startText = range ? formatOffset(range.start) : '';
    const length = range ? lengthText(range.length) : '';
    this.#state = {
      kind,
      startText,
      lengthText: length,
      unmap: true,
      thorough: false,
      hasBacking,
      range: readRange(startText, length, disk),
      guards: undefined,
      confirmed: new Set(),
      preview: undefined,
      isStale: true,
      isStaging: false,
      failure: undefined,
    };
    this.#changed({});
    if (!this.element.open) this.element.showModal();
    this.element.querySelector<HTMLElement>('[data-testid="change-start"]')?.focus();
    void this.#lookAtGuards();
  }

  /** The image was read anew or changed while the dialog is open. */
  imageChanged(disk: Disk): void {
    this.#disk = disk;
    if (this.#state && !this.#state.isStaging) this.#changed({});
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

  confirm(id: string, isConfirmed: boolean): void {
    const confirmed = new Set(this.#state?.confirmed);
    if (isConfirmed) confirmed.add(id);
    else confirmed.delete(id);
    this.#update({ confirmed });
  }

  apply(): void {
    void this.#apply();
  }

  close(): void {
    this.element.close();
  }

  async #apply(): Promise<void> {
    const state = this.#state;
    const change = state && changeOf(state);
    if (!state || !change || !canApply(state)) return;
    this.#update({ isStaging: true, failure: undefined });
    const staged = await this.host.stage(change, [...state.confirmed]);
    if (staged?.ok !== true) {
      this.#update({ isStaging: false, failure: staged?.text });
      return;
    }
    this.close();
    this.host.staged(staged.value.label);
  }

  async #lookAtGuards(): Promise<void> {
    this.#update({ guards: await this.host.guards() });
  }

  /** The change is another one: the preview follows. */
  #changed(change: Partial<ChangeFormState>): void {
    if (!this.#state) return;
    const next = { ...this.#state, ...change };
    const range = readRange(next.startText, next.lengthText, this.#disk);
    this.#update({ ...change, range, isStale: true, failure: undefined });
    const wanted = changeOf({ ...next, range });
    if (wanted) this.#previews.want(wanted);
    else this.#previews.cancel();
  }

  #update(change: Partial<ChangeFormState>): void {
    if (!this.#state) return;
    this.#state = { ...this.#state, ...change };
    render(changeForm(this.#state, canApply(this.#state), this), this.element);
  }
}

function changeOf({ kind, range, unmap, thorough }: ChangeFormState): PageChange | undefined {
  if (!range.ok) return undefined;
  return kind === 'discard'
    ? { kind, ...range.range }
    : { kind, ...range.range, unmap, thorough: unmap && thorough };
}

function canApply({ guards, preview, confirmed, range, isStale, isStaging }: ChangeFormState): boolean {
  if (!range.ok || isStaging || isStale || preview?.ok !== true) return false;
  return preview.value.tally.changed && mayPass(guards, confirmed);
}
