/** Whose a guest cluster is: files, or structures around them. */
import { html, type TemplateResult } from 'lit';
import type { GuestOwner } from '../../src/editor/page/messages';
import { formatBytes } from '../base/numbers';
import { safeName } from '../base/names';
import { t } from '../base/strings';
import type { Ownership } from '../state/store';

export interface OwnerActions {
  /** Builds the index of owners. */
  findOwners(): void;
  stopOwners(): void;
  /** Marks a file on the map. */
  showOwner(owner: GuestOwner): void;
  copy(text: string): void;
}

/** Owners of one cluster that are listed. */
const MOST_LISTED = 8;

export function ownerFact(
  { answer, search, problem }: Ownership,
  actions: OwnerActions,
): TemplateResult | string {
  if (search !== undefined) {
    const share = `${Math.floor(search * 100)} %`;
    return html`${t('Looking through all folders: {0}', share)}
    ${link(t('Stop'), '', 'stop-owners', () => {
      actions.stopOwners();
    })}`;
  }
  if (answer === undefined) return t('Reading…');
  if (!answer.ok) return answer.text;
  if (answer.value === undefined)
    return html`${link(t('Look Up Owner'), t('Reads all folders of the disk once'), 'find-owners', () => {
      actions.findOwners();
    })}
    ${problem ?? ''}`;
  const owners = answer.value.slice(0, MOST_LISTED);
  const more = answer.value.length - owners.length;
  return html`<ul class="owners">
    ${owners.map((owner) => html`<li title=${formatBytes(owner.bytes)}>${ownerText(owner, actions)}</li>`)}
    ${more === 0 ? '' : html`<li>${t('and {0} more', more)}</li>`}
  </ul>`;
}

function ownerText(owner: GuestOwner, actions: OwnerActions): TemplateResult | string {
  switch (owner.kind) {
    case 'table':
      return t('Partition table');
    case 'unpartitioned':
      return t('Unpartitioned space');
    case 'metadata':
      return t('Metadata of {0}', placeOf(owner));
    case 'free':
      return t('Free in {0}', placeOf(owner));
    case 'undecided':
      return t('No file; free or metadata of {0}', placeOf(owner));
    case 'part':
      return t('No file system: {0}', placeOf(owner));
    case 'extents':
      return t('Unused extents of {0}', safeName(owner.part ?? ''));
    case 'file': {
      const path = owner.path ?? '';
      return html`${link(safeName(path), t('Copy the path'), 'owner-path', () => {
          actions.copy(path);
        })}
        <span class="note">${placeOf(owner)}</span>
        ${link(t('Show on Map'), t('Mark all clusters of the file on the map'), 'owner-on-map', () => {
          actions.showOwner(owner);
        })}`;
    }
  }
}

/** "root, ext4"; without a label, the part by its number or path. */
function placeOf({ part = '', name = '', holds = '' }: GuestOwner): string {
  const own = name !== '' ? name : part === '' ? t('the disk') : part;
  return [own, holds]
    .filter((text) => text !== '')
    .map(safeName)
    .join(', ');
}

const link = (text: string, title: string, testId: string, clicked: () => void): TemplateResult =>
  html`<button type="button" class="link" title=${title} data-testid=${testId} @click=${clicked}>
    ${text}
  </button>`;
