/** Which part of the page shows what: each is drawn again when what it reads has changed, and only then. */
import { html, nothing } from 'lit';
import type { Notice, PageCommand, PageHealth, PageState } from '../src/editor/page/messages';
import { island } from './island';
import type { Layout } from './layout';
import { legend } from './legend';
import { chainPanel, type ChainActions } from './panels/chain';
import { clusterPanel, type ClusterActions } from './panels/cluster';
import { hostPanel } from './panels/hostCluster';
import { headerPanel } from './panels/header';
import { scanNote } from './scanNote';
import type { Store } from './store';
import { notices, strip } from './strip';
import { toolbar, type ToolbarActions } from './toolbar';
import { unreadable } from './unreadable';

/** What a person can do on the page, besides the map itself. */
export interface Actions extends ClusterActions, ChainActions, ToolbarActions {
  toggleHighlight(kind: string): void;
  retry(): void;
  run(command: PageCommand): void;
  copy(text: string): void;
}

const NOTHING = html``;

export function drawParts(store: Store, layout: Layout, actions: Actions): void {
  island(
    layout.strip,
    store,
    ({ page, health }) => [page, health],
    ({ page, health }) =>
      page
        ? strip(page, health, (command) => {
            actions.run(command);
          })
        : NOTHING,
  );
  island(
    layout.notices,
    store,
    ({ page, health, isLost }) => [page, health?.incomplete, isLost],
    ({ page, health, isLost }) =>
      notices(told(page, health), isLost, (command) => {
        actions.run(command);
      }),
  );
  island(
    layout.unreadable,
    store,
    ({ page }) => [page],
    ({ page }) =>
      page && !page.image.summary
        ? unreadable(page, () => {
            actions.retry();
          })
        : NOTHING,
  );
  island(
    layout.toolbar,
    store,
    ({ page, health, space, zoom, goToProblem }) => [
      page,
      health?.kind === 'checking',
      space,
      zoom,
      goToProblem,
    ],
    (state) => toolbar(state, actions),
  );
  island(
    layout.legend,
    store,
    ({ page, space, totals, fileTotals, highlighted }) => [
      page,
      space,
      space === 'guest' ? totals : fileTotals,
      highlighted,
    ],
    (state) =>
      legend(state, (kind) => {
        actions.toggleHighlight(kind);
      }),
  );
  island(
    layout.mapNote,
    store,
    ({ mapProblem, space, totals, layoutShare }) => [mapProblem, space, totals, layoutShare],
    (state) =>
      html`${
        state.mapProblem === undefined
          ? nothing
          : html`<p class="problem" role="status" data-testid="map-problem">${state.mapProblem}</p>`
      }${scanNote(state)}`,
  );
  island(
    layout.cluster,
    store,
    ({ page, space, selection, report, rangeTotals, hostSelection, hostReport }) => [
      page,
      space,
      ...(space === 'guest' ? [selection, report, rangeTotals] : [hostSelection, hostReport, undefined]),
    ],
    (state) => (state.space === 'guest' ? clusterPanel(state, actions) : hostPanel(state, actions)),
  );
  island(
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
  island(
    layout.chain,
    store,
    ({ page }) => [page],
    ({ page }) => (page ? chainPanel(page, actions) : NOTHING),
  );
}

/** What the state of the image and the last check have to say under the strip. */
function told(page: PageState | undefined, health: PageHealth | undefined): readonly Notice[] {
  const { incomplete } = health ?? {};
  const found = incomplete === undefined ? [] : [{ severity: 'warning', text: incomplete } as const];
  return [...(page?.notices ?? []), ...found];
}
