/**
 * The Problems panel: a diagnostic for each finding of a check, whose code leads to its cluster in the map. Findings
 * of one kind beyond a hundred are summed up. They are there as long as the check is held to be true (checks.ts).
 */
import { hex } from '../../text/hex';
import * as vscode from 'vscode';
import type { ChainFinding, CheckReport, Finding, FindingKind, Problem } from '../../worker/api';
import { findingText } from '../../text/vscode/findingText';
import { diagnostic, type DiagnosticLink } from '../../text/vscode/items';
import { describeWithFile } from '../../text/vscode/describe';
import type { Checks } from './checks';

/** Where `qcow2.showFinding` leads; bytes. */
export interface FindingPlace {
  readonly uri: string;
  readonly guest?: number;
  readonly host?: number;
  readonly isAboutChain?: true;
}

const SHOWN_OF_A_KIND = 100;

export class Problems implements vscode.Disposable {
  readonly #collection = vscode.languages.createDiagnosticCollection('qcow2');
  readonly #subscription: vscode.Disposable;

  readonly #uris = new Map<string, vscode.Uri>();

  readonly #checks: Checks;

  constructor(checks: Checks) {
    this.#checks = checks;
    this.#subscription = checks.onDidChange((name) => {
      this.#show(name);
    });
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#collection.dispose();
  }

  #show(name: string): void {
    const health = this.#checks.of(name);
    const uri = this.#checks.uriOf(name) ?? this.#uris.get(name);
    // What was found last stays until it is known again.
    if (health.kind === 'checking' || uri === undefined) return;
    if (health.kind === 'checked') {
      const chain = health.chain.map(({ problem }) => chainDiagnostic(uri, problem));
      const { incomplete } = health.report;
      const first = incomplete === undefined ? [] : [incompleteDiagnostic(uri, incomplete)];
      this.#collection.set(uri, [...first, ...diagnosticsOf(uri, health.report), ...chain]);
      this.#uris.set(name, uri);
    } else {
      this.#collection.delete(uri);
      this.#uris.delete(name);
    }
  }
}

function diagnosticsOf(uri: vscode.Uri, { findings, byKind }: CheckReport): vscode.Diagnostic[] {
  const diagnostics: vscode.Diagnostic[] = [];
  const counted = new Map<FindingKind, { shown: number; told: number; last: Finding }>();
  for (const finding of findings) {
    const { kind, times } = finding;
    const { shown, told } = counted.get(kind) ?? { shown: 0, told: 0 };
    const isShown = shown < SHOWN_OF_A_KIND;
    counted.set(kind, { shown: shown + 1, told: told + (isShown ? times : 0), last: finding });
    if (isShown) diagnostics.push(diagnosticOf(uri, finding));
  }
  for (const [kind, { told, last }] of counted) {
    const more = (byKind[kind] ?? 0) - told;
    if (more > 0) diagnostics.push(summedUp(last, more));
  }
  return diagnostics;
}

function diagnosticOf(uri: vscode.Uri, finding: Finding): vscode.Diagnostic {
  return diagnostic(findingText(finding), severityOf(finding), linkOf(uri, finding));
}

/** What all the entries that lead past the end of the file have in common. */
function incompleteDiagnostic(uri: vscode.Uri, problem: Problem): vscode.Diagnostic {
  return diagnostic(describeWithFile(problem, uri.fsPath), vscode.DiagnosticSeverity.Warning);
}

/** The image is no less sound for it. */
function chainDiagnostic(uri: vscode.Uri, problem: ChainFinding['problem']): vscode.Diagnostic {
  const text = describeWithFile(problem, uri.fsPath);
  return diagnostic(text, vscode.DiagnosticSeverity.Warning, {
    title: vscode.l10n.t('Show Backing Chain'),
    target: linkTo({ uri: uri.toString(), isAboutChain: true }),
  });
}

function summedUp(like: Finding, more: number): vscode.Diagnostic {
  const text = vscode.l10n.t('{0} more like this: {1}', more, findingText(like));
  return diagnostic(text, severityOf(like));
}

function severityOf({ severity }: Finding): vscode.DiagnosticSeverity {
  switch (severity) {
    case 'corruption':
    case 'checkError':
    case 'defect':
      return vscode.DiagnosticSeverity.Error;
    case 'leak':
      return vscode.DiagnosticSeverity.Warning;
  }
}

/** Clicking the code leads to the cluster; clicking the message tells an extension nothing. */
function linkOf(uri: vscode.Uri, finding: Finding): DiagnosticLink | undefined {
  const place = placeOf(uri.toString(), finding);
  if (place === undefined) return undefined;
  const title =
    place.guest === undefined
      ? vscode.l10n.t('Show host offset {0}', hex(place.host ?? 0))
      : vscode.l10n.t('Show guest offset {0}', hex(place.guest));
  return { title, target: linkTo(place) };
}

const linkTo = (place: FindingPlace): vscode.Uri =>
  vscode.Uri.parse(`command:qcow2.showFinding?${encodeURIComponent(JSON.stringify([place]))}`);

/** The guest's cluster where the active layer has it, else the cluster in the file, else the entry at fault. */
function placeOf(uri: string, { guest, host, at, snapshot }: Finding): FindingPlace | undefined {
  if (guest !== undefined && snapshot === undefined) return { uri, guest };
  const place = host ?? at;
  return place === undefined ? undefined : { uri, host: place };
}
