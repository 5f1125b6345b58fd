/** The toolbar above the map: view, go to, zoom, change, shrink, check, export. */
import { html, nothing, type TemplateResult } from 'lit';
import type { ChangeKind, PageCommand } from '../../src/editor/page/messages';
import { icon, type IconName } from '../base/icons';
import { sizeText } from '../../src/text/sizeText';
import { formatCount } from '../base/numbers';
import { type AppState, type Colours, diskOf, isRaw, type MapZoom, type Space } from '../state/store';
import { t } from '../base/strings';

export interface ToolbarActions {
  showSpace(space: Space): void;
  colourBy(colours: Colours): void;
  goToText(text: string): void;
  zoomBy(steps: number): void;
  zoomTo(step: number): void;
  run(command: PageCommand): void;
  /** Opens the dialog of a change for the selection. */
  change(kind: ChangeKind): void;
}

export function toolbar(state: AppState, actions: ToolbarActions): TemplateResult {
  const { zoom } = state;
  const clusterSize = diskOf(state.page)?.clusterSize ?? 1;
  const isFile = state.space === 'file';
  const whole = isFile ? t('Whole file (0)') : t('Whole disk (0)');
  return html`<div class="toolbar" role="toolbar" aria-label=${t('Map')}>
    ${isRaw(state.page) ? nothing : spaceSwitch(state, actions)}
    ${isFile ? '' : contentSwitch(state, actions)}
    <div class="go-to">
      <vscode-text-field
        data-testid="go-to"
        size="16"
        placeholder=${t('Go to 0x…, #31')}
        title=${isFile ? t('Host offset (0x1f0000, 64k, 1.5 GiB) or cluster number (#31); press Enter to go') : t('Guest offset (0x1f0000, 64k, 1.5 GiB) or cluster number (#31); press Enter to go')}
        @keydown=${(event: KeyboardEvent) => {
          if (event.key === 'Enter') actions.goToText((event.target as HTMLInputElement).value);
        }}
        >${isFile ? t('Go to host offset') : t('Go to guest offset')}</vscode-text-field
      >
      ${
        state.goToProblem === undefined
          ? ''
          : html`<span class="go-to-problem" role="alert" data-testid="go-to-problem"
              >${state.goToProblem}</span
            >`
      }
    </div>
    <div class="zoom" role="group" aria-label=${t('Zoom')}>
      <span class="zoom-text" data-testid="zoom-text" title=${zoom ? sayCellInFull(zoom, clusterSize) : ''}
        >${zoom ? sayCell(zoom) : ''}</span
      >
      <vscode-button
        appearance="icon"
        aria-label=${t('Zoom out')}
        title=${t('Zoom out (−)')}
        data-testid="zoom-out"
        @click=${() => {
          actions.zoomBy(-1);
        }}
        >${icon('zoom-out')}</vscode-button
      >
      <input
        type="range"
        class="zoom-slider"
        data-testid="zoom-slider"
        min="0"
        max=${(zoom?.steps ?? 1) - 1}
        .value=${String(zoom?.step ?? 0)}
        aria-label=${t('Zoom')}
        aria-valuetext=${zoom ? sayCellInFull(zoom, clusterSize) : ''}
        @input=${(event: Event) => {
          actions.zoomTo(Number((event.target as HTMLInputElement).value));
        }}
      />
      <vscode-button
        appearance="icon"
        aria-label=${t('Zoom in')}
        title=${t('Zoom in (+)')}
        data-testid="zoom-in"
        @click=${() => {
          actions.zoomBy(1);
        }}
        >${icon('zoom-in')}</vscode-button
      >
      <vscode-button
        appearance="icon"
        aria-label=${isFile ? t('Whole file') : t('Whole disk')}
        title=${whole}
        data-testid="zoom-whole"
        @click=${() => {
          actions.zoomTo(0);
        }}
        >${icon('screen-full')}</vscode-button
      >
    </div>
    <div class="actions">
      ${isRaw(state.page) ? nothing : imageActions(state, actions)}
      <vscode-button
        appearance="secondary"
        data-testid="export-map"
        aria-label=${t('Export Map…')}
        title=${t('Export the map to a JSON, CSV or text file')}
        @click=${() => {
          actions.run('exportMap');
        }}
        ><span slot="start">${icon('export')}</span
        ><span class="words">${t('Export Map…')}</span></vscode-button
      >
    </div>
  </div>`;
}

/** What can be done to a qcow2 image alone. */
const imageActions = (state: AppState, actions: ToolbarActions): TemplateResult =>
  html`${changeButton('writeZeroes', 'eraser', t('Write Zeroes…'), state, actions)}
  ${changeButton('discard', 'trash', t('Discard…'), state, actions)} ${shrinkButton(state, actions)}
  ${checkButton(state, actions)}`;

/** Which address space the map shows. */
function spaceSwitch({ space }: AppState, actions: ToolbarActions): TemplateResult {
  const choice = (of: Space, name: string, title: string): TemplateResult =>
    html`<button
      type="button"
      class="space"
      aria-pressed=${space === of ? 'true' : 'false'}
      title=${title}
      data-testid="space-${of}"
      @click=${() => {
        actions.showSpace(of);
      }}
    >
      ${name}
    </button>`;
  return html`<div class="spaces" role="group" aria-label=${t('Map view')}>
    ${choice('guest', t('Guest'), t('Show the guest disk'))}
    ${choice('file', t('File'), t('Show the image file'))}
  </div>`;
}

/** Whether the colours say what the guest does with its disk. */
function contentSwitch({ colours }: AppState, actions: ToolbarActions): TemplateResult {
  const isByContent = colours === 'content';
  return html`<button
    type="button"
    class="space is-alone"
    aria-pressed=${isByContent ? 'true' : 'false'}
    aria-label=${t('By Content')}
    title=${t('Colour the disk by what the guest does with it: in use, free, free but stored')}
    data-testid="colour-by-content"
    @click=${() => {
      actions.colourBy(isByContent ? 'kind' : 'content');
    }}
  >
    ${icon('contents')}<span class="words">${t('By Content')}</span>
  </button>`;
}

function checkButton({ health }: AppState, actions: ToolbarActions): TemplateResult {
  const isChecking = health?.kind === 'checking';
  const name = isChecking ? t('Stop Check') : t('Check');
  return html`<vscode-button
    appearance="secondary"
    data-testid="check"
    aria-label=${name}
    title=${isChecking ? t('Stop the check') : t('Check all tables and refcounts, and list the findings in the Problems panel')}
    @click=${() => {
      actions.run(isChecking ? 'cancelCheck' : 'check');
    }}
    ><span slot="start">${icon(isChecking ? 'stop-circle' : 'pulse')}</span
    ><span class="words">${name}</span></vscode-button
  >`;
}

const changeButton = (
  kind: ChangeKind,
  iconName: IconName,
  name: string,
  state: AppState,
  actions: ToolbarActions,
): TemplateResult =>
  editButton(
    `change-${kind}`,
    iconName,
    name,
    kind === 'discard'
      ? t('Discard the selected clusters or a range')
      : t('Write zeroes to the selected clusters or a range'),
    state,
    () => {
      actions.change(kind);
    },
  );

const shrinkButton = (state: AppState, actions: ToolbarActions): TemplateResult =>
  editButton(
    'shrink',
    'collapse-all',
    t('Shrink…'),
    t('Free what the image stores needlessly'),
    state,
    () => {
      actions.run('shrink');
    },
  );

/** A button that leads to a change. @param meaning where the image can be changed; otherwise the title says why not */
function editButton(
  testId: string,
  iconName: IconName,
  name: string,
  meaning: string,
  { page }: AppState,
  clicked: () => void,
): TemplateResult {
  const readOnly = page?.readOnly;
  return html`<vscode-button
    appearance="secondary"
    data-testid=${testId}
    aria-label=${name}
    title=${readOnly ?? meaning}
    ?disabled=${readOnly !== undefined}
    @click=${clicked}
    ><span slot="start">${icon(iconName)}</span><span class="words">${name}</span></vscode-button
  >`;
}

/** "4 MiB a cell"; in full "1 cell = 64 clusters (4 MiB)". */
const sayCell = (zoom: MapZoom): string => t('{0} per cell', sizeText(zoom.bytesPerCell));

function sayCellInFull(zoom: MapZoom, clusterSize: number): string {
  const clusters = zoom.bytesPerCell / clusterSize;
  return clusters === 1
    ? t('1 cell = 1 cluster ({0})', sizeText(zoom.bytesPerCell))
    : t('1 cell = {0} clusters ({1})', formatCount(clusters), sizeText(zoom.bytesPerCell));
}
