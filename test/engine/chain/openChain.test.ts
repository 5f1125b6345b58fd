// @requires posix: paths with slashes
import { linkSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Chain } from '../../../src/qcow2/chain/openChain';
import { MAX_LAYERS, openChain } from '../../../src/qcow2/chain/openChain';
import { EngineError } from '../../../src/qcow2/errors';
import { image } from '../../support/imageBuilder';
import type { Workspace } from '../../support/workspace';
import { workspace } from '../../support/workspace';

let place: Workspace;
let opened: Chain[];

beforeEach(() => {
  place = workspace();
  opened = [];
});
afterEach(() => {
  for (const chain of opened) chain.close();
  place.remove();
});

function open(name: string, followsNames = true): Chain {
  const chain = openChain(place.path(name), { followsNames });
  opened.push(chain);
  return chain;
}

/** An overlay over `backing`; `format` null leaves it to be probed. */
function overlay(name: string, backing: string, format: string | null = 'qcow2', size = '1M'): void {
  image({ size, backing: format === null ? { name: backing } : { name: backing, format } }).writeTo(
    place.path(name),
  );
}

const states = (chain: Chain) => chain.view.layers.map(({ state }) => state);
const codes = (chain: Chain) => chain.view.layers.map(({ problem }) => problem?.code);

describe('a chain of three with a raw base', () => {
  beforeEach(() => {
    writeFileSync(place.path('base.raw'), 'x'.repeat(1000));
    overlay('mid.qcow2', 'base.raw', 'raw', '64k');
    overlay('top.qcow2', 'mid.qcow2');
  });

  test('opens layer by layer and says what each is', () => {
    const chain = open('top.qcow2');
    expect(chain.complete).toBe(true);
    expect(chain.view.complete).toBe(true);
    expect(chain.layers.map(({ format, size }) => [format, size])).toEqual([
      ['qcow2', 1024 * 1024],
      ['qcow2', 64 * 1024],
      ['raw', 1024],
    ]);
    expect(chain.view.layers[2]).toMatchObject({
      depth: 2,
      nameAsWritten: 'base.raw',
      path: place.path('base.raw'),
      format: 'raw',
      formatWasProbed: false,
      state: 'open',
      virtualSize: 1024,
      fileSize: 1000,
    });
  });

  test('notes where sizes differ', () => {
    const notes = open('top.qcow2').view.layers.map((layer) => layer.notes.map(({ code }) => code));
    expect(notes).toEqual([[], ['chain.shorter'], ['chain.shorter']]);
  });

  test('names nothing but the image in Restricted Mode', () => {
    const chain = open('top.qcow2', false);
    expect(states(chain)).toEqual(['open', 'notOpened']);
    expect(codes(chain)).toEqual([undefined, 'gate.restricted']);
    expect(chain).toMatchObject({ complete: false, problem: { code: 'gate.restricted' } });
    expect(chain.files).toHaveLength(1);
  });

  test('is seen to change with any of its files', () => {
    const chain = open('top.qcow2');
    expect(chain.hasChanged()).toBe(false);
    truncateSync(place.path('base.raw'), 5000);
    expect(chain.hasChanged()).toBe(true);
  });
});

describe('a backing format that is not given', () => {
  test('is probed, and the chain says so', () => {
    image({ size: '1M' }).writeTo(place.path('base'));
    overlay('top.qcow2', 'base', null);
    const chain = open('top.qcow2');
    expect(chain.view.layers[1]).toMatchObject({ format: 'qcow2', formatWasProbed: true });
    expect(chain.view.layers[1]?.notes.map(({ code }) => code)).toEqual(['chain.formatProbed']);
  });

  test('is not guessed to be raw where the content is another known format', () => {
    writeFileSync(place.path('base'), 'KDMV and so on');
    overlay('top.qcow2', 'base', null);
    expect(open('top.qcow2').view.layers[1]).toMatchObject({
      state: 'unreadable',
      problem: { kind: 'unsupported', code: 'chain.format', value: 'vmdk' },
    });
  });

  test('comes from a json: name where that has one', () => {
    image({ size: '1M' }).writeTo(place.path('base'));
    overlay('top.qcow2', 'json:{"driver":"raw","file.filename":"base"}', null);
    expect(open('top.qcow2').view.layers[1]).toMatchObject({ format: 'raw', formatWasProbed: false });
  });
});

test('a header that gives raw is believed over content that looks like qcow2', () => {
  image({ size: '1M' }).writeTo(place.path('base'));
  overlay('top.qcow2', 'base', 'raw');
  expect(open('top.qcow2').layers[1]?.format).toBe('raw');
});

describe('a layer that cannot be opened is a state', () => {
  test('missing', () => {
    overlay('top.qcow2', 'nowhere/base.qcow2');
    const chain = open('top.qcow2');
    expect(states(chain)).toEqual(['open', 'missing']);
    expect(chain.problem).toMatchObject({ code: 'file.missing', file: place.path('nowhere/base.qcow2') });
    expect(chain.layers).toHaveLength(1);
  });

  test('refused', () => {
    overlay('top.qcow2', 'nbd://host/disk');
    expect(open('top.qcow2').view.layers[1]).toMatchObject({
      state: 'refused',
      nameAsWritten: 'nbd://host/disk',
      problem: { code: 'gate.protocol' },
    });
  });

  test('unreadable', () => {
    mkdirSync(place.path('folder'));
    overlay('top.qcow2', 'folder');
    expect(open('top.qcow2').view.layers[1]).toMatchObject({
      state: 'unreadable',
      problem: { code: 'file.notRegular', what: 'a directory' },
    });
    writeFileSync(place.path('junk'), 'no qcow2');
    overlay('top2.qcow2', 'junk');
    expect(open('top2.qcow2').view.layers[1]).toMatchObject({
      state: 'unreadable',
      problem: { code: 'foreign.text' },
    });
  });

  test('of a format that is not read', () => {
    writeFileSync(place.path('base'), '');
    overlay('top.qcow2', 'base', 'vmdk');
    expect(open('top.qcow2').view.layers[1]).toMatchObject({
      problem: { code: 'chain.format', value: 'vmdk' },
    });
  });
});

describe('a cycle is named', () => {
  test('when an image is its own backing file', () => {
    overlay('self.qcow2', 'self.qcow2');
    const chain = open('self.qcow2');
    expect(states(chain)).toEqual(['open', 'cycle']);
    expect(chain.problem).toMatchObject({ kind: 'refused', code: 'chain.cycle' });
  });

  test('through links, json: names and probing', () => {
    symlinkSync('a.qcow2', place.path('soft.qcow2'));
    overlay('c.qcow2', 'soft.qcow2', null);
    overlay('b.qcow2', `json:{"driver":"qcow2","file":{"driver":"file","filename":"hard.qcow2"}}`);
    linkSync(place.path('c.qcow2'), place.path('hard.qcow2'));
    overlay('a.qcow2', './b.qcow2');
    expect(states(open('a.qcow2'))).toEqual(['open', 'open', 'open', 'cycle']);
  });

  test('but an image that reads itself as raw ends there', () => {
    overlay('self.qcow2', 'self.qcow2', 'raw');
    expect(states(open('self.qcow2'))).toEqual(['open', 'open']);
  });
});

test('a chain is followed to a bound, which is told', () => {
  for (let depth = 0; depth <= MAX_LAYERS; depth++)
    overlay(`${depth}.qcow2`, `${depth + 1}.qcow2`, 'qcow2', '64k');
  const chain = open('0.qcow2');
  expect(chain.layers).toHaveLength(MAX_LAYERS);
  expect(chain.view.layers.at(-1)).toMatchObject({
    state: 'notOpened',
    problem: { code: 'chain.tooDeep', limit: MAX_LAYERS },
  });
});

test('a relative name belongs to the folder of the link that was opened, as in QEMU', () => {
  mkdirSync(place.path('real'));
  image({ size: '64k' }).writeTo(place.path('base.qcow2'));
  overlay('top.qcow2', 'base.qcow2');
  renameSync(place.path('top.qcow2'), place.path('real/top.qcow2'));
  symlinkSync('real/top.qcow2', place.path('link.qcow2'));
  expect(open('link.qcow2').complete).toBe(true);
  expect(states(open('real/top.qcow2'))).toEqual(['open', 'missing']);
});

describe('an external data file', () => {
  beforeEach(() => {
    image({ size: '1M', dataFile: { name: 'data.raw' } })
      .data(0)
      .writeTo(place.path('top.qcow2'));
  });

  test('is opened with its image', () => {
    const chain = open('top.qcow2');
    expect(chain.complete).toBe(true);
    expect(chain.view.layers[0]).toMatchObject({ dataFile: 'data.raw', state: 'open' });
    expect(chain.layers[0].dataFile.name).toBe(place.path('data.raw'));
  });

  test('that is missing leaves an open image and an incomplete chain', () => {
    renameSync(place.path('data.raw'), place.path('gone'));
    const chain = open('top.qcow2');
    expect(chain.complete).toBe(false);
    expect(chain.problem).toMatchObject({ code: 'file.missing', file: place.path('data.raw') });
    expect(chain.view.layers[0]).toMatchObject({ state: 'open', notes: [{ code: 'file.missing' }] });
  });

  test('is not opened in Restricted Mode', () => {
    const chain = open('top.qcow2', false);
    expect(chain.files).toHaveLength(1);
    expect(chain.problem?.code).toBe('gate.restricted');
  });
});

test('only the image itself must open', () => {
  expect(() => open('missing.qcow2')).toThrow(EngineError);
  writeFileSync(place.path('empty.qcow2'), '');
  expect(() => open('empty.qcow2')).toThrow(EngineError);
});
