/** The calls of `EngineApi` that change nothing, for the open image. */
import { hex } from '../text/hex';
import { fullBackingName } from '../qcow2/chain/names';
import { checkImage } from '../qcow2/check/checkImage';
import type { EditableImage } from '../qcow2/edit/editableImage';
import { shrinkOffers } from '../qcow2/edit/shrinkOffers';
import { refuseUnsettled } from '../qcow2/edit/readers';
import { ArgumentError, CancelledError, EngineError } from '../qcow2/errors';
import { readGuest } from '../qcow2/image/read';
import { findWriter } from '../qcow2/io/qemuLocks';
import { HostLayout } from '../qcow2/map/hostLayout';
import { inspectHost } from '../qcow2/report/hostReport';
import { spaceReport } from '../qcow2/report/spaceReport';
import type { Progress } from '../qcow2/progress';
import { imageInfo } from '../qcow2/report/info';
import { inspectCluster } from '../qcow2/report/inspect';
import { qemuJson } from '../text/qemuJson';
import type { ContentScan } from '../qcow2/space/contentScan';
import { findProvider } from '../qcow2/map/provider';
import { alignDown, type GuestOffset, rawHostOffset } from '../qcow2/units';
import type { Checked, ContentTotals, OperationId, QuestionCalls, RawReport, Result } from './api';
import type { GuestFreeFinder } from './guestFree';
import { marked } from './mapCells';
import { writeMapFile } from './mapFile';
import type { OpenImage, View } from './openImage';
import { qcow2Chain, RAW_CLUSTER, rawChain, type RawChain, type ShownChain } from './rawDisk';

/** Most bytes that are returned at a time. */
const MAX_READ = 1024 * 1024;

/** What these calls need from the engine. */
export interface QuestionHost {
  readonly path: string;
  readonly image: OpenImage | undefined;
  /** Runs `use` on what is shown; anything that it throws becomes a problem. */
  onView<T>(use: (view: View, image: OpenImage) => T): Result<T>;
  /** The same on the image as it can be changed. */
  onEditable<T>(use: (editable: EditableImage, image: OpenImage) => T): Result<T>;
  attempt<T>(action: () => T): Result<T>;
  /** Runs something in pieces; other calls are answered between them. */
  inSlices<T>(begin: (editable: EditableImage) => Generator<undefined, T>): Promise<Result<T>>;
  /** Runs something that writes files; the host does not end the thread meanwhile. */
  writing<T>(work: () => Result<T>): Result<T>;
  progressOf(operation: OperationId): Progress;
  /** What was found of the space that the guest does not use. */
  readonly guestFree: GuestFreeFinder;
  /** A content scan has ended: shows what it has found. */
  showContents(image: OpenImage): void;
}

export function questionCalls(host: QuestionHost): QuestionCalls {
  /** The layout of the file of a chain, once it was asked for; kept as long as that chain is shown. */
  const layouts = new WeakMap<ShownChain, HostLayout>();

  /** @throws UnsupportedError for a raw disk */
  function layoutOf(view: View, progress: Progress): HostLayout {
    const chain = qcow2Chain(view.chain);
    const layout = layouts.get(chain) ?? HostLayout.of(chain.top, progress);
    layouts.set(chain, layout);
    return layout;
  }

  /** @throws ArgumentError if `offset` is not below `size` */
  function readAt(
    offset: number,
    length: number,
    size: number,
    code: 'offset.beyondDisk' | 'offset.beyondFile',
    read: (target: Uint8Array) => void,
  ): Uint8Array {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > size) {
      throw new ArgumentError(host.path, code, { value: hex(offset), limit: size });
    }
    const target = new Uint8Array(Math.max(0, Math.min(length, MAX_READ, size - offset)));
    read(target);
    return target;
  }

  function check(operation: OperationId): Result<Checked> {
    return host.onView((view, image) => {
      const chain = qcow2Chain(view.chain);
      const report = checkImage(chain.top, host.progressOf(operation));
      refuseUnsettled(chain, report);
      return { report, chain: image.chainFindings, generation: image.state.generation };
    });
  }

  /** Runs `use` on what is shown, where it can be changed. */
  function onBoth<T>(use: (editable: EditableImage, view: View) => T): Result<T> {
    return host.onEditable((editable, { view }) => {
      if (view === undefined) throw new ArgumentError(host.path, 'engine.notOpen');
      return use(editable, view);
    });
  }

  return {
    hasChanged: () => ({ ok: true, value: host.image?.hasChanged() ?? true }),
    access: () => host.onView((_, image) => image.access),
    cells: (request) => host.onView(({ overview, marks }) => marked(overview.cells(request), marks, request)),
    totals: (start, length) => host.onView(({ overview }) => overview.totals(start, length)),
    inspect: (guestOffset) =>
      host.onView(({ chain, marks }, { editable }) => {
        const { top } = qcow2Chain(chain);
        const report = inspectCluster(top, chain.layers, guestOffset, editable?.scan);
        const onDisk = editable?.onDisk;
        if (onDisk === undefined || !marks.touches(report.guestOffset, report.length)) return report;
        return { ...report, onDisk: inspectCluster(onDisk.top, onDisk.layers, guestOffset) };
      }),
    inspectRaw: (guestOffset) => host.onView(({ chain }) => inspectRaw(rawChain(chain), guestOffset)),
    readBytes: (guestOffset, length) =>
      host.onView(({ chain: { top, layers } }) =>
        readAt(guestOffset, length, top.size, 'offset.beyondDisk', (target) => {
          readGuest(layers, target, guestOffset);
        }),
      ),
    hostCells: (request, operation) => {
      // While a compaction runs, the map moves on with each state that the host is told of, and no sooner.
      const shown = host.image?.view;
      const kept = shown && layouts.get(shown.chain);
      if (shown !== undefined && kept !== undefined)
        return host.attempt(() => marked(kept.cells(request), shown.fileMarks, request));
      return host.onView((view) => {
        const layout = layoutOf(view, host.progressOf(operation));
        return marked(layout.cells(request), view.fileMarks, request);
      });
    },
    inspectHost: (hostOffset, operation) =>
      host.onView((view) => {
        const progress = host.progressOf(operation);
        const report = inspectHost(layoutOf(view, progress), hostOffset, progress);
        return { ...report, isStaged: view.fileMarks.touches(report.hostOffset, report.length) };
      }),
    space: (operation) =>
      host.onView((view, { editable }) => {
        const progress = host.progressOf(operation);
        const report = spaceReport(layoutOf(view, progress), progress, editable?.scan);
        const contents = contentTotals(editable?.scan);
        const canScan = editable?.chain.top.isEncrypted === false;
        return {
          ...report,
          canScan,
          ...(contents === undefined ? {} : { contents }),
          ...(editable === undefined ? {} : { guestFree: host.guestFree.known(view) }),
        };
      }),
    readHostBytes: (hostOffset, length) =>
      host.onView(({ chain: { top } }) =>
        readAt(hostOffset, length, top.file.size, 'offset.beyondFile', (target) => {
          top.file.read(target, hostOffset);
        }),
      ),
    info: () =>
      host.onView(({ chain }) => {
        const { top } = qcow2Chain(chain);
        const full = top.backing === undefined ? undefined : fullBackingName(top.file.name, top.backing.name);
        return `${qemuJson(imageInfo(top, full))}\n`;
      }),
    exportMap: (request, operation) =>
      host.writing(() =>
        host.onView(({ chain }) => {
          // As in qemu-img: a map that lacks the data of a layer is not a map.
          if (chain.problem !== undefined) throw new EngineError(chain.problem);
          return writeMapFile(chain, request, host.progressOf(operation));
        }),
      ),
    check,
    checkUnattended: (operation) => {
      const writer = host.attempt(() => findWriter(host.path));
      if (!writer.ok) return writer;
      if (writer.value === undefined) return check(operation);
      return { ok: false, problem: new CancelledError(host.path).problem };
    },
    scanContents: async (operation) => {
      const scanned = await host.inSlices((editable) => editable.scanContents(host.progressOf(operation)));
      if (!scanned.ok) return scanned;
      if (host.image !== undefined) host.showContents(host.image);
      return { ok: true, value: undefined };
    },
    lookForGuestFree: (policy, operation) =>
      onBoth((editable, view) => {
        host.guestFree.look(view, editable, policy, host.progressOf(operation));
        return undefined;
      }),
    shrinkOffers: (policy, operation) =>
      onBoth((editable, view) => ({
        sources: shrinkOffers(editable, policy, host.progressOf(operation)),
        guestFree: host.guestFree.known(view),
      })),
    preview: (change, operation) =>
      onBoth((editable, view) => {
        const progress = host.progressOf(operation);
        return editable.preview(host.guestFree.ranged(change, view, progress), progress);
      }),
    obstacles: (operation) => host.onEditable((editable) => editable.obstacles(host.progressOf(operation))),
    previewRepair: (mode, operation) =>
      host.onEditable((editable) => editable.previewRepair(mode, host.progressOf(operation))),
  };
}

/** @throws ArgumentError `offset.beyondDisk`, FileError */
function inspectRaw({ top, withHoles }: RawChain, at: GuestOffset): RawReport {
  if (!Number.isInteger(at) || at < 0 || at >= top.size)
    throw new ArgumentError(top.file.name, 'offset.beyondDisk', { value: at, limit: top.size });
  const start = alignDown(at, RAW_CLUSTER);
  return {
    guestOffset: start,
    length: Math.min(RAW_CLUSTER, top.size - start),
    hostOffset: rawHostOffset(start),
    ...findProvider([withHoles], start, undefined),
  };
}

function contentTotals(scan: ContentScan | undefined): ContentTotals | undefined {
  if (scan === undefined) return undefined;
  const { zeroes, sameAsBacking } = scan;
  return {
    zeroes: zeroes.bytes,
    ...(sameAsBacking === undefined ? {} : { sameAsBacking: sameAsBacking.bytes }),
  };
}
