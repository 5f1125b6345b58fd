/**
 * Connects the parts of the page: events from the host go into the store and the map, user actions to the map, the
 * host or the store, and every part is drawn from the store.
 */
import type {
  ChangeKind,
  PageApi,
  PageCommand,
  PageCompaction,
  PageHealth,
  FileOnMap,
  GuestOwner,
  PageState,
  PageTab,
} from '../../src/editor/page/messages';
import { Announcer } from '../base/announcer';
import { ChangeDialog } from '../dialogs/change/dialog';
import type { Range } from '../dialogs/change/range';
import { HostClient } from '../host/client';
import { makeLayout, type Layout } from './layout';
import { SpaceInspection } from '../state/spaceInspection';
import { parsePlace } from '../../src/text/byteCount';
import { sizeText } from '../../src/text/sizeText';
import { drawParts, type Actions } from './parts';
import { Look } from '../state/look';
import { RepairDialog } from '../dialogs/repair/dialog';
import { ShrinkDialog } from '../dialogs/shrink/dialog';
import { StateSaver, loadSaved, type SavedState } from '../state/savedState';
import { Splitter } from './splitter';
import { type Colours, diskOf, isRaw, Store, type Space } from '../state/store';
import { t } from '../base/strings';
import { watchTheme } from '../map/theme';
import { Views } from './views';

export class App implements Actions, PageApi {
  readonly #announcer = new Announcer();
  readonly #saved = loadSaved();
  readonly #store = new Store(this.#saved.tab, this.#saved.space, this.#saved.colours);
  readonly #host = new HostClient(this, () => {
    this.#store.update({ isLost: true });
  });
  readonly #views = new Views(this.#store, this.#host, this.#announcer, this.#saved, {
    shown: (view) => {
      this.#layout.show(view);
    },
    inspected: (takesFocus) => {
      this.showTab('cluster');
      if (takesFocus) this.#layout.cluster.focus();
    },
    changed: () => {
      this.#stateSaver.changed();
    },
  });
  readonly #splitter = new Splitter(() => {
    this.#stateSaver.changed();
  });
  readonly #changeDialog = new ChangeDialog({
    guards: () => this.#host.value(this.#host.calls.guards()),
    preview: (change) => this.#host.load(this.#host.calls.preview(change)),
    stage: (change, confirmed) => this.#host.load(this.#host.calls.stage(change, confirmed)),
    staged: (label) => {
      this.#announcer.say(() => t('Staged: {0}', label));
    },
  });
  readonly #repairDialog = new RepairDialog({
    guards: () => this.#host.value(this.#host.calls.repairGuards()),
    preview: (mode) => this.#host.load(this.#host.calls.previewRepair(mode)),
    stopPreview: () => {
      this.#host.send(this.#host.calls.stopPreview());
    },
    stage: (mode, confirmed) => this.#host.load(this.#host.calls.stageRepair(mode, confirmed)),
    staged: (label) => {
      this.#announcer.say(() => t('Staged: {0}', label));
    },
  });
  readonly #shrinkDialog = new ShrinkDialog({
    guards: () => this.#host.value(this.#host.calls.shrinkGuards()),
    offers: () => this.#host.load(this.#host.calls.shrinkOffers()),
    scan: () => {
      this.scanContents();
    },
    stopScan: () => {
      this.stopScan();
    },
    lookForGuestFree: () => {
      this.lookForGuestFree();
    },
    stopGuestLook: () => {
      this.stopGuestLook();
    },
    preview: async (choice) => {
      const freed = await this.#host.load(this.#host.calls.previewShrink(choice));
      return freed?.ok === true ? { ok: true, value: { bytes: freed.value } } : freed;
    },
    stopPreview: () => {
      this.#host.send(this.#host.calls.stopPreview());
    },
    stage: (choice, confirmed) => this.#host.load(this.#host.calls.stageShrink(choice, confirmed)),
    staged: (label) => {
      this.#announcer.say(() => t('Staged: {0}', label));
    },
  });
  readonly #spaceInspection = new SpaceInspection(this.#store, this.#host);
  readonly #scanning = new Look(this.#store, {
    progress: 'contentScan',
    problem: 'scanProblem',
    begin: () => this.#host.load(this.#host.calls.scanContents()),
    stop: () => {
      this.#host.send(this.#host.calls.stopScan());
    },
  });
  readonly #guestLook = new Look(this.#store, {
    progress: 'guestLook',
    problem: 'guestLookProblem',
    begin: () => this.#host.load(this.#host.calls.lookForGuestFree()),
    stop: () => {
      this.#host.send(this.#host.calls.stopGuestLook());
    },
  });
  readonly #stateSaver = new StateSaver(() => this.#collect());
  readonly #layout: Layout;

  constructor(root: HTMLElement) {
    const parts = {
      splitter: this.#splitter.element,
      announcer: this.#announcer.element,
      changeDialog: this.#changeDialog.element,
      repairDialog: this.#repairDialog.element,
      shrinkDialog: this.#shrinkDialog.element,
    };
    this.#layout = makeLayout(root, parts, (tab) => {
      this.showTab(tab);
    });
    this.#layout.show(this.#views.shown);
    if (this.#saved.division) this.#splitter.division = this.#saved.division;
    new ResizeObserver(() => {
      this.#splitter.show();
    }).observe(this.#layout.page);
    drawParts(this.#store, this.#layout, this);
    this.#store.subscribe(() => {
      this.#shrinkDialog.looked(this.#store.state);
    });
    this.showTab(this.#store.state.tab);
    document.addEventListener('keydown', (event) => {
      const isElsewhere = event.target instanceof Element && event.target.closest('dialog') !== null;
      if (event.key === 'Escape' && !isElsewhere) this.clearFile();
    });
    watchTheme(() => {
      this.#views.themeChanged();
    });
  }

  async start(): Promise<void> {
    const page = await this.#host.value(this.#host.calls.ready());
    if (page?.ok) this.stateChanged(page.value);
    else this.#layout.page.classList.remove('is-loading');
    void this.#host.watch((isThere) => {
      if (this.#store.state.isSilent === isThere) this.#store.update({ isSilent: !isThere });
    });
  }

  // Called by the host.

  stateChanged(page: PageState): void {
    const before = this.#store.state.page?.image;
    const hadDisk = diskOf(this.#store.state.page) !== undefined;
    const { generation } = page.image;
    const disk = diskOf(page);
    this.#announceCompaction(page);
    this.#store.update({ page, health: page.health, compaction: page.compaction, isLost: false });
    this.#layout.page.classList.remove('is-loading');
    this.#layout.page.classList.toggle('is-unreadable', disk === undefined);
    if (!disk || (hadDisk && before?.generation === generation)) return;
    if (hadDisk && page.compaction) {
      this.#views.fileMoved(page);
      return;
    }
    this.#layout.showTabsOfImage(!isRaw(page));
    if (isRaw(page)) {
      this.showTab('cluster');
      this.showSpace('guest');
    }
    this.#forgetLooks();
    this.#views.imageRead();
    this.#changeDialog.imageChanged(disk);
    this.#repairDialog.imageChanged();
    this.#shrinkDialog.imageChanged();
  }

  healthChanged(health: PageHealth): void {
    const before = this.#store.state.health;
    this.#store.update({ health });
    const hasEnded = before?.kind === 'checking' && health.kind !== 'checking';
    if (hasEnded) this.#announcer.say(() => health.detail);
  }

  scanProgress(): void {
    this.#views.scanned();
  }

  layoutProgress(done: number, total: number): void {
    this.#views.layoutGotTo(total === 0 ? 0 : done / total);
  }

  contentProgress(done: number, total: number): void {
    this.#scanning.gotTo(done, total);
  }

  guestProgress(done: number, total: number): void {
    this.#guestLook.gotTo(done, total);
  }

  ownerProgress(done: number, total: number): void {
    this.#views.ownership.gotTo(total === 0 ? 0 : done / total);
  }

  showFile(file: FileOnMap): void {
    this.#views.markFile(file);
    this.#announcer.say(() => file.path);
  }

  compactionProgress(compaction: PageCompaction): void {
    // It may have ended by now.
    if (this.#store.state.compaction !== undefined) this.#store.update({ compaction });
  }

  contentsScanned(): void {
    this.#views.contentsScanned();
    this.#spaceInspection.refresh();
  }

  /** Selects the cluster of a guest byte, and scrolls map and bytes to it. */
  goTo(byte: number): void {
    this.#views.goTo('guest', byte);
  }

  goToHost(byte: number): void {
    this.#views.goTo('file', byte);
  }

  /** Switches between the guest disk and the image file. */
  showSpace(space: Space): void {
    this.#views.show(space);
  }

  showTab(tab: PageTab): void {
    this.#layout.showTab(tab);
    if (tab !== this.#store.state.tab) {
      this.#forgetLooks();
      this.#store.update({ tab });
    }
    this.#stateSaver.changed();
  }

  openRepair(): void {
    const { health, page } = this.#store.state;
    if (!page?.image.summary) return;
    const isIncomplete =
      health?.incomplete !== undefined ||
      page.image.warnings.some(({ code }) => code.startsWith('file.incomplete'));
    // Repairing an incomplete file gives up data that a new copy would restore: no mode is preselected.
    this.#repairDialog.open(isIncomplete ? undefined : health?.kind === 'leaks' ? 'leaks' : 'all');
  }

  openShrink(): void {
    if (!this.#store.state.page?.image.summary) return;
    this.#forgetLooks();
    this.#shrinkDialog.open(this.#store.state);
  }

  /** Opens the dialog of a change; without a range, its fields are empty. */
  openChange(kind: ChangeKind, range: Range | undefined): void {
    const { disk } = this.#views;
    if (!disk) return;
    const hasBacking = this.#store.state.page?.image.summary?.backingName !== undefined;
    this.#changeDialog.open(kind, range, disk, hasBacking);
  }

  // User actions.

  /** Opens the dialog for the selection of the guest view. */
  change(kind: ChangeKind): void {
    const { space, selection } = this.#store.state;
    this.openChange(kind, space === 'guest' ? selection : undefined);
  }

  goToText(text: string): void {
    const { size, clusterSize } = this.#views.shown.disk;
    if (size === 0) return;
    const place = parsePlace(text, clusterSize, size);
    const { space } = this.#store.state;
    if (place.ok) this.#views.goTo(space, place.offset);
    const beyondEnd = space === 'guest' ? t('Beyond the end of the disk') : t('Beyond the end of the file');
    const words = { empty: undefined, notANumber: t('Not a valid offset'), beyondEnd };
    this.#store.update({ goToProblem: place.ok ? undefined : words[place.reason] });
  }

  colourBy(colours: Colours): void {
    this.#views.colourBy(colours);
  }

  findOwners(): void {
    void this.#views.ownership.find();
  }

  stopOwners(): void {
    this.#views.ownership.stop();
  }

  showOwner({ part, path, file }: GuestOwner): void {
    if (part !== undefined && path !== undefined && file !== undefined)
      void this.#showOwned(part, path, file);
  }

  async #showOwned(part: string, path: string, file: number): Promise<void> {
    const places = await this.#host.result(this.#host.calls.filePlaces(part, file));
    if (places.ok) this.showFile({ path, places: places.value });
  }

  clearFile(): void {
    this.#views.markFile(undefined);
  }

  zoomBy(steps: number): void {
    this.#views.zoomBy(steps);
  }

  zoomTo(step: number): void {
    this.#views.zoomTo(step);
  }

  zoomToSelection(): void {
    this.#views.zoomToSelection();
  }

  toggleHighlight(kind: string): void {
    this.#views.highlight(this.#store.state.highlighted === kind ? undefined : kind);
  }

  showKind(space: Space, kind: string): void {
    const isShown = this.#store.state.space === space && this.#store.state.highlighted === kind;
    this.showSpace(space);
    if (space === 'guest') this.colourBy('kind');
    this.#views.highlight(isShown ? undefined : kind);
  }

  scanContents(): void {
    void this.#scanning.start();
  }

  stopScan(): void {
    this.#scanning.stop();
  }

  lookForGuestFree(): void {
    void this.#guestLook.start().then(() => {
      this.#spaceInspection.refresh();
    });
  }

  stopGuestLook(): void {
    this.#guestLook.stop();
  }

  stopCompaction(): void {
    this.#host.send(this.#host.calls.stopCompaction());
  }

  run(command: PageCommand): void {
    this.#host.send(this.#host.calls.run(command));
  }

  retry(): void {
    this.#host.send(this.#host.calls.run('retry'));
  }

  copy(text: string): void {
    this.#host.send(this.#host.calls.copy(text));
  }

  changeBacking(depth: number, choosesFile: boolean): void {
    this.#host.send(this.#host.calls.changeBacking(depth, choosesFile));
  }

  openLayer(depth: number, toTheSide: boolean): void {
    this.#host.send(this.#host.calls.openLayer(depth, toTheSide));
  }

  showLayer(depth: number): void {
    this.showTab('chain');
    this.#layout.chain.querySelector(`[data-testid="layer-${depth}"]`)?.scrollIntoView({ block: 'nearest' });
  }

  /** Why looks have ended early is not said any longer. */
  #forgetLooks(): void {
    this.#scanning.forgetProblem();
    this.#guestLook.forgetProblem();
  }

  #announceCompaction({ compaction, image }: PageState): void {
    const wasCompacting = this.#store.state.compaction !== undefined;
    if (wasCompacting === (compaction !== undefined)) return;
    this.#announcer.say(() =>
      wasCompacting
        ? t('The file is {0} long now.', sizeText(image.fileSize))
        : t('The file is being compacted.'),
    );
  }

  #collect(): SavedState {
    const { tab } = this.#store.state;
    const { division } = this.#splitter;
    return { ...this.#views.collect(), tab, division };
  }
}
