/** The entry of every worker thread (`dist/worker.js`): takes the role that it was started for. */
import { createBirpc } from 'birpc';
import { useGuestCodeOf } from '../inside/guestCode';
import { bindNativeCalls, loadSeek } from '../qcow2/io/native';
import { prepareZstd } from '../qcow2/image/zstd';
import { prepareRelease } from '../qcow2/io/zlib';
import { useKoffiOf } from '../qcow2/io/koffi';
import { nameThread } from '../qcow2/save/writer';
import { useHelpersOf } from '../threads/helperThreads';
import type { EngineApi, EngineEvents } from './api';
import { createEngine, type ThreadControl } from './engine';
import type { IndexApi } from './indexApi';
import { createIndex } from './indexEngine';
import { CancelFlag, LivingThreads, type ThreadData, WriteGate } from './thread';

interface Channel {
  post(message: unknown): void;
  on(receive: (message: unknown) => void): void;
  readonly bind: 'functions';
  /** Milliseconds; none. */
  readonly timeout: -1;
}

/** Serves the host from this worker thread, in the role that its `ThreadData` names. */
export function serveThread(): void {
  // Loaded here: the command line has the same bundle, and no threads.
  const thread = process.getBuiltinModule('node:worker_threads');
  const port = thread.parentPort;
  if (port === null) throw new Error('This runs in a worker thread');
  const { role, cancelFlag, writeGate, living } = thread.workerData as ThreadData;
  const threads = new LivingThreads(living);
  nameThread(thread.threadId, (id) => threads.has(id));
  const channel: Channel = {
    post: (message) => {
      port.postMessage(message);
    },
    on: (receive) => {
      port.on('message', receive);
    },
    bind: 'functions',
    timeout: -1,
  };
  const gate = new WriteGate(writeGate);
  if (!gate.enter()) return;
  // Terminating a thread while it binds native calls ends the whole process; behind the gate it is not terminated.
  useKoffiOf(__dirname);
  useHelpersOf(__dirname);
  useGuestCodeOf(__dirname);
  bindNativeCalls();
  if (!gate.leave()) process.exit();
  const control: ThreadControl = {
    cancelFlag: new CancelFlag(cancelFlag),
    writeGate: gate,
    // In a worker thread, only that thread.
    end: () => process.exit(),
  };
  void prepareRelease();
  // Messages wait in the port for the first listener.
  void prepareZstd().then(() => {
    if (role === 'engine') serveEngine(channel, control);
    else serveIndex(channel);
  });
}

function serveEngine(channel: Channel, control: ThreadControl): void {
  const events: EngineEvents = {
    scanProgress: (done, total) => void rpc.scanProgress.asEvent(done, total),
    scanFound: (problems) => void rpc.scanFound.asEvent(problems),
    scanFailed: (problem) => void rpc.scanFailed.asEvent(problem),
    contentsScanned: () => void rpc.contentsScanned.asEvent(),
    operationProgress: (operation, done, total) => void rpc.operationProgress.asEvent(operation, done, total),
    guestFound: (operation, files) => void rpc.guestFound.asEvent(operation, files),
    noted: (line) => void rpc.noted.asEvent(line),
    faulted: (doing, stack) => void rpc.faulted.asEvent(doing, stack),
  };
  const rpc = createBirpc<EngineEvents, EngineApi>(createEngine(events, control), channel);
  events.noted(`Native calls are ${loadSeek() === null ? 'missing' : 'present'}`);
}

function serveIndex(channel: Channel): void {
  createBirpc<Record<string, never>, IndexApi>(createIndex(), channel);
}
