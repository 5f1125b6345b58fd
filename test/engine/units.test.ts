/**
 * Mix-ups of units that must not compile: the type check covers this file, and reports an expected error that is absent.
 * The functions below are never called.
 */
import { hex } from '../../src/text/hex';
import { expect, it } from 'vitest';
import type { Allocator } from '../../src/qcow2/change/allocator';
import type { DataWriter } from '../../src/qcow2/change/dataWriter';
import type { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import type { Layer } from '../../src/qcow2/image/layer';
import type { WritableFile } from '../../src/qcow2/io/writableFile';
import type { ClusterUses } from '../../src/qcow2/save/uses';
import type { Runs } from '../../src/qcow2/save/runs';
import type { Role } from '../../src/qcow2/save/role';
import type { ReferenceReceiver } from '../../src/qcow2/check/referenceReceiver';
import type { EngineApi } from '../../src/worker/api';
import {
  alignDown,
  type ByteLength,
  type ClusterCount,
  clusterOf,
  guestCluster,
  type GuestCluster,
  guestOffset,
  type GuestOffset,
  hostCluster,
  type HostCluster,
  hostOffset,
  type HostOffset,
  plus,
  rawGuestOffset,
  rawHostOffset,
  startOf,
} from '../../src/qcow2/units';

interface Values {
  readonly guest: GuestOffset;
  readonly host: HostOffset;
  readonly guestIndex: GuestCluster;
  readonly hostIndex: HostCluster;
  readonly length: ByteLength;
  readonly count: ClusterCount;
}

export const mixUps = {
  units: ({ guest, host, guestIndex, hostIndex, length, count }: Values): unknown => [
    // @ts-expect-error: a guest offset is no host offset
    plus<HostOffset>(guest, length),
    // @ts-expect-error: an offset moves by bytes, not by clusters
    plus(host, count),
    // @ts-expect-error: a cluster moves by clusters, not by bytes
    plus(hostIndex, length),
    // @ts-expect-error: two positions have no sum
    plus(host, guest),
    // @ts-expect-error: a guest offset that is taken for a number is not a host offset
    hostOffset(guest),
    // @ts-expect-error: an offset is not the index of a cluster
    hostCluster(host),
    // @ts-expect-error: a count of clusters is not an offset
    guestOffset(count),
    // @ts-expect-error: only an offset lies in a cluster
    clusterOf(guestIndex, length),
    // @ts-expect-error: only a cluster starts at an offset
    startOf(host, length),
    // @ts-expect-error: an offset is aligned to bytes
    alignDown(guest, count),
    // @ts-expect-error: from the disk to the file, not the other way round
    rawHostOffset(host),
    // @ts-expect-error: they never mean the same
    guest === host,
  ],
  files: (file: WritableFile, { guest, host, hostIndex, count }: Values, bytes: Uint8Array): void => {
    // @ts-expect-error: a file knows nothing of the disk
    file.read(bytes, guest);
    // @ts-expect-error: a cluster for an offset
    file.write(bytes, hostIndex);
    // @ts-expect-error: clusters for bytes
    file.fill(host, count);
    // @ts-expect-error: a plain number says nothing of where it counts from
    file.read(bytes, 512);
  },
  image: (image: Qcow2Image, layer: Layer, { guest, host, hostIndex }: Values, bytes: Uint8Array): void => {
    // @ts-expect-error: host cluster for guest cluster
    image.entryAt(hostIndex);
    // @ts-expect-error: guest offset for host cluster
    image.refcountOf(guest);
    // @ts-expect-error: guest and host swapped
    layer.readRun(bytes, host, 2, guest);
    // @ts-expect-error: the end of a guest range is not a place in the file
    layer.forEachRun(guest, host, () => undefined);
  },
  changes: (allocator: Allocator, data: DataWriter, { host, length }: Values, bytes: Uint8Array): void => {
    // @ts-expect-error: the data writer takes guest offsets
    data.write(bytes, host);
    // @ts-expect-error: bytes for clusters
    allocator.allocate(length);
    // @ts-expect-error: an offset for a cluster
    allocator.release(host);
  },
  saves: (uses: ClusterUses, runs: Runs, role: Role, { guest, host, count }: Values): void => {
    // @ts-expect-error: an offset for a cluster
    uses.of(host);
    // @ts-expect-error: a place on the disk for one in the file
    runs.add(guest, 512, role);
    // @ts-expect-error: clusters for bytes
    runs.add(host, count, role);
  },
  check: (receiver: ReferenceReceiver, { guest, host, count }: Values): void => {
    // @ts-expect-error: guest offset for host offset
    receiver.region('data', guest, 512, 1, {});
    // @ts-expect-error: clusters for bytes
    receiver.region('data', host, count, 1, {});
  },
  api: (api: EngineApi, { guest, host, guestIndex }: Values): void => {
    // @ts-expect-error: the disk is inspected at a guest offset
    void api.inspect(host);
    // @ts-expect-error: the file is inspected at a host offset
    void api.inspectHost(guest, 1);
    // @ts-expect-error: a cluster for an offset
    void api.readBytes(guestIndex, 512);
    // @ts-expect-error: places of the disk for places of the file
    void api.readHostBytes(guest, 512);
  },
};

it('converts by plain arithmetic', () => {
  expect(clusterOf(guestOffset(2 ** 40 + 5), 65536)).toBe(guestCluster(2 ** 24));
  expect(startOf(hostCluster(2 ** 24), 65536)).toBe(hostOffset(2 ** 40));
  expect(plus(hostOffset(2 ** 40), -4096)).toBe(2 ** 40 - 4096);
  expect(alignDown(hostOffset(2 ** 40 + 513), 512)).toBe(2 ** 40 + 512);
  expect(rawGuestOffset(rawHostOffset(guestOffset(7)))).toBe(7);
  expect(hex(hostOffset(0x1f0000))).toBe('0x1f0000');
});
