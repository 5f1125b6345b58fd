// @ts-check
// Keeps the tables of docs/ current: `npm run docs` fills the blocks between `<!-- begin: … -->` and `<!-- end -->` from
// package.json, package.nls.json and problemText.ts. `--check` writes nothing and fails if a page is stale. The
// descriptions of commands exist only in docs/commands.md; their titles and ids are compared.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { format, resolveConfig } from 'prettier';
import { commandFaults, filled, settingsBlock, colorsBlock, messageBlocks } from './lib/reference.mjs';
import { loadBundled } from './lib/bundled.mjs';
import { ROOT } from './lib/paths.mjs';
import { readTexts } from './lib/translations.mjs';

const DOCS = path.join(ROOT, 'docs');
const isCheck = process.argv.includes('--check');

const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
const texts = readTexts(path.join(ROOT, 'package.nls.json'));
const { PROBLEM_TEXT } = await loadBundled('src/qcow2/problemText.ts');

/** @type {string[]} */
const complaints = [];
const messages = messageBlocks(PROBLEM_TEXT, readFileSync(path.join(DOCS, 'messages.md'), 'utf8'));
complaints.push(...messages.faults.map((fault) => `docs/messages.md: ${fault}`));
await fill('settings.md', { settings: settingsBlock(manifest, texts), colors: colorsBlock(manifest, texts) });
await fill('messages.md', messages.blocks);
const commands = readFileSync(path.join(DOCS, 'commands.md'), 'utf8');
complaints.push(...commandFaults(manifest, texts, commands).map((fault) => `docs/commands.md: ${fault}`));

for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) process.exitCode = 1;

/**
 * @param {string} name of the page
 * @param {Readonly<Record<string, string>>} blocks
 */
async function fill(name, blocks) {
  const file = path.join(DOCS, name);
  const page = readFileSync(file, 'utf8');
  const options = await resolveConfig(file);
  const wanted = await format(filled(page, blocks), { ...options, parser: 'markdown' });
  if (wanted === page) return;
  if (isCheck) complaints.push(`docs/${name} is stale: run \`npm run docs\``);
  else writeFileSync(file, wanted);
}
