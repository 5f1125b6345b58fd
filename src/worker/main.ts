/** The entry of every worker thread (bundled to `dist/worker.js`): takes the role that it was started for. */
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { createBirpc } from 'birpc';
import { bindNativeCalls, loadSeek } from '../qcow2/io/native';
import { prepareZstd } from '../qcow2/image/zstd';
import { useKoffiOf } from '../qcow2/io/koffi';
import { nameThread } from '../qcow2/save/writer';
import type { EngineApi, EngineEvents } from './api';
import { createEngine, type ThreadControl } from './engine';
import type { IndexApi } from './indexApi';
import { createIndex } from './indexEngine';
import { CancelFlag, LivingThreads, type ThreadData, WriteGate } from './thread';

if (parentPort === null) throw new Error('This file runs in a worker thread');
const port = parentPort;
const { role, cancelFlag, writeGate, living } = workerData as ThreadData;
const threads = new LivingThreads(living);
nameThread(threadId, (thread) => threads.has(thread));

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

const gate = new WriteGate(writeGate);
if (gate.enter()) {
  // Terminating a thread while it binds native calls ends the whole process; behind the gate it is not terminated.
  useKoffiOf(__dirname);
  bindNativeCalls();
  if (gate.leave()) {
    // Messages wait in the port for the first listener.
    void prepareZstd().then(role === 'engine' ? serveEngine : serveIndex);
  } else process.exit();
}

function serveEngine(): void {
  const events: EngineEvents = {
    scanProgress: (done, total) => void rpc.scanProgress.asEvent(done, total),
    scanFound: (problems) => void rpc.scanFound.asEvent(problems),
    scanFailed: (problem) => void rpc.scanFailed.asEvent(problem),
    operationProgress: (operation, done, total) => void rpc.operationProgress.asEvent(operation, done, total),
    noted: (line) => void rpc.noted.asEvent(line),
    faulted: (doing, stack) => void rpc.faulted.asEvent(doing, stack),
  };
  const control: ThreadControl = {
    cancelFlag: new CancelFlag(cancelFlag),
    writeGate: gate,
    // In a worker thread, only that thread.
    end: () => process.exit(),
  };
  const rpc = createBirpc<EngineEvents, EngineApi>(createEngine(events, control), channel);
  events.noted(`Native calls are ${loadSeek() === null ? 'missing' : 'present'}`);
}

function serveIndex(): void {
  createBirpc<Record<string, never>, IndexApi>(createIndex(), channel);
}
