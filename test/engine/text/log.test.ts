/** The log of an image: its events and errors in its thread, never its content. */
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ImageDocument } from '../../../src/editor/model/document';
import { Sessions } from '../../../src/editor/model/sessions';
import { log, logTo } from '../../../src/text/log';
import { EngineClient } from '../../../src/worker/engineClient';
import { image } from '../../support/imageBuilder';
import { mustQemuImg } from '../../support/qemu';
import { type BuiltWorker, buildWorker, until } from '../../support/worker';
import { workspace, type Workspace } from '../../support/workspace';
import { guestOffset } from '../../../src/qcow2/units';

describe('the log', () => {
  let worker: BuiltWorker;
  let files: Workspace;
  let lines: string[];
  let endLog: () => void;
  const documents: ImageDocument[] = [];

  beforeAll(() => {
    worker = buildWorker();
  });

  afterAll(() => {
    worker.remove();
  });

  beforeEach(() => {
    files = workspace();
    lines = [];
    const write = (level: string) => (line: string) => void lines.push(`${level} ${line}`);
    endLog = logTo({ info: write('info'), warn: write('warn'), error: write('error') });
  });

  afterEach(() => {
    for (const document of documents.splice(0)) document.dispose();
    endLog();
    files.remove();
  });

  function open(name: string, workerScript = worker.script): ImageDocument {
    let generation = 0;
    const sessions = new Sessions({
      workerScript,
      scratchFolder: files.folder,
      followsNames: () => true,
      nextGeneration: () => ++generation,
    });
    const document = new ImageDocument({ kind: 'path', path: files.path(name) }, sessions);
    documents.push(document);
    return document;
  }

  it('says what was opened, and what could not be', async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', files.path('disk.qcow2'), '1M']);
    writeFileSync(files.path('secret.qcow2'), 'hunter2');
    await open('disk.qcow2').whenRead();
    await open('secret.qcow2').whenRead();
    const [opened, refused] = lines.filter((line) => !line.includes('Native'));
    expect(opened).toMatch(/^info Opened .*disk\.qcow2 in \d+ ms: version 3, disk 1048576 bytes/);
    expect(refused).toBe(
      `warn Cannot open ${files.path('secret.qcow2')}: foreign.text, ${files.path('secret.qcow2')} at 0`,
    );
    expect(lines.join('\n')).not.toMatch(/hunter|68756e74/);
  });

  it('says that a save began, how it ended and how long it took', async () => {
    mustQemuImg([
      'create',
      '-q',
      '-f',
      'qcow2',
      '-o',
      'preallocation=metadata',
      files.path('disk.qcow2'),
      '1M',
    ]);
    const document = open('disk.qcow2');
    await document.whenRead();
    const options = { unmap: true, thorough: false, fallback: true, policy: 'unallocate' } as const;
    const staged = await document.edit((staging) =>
      staging.stage({ kind: 'writeZeroes', start: guestOffset(0), length: 65536, options }, 'edit'),
    );
    expect(staged.ok).toBe(true);
    await document.inTurn(() => document.edit((staging) => staging.save(() => undefined)));
    await document.inTurn(() =>
      document.edit((staging) => staging.saveAs(files.path('no/folder'), {}, () => undefined)),
    );
    const disk = files.path('disk.qcow2');
    expect(lines).toContain(`info Save of ${disk}: begins`);
    expect(lines.join('\n')).toMatch(/info Save of .*disk\.qcow2: done in \d+ ms/);
    expect(lines.join('\n')).toMatch(/warn Save of .*disk\.qcow2 as .*: failed after \d+ ms: .*ENOENT/);
  });

  it('has the stack of a thread that died', async () => {
    const script = files.path('dying.js');
    writeFileSync(script, "setTimeout(() => { throw new RangeError('out of luck'); }, 50);");
    open('disk.qcow2', script);
    const line = await until('the line', () => lines.find((text) => text.startsWith('error')));
    expect(line).toMatch(
      /^error The thread of .*disk\.qcow2 died\nRangeError: out of luck\n {4}at .*dying\.js/,
    );
  });

  it('has the stack of a fault within the thread, which goes on', async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', files.path('disk.qcow2'), '1M']);
    const document = open('disk.qcow2');
    await document.whenRead();
    const answer = await document.ask((engine) => engine.cells(null as never));
    expect(answer).toMatchObject({ ok: false, problem: { code: 'engine.fault' } });
    const line = await until('the line', () => lines.find((text) => text.startsWith('error')));
    expect(line).toMatch(/^error Image .*disk\.qcow2\nTypeError: .*\n {4}at .*engine\.js/);
    expect((await document.ask((engine) => engine.readBytes(guestOffset(0), 1))).ok).toBe(true);
  });

  it('is offered by the state after a fault within the thread, once', async () => {
    mustQemuImg(['create', '-q', '-f', 'qcow2', files.path('disk.qcow2'), '1M']);
    const document = open('disk.qcow2');
    await document.whenRead();
    expect(document.state?.warnings).toEqual([]);
    await document.ask((engine) => engine.cells(null as never));
    await document.run((engine, operation) => engine.preview(null as never, operation));
    expect(document.state?.warnings.map(({ code }) => code)).toEqual(['engine.fault']);
  });

  it('has the stack of what escapes from a call', async () => {
    const faults: string[] = [];
    const client = new EngineClient(worker.script, {
      faulted: (doing, stack) => void faults.push(doing, stack),
    });
    try {
      await client.open(files.path('none.qcow2'), undefined as never).catch(() => undefined);
      expect(faults.join('\n')).toMatch(/none\.qcow2\nTypeError: .*\n {4}at /);
    } finally {
      await client.dispose();
    }
  });

  it('has each line as one, whatever the names in it', () => {
    log.info('a\n2026-01-01 [error] forged\u001b[2J');
    log.fault('b\nc', new Error('d\ne'));
    expect(lines[0]).toBe('info a\\x0a2026-01-01 [error] forged\\x1b[2J');
    expect(lines[1]).toMatch(/^error b\\x0ac\nError: d\\x0ae\n {4}at /);
  });

  it('has nothing of names and data within an image', async () => {
    const secret = 'topsecret';
    image({ size: '1M', backing: { name: `${secret}.qcow2`, format: 'qcow2' } })
      .data(0, 2)
      .snapshot(secret)
      .bitmap(secret)
      .writeTo(files.path('disk.qcow2'));
    await open('disk.qcow2').whenRead();
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join('\n')).not.toContain(secret);
  });
});
