/** The status bar while an image is active: its version, how much of it is on disk, and what is staged. */
import * as vscode from 'vscode';
import type { ImageState } from '../worker/api';
import type { Subscription } from './emitter';
import type { OpenImages } from './openImages';
import { shareText } from '../numbers/shareText';
import { sizeText } from '../numbers/sizeText';

export class ImageStatus implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly activeSubscription: vscode.Disposable;
  private reading: Subscription | undefined;

  constructor(private readonly images: OpenImages) {
    this.item = vscode.window.createStatusBarItem('qcow2.status', vscode.StatusBarAlignment.Right, 100);
    this.item.name = vscode.l10n.t('QCOW2 Image');
    this.item.command = 'qcow2.showBackingChain';
    this.activeSubscription = images.onDidChangeActive(() => {
      this.follow();
    });
  }

  dispose(): void {
    this.reading?.dispose();
    this.activeSubscription.dispose();
    this.item.dispose();
  }

  private follow(): void {
    this.reading?.dispose();
    this.reading = undefined;
    const document = this.images.active?.document;
    if (document === undefined) {
      this.item.hide();
      return;
    }
    this.reading = document.onDidRead((state) => {
      this.show(state);
    });
    this.show(document.state);
  }

  private show(state: ImageState | undefined): void {
    const { summary } = state ?? {};
    if (state === undefined || summary === undefined) {
      this.item.hide();
      return;
    }
    // Metadata comes on top of the disk's bytes: a full disk takes more than its size.
    const share = shareText(Math.min(state.allocatedBytes, summary.virtualSize), summary.virtualSize);
    const staged = stagedText(state);
    const parts = [
      `$(layers) qcow2 v${summary.version}`,
      share,
      ...(staged === '' ? [] : [`$(edit) ${staged}`]),
    ];
    this.item.text = parts.join(' · ');
    const facts = vscode.l10n.t(
      'qcow2 version {0}: {1} of {2} on disk. Click to see the backing chain.',
      summary.version,
      sizeText(state.allocatedBytes),
      sizeText(summary.virtualSize),
    );
    this.item.tooltip = staged === '' ? facts : `${staged}\n${facts}`;
    this.item.accessibilityInformation = { label: this.item.tooltip };
    this.item.show();
  }
}

/** "3 edits staged"; empty where there is none. */
function stagedText({ edits }: ImageState): string {
  const count = edits?.unsaved ?? 0;
  if (count === 0) return '';
  return count === 1 ? vscode.l10n.t('1 edit staged') : vscode.l10n.t('{0} edits staged', count);
}
