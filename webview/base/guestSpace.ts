/** Words for space that the guest does not use. */
import { html, nothing, type TemplateResult } from 'lit';
import type { PageGuestSpace } from '../../src/editor/page/messages';
import { safeName } from './names';
import { t } from './strings';

/** For test ids and sets: no two spaces of a disk have the same. */
export const guestSpaceKey = ({ source, path }: Pick<PageGuestSpace, 'source' | 'path'>): string =>
  `${source}:${path}`;

/** "Partition 2 (root, ext4)" */
export function guestSpaceName(space: PageGuestSpace): TemplateResult {
  const facts = [space.label, space.system].filter((text) => text !== '').join(', ');
  return html`${placeOf(space)}${facts === '' ? nothing : html` <span translate="no">(${safeName(facts)})</span>`}`;
}

function placeOf({ source, part, path }: PageGuestSpace): string | TemplateResult {
  if (source === 'unpartitioned') return t('Unpartitioned space');
  if (source === 'extents') return t('Volume group {0}', safeName(path));
  if (part === 'partition') return t('Partition {0}', path);
  return part === 'disk' ? t('Whole disk') : html`<span translate="no">${safeName(path)}</span>`;
}

const MEANINGS: Readonly<Record<PageGuestSpace['source'], string>> = {
  fileSystem: t('Deleted or never used by the guest.'),
  extents: t('Belongs to no volume of the group.'),
  swap: t('The contents of the swap area are lost.'),
  unpartitioned: t('Belongs to no partition. What programs keep there is lost.'),
};

export const guestSpaceMeaning = ({ source }: PageGuestSpace): string => MEANINGS[source];
