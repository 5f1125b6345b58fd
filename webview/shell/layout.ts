/** The frame of the page. It is made once, and the parts draw themselves into it. */
import { html, render, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import type { PageTab } from '../../src/editor/page/messages';
import { t } from '../base/strings';

export interface Layout {
  readonly page: HTMLElement;
  readonly summaryBar: HTMLElement;
  readonly notices: HTMLElement;
  readonly unreadable: HTMLElement;
  readonly toolbar: HTMLElement;
  readonly mapNote: HTMLElement;
  readonly legend: HTMLElement;
  readonly cluster: HTMLElement;
  readonly header: HTMLElement;
  readonly chain: HTMLElement;
  readonly space: HTMLElement;
  showTab(tab: PageTab): void;
  /** Shows or hides the tabs on what only an image has. */
  showTabsOfImage(areShown: boolean): void;
  /** Shows the map, overview bar and bytes of another view. */
  show(view: ImageViewParts): void;
}

/** Elements of one view; they draw themselves. */
export interface ImageViewParts {
  readonly map: { readonly element: HTMLElement };
  readonly bands: { readonly element: HTMLElement };
  readonly minimap: { readonly element: HTMLElement };
  readonly hex: { readonly element: HTMLElement };
}

/** Elements of the frame; they draw themselves. */
export interface Parts {
  readonly splitter: HTMLElement;
  readonly announcer: HTMLElement;
  readonly changeDialog: HTMLElement;
  readonly repairDialog: HTMLElement;
  readonly shrinkDialog: HTMLElement;
}

/** Tabs that a raw disk does not have. */
const OF_IMAGE: readonly PageTab[] = ['header', 'chain', 'space'];

export function makeLayout(root: HTMLElement, parts: Parts, tabChosen: (tab: PageTab) => void): Layout {
  const found = new Map<string, HTMLElement>();
  const keep = (name: string): unknown =>
    ref((element) => {
      if (element instanceof HTMLElement) found.set(name, element);
    });
  render(frame(parts, keep, tabChosen), root);
  const get = (name: string): HTMLElement => {
    const element = found.get(name);
    if (!element) throw new Error(`The page has no part "${name}"`);
    return element;
  };
  const panels = get('panels');
  return {
    page: get('page'),
    summaryBar: get('summaryBar'),
    notices: get('notices'),
    unreadable: get('unreadable'),
    toolbar: get('toolbar'),
    mapNote: get('mapNote'),
    legend: get('legend'),
    cluster: get('cluster'),
    header: get('header'),
    chain: get('chain'),
    space: get('space'),
    show: ({ map, bands, minimap, hex }) => {
      get('mapSlot').replaceChildren(bands.element, map.element);
      get('minimapSlot').replaceChildren(minimap.element);
      get('hexSlot').replaceChildren(hex.element);
    },
    showTab: (tab) => {
      panels.setAttribute('activeid', `tab-${tab}`);
    },
    showTabsOfImage: (areShown) => {
      for (const tab of OF_IMAGE) panels.querySelector(`#tab-${tab}`)?.toggleAttribute('hidden', !areShown);
    },
  };
}

function frame(parts: Parts, keep: (name: string) => unknown, tabChosen: (tab: PageTab) => void): unknown {
  return html`<div class="page is-loading" ${keep('page')}>
    <header class="summary-bar" ${keep('summaryBar')}></header>
    <section class="notices" aria-label=${t('Notices')} ${keep('notices')}></section>
    <main class="loading">
      <div class="loading-status" role="status">
        <vscode-progress-ring aria-hidden="true"></vscode-progress-ring>
        <h1 class="loading-words">${t('Opening image…')}</h1>
      </div>
    </main>
    <main class="unreadable-slot" ${keep('unreadable')}></main>
    <main class="body">
      <section class="map-side" aria-label=${t('Cluster map')}>
        <div ${keep('toolbar')}></div>
        <div class="map-area">
          <div class="slot" ${keep('mapSlot')}></div>
          <div class="map-note" ${keep('mapNote')}></div>
        </div>
        <div class="slot" ${keep('minimapSlot')}></div>
        <div class="legend-slot" ${keep('legend')}></div>
      </section>
      ${parts.splitter}
      <aside class="panel-side" aria-label=${t('Details')}>
        <vscode-panels
          class="panels"
          aria-label=${t('Details')}
          ${keep('panels')}
          activeid="tab-cluster"
          @change=${(event: Event) => {
            const tab = tabOf(event);
            if (tab) tabChosen(tab);
          }}
        >
          <vscode-panel-tab id="tab-cluster">${t('Cluster')}</vscode-panel-tab>
          <vscode-panel-tab id="tab-header">${t('Header')}</vscode-panel-tab>
          <vscode-panel-tab id="tab-chain">${t('Chain')}</vscode-panel-tab>
          <vscode-panel-tab id="tab-space">${t('Space')}</vscode-panel-tab>
          <vscode-panel-view id="view-cluster">
            <div class="panel cluster-panel">
              <div
                class="cluster-details"
                tabindex="0"
                role="group"
                aria-label=${t('Selected clusters')}
                ${keep('cluster')}
              ></div>
              <div class="slot" ${keep('hexSlot')}></div>
            </div>
          </vscode-panel-view>
          ${scrolling('header', t('Header'), keep)} ${scrolling('chain', t('Backing chain'), keep)}
          ${scrolling('space', t('Space'), keep)}
        </vscode-panels>
      </aside>
    </main>
    ${parts.announcer} ${parts.changeDialog} ${parts.repairDialog} ${parts.shrinkDialog}
  </div>`;
}

/** A panel that scrolls as a whole. */
const scrolling = (name: string, label: string, keep: (name: string) => unknown): TemplateResult =>
  html`<vscode-panel-view id="view-${name}"
    ><div class="panel scrolls" tabindex="0" role="group" aria-label=${label} ${keep(name)}></div
  ></vscode-panel-view>`;

/** The tab that a change event of the panels selected. */
function tabOf(event: Event): PageTab | undefined {
  const panels = event.currentTarget as HTMLElement & { readonly activeid: string };
  switch (panels.activeid) {
    case 'tab-cluster':
      return 'cluster';
    case 'tab-header':
      return 'header';
    case 'tab-chain':
      return 'chain';
    case 'tab-space':
      return 'space';
    default:
      return undefined;
  }
}
