/**
 * Measures inside the extension host of a real VS Code (`extensionTestsPath`): how long activation takes, and the longest
 * task of the host while the workspace is indexed and while a terabyte is scanned, checked, zeroed and saved. Tasks are
 * measured in CPU time of the host's thread, so that other programs do not count. The rows go to the file that
 * QCOW2_HOST_ROWS names.
 */
import { writeFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { labelOf, requestOf } from '../../../src/commands/changeRequest';
import type { Exports } from '../../../src/extension';
import type { CheckReport } from '../../../src/worker/api';
import type { Row } from '../report';

/** What this program asks of itself: no task of the host is longer, in milliseconds. */
const LONGEST_TASK = 50;
const ACTIVATION = 50;
/** Milliseconds that a warm index of 100,000 files may take. */
const INDEX = 2000;

export async function run(): Promise<void> {
  const { QCOW2_HOST_ROWS: file, QCOW2_HOST_PART: part, QCOW2_HOST_IMAGES: images = '' } = process.env;
  const rows = await activation();
  const [zeroed = '', ...scanned] = images.split('\n');
  if (part === 'index') rows.push(...(await index()));
  else {
    for (const path of scanned) rows.push(...(await scan(path)), ...(await check(path)));
    rows.push(...(await zero(zeroed)));
  }
  if (file !== undefined) writeFileSync(file, JSON.stringify(rows));
}

function extension(): vscode.Extension<Exports> {
  const found = vscode.extensions.getExtension<Exports>('qcow2-editor.qcow2-editor');
  if (found === undefined) throw new Error('the extension is not installed');
  return found;
}

async function activation(): Promise<Row[]> {
  const threads = countThreads();
  const started = { wall: performance.now(), cpu: threadTime() };
  await extension().activate();
  const ours = threadTime() - started.cpu;
  const wall = (performance.now() - started.wall).toFixed(0);
  const extra = countThreads() - threads;
  const detail = `CPU; ${wall} ms on the clock; ${extra} threads started`;
  const [loading, activating] = extension().exports.startup;
  if (loading === undefined || activating === undefined) throw new Error('it does not say how long it took');
  const own = loading.cpu + activating.cpu;
  const clock = (loading.clock + activating.clock).toFixed(0);
  const parts = `running the bundle ${loading.cpu.toFixed(1)}, activate() ${activating.cpu.toFixed(1)}`;
  const floor = { milliseconds: ACTIVATION };
  return [
    { work: 'activation', ours, floor, detail },
    { work: 'of that our own', ours: own, floor, detail: `CPU; ${parts}; ${clock} ms on the clock` },
  ];
}

const countThreads = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

async function index(): Promise<Row[]> {
  const { chains } = extension().exports;
  const work = 'index of 100,000 files, 10,000 images';
  const indexed = await watched(work, async () => {
    await chains.index.start();
    await chains.index.whenSettled();
    return `${chains.index.files.found.size} images found, 6,000 by their content`;
  });
  // The tests' folder may just have been made: once more, with everything in the system's cache.
  const again = await watched(`${work}, again`, async () => {
    await chains.index.refresh();
    return `${chains.index.files.found.size} images found`;
  });
  const shown = await watched('the tree of their chains, shown', async () => {
    await vscode.commands.executeCommand('qcow2.chains.focus');
    await settled();
    return `${(await chains.tree.getChildren()).length} chains`;
  });
  const turned = await watched('turned round', async () => {
    chains.setFromBase(true);
    await settled();
    return `${(await chains.tree.getChildren()).length} bases`;
  });
  const filtered = await watched('filtered', async () => {
    chains.setFilter('machine-77');
    await settled();
    return `${(await chains.tree.getChildren()).length} left`;
  });
  return [...indexed, ...floored(again, INDEX), ...shown, ...turned, ...filtered];
}

async function scan(path: string): Promise<Row[]> {
  const uri = vscode.Uri.file(path);
  return watched(`open and scan ${nameOf(path)}`, async () => {
    await vscode.commands.executeCommand('vscode.open', uri);
    await scanned(uri);
    return 'until the whole disk is scanned';
  });
}

async function check(path: string): Promise<Row[]> {
  return watched(`check ${nameOf(path)}`, async () => {
    const uri = vscode.Uri.file(path);
    const report = await vscode.commands.executeCommand<CheckReport | undefined>('qcow2.check', uri);
    if (report?.corruptions !== 0) throw new Error(`${path} was not found sound`);
    return `${report.allocatedClusters} clusters`;
  });
}

/** Stages zeroes over all of it, marks and scan included, and saves them. */
async function zero(path: string): Promise<Row[]> {
  const uri = vscode.Uri.file(path);
  const { images, actions } = extension().exports;
  const opened = await scan(path);
  // The folder has more images than are indexed: a question would follow that the bench cannot answer.
  const { Global } = vscode.ConfigurationTarget;
  await vscode.workspace.getConfiguration('qcow2').update('guards.usedAsBase', 'ignore', Global);
  const staged = await watched(`zero ${nameOf(path)}, unmap`, async () => {
    const document = images.find(uri);
    if (document === undefined) throw new Error(`${path} is not open`);
    const change = { kind: 'writeZeroes', start: 0, length: 2 ** 40, unmap: true, thorough: false } as const;
    const staged = await actions.stage(document, requestOf(change, uri), labelOf(change), []);
    await scanned(uri);
    if (!staged.ok) throw new Error(staged.text);
    const { tally } = staged.value;
    return `${tally.freedClusters} clusters freed, and scanned again`;
  });
  const saved = await watched(`save it`, async () => {
    await vscode.commands.executeCommand('qcow2.save');
    while (images.find(uri)?.state?.edits?.unsaved !== 0) await pause(5);
    await scanned(uri);
    return 'and scanned again';
  });
  return [...opened, ...staged, ...saved];
}

/** The first row's time has to be below a floor. */
const floored = ([first, ...rest]: readonly Row[], milliseconds: number): Row[] =>
  first === undefined ? [] : [{ ...first, floor: { milliseconds } }, ...rest];

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Until the whole disk is. */
async function scanned(uri: vscode.Uri): Promise<void> {
  const { images } = extension().exports;
  for (;;) {
    const cells = await images
      .find(uri)
      ?.ask((engine) => engine.cells({ start: 0, bytesPerCell: 2 ** 26, count: 16_384 }));
    if (cells?.ok === true && cells.value.totals.scannedBytes === cells.value.totals.totalBytes) return;
    await pause(20);
  }
}

/** VS Code asks for tree items after a change event, and for those in sight. */
async function settled(): Promise<void> {
  await pause(1500);
}

/** How long it takes, and the longest task of the host meanwhile. */
async function watched(work: string, action: () => Promise<string>): Promise<Row[]> {
  // What came before is not its doing.
  await pause(500);
  const longest = { cpu: 0, wall: 0 };
  let last = { cpu: threadTime(), wall: performance.now() };
  const timer = setInterval(() => {
    const now = { cpu: threadTime(), wall: performance.now() };
    longest.cpu = Math.max(longest.cpu, now.cpu - last.cpu);
    longest.wall = Math.max(longest.wall, now.wall - last.wall);
    last = now;
  }, 1);
  const started = performance.now();
  const detail = await action();
  const ours = performance.now() - started;
  clearInterval(timer);
  return [
    { work, ours, detail },
    {
      work: `${work}: longest task`,
      ours: longest.cpu,
      floor: { milliseconds: LONGEST_TASK },
      detail: `CPU; ${longest.wall.toFixed(0)} ms on the clock`,
    },
  ];
}

/** Milliseconds that this thread has computed; on the clock where Node cannot tell (before 22.19 and 23.9). */
function threadTime(): number {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  if (threadCpuUsage === undefined) return performance.now();
  const { user, system } = threadCpuUsage();
  return (user + system) / 1000;
}
