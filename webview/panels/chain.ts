/** The backing chain from this image down to the base: details of each layer, and why one is not opened. */
import { html, nothing, type TemplateResult } from 'lit';
import type { ChainLayerView, PageState } from '../../src/editor/page/messages';
import { safeName } from '../base/names';
import { icon } from '../base/icons';
import { sizeText } from '../../src/text/sizeText';
import { formatBytes } from '../base/numbers';
import { t } from '../base/strings';

export interface ChainActions {
  openLayer(depth: number, toTheSide: boolean): void;
  /** Changes the layer at that depth: opens the file dialog, or a list of known images. */
  changeBacking(depth: number, choosesFile: boolean): void;
}

export function chainPanel(page: PageState, actions: ChainActions): TemplateResult {
  const layers = page.image.chain?.layers ?? [];
  if (layers.length === 0) return html`<p class="hint">${t('The backing chain is unknown.')}</p>`;
  return html`<ol
      class="chain"
      data-testid="chain"
      aria-label=${t('Backing chain, from this image to the base')}
    >
      ${layers.map((layer) => layerCard(layer, page, actions))}
    </ol>
    ${layers.length === 1 ? html`<p class="hint">${t('This image has no backing file.')}</p>` : nothing}
    ${
      layers.length === 1 && page.readOnly === undefined
        ? changeButton(1, t('Choose Backing File…'), false, actions)
        : nothing
    }`;
}

function layerCard(layer: ChainLayerView, page: PageState, actions: ChainActions): TemplateResult {
  const texts = page.chainTexts[layer.depth];
  const isThis = layer.depth === 0;
  const canOpen = !isThis && layer.path !== undefined && layer.state !== 'missing';
  return html`<li
    class="layer is-${layer.state}"
    data-testid="layer-${layer.depth}"
    data-state=${layer.state}
  >
    <div class="layer-head">
      <span class="layer-depth" aria-hidden="true">${layer.depth}</span>
      ${
        canOpen
          ? html`<button
              type="button"
              class="link layer-name"
              title=${t('Open this layer')}
              @click=${(event: MouseEvent) => {
                actions.openLayer(layer.depth, event.ctrlKey || event.metaKey);
              }}
            >
              <span translate="no">${safeName(baseName(layer))}</span>
            </button>`
          : html`<span class="layer-name" translate="no"
              >${safeName(isThis ? page.fileName : baseName(layer))}</span
            >`
      }
      <span class="layer-tag" data-testid="format"
        >${layer.format === 'unknown' ? t('unknown format') : html`<span translate="no">${safeName(layer.format)}</span>`}</span
      >
      ${layer.formatWasProbed ? html`<span class="layer-tag is-warning">${t('probed')}</span>` : nothing}
      ${isThis ? html`<span class="layer-tag">${t('this image')}</span>` : nothing}
      ${
        canOpen
          ? html`<vscode-button
              class="layer-side"
              appearance="icon"
              aria-label=${t('Open to the side')}
              title=${t('Open to the side')}
              @click=${() => {
                actions.openLayer(layer.depth, true);
              }}
              >${icon('split-horizontal')}</vscode-button
            >`
          : nothing
      }
    </div>
    ${layer.state === 'open' ? nothing : stateLine(layer, texts?.problem)}
    ${(texts?.notes ?? []).map((note) => html`<p class="layer-note is-warning">${icon('warning')}<span>${note}</span></p>`)}
    ${
      !isThis && canChange(layer, page)
        ? isWrong(layer, texts?.notes)
          ? changeButton(layer.depth, t('Choose File…'), true, actions)
          : changeButton(layer.depth, t('Change…'), false, actions)
        : nothing
    }
    <dl class="facts layer-facts">
      ${
        isThis
          ? nothing
          : html`<dt>${t('As written')}</dt>
              <dd class="mono break" translate="no" data-testid="as-written">
                ${safeName(layer.nameAsWritten)}
              </dd>`
      }
      ${
        layer.path === undefined
          ? nothing
          : html`<dt>${t('Path')}</dt>
              <dd class="mono break" translate="no" data-testid="path">${safeName(layer.path)}</dd>`
      }
      ${sizes(layer)}
      ${
        layer.dataFile === undefined
          ? nothing
          : html`<dt>${t('Data file')}</dt>
              <dd class="mono break" translate="no">${safeName(layer.dataFile)}</dd>`
      }
    </dl>
  </li>`;
}

/** The name of a layer is changed in the layer above it: in this image, or in one that is opened for it. */
const canChange = ({ depth }: ChainLayerView, page: PageState): boolean =>
  depth === 1 ? page.readOnly === undefined : !page.isRestricted;

const isWrong = (layer: ChainLayerView, notes: readonly string[] = []): boolean =>
  layer.state !== 'open' || notes.length > 0;

const changeButton = (
  depth: number,
  text: string,
  choosesFile: boolean,
  actions: ChainActions,
): TemplateResult =>
  html`<vscode-button
    class="layer-change"
    appearance="secondary"
    data-testid="change-backing-${depth}"
    title=${t('Change the backing file named in the image header')}
    @click=${() => {
      actions.changeBacking(depth, choosesFile);
    }}
    >${text}</vscode-button
  >`;

function baseName(layer: ChainLayerView): string {
  const name = layer.path ?? layer.nameAsWritten;
  return name.slice(name.lastIndexOf('/') + 1) || name;
}

function stateLine(layer: ChainLayerView, problem: string | undefined): TemplateResult {
  const words: Record<Exclude<ChainLayerView['state'], 'open'>, string> = {
    missing: t('missing'),
    refused: t('refused'),
    cycle: t('cycle'),
    unreadable: t('cannot be read'),
    notOpened: t('not opened'),
  };
  if (layer.state === 'open') return html``;
  const isMild = layer.state === 'notOpened';
  return html`<p class="layer-note ${isMild ? 'is-info' : 'is-error'}" data-testid="layer-problem">
    ${icon(isMild ? 'info' : 'error')}
    <span><b>${words[layer.state]}</b>${problem === undefined ? nothing : html`: ${problem}`}</span>
  </p>`;
}

function sizes(layer: ChainLayerView): TemplateResult | typeof nothing {
  if (layer.virtualSize === undefined) return nothing;
  return html`<dt>${t('Size')}</dt>
    <dd data-testid="sizes">
      <span title=${formatBytes(layer.virtualSize)}>${t('{0} virtual', sizeText(layer.virtualSize))}</span>
      ${
        layer.allocatedBytes === undefined
          ? nothing
          : html`<span class="note" title=${formatBytes(layer.allocatedBytes)}
              >${t('{0} on disk', sizeText(layer.allocatedBytes))}</span
            >`
      }
      ${
        layer.version === undefined || layer.clusterSize === undefined
          ? nothing
          : html`<span class="note"
              ><span translate="no">v${layer.version}</span>,
              ${t('{0} clusters', sizeText(layer.clusterSize))}</span
            >`
      }
    </dd>`;
}
