/** Findings about a backing chain, each with its layer and file. */
import { copyFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chainFindings } from '../../../src/qcow2/chain/chainFindings';
import { openChain } from '../../../src/qcow2/chain/openChain';
import { Holder } from '../../support/holder';
import { image } from '../../support/imageBuilder';
import { workspace, type Workspace } from '../../support/workspace';

const LONG_AGO = 1e9;

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

/** @param format none where it is left to be probed */
function write(name: string, backing?: string, format?: string, size = '1M'): void {
  const named = backing === undefined ? {} : { backing: { name: backing, ...(format && { format }) } };
  image({ size, ...named }).writeTo(place.path(name));
  utimesSync(place.path(name), LONG_AGO, LONG_AGO);
}

/** Depth, code and file name of each. */
function found(top = 'top.qcow2'): (readonly [number, string, string])[] {
  const chain = openChain(place.path(top), { followsNames: true });
  try {
    return chainFindings(chain).map(({ depth, problem }) => [
      depth,
      problem.code,
      problem.file.slice(place.folder.length + 1),
    ]);
  } finally {
    chain.close();
  }
}

describe('the check of a chain', () => {
  test('finds nothing where all is as it should be', () => {
    write('base.qcow2');
    write('mid.qcow2', 'base.qcow2', 'qcow2');
    write('top.qcow2', 'mid.qcow2', 'qcow2');
    expect(found()).toEqual([]);
  });

  test('tells of a backing format that is missing', () => {
    write('base.qcow2');
    write('top.qcow2', 'base.qcow2');
    expect(found()).toEqual([[1, 'chain.formatProbed', 'base.qcow2']]);
  });

  test('tells of one that is wrong, whichever way round', () => {
    write('base.qcow2');
    copyFileSync(place.path('base.qcow2'), place.path('base.raw'));
    utimesSync(place.path('base.raw'), LONG_AGO, LONG_AGO);
    write('top.qcow2', 'base.raw', 'raw');
    expect(found().map(([, code]) => code)).toContain('chain.formatWrong');
    writeFileSync(place.path('plain.raw'), Buffer.alloc(2 ** 20, 5));
    write('other.qcow2', 'plain.raw', 'qcow2');
    expect(found('other.qcow2')).toEqual([[1, 'header.magic', 'plain.raw']]);
  });

  test('tells of a backing file that was changed after its overlay, at any depth', () => {
    write('base.qcow2');
    write('mid.qcow2', 'base.qcow2', 'qcow2');
    write('top.qcow2', 'mid.qcow2', 'qcow2');
    utimesSync(place.path('base.qcow2'), LONG_AGO + 5, LONG_AGO + 5);
    expect(found()).toEqual([[2, 'chain.newer', 'base.qcow2']]);
  });

  test('tells of a backing file that another program has as the active layer', async () => {
    write('base.qcow2');
    write('top.qcow2', 'base.qcow2', 'qcow2');
    const holder = await Holder.open(place.path('base.qcow2'));
    try {
      expect(found().filter(([, code]) => code !== 'chain.newer')).toEqual([
        [1, 'chain.inUse', 'base.qcow2'],
      ]);
    } finally {
      await holder.end();
    }
    expect(found().map(([, code]) => code)).not.toContain('chain.inUse');
  });

  test('says nothing of one that another program only reads', async () => {
    write('base.qcow2');
    write('top.qcow2', 'base.qcow2', 'qcow2');
    const holder = await Holder.open(place.path('base.qcow2'), '-r');
    try {
      expect(found()).toEqual([]);
    } finally {
      await holder.end();
    }
  });

  test('tells of sizes that differ', () => {
    write('short.qcow2', undefined, undefined, '512k');
    write('top.qcow2', 'short.qcow2', 'qcow2');
    write('long.qcow2', undefined, undefined, '2M');
    write('other.qcow2', 'long.qcow2', 'qcow2');
    expect(found()).toEqual([[1, 'chain.shorter', 'short.qcow2']]);
    expect(found('other.qcow2')).toEqual([[1, 'chain.longer', 'long.qcow2']]);
  });

  test('tells of a cycle, and of a backing file that is missing', () => {
    write('base.qcow2', 'top.qcow2', 'qcow2');
    write('top.qcow2', 'base.qcow2', 'qcow2');
    expect(found()).toEqual([[2, 'chain.cycle', 'top.qcow2']]);
    renameSync(place.path('base.qcow2'), place.path('elsewhere.qcow2'));
    expect(found()).toEqual([[1, 'file.missing', 'base.qcow2']]);
  });
});
