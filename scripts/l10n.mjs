// @ts-check
// Keeps l10n/bundle.l10n.json, the sentences that translators start from: those of the host (`l10n.t('…')`), of the
// page (`t('…')`), of problemText.ts and of factText.ts, and the translations beside it and beside package.nls.json.
// `node scripts/l10n.mjs` writes the bundle, removes texts from the translations that no longer exist, and lists what is
// not translated. `--check` writes nothing and fails if the bundle is stale or a translation is incomplete.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import ts from 'typescript';
import { ROOT } from './lib/paths.mjs';
import { faultsOf, readTexts, readTranslations, tidied } from './lib/translations.mjs';

const FOLDER = path.join(ROOT, 'l10n');
const BUNDLE = path.join(FOLDER, 'bundle.l10n.json');
/** Files with variables of sentences, all of which are collected. */
const LISTS = new Map([
  [path.join('src', 'qcow2', 'problemText.ts'), ['PROBLEM_TEXT']],
  [path.join('src', 'qcow2', 'factText.ts'), ['FACTS']],
  [path.join('src', 'qcow2', 'findingText.ts'), ['FINDING_TEXT', 'STRUCTURES', 'PLACE_TEXT']],
  [path.join('src', 'qcow2', 'repairText.ts'), ['REPAIR_TEXT', 'REPAIR_PLACE_TEXT', 'LOSS_TEXT']],
  ...Object.entries({
    'problemText.ts': 'COMMON_TEXT',
    'diskText.ts': 'DISK_TEXT',
    'partitions/partitionText.ts': 'PARTITION_TEXT',
    'volumes/volumeText.ts': 'VOLUME_TEXT',
    'ext/extText.ts': 'EXT_TEXT',
    'fat/fatText.ts': 'FAT_TEXT',
    'ntfs/ntfsText.ts': 'NTFS_TEXT',
    'xfs/xfsText.ts': 'XFS_TEXT',
  }).map(
    ([file, list]) =>
      /** @type {[string, string[]]} */ ([path.join('src', 'guest', ...file.split('/')), [list]]),
  ),
]);
/** The file that passes sentences on as variables; they come from the lists above. */
const PASSES_ON = path.join('src', 'text', 'vscode', 'describe.ts');

/** @type {Set<string>} */
const sentences = new Set();
/** @type {string[]} */
const complaints = [];

for (const file of sourceFiles()) {
  const source = ts.createSourceFile(
    file,
    readFileSync(path.join(ROOT, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const lists = LISTS.get(file);
  if (lists === undefined) collectCalls(source, file);
  else for (const list of lists) collectList(source, list);
}
finish();

/** @returns {string[]} */
function sourceFiles() {
  return ['src', 'webview'].flatMap((folder) => listFiles(folder)).sort();
}

/**
 * @param {string} folder relative to the project
 * @returns {string[]}
 */
function listFiles(folder) {
  return ts.sys.readDirectory(path.join(ROOT, folder), ['.ts']).map((file) => path.relative(ROOT, file));
}

/**
 * @param {ts.SourceFile} source
 * @param {string} name of the variable
 */
function collectList(source, name) {
  ts.forEachChild(source, function visit(node) {
    if (ts.isVariableDeclaration(node) && node.name.getText() === name) collectValues(node);
    else ts.forEachChild(node, visit);
  });
}

/** @param {ts.Node} node */
function collectValues(node) {
  ts.forEachChild(node, function visit(child) {
    if (ts.isPropertyAssignment(child)) collectLiterals(child.initializer);
    else if (ts.isArrayLiteralExpression(child)) child.elements.forEach(collectLiterals);
    else ts.forEachChild(child, visit);
  });
}

/**
 * @param {ts.SourceFile} source
 * @param {string} file
 */
function collectCalls(source, file) {
  const callee = file.startsWith('webview') ? 't' : 'vscode.l10n.t';
  ts.forEachChild(source, function visit(node) {
    if (ts.isCallExpression(node) && node.expression.getText() === callee) {
      const [sentence] = node.arguments;
      if (sentence !== undefined && !collectLiterals(sentence) && file !== PASSES_ON) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        complaints.push(`${file}:${line + 1}: a sentence must be written out where it is used`);
      }
    }
    ts.forEachChild(node, visit);
  });
}

/**
 * Adds the string literals that an expression may evaluate to; returns false if it is anything else.
 * @param {ts.Expression} expression
 * @returns {boolean}
 */
function collectLiterals(expression) {
  if (ts.isStringLiteralLike(expression)) {
    sentences.add(expression.text);
    return true;
  }
  if (ts.isConditionalExpression(expression)) {
    return [expression.whenTrue, expression.whenFalse].map(collectLiterals).every(Boolean);
  }
  if (ts.isBinaryExpression(expression) && expression.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const parts = joined(expression);
    if (parts !== undefined) sentences.add(parts);
    return parts !== undefined;
  }
  return false;
}

/**
 * A sentence that spans several lines.
 * @param {ts.Expression} expression
 * @returns {string | undefined}
 */
function joined(expression) {
  if (ts.isStringLiteralLike(expression)) return expression.text;
  if (!ts.isBinaryExpression(expression)) return undefined;
  const [left, right] = [joined(expression.left), joined(expression.right)];
  return left === undefined || right === undefined ? undefined : left + right;
}

function finish() {
  const sorted = [...sentences].sort();
  const english = Object.fromEntries(sorted.map((sentence) => [sentence, sentence]));
  const packageTexts = readTexts(path.join(ROOT, 'package.nls.json'));
  if (process.argv.includes('--check')) {
    if (!isSame(BUNDLE, toJson(english)))
      complaints.push('l10n/bundle.l10n.json is stale: run `npm run l10n`');
  } else {
    writeFileSync(BUNDLE, toJson(english));
    for (const { file, texts } of readTranslations(FOLDER, 'bundle.l10n')) {
      writeFileSync(path.join(FOLDER, file), toJson(tidied(texts, english)));
    }
    console.log(`${sorted.length} sentences`);
  }
  for (const { file, texts } of readTranslations(FOLDER, 'bundle.l10n')) {
    complaints.push(...faultsOf(`l10n/${file}`, texts, english));
  }
  for (const { file, texts } of readTranslations(ROOT, 'package.nls')) {
    complaints.push(...faultsOf(file, texts, packageTexts));
  }
  complaints.push(...faultsOf('package.nls.json', packageTexts, namedInPackage()));
  for (const complaint of complaints) console.error(complaint);
  if (complaints.length > 0) process.exitCode = 1;
}

/**
 * The keys that package.json refers to as `%key%`, with their texts in package.nls.json.
 * @returns {import('./lib/translations.mjs').Texts}
 */
function namedInPackage() {
  const texts = readTexts(path.join(ROOT, 'package.nls.json'));
  const keys = [...readFileSync(path.join(ROOT, 'package.json'), 'utf8').matchAll(/"%([^"%]+)%"/g)];
  return Object.fromEntries(keys.map(([, key = '']) => [key, texts[key] ?? '']));
}

/** @param {unknown} value */
function toJson(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * @param {string} file
 * @param {string} text
 */
function isSame(file, text) {
  try {
    return readFileSync(file, 'utf8') === text;
  } catch {
    return false;
  }
}
