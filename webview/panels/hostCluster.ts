/** The inspector of the file view: the use of a cluster of the image file, and its references. */
import { hex } from '../../src/text/hex';
import { html, nothing, type TemplateResult } from 'lit';
import type { Claim, StagedHostReport, Structure } from '../../src/editor/page/messages';
import { nameClusters } from '../map/describe';
import { icon } from '../base/icons';
import { BEYOND_FILE, FILE_KINDS } from '../map/kinds';
import { sizeText } from '../../src/text/sizeText';
import { formatCount } from '../base/numbers';
import type { AppState } from '../state/store';
import { t } from '../base/strings';

export interface HostActions {
  /** Shows an offset in the guest view. */
  goTo(byte: number): void;
  /** Shows an offset in the file view. */
  goToHost(byte: number): void;
}

export function hostPanel(
  { page, hostSelection, hostReport }: AppState,
  actions: HostActions,
): TemplateResult {
  const clusterSize = page?.image.summary?.clusterSize;
  if (!hostSelection || clusterSize === undefined) {
    return html`<p class="hint" data-testid="nothing-selected">
      ${t('Click a cell of the map to see what that part of the file is used for.')}
    </p>`;
  }
  if (hostReport === undefined) return html`<p class="hint">${t('Reading…')}</p>`;
  if (!hostReport.ok) {
    return html`<p class="problem" role="status" data-testid="panel-problem">${hostReport.text}</p>`;
  }
  return report(hostReport.value, clusterSize, actions);
}

function report(value: StagedHostReport, clusterSize: number, actions: HostActions): TemplateResult {
  const { kind, hostOffset, length, structure, refcount, references, claims, isSnapshotOnly, holeBytes } =
    value;
  const { name, meaning } = kind === 'missing' ? BEYOND_FILE : FILE_KINDS.words[kind];
  const isRight = refcount === references;
  return html`<section data-testid="host-report" data-kind=${kind}>
    <h2 class="panel-title">
      <span class="swatch swatch-${kind}"></span>
      ${nameClusters(hostOffset, length, { size: Infinity, clusterSize })}
      <span class="panel-kind">${name}</span>
    </h2>
    <p class="hint">${meaning}</p>
    ${
      value.isStaged
        ? html`<div class="staged-note" data-testid="staged-note">
            <p><span class="swatch swatch-staged"></span> ${t('Staged: not on disk yet.')}</p>
          </div>`
        : nothing
    }
    <dl class="facts">
      <dt>${t('Host offset')}</dt>
      <dd data-testid="host-offset">
        <span class="mono">${hex(hostOffset)}</span>
        <span class="note">${sizeText(hostOffset)}</span>
      </dd>
      ${
        structure === undefined
          ? nothing
          : html`<dt>${t('Used for')}</dt>
              <dd data-testid="host-structure">
                ${structureName(structure)}
                ${isSnapshotOnly ? html`<span class="note">${t('in internal snapshots only')}</span>` : nothing}
              </dd>`
      }
      ${holeBytes === undefined ? nothing : onHost(holeBytes, length)}
      <dt>${t('Refcount')}</dt>
      <dd data-testid="host-refcount">
        ${refcount === undefined ? t('cannot be read') : formatCount(refcount)}
        ${
          isRight || refcount === undefined
            ? nothing
            : html`<span class="wrong" data-testid="host-wrong"
                >${icon('error')}${t('should be {0}', formatCount(references))}</span
              >`
        }
      </dd>
      <dt>${t('References')}</dt>
      <dd data-testid="host-references">${formatCount(references)}</dd>
    </dl>
    ${claims.length === 0 ? nothing : claimTable(claims, references, actions)}
  </section>`;
}

/** How much of a cluster the host has stored. */
const onHost = (holeBytes: number, length: number): TemplateResult =>
  html`<dt>${t('On host')}</dt>
    <dd data-testid="host-stored" data-hole=${holeBytes}>
      ${
        holeBytes === 0
          ? t('stored')
          : holeBytes >= length
            ? html`<span class="swatch swatch-hole"></span> ${t('not stored (a hole), reads as zero')}`
            : html`<span class="swatch swatch-hole"></span>
                ${t('stored, except {0} in holes', sizeText(holeBytes))}`
      }
    </dd>`;

/** The references: use, entry and guest offset of each. */
function claimTable(claims: readonly Claim[], references: number, actions: HostActions): TemplateResult {
  return html`<h3 class="panel-heading">${t('Referenced by')}</h3>
    <table class="claims" data-testid="claims">
      <thead>
        <tr>
          <th>${t('Used as')}</th>
          <th>${t('Entry at')}</th>
          <th>${t('Guest offset')}</th>
        </tr>
      </thead>
      <tbody>
        ${claims.map(({ structure, at, guest, snapshot }) => {
          // The map shows the active layer, not the snapshots.
          const isInMap = guest !== undefined && snapshot === undefined;
          return html`<tr>
            <td>
              ${structureName(structure)}
              ${snapshot === undefined ? nothing : html`<span class="note">${t('snapshot #{0}', snapshot + 1)}</span>`}
            </td>
            <td>
              ${
                at === undefined
                  ? '—'
                  : link(at, t('Show in the file view'), 'claim-entry', () => {
                      actions.goToHost(at);
                    })
              }
            </td>
            <td>
              ${
                guest === undefined
                  ? '—'
                  : isInMap
                    ? link(guest, t('Show on the guest disk'), 'claim-guest', () => {
                        actions.goTo(guest);
                      })
                    : html`<span class="mono">${hex(guest)}</span>`
              }
            </td>
          </tr>`;
        })}
      </tbody>
    </table>
    ${
      references > claims.length
        ? html`<p class="hint" data-testid="claims-note">${moreClaims(claims.length, references)}</p>`
        : nothing
    }`;
}

/** Maximum number of references that the engine reports for a cluster. */
const MOST_CLAIMS = 16;

const moreClaims = (shown: number, references: number): string =>
  shown < MOST_CLAIMS
    ? t('An entry in a table that snapshots share counts once per snapshot.')
    : t('Showing the first {0} of {1}.', shown, formatCount(references));

const link = (offset: number, title: string, testId: string, go: () => void): TemplateResult =>
  html`<button type="button" class="link mono" title=${title} data-testid=${testId} @click=${go}>
    ${hex(offset)}
  </button>`;

function structureName(structure: Structure): string {
  const names: Readonly<Record<Structure, string>> = {
    header: t('header'),
    'L1 table': t('L1 table'),
    'L2 table': t('L2 table'),
    'snapshot table': t('snapshot table'),
    'refcount table': t('refcount table'),
    'refcount block': t('refcount block'),
    'encryption header': t('encryption header'),
    'bitmap directory': t('bitmap directory'),
    'bitmap table': t('bitmap table'),
    'bitmap data': t('bitmap data'),
    data: t('data'),
    'compressed data': t('compressed data'),
  };
  return names[structure];
}
