/** Sentences on LVM2. */
export const VOLUME_TEXT = {
  'volume.type': '{what}: volumes of type {value} cannot be read yet',
  'volume.missing': '{what}: physical volume {value} is not on this disk',
  'volume.status': '{what}: status {value} is not known here',
  'volume.copies': '{what}: the copies of its metadata differ; run vgck --updatemetadata in the guest',
  'volume.noMetadata': 'LVM2 physical volume at offset {offset}: no valid metadata found',
  'volume.overlap': '{what} overlaps another logical volume',
  'volume.twice': '{what}: {value} has the same name or identifier',
  'volume.others': '{what} has volumes that are not linear or striped ({value}): its extents are left alone',
  'volume.metadata': 'LVM2 metadata, character {offset}: {value} is not valid (expected: {limit})',
} as const;
