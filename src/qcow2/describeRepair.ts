/** What a repair does in words: the sentences of repairText.ts, filled in. */
import { hex } from '../text/hex';
import { sizeText } from '../text/sizeText';
import { english, type Translate } from './describeProblem';
import type { RepairExample, RepairLoss } from './repairAction';
import { LOSS_TEXT, REPAIR_PLACE_TEXT } from './repairText';

/** One of the places of an action: "0x50000, data, guest offset 0x10000: 0 → 1". */
export function describeExample(example: RepairExample, translate: Translate = english): string {
  const { at, host, clusters = 1, guest, snapshot, structure, found = '?', becomes } = example;
  const place = host ?? at;
  const parts = [
    ...(place === undefined ? [] : [hex(place)]),
    ...(clusters === 1 ? [] : [translate(REPAIR_PLACE_TEXT.clusters, { clusters })]),
    ...(structure === undefined ? [] : [translate(structure, {})]),
    ...(guest === undefined ? [] : [translate(REPAIR_PLACE_TEXT.guest, { guest: hex(guest) })]),
    ...(snapshot === undefined ? [] : [translate(REPAIR_PLACE_TEXT.snapshot, { snapshot: snapshot + 1 })]),
  ];
  const change = becomes === undefined ? '' : `: ${found} → ${becomes}`;
  return `${parts.join(', ')}${change}`;
}

/** A part of the disk that cannot be kept: "64 KiB at guest offset 0x0: reads as zero; was readable before". */
export function describeLoss(loss: RepairLoss, translate: Translate = english): string {
  const { guest, length, snapshot, wasReadable, reads } = loss;
  const place = translate(snapshot === undefined ? LOSS_TEXT.place : LOSS_TEXT.snapshotPlace, {
    size: sizeText(length),
    guest: hex(guest),
    snapshot: (snapshot ?? 0) + 1,
  });
  const before = translate(wasReadable ? LOSS_TEXT.wasReadable : LOSS_TEXT.wasNotReadable, {});
  return translate(reads === 'backing' ? LOSS_TEXT.backing : LOSS_TEXT.zeroes, { place, before });
}
