/** The entry of every worker thread (bundled to `dist/worker.js`): takes the role it was started for. */
import { parentPort, workerData } from 'node:worker_threads';
import { createBirpc } from 'birpc';
import { prepareZstd } from '../qcow2/image/zstd';
import { useKoffiOf } from '../qcow2/io/koffi';
import type { EngineApi, EngineEvents } from './api';
import { createEngine } from './engine';
import { readIndexedImage } from './headerReader';
import type { IndexApi } from './indexApi';
import { CancelFlag, type ThreadData } from './thread';

if (parentPort === null) throw new Error('This file runs in a worker thread');
const port = parentPort;
const { role, cancelFlag } = workerData as ThreadData;

const channel = {
  post: (message: unknown) => {
    port.postMessage(message);
  },
  on: (receive: (message: unknown) => void) => {
    port.on('message', receive);
  },
  bind: 'functions',
  timeout: -1,
} as const;

useKoffiOf(__dirname);
// Messages wait in the port until the first listener takes them.
void prepareZstd().then(role === 'engine' ? serveEngine : serveIndex);

function serveEngine(): void {
  const events: EngineEvents = {
    scanProgress: (done, total) => void rpc.scanProgress.asEvent(done, total),
    scanFailed: (problem) => void rpc.scanFailed.asEvent(problem),
    operationProgress: (operation, done, total) => void rpc.operationProgress.asEvent(operation, done, total),
  };
  const rpc = createBirpc<EngineEvents, EngineApi>(createEngine(events, new CancelFlag(cancelFlag)), channel);
}

function serveIndex(): void {
  const index: IndexApi = { readHeaders: (paths) => paths.map(readIndexedImage) };
  createBirpc<Record<string, never>, IndexApi>(index, channel);
}
