/** Findings in words: the sentence of findingText.ts, filled from the finding's facts. */
import { hex } from '../text/hex';
import { describeProblem, english, type Translate } from './describeProblem';
import type { Claim, Finding } from './finding';
import { FINDING_TEXT, PLACE_TEXT } from './findingText';
import { hostOffset } from './units';

/** What is wrong and where, in one sentence or two. */
export function describeFinding(finding: Finding, translate: Translate = english): string {
  const { kind, host = 0, found = '', expected = '', snapshot = 0, structure = 'data', size = 0 } = finding;
  const { claims = [], problem } = finding;
  const named = claims.map((claim) => describeClaim(claim, translate));
  return translate(FINDING_TEXT[kind], {
    entry: describeEntry(finding, translate),
    cluster: describeCluster(finding, translate),
    host: hex(host),
    found,
    expected,
    foundOffset: asOffset(found),
    expectedOffset: asOffset(expected),
    snapshot: snapshot + 1,
    structure: translate(structure, {}),
    size,
    claims: named.join(translate(PLACE_TEXT.anotherClaim, {})),
    problem: problem === undefined ? '' : describeProblem(problem, translate),
  });
}

const asOffset = (value: number | string): string => (typeof value === 'number' ? hex(value) : value);

/** Where a reference is from: "the entry at 0x50008, for guest offset 0x10000". */
function describeEntry({ at = hostOffset(0), guest, snapshot }: Finding, translate: Translate): string {
  const sentence = ofLayer(snapshot, guest, {
    active: PLACE_TEXT.entry,
    activeGuest: PLACE_TEXT.guestEntry,
    snapshot: PLACE_TEXT.snapshotEntry,
    snapshotGuest: PLACE_TEXT.snapshotGuestEntry,
  });
  return translate(sentence, { at: hex(at), guest: hex(guest ?? 0), snapshot: (snapshot ?? 0) + 1 });
}

function describeCluster({ host = hostOffset(0), clusters = 1 }: Finding, translate: Translate): string {
  return translate(clusters === 1 ? PLACE_TEXT.cluster : PLACE_TEXT.clusters, { host: hex(host), clusters });
}

/** What refers to a cluster: "data of guest offset 0x10000", "L1 table of snapshot #1". */
export function describeClaim({ structure, guest, snapshot }: Claim, translate: Translate = english): string {
  const name = translate(structure, {});
  if (snapshot === undefined && guest === undefined) return name;
  const sentence = ofLayer(snapshot, guest, {
    active: '',
    activeGuest: PLACE_TEXT.guestClaim,
    snapshot: PLACE_TEXT.snapshotClaim,
    snapshotGuest: PLACE_TEXT.snapshotGuestClaim,
  });
  return translate(sentence, { structure: name, guest: hex(guest ?? 0), snapshot: (snapshot ?? 0) + 1 });
}

function ofLayer(
  snapshot: number | undefined,
  guest: number | undefined,
  sentences: Readonly<Record<'active' | 'activeGuest' | 'snapshot' | 'snapshotGuest', string>>,
): string {
  if (snapshot === undefined) return guest === undefined ? sentences.active : sentences.activeGuest;
  return guest === undefined ? sentences.snapshot : sentences.snapshotGuest;
}
