/**
 * `qcow2 compact`: moves clusters from the end of the file to free ones before it, and makes the file shorter. It cannot be
 * undone, but what guests and snapshots read does not change. `--dry-run` only says what it would come to.
 */
import { describeProblem } from '../qcow2/describeProblem';
import { silent } from '../qcow2/progress';
import type { Compacted } from '../qcow2/space/compact';
import { previewCompaction, type CompactPreview } from '../qcow2/space/compactPreview';
import type { ByteSink } from '../text/byteWriter';
import { qemuJson, type JsonValue } from '../text/qemuJson';
import { sizeText } from '../text/sizeText';
import { prepareChange, saveImage, warn, withEditable } from './editable';
import { type Run, withChain } from './verb';

const EXIT_STOPPED = 1;

export const compact: Run<'compact'> = (args) => {
  const { operands, options, output } = args;
  const isJson = options.output === 'json';
  const path = operands.FILE;
  if (options['dry-run']) {
    const preview = withChain(path, true, ({ top }) => previewCompaction(top, silent));
    print(output, isJson ? previewJson(path, preview) : previewText(preview));
    return undefined;
  }
  const done = withEditable(path, args, (image, progress) => {
    prepareChange(image, 'unwritten', progress);
    // Rebuilt refcounts are saved first.
    if (image.edits.unsaved > 0) saveImage(image, progress);
    progress.showBytes();
    return image.space.compactAtOnce(progress);
  });
  print(output, isJson ? doneJson(path, done) : doneText(done));
  if (done.stopped === undefined) return undefined;
  warn(path, describeProblem(done.stopped));
  return EXIT_STOPPED;
};

function print(output: ByteSink, what: JsonValue): void {
  const text = typeof what === 'string' ? `compact: ${what}` : qemuJson(what);
  output.write(Buffer.from(`${text}\n`));
}

function previewText({ fileSize, newFileSize, moveBytes }: CompactPreview): string {
  if (newFileSize >= fileSize) return 'the file cannot become shorter';
  return `${sizeText(moveBytes)} would be moved; the length of the file would change from ${fileSize} to about ${newFileSize} bytes`;
}

const previewJson = (filename: string, preview: CompactPreview): JsonValue => ({
  filename,
  'move-bytes': preview.moveBytes,
  'leaked-bytes': preview.leakedBytes,
  'file-size': preview.fileSize,
  'new-file-size': preview.newFileSize,
});

function doneText({ changed, movedBytes, before, after }: Compacted): string {
  if (!changed) return 'nothing to compact';
  const length = after.fileSize === before.fileSize ? 'as before' : `was ${before.fileSize}`;
  return `${sizeText(movedBytes)} moved; the file is ${after.fileSize} bytes long (${length})`;
}

const doneJson = (filename: string, done: Compacted): JsonValue => ({
  filename,
  changed: done.changed,
  'moved-bytes': done.movedBytes,
  'actual-size': done.before.allocatedBytes,
  'new-actual-size': done.after.allocatedBytes,
  'file-size': done.before.fileSize,
  'new-file-size': done.after.fileSize,
  stopped: done.stopped === undefined ? undefined : describeProblem(done.stopped),
});
