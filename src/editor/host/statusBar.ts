/** The status bar while an image is active: its version, how much of it is on disk, and what is staged. */
import * as vscode from 'vscode';
import type { ImageState } from '../../worker/api';
import type { Subscription } from '../model/emitter';
import type { OpenImages } from './openImages';
import { shareText } from '../../text/shareText';
import { sizeText } from '../../text/sizeText';
import { StatusEntry } from '../../text/vscode/items';

export class ImageStatus implements vscode.Disposable {
  readonly #entry: StatusEntry;
  readonly #activeSubscription: vscode.Disposable;
  #reading: Subscription | undefined;

  readonly #images: OpenImages;

  constructor(images: OpenImages) {
    this.#images = images;
    this.#entry = new StatusEntry('qcow2.status', vscode.l10n.t('QCOW2 Image'), 'qcow2.showBackingChain');
    this.#activeSubscription = images.onDidChangeActive(() => {
      this.#follow();
    });
  }

  dispose(): void {
    this.#reading?.dispose();
    this.#activeSubscription.dispose();
    this.#entry.dispose();
  }

  #follow(): void {
    this.#reading?.dispose();
    this.#reading = undefined;
    const document = this.#images.active?.document;
    if (document === undefined) {
      this.#entry.hide();
      return;
    }
    this.#reading = document.onDidRead((state) => {
      this.#show(state);
    });
    this.#show(document.state);
  }

  #show(state: ImageState | undefined): void {
    const { summary, raw } = state ?? {};
    const disk = summary ?? raw;
    if (state === undefined || disk === undefined) {
      this.#entry.hide();
      return;
    }
    // Metadata comes on top of the disk's bytes: a full disk takes more than its size.
    const share = shareText(Math.min(state.allocatedBytes, disk.virtualSize), disk.virtualSize);
    const staged = stagedText(state);
    const sizes = [sizeText(state.allocatedBytes), sizeText(disk.virtualSize)] as const;
    const facts =
      summary === undefined
        ? vscode.l10n.t('Raw disk: {0} of {1} on disk.', ...sizes)
        : vscode.l10n.t(
            'qcow2 version {0}: {1} of {2} on disk. Click to see the backing chain.',
            summary.version,
            ...sizes,
          );
    const isStaged = staged !== '';
    this.#entry.show(
      [
        { icon: 'layers', text: summary === undefined ? 'raw' : `qcow2 v${summary.version}` },
        { text: share },
        ...(isStaged ? [{ icon: 'edit', text: staged }] : []),
      ],
      [...(isStaged ? [staged] : []), facts],
    );
  }
}

/** "3 edits staged"; empty where there is none. */
function stagedText({ edits }: ImageState): string {
  const count = edits?.unsaved ?? 0;
  if (count === 0) return '';
  return count === 1 ? vscode.l10n.t('1 edit staged') : vscode.l10n.t('{0} edits staged', count);
}
