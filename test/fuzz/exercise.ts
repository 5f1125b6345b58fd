/**
 * Calls everything that reads an image, then stages changes and repairs over it. An `EngineError` is a valid answer; anything
 * else that is thrown is a bug and is passed on.
 */
import { type Chain, openChain } from '../../src/qcow2/chain/openChain';
import { fullBackingName } from '../../src/qcow2/chain/names';
import { checkImage } from '../../src/qcow2/check/checkImage';
import { EngineError } from '../../src/qcow2/errors';
import type { Layers } from '../../src/qcow2/image/layer';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { RawImage } from '../../src/qcow2/image/rawImage';
import { readGuest } from '../../src/qcow2/image/read';
import type { BlockFile } from '../../src/qcow2/io/blockFile';
import { openLocalFile } from '../../src/qcow2/io/localFile';
import { MemoryFile } from '../../src/qcow2/io/memoryFile';
import { HostLayout } from '../../src/qcow2/map/hostLayout';
import { inspectHost } from '../../src/qcow2/report/hostReport';
import { describeProblem } from '../../src/qcow2/describeProblem';
import { silent } from '../../src/qcow2/progress';
import { readHeaderView } from '../../src/qcow2/report/headerView';
import { imageInfo } from '../../src/qcow2/report/info';
import { writeInfoText } from '../../src/cli/infoText';
import { inspectCluster } from '../../src/qcow2/report/inspect';
import { spaceReport } from '../../src/qcow2/report/spaceReport';
import { exportMap } from '../../src/qcow2/map/mapExport';
import { Overview } from '../../src/qcow2/map/overview';
import { writeQemuJson } from '../../src/text/qemuJson';
import { guestOffset, hostOffset } from '../../src/qcow2/units';
import { exerciseChanges } from './exerciseChanges';
import { exerciseRepair } from './exerciseRepair';

/** What came of one question: `ok`, or the sentence of the engine's error. */
export type Tell = (question: string, answer: string) => void;

const WINDOW = 64 * 1024;
/** Milliseconds given to the whole-disk scan: the editor, too, gives it slices. */
const SCAN_TIME = 30;
/** Extents after which a map is stopped: a mutated size may make it long, and writing it proves nothing more. */
const ENOUGH_BYTES = 2 * 1024 * 1024;

/** Opens the image from memory, over a raw backing file if it names one, and asks everything. */
export function exerciseMemory(bytes: Uint8Array, dataFile: Uint8Array | undefined, tell: Tell): void {
  const file = new MemoryFile('disk.qcow2', bytes);
  const image = ask('open', tell, () =>
    Qcow2Image.open(file, { dataFile: dataFile && new MemoryFile('disk.data', dataFile) }),
  );
  exerciseHeader(file, tell);
  if (image === undefined) return;
  const base = RawImage.open(new MemoryFile('base.raw', new Uint8Array(40_000)));
  exerciseLayers(image, image.namesBacking ? [image, base] : [image], tell);
  const data = dataFile && new MemoryFile('disk.data', dataFile);
  exerciseChanges({ file, dataFile: data, base }, (question, make) => ask(question, tell, make));
  exerciseRepair({ file, dataFile: data }, (question, make) => ask(question, tell, make));
}

/** Opens the image at `path` with its whole chain and asks everything. */
export function exerciseFile(path: string, tell: Tell): void {
  const file = ask('open the file', tell, () => openLocalFile(path));
  if (file !== undefined) exerciseHeader(file, tell);
  file?.close();
  const chain = ask('open the chain', tell, () => openChain(path, { followsNames: true }));
  if (chain === undefined) return;
  try {
    tellChain(chain, tell);
    exerciseLayers(chain.top, chain.layers, tell);
  } finally {
    chain.close();
  }
}

function tellChain({ view, problem }: Chain, tell: Tell): void {
  for (const layer of view.layers) {
    const notes = [...(layer.problem === undefined ? [] : [layer.problem]), ...layer.notes];
    tell(`layer ${layer.depth} is ${layer.state}`, notes.map((note) => describeProblem(note)).join('; '));
  }
  if (problem !== undefined) tell('the chain is incomplete', describeProblem(problem));
}

function exerciseHeader(file: BlockFile, tell: Tell): void {
  ask('header view', tell, () => JSON.stringify(readHeaderView(file)));
}

function exerciseLayers(image: Qcow2Image, layers: Layers, tell: Tell): void {
  ask('info', tell, () => {
    const { backingName } = image;
    const full = backingName === undefined ? undefined : fullBackingName(image.file.name, backingName);
    const info = imageInfo(image, full);
    let length = 0;
    const write = (piece: string): void => void (length += piece.length);
    writeQemuJson({ ...info }, write);
    writeInfoText(info, write);
    return length;
  });
  ask('check', tell, () => JSON.stringify(checkImage(image)));
  ask('layout', tell, () => {
    layout(image);
  });
  for (const form of ['json', 'csv', 'text'] as const) {
    ask(`map as ${form}`, tell, () => {
      exportMap(layers, { form }, new LimitedSink(image.file.name));
    });
  }
  ask('map of a range', tell, () => {
    exportMap(
      layers,
      { form: 'json', start: guestOffset(777), length: 100_000 },
      new LimitedSink(image.file.name),
    );
  });
  for (const at of places(image)) {
    ask(`inspect ${at}`, tell, () => JSON.stringify(inspectCluster(image, layers, guestOffset(at))));
    ask(`read ${at}`, tell, () => {
      readGuest(layers, new Uint8Array(Math.min(WINDOW, image.size - at)), guestOffset(at));
    });
  }
  ask('overview', tell, () => {
    overview(image, layers);
  });
}

function layout(image: Qcow2Image): void {
  const { clusterSize } = image.header;
  const picture = HostLayout.of(image, silent);
  picture.cells({ start: guestOffset(0), bytesPerCell: clusterSize, count: 64 });
  picture.cells({ start: guestOffset(0), bytesPerCell: clusterSize * 2 ** 20, count: 64 });
  for (const cluster of [0, 5, picture.size / clusterSize - 1])
    inspectHost(picture, hostOffset(cluster * clusterSize), silent);
  const { rows, length } = spaceReport(picture, silent);
  const sum = rows.reduce((bytes, row) => bytes + row.bytes, 0);
  if (sum !== length) throw new Error(`the rows of space add up to ${sum} bytes of ${length}`);
}

function overview(image: Qcow2Image, layers: Layers): void {
  const { clusterSize } = image.header;
  const picture = new Overview(layers, clusterSize);
  const deadline = performance.now() + SCAN_TIME;
  while (!picture.step(performance.now() + 5) && performance.now() < deadline);
  picture.cells({ start: guestOffset(0), bytesPerCell: clusterSize, count: 64 });
  picture.cells({ start: guestOffset(0), bytesPerCell: clusterSize * 2 ** 20, count: 64 });
  picture.totals(guestOffset(512), image.size);
}

/** Guest offsets worth a look: ends, edges, a place in between. */
function places({ size, header }: Qcow2Image): number[] {
  const middle = Math.floor(size / 1024) * 512;
  const candidates = [0, header.clusterSize - 512, 5 * header.clusterSize, middle, size - 512];
  return [...new Set(candidates)].filter((at) => at >= 0 && at < size);
}

/** Stops a map that has grown long with an error of the engine's kind. */
class LimitedSink {
  #written = 0;

  constructor(readonly name: string) {}

  write(bytes: Uint8Array): void {
    this.#written += bytes.length;
    if (this.#written > ENOUGH_BYTES) {
      throw new EngineError({ kind: 'cancelled', code: 'cancelled', file: this.name });
    }
  }
}

function ask<T>(question: string, tell: Tell, action: () => T): T | undefined {
  try {
    const answer = action();
    tell(question, 'ok');
    return answer;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const sentence = describeProblem(error.problem);
    if (/\{\w+\}|undefined|[\n\r]/.test(sentence))
      throw new Error(`unfit sentence: ${sentence}`, { cause: error });
    tell(question, sentence);
    return undefined;
  }
}
