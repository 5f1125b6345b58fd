#!/usr/bin/env node
// @ts-check
// Accepts VS Code's command line and runs a test suite in the VS Code server with headless Chromium as its window, so
// that the same `runTests` call of @vscode/test-electron works with and without a desktop.
// Exits 0 if the suite's `run()` was fulfilled. On SIGINT or SIGTERM it ends server and browser.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { CHROMIUM_ARGS, findChromium } from '../../scripts/lib/chromium.mjs';
import { SIGNAL_EXIT, untilInterrupted } from '../../scripts/lib/process.mjs';
import { provisionServer, startServer } from '../../scripts/lib/vscodeServer.mjs';

/** The part of VS Code's command line that a test run needs; everything else is for the desktop and is ignored. */
const { values, positionals } = parseArgs({
  options: {
    extensionDevelopmentPath: { type: 'string', multiple: true, default: [] },
    extensionTestsPath: { type: 'string' },
    'user-data-dir': { type: 'string' },
  },
  strict: false,
  allowPositionals: true,
});

/** What the suite puts before each of its lines (suite/index.ts). */
const SUITE_MARK = '[suite] ';

/** What VS Code printed besides, shown only where the suite did not get as far as to say anything. */
let workbenchLog = '';
let suiteHasSpoken = false;

process.exitCode = await main();

async function main() {
  const given = values['user-data-dir'];
  const dataFolder =
    typeof given === 'string' ? given : mkdtempSync(path.join(tmpdir(), 'qcow2-editor-suite-'));
  const server = await startServer(await provisionServer(), { dataFolder, acceptsTestSuites: true });
  try {
    return await Promise.race([
      runSuite(server),
      untilInterrupted().then((signal) => SIGNAL_EXIT[signal] ?? 1),
    ]);
  } finally {
    await server.stop();
    if (!suiteHasSpoken) console.error(`The suite did not start.\n${server.log()}\n${workbenchLog}`);
    if (given === undefined) rmSync(dataFolder, { recursive: true, force: true });
  }
}

/**
 * Opens the window and answers with the suite's exit code.
 * @param {import('../../scripts/lib/vscodeServer.mjs').Server} server
 */
async function runSuite(server) {
  const browser = await chromium.launch({
    executablePath: findChromium() ?? 'chromium',
    args: CHROMIUM_ARGS,
    handleSIGINT: false,
    handleSIGTERM: false,
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    /** @type {Promise<number>} */
    const ended = new Promise((resolve, reject) => {
      // The workbench calls these two, where they exist, with the suite's output and its end.
      void page.exposeFunction('codeAutomationLog', takeLog);
      void page.exposeFunction('codeAutomationExit', resolve);
      page.on('crash', () => {
        reject(new Error('the browser window crashed'));
      });
      void server.exited.then(() => {
        reject(new Error(`the VS Code server ended:\n${server.log()}`));
      });
    });
    const [code] = await Promise.all([ended, page.goto(windowAddress(server))]);
    return code;
  } finally {
    await browser.close();
  }
}

/** @param {import('../../scripts/lib/vscodeServer.mjs').Server} server */
function windowAddress(server) {
  const development = values.extensionDevelopmentPath ?? [];
  const payload = [
    ...[development].flat().map((folder) => ['extensionDevelopmentPath', server.uri(String(folder))]),
    ['extensionTestsPath', server.uri(String(values.extensionTestsPath))],
  ];
  return server.address(positionals[0] ?? process.cwd(), { payload: JSON.stringify(payload) });
}

/**
 * Passes on what the suite says; VS Code's own log is kept for the case that the suite does not get that far.
 * @param {string} level
 * @param {unknown[]} args
 */
function takeLog(level, args) {
  const text = args.map(String).join(' ');
  if (text.startsWith(SUITE_MARK)) {
    suiteHasSpoken = true;
    console.log(text.replaceAll(SUITE_MARK, ''));
  } else {
    workbenchLog += `${level}: ${text}\n`;
  }
}
