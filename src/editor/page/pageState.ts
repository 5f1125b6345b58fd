/** What the page shows, from what the worker answered. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { ChainLayerView, HeldFile, ImageState, Problem } from '../../worker/api';
import { printable } from '../../text/printable';
import type { ImageDocument } from '../model/document';
import type { CompactionProgress } from '../model/fileSpace';
import { readOnlyReason } from '../guards/guards';
import type { Checks } from '../health/checks';
import type { Notice, PageCompaction, PageHealth, PageState } from './messages';
import { sourceName } from '../model/source';
import { type Health, healthDetail, healthText, verdictOf } from '../../text/vscode/health';
import { compactionText } from '../../text/vscode/compactionText';
import { isInternalFault } from '../../text/vscode/tell';
import { describe, describeWithFile } from '../../text/vscode/describe';

/** @param state of `document`, as last answered */
export function pageState(document: ImageDocument, state: ImageState, checks: Checks): PageState {
  const problemText = imageProblem(document, state);
  const readOnly = readOnlyReason(document);
  const held = state.access?.held;
  const { compaction } = document;
  return {
    image: state,
    fileName: basename(sourceName(document.source)),
    notices: notices(document, state),
    ...(problemText === undefined ? {} : { problemText }),
    chainTexts: (state.chain?.layers ?? []).map(layerTexts),
    health: documentHealth(document, checks),
    isRestricted: !vscode.workspace.isTrusted,
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(held === undefined
      ? {}
      : { inUse: { text: holderText(held), detail: describeWithFile(held.problem, state.path) } }),
    ...(compaction === undefined
      ? {}
      : {
          inUse: { text: vscode.l10n.t('being compacted'), detail: readOnly ?? '' },
          compaction: pageCompaction(compaction),
        }),
  };
}

export const pageCompaction = (compaction: CompactionProgress): PageCompaction => ({
  done: compaction.done,
  total: compaction.total,
  text: compactionText(compaction),
});

/** Names the program that has the image open, as far as it is known: nothing is guessed. */
function holderText({ holder: { pid, program } }: HeldFile): string {
  if (pid === undefined) return vscode.l10n.t('in use by another program');
  if (program === undefined) return vscode.l10n.t('in use by process {0}', String(pid));
  return vscode.l10n.t('in use by {0} (pid {1})', printable(program), String(pid));
}

/** What is known of the health of a document's image. */
export function documentHealth(document: ImageDocument, checks: Checks): PageHealth {
  const health = checks.of(sourceName(document.source));
  const { summary } = document.state ?? {};
  const isMarked = summary?.dirty === true || summary?.corrupt === true || summary?.faults !== undefined;
  const shown = pageHealth(health);
  const mayRepair = readOnlyReason(document, { allowsDamage: true }) === undefined;
  const isUnsound = health.kind === 'checked' && health.report.findings.length > 0;
  return { ...shown, canRepair: mayRepair && (isMarked || isUnsound) };
}

export function pageHealth(health: Health): Omit<PageHealth, 'canRepair'> {
  const kind = health.kind === 'checked' ? verdictOf(health.report) : health.kind;
  const incomplete = health.kind === 'checked' ? health.report.incomplete : undefined;
  return {
    kind,
    text: healthText(health),
    detail: healthDetail(health),
    hasFindings: health.kind === 'checked' && health.report.findings.length + health.chain.length > 0,
    ...(incomplete === undefined ? {} : { incomplete: describe(incomplete) }),
  };
}

function imageProblem(document: ImageDocument, state: ImageState): string | undefined {
  if (document.isDeleted) {
    return vscode.l10n.t('The file was deleted or moved. It opens again when it is back.');
  }
  return state.problem === undefined ? undefined : describeWithFile(state.problem, state.path);
}

function notices(document: ImageDocument, state: ImageState): Notice[] {
  const around = [...interruptions(document, state), ...surroundings(document, state)];
  // What the surroundings say for all names need not be said again for the first.
  const warnings = state.warnings.filter(({ code }) => around.length === 0 || !code.startsWith('gate.'));
  const notice = (problem: Problem): Notice => ({
    severity: 'warning',
    text: describeWithFile(problem, state.path),
  });
  return [...around, ...internalFaults(state), ...faultNotices(state), ...warnings.map(notice)];
}

/** The way to the log, where what is shown as a problem is a fault of this program. */
function internalFaults({ problem, warnings }: ImageState): Notice[] {
  if (![problem, ...warnings].some((found) => found !== undefined && isInternalFault(found))) return [];
  const text = vscode.l10n.t(
    'This is a bug in QCOW2 Editor, not a problem with the image. The log has the details.',
  );
  return [{ severity: 'error', text, action: { command: 'showLog', title: vscode.l10n.t('Show Log') } }];
}

/** What of the image cannot be read, and what QEMU does with such an image. */
function faultNotices({ summary, path }: ImageState): Notice[] {
  return (summary?.faults ?? []).map(({ problem, blocks }): Notice => {
    const what = describeWithFile(problem, path);
    switch (blocks) {
      case 'change':
        return {
          severity: 'warning',
          text: vscode.l10n.t('{0}. QEMU reads the missing part as zeroes.', what),
        };
      case 'repair':
        return {
          severity: 'error',
          text: vscode.l10n.t('{0}. QEMU cannot open this image. Only its readable parts are shown.', what),
        };
      case 'use':
      case 'check': {
        const text = vscode.l10n.t('{0}. QEMU opens this image only to repair it.', what);
        const action = { command: 'repair', title: vscode.l10n.t('Repair…') } as const;
        return { severity: 'error', text, ...(vscode.workspace.isTrusted ? { action } : {}) };
      }
    }
  });
}

/** What came between, and the way on. */
function interruptions(document: ImageDocument, state: ImageState): Notice[] {
  if (document.outsideChange === 'changed') {
    const text = vscode.l10n.t(
      'Another program changed the file while edits were staged. The edits no longer apply and cannot be saved to it.',
    );
    const action = { command: 'retry', title: vscode.l10n.t('Discard Edits') } as const;
    return [{ severity: 'error', text, action }];
  }
  if (document.outsideChange === 'gone') {
    const text = vscode.l10n.t(
      'The file was deleted, moved or replaced while edits were staged. Save them to another file, or restore this one.',
    );
    const action = { command: 'saveAs', title: vscode.l10n.t('Save As…') } as const;
    return [{ severity: 'error', text, action }];
  }
  return state.journal === undefined ? [] : [journalNotice(state.journal, state.path)];
}

/** What has the name of the image's journal. */
function journalNotice(problem: Problem, path: string): Notice {
  const text = describeWithFile(problem, path);
  const canAct = vscode.workspace.isTrusted;
  switch (problem.code) {
    case 'recover.running':
      return { severity: 'info', text };
    case 'journal.irregular':
      return { severity: 'error', text };
    case 'journal.foreign': {
      const action = { command: 'recover', title: vscode.l10n.t('Delete File…') } as const;
      return { severity: 'error', text, ...(canAct ? { action } : {}) };
    }
    default: {
      const action = { command: 'recover', title: vscode.l10n.t('Recover') } as const;
      const interrupted = vscode.l10n.t('A save was interrupted. Recover the image before you use it.');
      const shown = problem.code === 'journal.exists' ? interrupted : text;
      return { severity: 'error', text: shown, ...(canAct ? { action } : {}) };
    }
  }
}

/** What the place of the file and the workspace have to do with what is shown. */
function surroundings(document: ImageDocument, state: ImageState): Notice[] {
  const names = state.summary?.backingName ?? state.summary?.dataFileName;
  if (names === undefined) return [];
  if (document.source.kind === 'bytes') {
    const text = vscode.l10n.t(
      'The file is not on a local disk: its backing file and data file are not opened.',
    );
    return [{ severity: 'info', text }];
  }
  if (vscode.workspace.isTrusted) return [];
  const text = vscode.l10n.t('Restricted Mode: backing files and data files are not opened.');
  return [{ severity: 'info', text }];
}

function layerTexts(layer: ChainLayerView): PageState['chainTexts'][number] {
  const notes = layer.notes.map(describe);
  return layer.problem === undefined ? { notes } : { problem: describe(layer.problem), notes };
}
