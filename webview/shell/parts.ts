/** Draws the parts of the page, each whenever the state that it reads changes. */
import { html, nothing } from 'lit';
import type { Notice, PageCommand, PageHealth, PageState } from '../../src/editor/page/messages';
import { compactionStrip } from './compactionStrip';
import { drawOnChange } from './drawOnChange';
import { fileNote } from './fileNote';
import type { Layout } from './layout';
import { legend } from './legend';
import { chainPanel, type ChainActions } from '../panels/chain';
import { clusterPanel, type ClusterActions } from '../panels/cluster';
import { hostPanel } from '../panels/hostCluster';
import { headerPanel } from '../panels/header';
import { spacePanel, type SpaceActions } from '../panels/space';
import { scanNote } from './scanNote';
import { diskOf, type Store } from '../state/store';
import { notices, silentNotice } from './notices';
import { summaryBar } from './summaryBar';
import { toolbar, type ToolbarActions } from './toolbar';
import { unreadable } from './unreadable';

/** User actions outside the map. */
export interface Actions extends ClusterActions, ChainActions, SpaceActions, ToolbarActions {
  toggleHighlight(kind: string): void;
  retry(): void;
  run(command: PageCommand): void;
  stopCompaction(): void;
  copy(text: string): void;
  /** Takes the marks of a file off the map. */
  clearFile(): void;
}

const NOTHING = html``;

export function drawParts(store: Store, layout: Layout, actions: Actions): void {
  drawOnChange(
    layout.summaryBar,
    store,
    ({ page, health }) => [page, health],
    ({ page, health }) =>
      page
        ? summaryBar(page, health, (command) => {
            actions.run(command);
          })
        : NOTHING,
  );
  drawOnChange(
    layout.notices,
    store,
    ({ page, health, isLost, isSilent, compaction }) => [
      page,
      health?.incomplete,
      isLost,
      isSilent,
      compaction,
    ],
    ({ page, health, isLost, isSilent, compaction }) =>
      html`${
        compaction === undefined
          ? nothing
          : compactionStrip(compaction, () => {
              actions.stopCompaction();
            })
      }${isSilent ? silentNotice() : nothing}${notices(noticesOf(page, health), isLost, (command) => {
        actions.run(command);
      })}`,
  );
  drawOnChange(
    layout.unreadable,
    store,
    ({ page }) => [page],
    ({ page }) =>
      page && !diskOf(page)
        ? unreadable(page, () => {
            actions.retry();
          })
        : NOTHING,
  );
  drawOnChange(
    layout.toolbar,
    store,
    ({ page, health, space, colours, zoom, goToProblem }) => [
      page,
      health?.kind === 'checking',
      space,
      colours,
      zoom,
      goToProblem,
    ],
    (state) => toolbar(state, actions),
  );
  drawOnChange(
    layout.legend,
    store,
    ({ page, space, colours, totals, contentTotals, fileTotals, highlighted }) => [
      page,
      space,
      colours,
      space === 'file' ? fileTotals : colours === 'content' ? contentTotals : totals,
      highlighted,
    ],
    (state) =>
      legend(state, (kind) => {
        actions.toggleHighlight(kind);
      }),
  );
  drawOnChange(
    layout.mapNote,
    store,
    ({ mapProblem, space, totals, layoutShare, file }) => [mapProblem, space, totals, layoutShare, file],
    (state) =>
      html`${
        state.mapProblem === undefined
          ? nothing
          : html`<p class="problem" role="status" data-testid="map-problem">${state.mapProblem}</p>`
      }${scanNote(state)}${
        state.file === undefined || state.space === 'file'
          ? nothing
          : fileNote(state.file, () => {
              actions.clearFile();
            })
      }`,
  );
  drawOnChange(
    layout.cluster,
    store,
    ({ page, space, selection, report, rangeTotals, owners, hostSelection, hostReport }) => [
      page,
      space,
      ...(space === 'guest'
        ? [selection, report, rangeTotals, owners]
        : [hostSelection, hostReport, undefined, undefined]),
    ],
    (state) => (state.space === 'guest' ? clusterPanel(state, actions) : hostPanel(state, actions)),
  );
  drawOnChange(
    layout.header,
    store,
    ({ page }) => [page],
    ({ page }) =>
      page?.image.summary && page.image.header
        ? headerPanel(page.image.header, {
            copy: (text) => {
              actions.copy(text);
            },
            goToHost: (byte) => {
              actions.goToHost(byte);
            },
          })
        : NOTHING,
  );
  drawOnChange(
    layout.chain,
    store,
    ({ page }) => [page],
    ({ page }) => (page ? chainPanel(page, actions) : NOTHING),
  );
  drawOnChange(
    layout.space,
    store,
    ({
      page,
      tab,
      spaceReport,
      contentScan,
      scanProblem,
      guestLook,
      guestLookProblem,
      space,
      highlighted,
    }) => [
      page?.readOnly,
      page?.compaction === undefined,
      tab,
      spaceReport,
      contentScan,
      scanProblem,
      guestLook,
      guestLookProblem,
      space,
      highlighted,
    ],
    (state) => (state.tab === 'space' ? spacePanel(state, actions) : NOTHING),
  );
}

/** The notices of the image's state, and that of the last check. */
function noticesOf(page: PageState | undefined, health: PageHealth | undefined): readonly Notice[] {
  const { incomplete } = health ?? {};
  const found = incomplete === undefined ? [] : [{ severity: 'warning', text: incomplete } as const];
  return [...(page?.notices ?? []), ...found];
}
