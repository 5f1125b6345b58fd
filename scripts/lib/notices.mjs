// @ts-check
// Third-party notices: the licence of each package whose code esbuild put into the bundles.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './paths.mjs';

/** Icons are copied as paths into webview/base/icons.ts, which a bundler cannot know. */
const ICONS = `Icons of the page are from Visual Studio Code's icon set, vscode-codicons,
Copyright (c) Microsoft Corporation, licensed under Creative Commons Attribution 4.0
International (https://creativecommons.org/licenses/by/4.0/).`;

/** toolkit.min.js is itself a bundle, which contains these too. */
const INSIDE_TOOLKIT = ['@microsoft/fast-element', '@microsoft/fast-foundation', 'tslib'];

/**
 * The notices for some builds.
 * @param {readonly import('esbuild').Metafile[]} metafiles
 * @returns {string}
 */
export function noticesOf(metafiles) {
  const packages = new Set(metafiles.flatMap(({ inputs }) => Object.keys(inputs)).flatMap(packageOf));
  if (packages.has('@vscode/webview-ui-toolkit')) for (const name of INSIDE_TOOLKIT) packages.add(name);
  const sections = [...packages].sort().map((name) => `${name}\n\n${licenceOf(name)}`);
  return ['QCOW2 Editor contains software of others, under these licences.', ICONS, ...sections].join(
    `\n\n${'-'.repeat(80)}\n\n`,
  );
}

/**
 * @param {string} input path of a bundled file
 * @returns {string[]} the name of its package, if it is in one
 */
function packageOf(input) {
  const match = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  return match?.[1] === undefined ? [] : [match[1]];
}

/** @param {string} name */
function licenceOf(name) {
  const folder = path.join(ROOT, 'node_modules', name);
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copyright)/i.test(entry));
  if (file !== undefined) return readFileSync(path.join(folder, file), 'utf8').trim();
  // Some packages name their licence without its text.
  const { license, author } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  if (license === undefined) throw new Error(`the package ${name} comes without a licence`);
  return `${license} licence, ${author?.name ?? author ?? 'the authors of the package'}`;
}
